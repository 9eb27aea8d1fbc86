"""`ccops init`: a home from nothing, or what is missing in one."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from ccops.app.doctor.findings import Finding, well
from ccops.cli.attention import print_findings
from ccops.cli.command_line import command, new_app, show_error
from ccops.cli.context import NoCredential, meet, remember, session_of
from ccops.cli.exit_status import FINE, NEEDS_A_PERSON
from ccops.cli.login_flow import TYPED, typed_key
from ccops.cli.options import YesOption
from ccops.errors import CcopsError, CredentialRefused, Misconfigured
from ccops.text import clean, csv_safe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from ccops.cli.context import OpenedCrm, Session
    from ccops.config.home import Home
    from ccops.crm.base import Account
    from ccops.engine.bootstrap import Unknown
    from ccops.ledger.model import Entry
    from ccops.operations.model import Operation

app = new_app()


@dataclass(frozen=True, slots=True)
class InitOptions:
    """The options of `init`."""

    yes: YesOption = False
    save_key: Annotated[bool, typer.Option("--save-key", help="Store the key of KIT_API_KEY, so that cron has it.")] = (
        False
    )
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Make a home for rehearsals, without an account in Kit.")
    ] = False
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Go on where a ledger stopped that is lost for ever.")
    ] = False
    grants_done: Annotated[
        bool,
        typer.Option(
            "--grants-done",
            help="With --take-over: take this period's grants as done for all whom the lost ledger changed.",
        ),
    ] = False


@command(
    app,
    "init",
    """
    ccops init
    ccops init --sandbox --home rehearsal
    ccops init --yes --save-key
    ccops init --take-over
    ccops init --take-over --grants-done
    """,
)
def init(ctx: typer.Context, wishes: InitOptions) -> int:
    """Set up the home: key, receipt field, settings, ledger.

    Asks for the API key of your Kit account, makes the field "ccops receipt" there, in which each change leaves its
    receipt, and the folder with settings, operations and ledger. Run again, it makes only what is missing.
    """
    return set_up(session_of(ctx), wishes)


# ---- what `ccops init` does, step by step, in an order that lets the same command finish what was broken off
#
# The ledger comes first and whole, the files last: a home with files and no ledger has lost it.


class NoRehearsal(Misconfigured):
    """A home that was set up for an account in Kit is to become one for rehearsals."""

    mend = "ccops init --sandbox --home rehearsal"

    def __init__(self, home: "Path") -> None:
        super().__init__(
            f"{clean(str(home))} is set up for an account in Kit. Nothing was changed. Rehearse elsewhere:"
        )


class TokenIsNotKept(Misconfigured):
    """An access token is to be stored where only keys are."""

    def __init__(self) -> None:
        super().__init__(
            "--save-key stores a key, but KIT_ACCESS_TOKEN is set and wins: an access token, which ends after some "
            "hours. Nothing was changed. Unset it, and give the key in KIT_API_KEY."
        )


class NothingTakenOver(Misconfigured):
    """Grants can be counted as done only where a ledger is taken over."""

    mend = "ccops init --take-over --grants-done"

    def __init__(self) -> None:
        super().__init__("--grants-done goes with --take-over. Nothing was changed.")


class Declined(Exception):  # noqa: N818 - never leaves this module
    """The person at the terminal said no."""


def set_up(session: "Session", wishes: "InitOptions") -> int:
    """Make what is missing in a home, and say what was made."""
    _demand_sense(session, wishes)
    session.home.make()
    try:
        kit = _meet(session, wishes)
        made = [*_ledger(session, kit, wishes), *_files(session, kit)]
    except Declined:
        session.console.note("Nothing was changed.")
        return NEEDS_A_PERSON
    made += _key(session, kit, wishes)
    remember(session, kit.way.credential)
    _tell(session, kit, made)
    return FINE


def _demand_sense(session: "Session", wishes: "InitOptions") -> None:
    """Refuse what can't be meant. Raises NoRehearsal, TokenIsNotKept, NothingTakenOver, LedgerLost."""
    from ccops.ledger.errors import LedgerLost

    home, settings = session.home, session.settings
    if wishes.sandbox and not settings.sandbox:
        if home.config.exists():
            raise NoRehearsal(home.path)
        session.settings = settings = replace(settings, sandbox=True)
    if wishes.save_key and not settings.sandbox and settings.given and settings.given.kind == "oauth":
        raise TokenIsNotKept
    if wishes.grants_done and not wishes.take_over:
        raise NothingTakenOver
    if home.was_set_up and not home.ledger.exists() and not wishes.take_over:
        raise LedgerLost(home.ledger)


def _meet(session: "Session", wishes: "InitOptions") -> "OpenedCrm":
    """Open Kit with the key that is there; at a terminal, ask for one that is missing or that Kit refuses."""
    can_ask = session.questions.possible and not wishes.yes
    try:
        return meet(session)
    except CredentialRefused as error:
        if not can_ask:
            raise
        if not isinstance(error, NoCredential):
            show_error(session.console, error, mended=False)
        return typed_key(session)


def _ledger(session: "Session", kit: "OpenedCrm", wishes: "InitOptions") -> Iterator[Finding]:
    """Make the receipt field and the ledger, or what is missing of them. Raises LedgerElsewhere and Declined."""
    if session.home.ledger.exists():
        yield from _known_ledger(session, kit, wishes)
    else:
        yield from _new_ledger(session, kit, wishes)


def _new_ledger(session: "Session", kit: "OpenedCrm", wishes: "InitOptions") -> Iterator[Finding]:
    from ccops.engine.bootstrap import (
        NOTHING_UNKNOWN,
        demand_nothing_unknown,
        found,
        receipt_field,
        unknown_to_all,
    )

    home = session.home
    field = receipt_field(kit.crm)
    unknown = NOTHING_UNKNOWN
    if field.made:
        yield _field_made(field.key)
    else:
        _say_searching(session)
        unknown = unknown_to_all(kit.crm, field.key)
    if not wishes.take_over:
        demand_nothing_unknown(unknown)
    elif unknown.ledgers:
        _agree(session, kit, unknown, wishes)
    found(home.ledger, home.locks, kit.account, field.key, unknown)
    after = f", goes on behind e{unknown.highest}" if unknown.ledgers else ""
    yield well("ledger", f"made {home.ledger.name}{after}")
    yield from _grants_done(session, unknown, wishes)


def _known_ledger(session: "Session", kit: "OpenedCrm", wishes: "InitOptions") -> Iterator[Finding]:
    from ccops.engine.bootstrap import (
        mend_receipt_field,
        take_over,
        unknown_to,
    )

    ledger = session.ledger
    ledger.identity.check_account(kit.account.id, kit.account.name)
    field = mend_receipt_field(ledger, kit.crm)
    if field is not None:
        yield _field_made(field.key) if field.made else well("receipts", f"found in the field {field.key} of Kit")
    if wishes.take_over:
        _say_searching(session)
        unknown = unknown_to(ledger, kit.crm)
        if not unknown.ledgers:
            session.console.note("There is nothing to take over: this ledger knows all receipts in Kit.")
            return
        _agree(session, kit, unknown, wishes)
        take_over(ledger, unknown)
        yield well("ledger", f"goes on behind e{unknown.highest}, under a new id")
        yield from _grants_done(session, unknown, wishes)


def _grants_done(session: "Session", unknown: "Unknown", wishes: "InitOptions") -> Iterator[Finding]:
    """Use up this period of what comes once in one, for the contacts that the lost ledger changed, if it was wished."""
    from ccops.engine.bootstrap import count_as_done

    if wishes.grants_done and unknown.ledgers:
        operations, now = periodical(session.home), session.clock.now()
        done = count_as_done(session.ledger, operations, unknown.carriers, session.settings.actor, now)
        yield well("grants", what_was_counted(done))


def _agree(session: "Session", kit: "OpenedCrm", unknown: "Unknown", wishes: "InitOptions") -> None:
    """Say what a take-over means, and ask. Raises Declined and NobodyToAsk."""
    home = session.home
    for text in what_is_not_known(unknown, kit.account, home, list_changed(home, unknown, session.clock.now())):
        session.console.advise(text)
    for text in () if wishes.grants_done else how_to_count_as_done(unknown, home):
        session.console.note(text)
    if not wishes.yes and not session.questions.confirm("Take over?"):
        raise Declined


def _files(session: "Session", kit: "OpenedCrm") -> Iterator[Finding]:
    """Write registry and settings where they are missing."""
    from ccops.config.templates import make_config, make_registry

    home = session.home
    zone = make_registry(home, kit.account.timezone)
    if zone is not None:
        known = "as in Kit" if zone == kit.account.timezone else "as Kit names none; change it there"
        yield well("registry", f"made {home.registry.name}, time zone {zone} ({known})")
    if make_config(home, sandbox=session.settings.sandbox):
        yield well("settings", f"made {home.config.name}")


def _key(session: "Session", kit: "OpenedCrm", wishes: "InitOptions") -> Iterator[Finding]:
    """Store the key if it was typed, or if it is to be stored."""
    from ccops.cli.login_flow import end_login
    from ccops.config.settings import store_key

    credential, console = kit.way.credential, session.console
    if session.settings.sandbox or credential.source == session.home.config.name:
        return
    if credential.source == TYPED or (wishes.save_key and credential.source in session.environ):
        store_key(session.home, credential.secret)
        yield well("key", f"stored in {session.home.config.name}")
        if end_login(session):
            yield well("login", "ended; the key counts in its place")
    elif credential.source in session.environ and credential.kind == "key":
        console.advise(f"The key stays in {credential.source} alone; cron lacks it. To store it: ccops init --save-key")


def _tell(session: "Session", kit: "OpenedCrm", made: list[Finding]) -> None:
    console, path = session.console, session.home.path
    account = f"{clean(kit.account.name)} ({kit.account.id})"
    if not made:
        console.tell(f"Everything is in place for {account} in {path}; nothing was changed.")
        return
    print_findings(console, [well("home", str(path)), well("Kit", f"{account}, {_by_what(session, kit)}"), *made])
    if not session.registry.operations:
        console.note("Next, make an operation: ccops op add")


def _by_what(session: "Session", kit: "OpenedCrm") -> str:
    if session.settings.sandbox:
        return "the embedded sandbox"
    source = kit.way.credential.source
    if kit.way.credential.kind == "oauth":
        return f"by the login from {source}"
    return "by the key you typed" if source == TYPED else f"by the key from {source}"


def _field_made(key: str) -> Finding:
    return well("receipts", f'made the field "ccops receipt" in Kit (key {key})')


def _say_searching(session: "Session") -> None:
    session.console.note("Looking through all contacts for receipts …")


# ---- what a person has to know before a ledger goes on where another one stopped

_MOST_NAMED = 3


def what_is_not_known(unknown: "Unknown", account: "Account", home: "Home", listed: "Path") -> Iterator[str]:
    """Say whose receipts were found, and what this ledger will count again, in a sentence each."""
    carry = "1 contact carries a receipt" if unknown.contacts == 1 else f"{unknown.contacts:,} contacts carry receipts"
    where = f"In {clean(account.name)} ({account.id})"
    yield f"{where}, {carry} of which this home lacks the entries, up to e{unknown.highest}: {_names(unknown)}."
    whom = "It is" if unknown.contacts == 1 else "They are"
    yield f"{whom} in {clean(str(listed))}; nobody else shows a change of what is lost."
    yield "If a home that has them is still at work anywhere, stop here: two of them would count twice."
    yield "What was counted there is not known here, and would be counted again:"
    yield f"- {_grants(home)} of this period, for all who got it there;"
    yield "- imports, keys and POSTs that were done there, if they are given again;"
    yield "- tags that are left on after a run, for all who carry them."
    yield "None of it can be shown or undone here. New entries get numbers above those."
    yield "Pause what must not come twice, before cron runs again: ccops op pause OPERATION"


def how_to_count_as_done(unknown: "Unknown", home: "Home") -> Iterator[str]:
    """Say how the grants of this period can be taken as done for all who may have got them."""
    if periodical(home):
        them = "this contact" if unknown.contacts == 1 else f"these {unknown.contacts:,} contacts"
        yield f"To take {_grants(home)} of this period as done for {them}, instead of granting it again:"
        yield "  ccops init --take-over --grants-done"


def what_was_counted(done: "Sequence[Entry]") -> str:
    """Say what was taken as done, and how to give it to who did not get it."""
    if not done:
        return "No grant was counted as done: no operation comes once in a period, or this ledger knows of all."
    names = " and ".join(dict.fromkeys(entry.operation for entry in done))
    numbers = f"e{done[0].id}" if len(done) == 1 else f"e{done[0].id} to e{done[-1].id}"
    return (
        f"Counted {names} of this period as done for {len(done):,} of them ({numbers}). Who did not get it before the "
        "loss: ccops undo ENTRY --reopen, then run it for them."
    )


def list_changed(home: "Home", unknown: "Unknown", now: "datetime") -> "Path":
    """Write the contacts that the lost part changed to a file of the home, as a table. Raises FileUnusable."""
    from ccops.config.home import write_private

    rows = io.StringIO()
    table = csv.writer(rows)
    table.writerow(["id", "email", "receipt"])
    table.writerows([carrier.id, csv_safe(carrier.email), csv_safe(carrier.receipt)] for carrier in unknown.carriers)
    path = home.path / f"changed-by-a-lost-ledger-{now:%Y%m%dT%H%M%SZ}.csv"
    write_private(path, rows.getvalue())
    return path


def _names(unknown: "Unknown") -> str:
    ledgers = sorted(unknown.ledgers, key=unknown.ledgers.__getitem__, reverse=True)
    more = f" and {len(ledgers) - _MOST_NAMED} more" if len(ledgers) > _MOST_NAMED else ""
    return f"ledger {', '.join(ledgers[:_MOST_NAMED])}{more}"


def _grants(home: "Home") -> str:
    names = [operation.name for operation in periodical(home)]
    return " and ".join(names[:_MOST_NAMED]) or "what is granted once"


def periodical(home: "Home") -> "list[Operation]":
    """Return the operations that come once in a period, as far as the registry can be read."""
    return [operation for operation in _operations(home) if operation.once_per]


def _operations(home: "Home") -> "list[Operation]":
    from ccops.config.operations_file import load

    try:
        return list(load(home.registry).operations.values())
    except CcopsError:  # missing or with mistakes: the names are a courtesy
        return []

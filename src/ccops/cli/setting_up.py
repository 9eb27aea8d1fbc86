"""What `ccops init` does, step by step, in an order that lets the same command finish what was broken off.

The ledger comes first and whole, the files last: a home with files and no ledger has lost it.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ccops.cli import doors
from ccops.cli.asking_key import TYPED, typed_key
from ccops.cli.ending import show
from ccops.cli.exits import FINE, NEEDS_A_PERSON
from ccops.cli.findings import print_findings
from ccops.errors import CredentialRefused, Misconfigured
from ccops.report.doctor.finding import Finding, well
from ccops.text import clean

if TYPE_CHECKING:
    from pathlib import Path

    from ccops.cli.doors import Kit
    from ccops.cli.init import Wishes
    from ccops.cli.session import Session
    from ccops.engine.founding import Unknown


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


def set_up(session: "Session", wishes: "Wishes") -> int:
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
    doors.remember(session, kit.way.credential)
    _tell(session, kit, made)
    return FINE


def _demand_sense(session: "Session", wishes: "Wishes") -> None:
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


def _meet(session: "Session", wishes: "Wishes") -> "Kit":
    """Open Kit with the key that is there; at a terminal, ask for one that is missing or that Kit refuses."""
    can_ask = session.questions.possible and not wishes.yes
    try:
        return doors.meet(session)
    except CredentialRefused as error:
        if not can_ask:
            raise
        if not isinstance(error, doors.NoCredential):
            show(session.console, error, mended=False)
        return typed_key(session)


def _ledger(session: "Session", kit: "Kit", wishes: "Wishes") -> Iterator[Finding]:
    """Make the receipt field and the ledger, or what is missing of them. Raises LedgerElsewhere and Declined."""
    if session.home.ledger.exists():
        yield from _known_ledger(session, kit, wishes)
    else:
        yield from _new_ledger(session, kit, wishes)


def _new_ledger(session: "Session", kit: "Kit", wishes: "Wishes") -> Iterator[Finding]:
    from ccops.engine import founding

    home = session.home
    field = founding.receipt_field(kit.crm)
    unknown = founding.NOTHING_UNKNOWN
    if field.made:
        yield _field_made(field.key)
    else:
        _say_searching(session)
        unknown = founding.unknown_to_all(kit.crm, field.key)
    if not wishes.take_over:
        founding.demand_nothing_unknown(unknown)
    elif unknown.ledgers:
        _agree(session, kit, unknown, wishes)
    founding.found(home.ledger, home.locks, kit.account, field.key, unknown)
    after = f", goes on behind e{unknown.highest}" if unknown.ledgers else ""
    yield well("ledger", f"made {home.ledger.name}{after}")
    yield from _grants_done(session, unknown, wishes)


def _known_ledger(session: "Session", kit: "Kit", wishes: "Wishes") -> Iterator[Finding]:
    from ccops.engine import founding

    ledger = session.ledger
    ledger.identity.check_account(kit.account.id, kit.account.name)
    field = founding.mend_receipt_field(ledger, kit.crm)
    if field is not None:
        yield _field_made(field.key) if field.made else well("receipts", f"found in the field {field.key} of Kit")
    if wishes.take_over:
        _say_searching(session)
        unknown = founding.unknown_to(ledger, kit.crm)
        if not unknown.ledgers:
            session.console.note("There is nothing to take over: this ledger knows all receipts in Kit.")
            return
        _agree(session, kit, unknown, wishes)
        founding.take_over(ledger, unknown)
        yield well("ledger", f"goes on behind e{unknown.highest}, under a new id")
        yield from _grants_done(session, unknown, wishes)


def _grants_done(session: "Session", unknown: "Unknown", wishes: "Wishes") -> Iterator[Finding]:
    """Use up this period of what comes once in one, for the contacts that the lost ledger changed, if it was wished."""
    from ccops.cli.taking_over import periodical, what_was_counted
    from ccops.engine.inheriting import count_as_done

    if wishes.grants_done and unknown.ledgers:
        operations, now = periodical(session.home), session.clock.now()
        done = count_as_done(session.ledger, operations, unknown.carriers, session.settings.actor, now)
        yield well("grants", what_was_counted(done))


def _agree(session: "Session", kit: "Kit", unknown: "Unknown", wishes: "Wishes") -> None:
    """Say what a take-over means, and ask. Raises Declined and NobodyToAsk."""
    from ccops.cli import taking_over as words

    home = session.home
    for text in words.what_is_not_known(
        unknown, kit.account, home, words.list_changed(home, unknown, session.clock.now())
    ):
        session.console.advise(text)
    for text in () if wishes.grants_done else words.how_to_count_as_done(unknown, home):
        session.console.note(text)
    if not wishes.yes and not session.questions.confirm("Take over?"):
        raise Declined


def _files(session: "Session", kit: "Kit") -> Iterator[Finding]:
    """Write registry and settings where they are missing."""
    from ccops.registry.making import make_config, make_registry

    home = session.home
    zone = make_registry(home, kit.account.timezone)
    if zone is not None:
        known = "as in Kit" if zone == kit.account.timezone else "as Kit names none; change it there"
        yield well("registry", f"made {home.registry.name}, time zone {zone} ({known})")
    if make_config(home, sandbox=session.settings.sandbox):
        yield well("settings", f"made {home.config.name}")


def _key(session: "Session", kit: "Kit", wishes: "Wishes") -> Iterator[Finding]:
    """Store the key if it was typed, or if it is to be stored."""
    from ccops.cli.logging_in import end_login
    from ccops.registry.config import store_key

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


def _tell(session: "Session", kit: "Kit", made: list[Finding]) -> None:
    console, path = session.console, session.home.path
    account = f"{clean(kit.account.name)} ({kit.account.id})"
    if not made:
        console.tell(f"Everything is in place for {account} in {path}; nothing was changed.")
        return
    print_findings(console, [well("home", str(path)), well("Kit", f"{account}, {_by_what(session, kit)}"), *made])
    if not session.registry.operations:
        console.note("Next, make an operation: ccops op add")


def _by_what(session: "Session", kit: "Kit") -> str:
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

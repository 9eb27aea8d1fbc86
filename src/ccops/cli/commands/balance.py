"""`ccops balance`: the command line, and one contact after the other."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccops.app.balance import AnyStep, Balance, BalanceStep, ByHand, Lost
from ccops.app.number_text import curve
from ccops.app.phrases import entry_name, name_of, value_text
from ccops.cli.command_line import command, new_app
from ccops.cli.contacts import contact_of
from ccops.cli.context import session_of
from ccops.cli.exit_status import FINE, NEEDS_A_PERSON
from ccops.cli.options import JsonOption
from ccops.cli.outcome_view import short_time, times_in
from ccops.cli.output import Cells, Styled, StyledPart, TableColumn, layout
from ccops.clock import iso
from ccops.operations.dates import local

if TYPE_CHECKING:
    from ccops.cli.context import Session
    from ccops.cli.output import Console
    from ccops.crm.base import Contact
    from ccops.engine.outcomes import ContactRef

app = new_app()

ContactsArgument = Annotated[list[str], typer.Argument(metavar="CONTACT", help="E-mail addresses, or Kit's ids.")]
StepsOption = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="Not more than so many steps a field.")]


@command(
    app,
    "balance",
    """
    ccops balance ann@example.org
    ccops balance ann@example.org bob@example.org --limit 0
    ccops balance 4300000001 --json
    """,
    looks=True,
)
def balance(ctx: typer.Context, contact: ContactsArgument, limit: StepsOption = 5, json: JsonOption = False) -> int:
    """Show contacts' fields now, and what led there.

    What was changed by hand between two entries is shown too. Of the fields, only those that an operation or an entry
    writes are shown.
    """
    return balance_of(session_of(ctx), contact, limit, json=json)


def balance_of(session: "Session", words: list[str], limit: int, *, json: bool) -> int:
    """Read each contact once, and show it."""
    from ccops.app.balance import balances
    from ccops.cli.outcome_view import advise, tell_if_moved
    from ccops.engine.losses import every_loss_of
    from ccops.engine.preview import find_contact

    status, registry, missing = FINE, session.registry, list["ContactRef"]()
    ledger = session.ledger_to_read
    for who in dict.fromkeys(contact_of(word) for word in words):
        contact = find_contact(ledger, session.crm, who)
        if contact is None:
            show_missing(session.console, who, json=json)
            status = NEEDS_A_PERSON
            missing.append(who)
        else:
            tell_if_moved(session, who, contact.email)
            entries = ledger.history.written(contact.id)
            shown = balances(contact, entries, registry, limit, every_loss_of(ledger, contact.id, contact))
            show_balances(session, contact, shown, json=json)
    advise(session, missing, len(missing), alone=True)
    return status


# ---- balances as lines for people and as objects for programs

_COLUMNS: Final = (TableColumn("FIELD"), TableColumn("VALUE"), TableColumn("WHY", wraps=True), TableColumn("ENTRY"))
_PIPED: Final = tuple(map(TableColumn, ("contact", "field", "before", "after", "when", "why", "entry")))
_INDENT: Final = "  "
_NOT_THERE: Final = "(not in Kit)"


def show_missing(console: "Console", who: "ContactRef", *, json: bool) -> None:
    """Say that there is no such contact."""
    reason = "no such contact in Kit"
    if json:
        contact = {"id": who, "email": None} if isinstance(who, int) else {"id": None, "email": who}
        console.json_line({"contact": contact, "status": "failed", "reason": reason})
    else:
        gap = "   " if console.out.is_terminal else "\t"
        console.say(str(who), gap, Styled(f"failed: {reason}", "bad"))


def show_balances(session: "Session", contact: "Contact", balances: Sequence[Balance], *, json: bool) -> None:
    """Print what a contact's fields hold, and how that came about."""
    console, now = session.console, session.clock.now()
    if json:
        console.json_line(_object(contact, balances))
    elif console.out.is_terminal:
        timezone = session.registry.timezone
        console.heading(times_in(timezone), Styled(contact.email, "bold"), f" ({contact.id}), {contact.state} in Kit")
        rows = [row for balance in balances for row in _rows(balance, timezone, now)]
        for line in layout(_COLUMNS, rows, console.out.width):
            console.say(*line)
    else:
        console.table(_PIPED, [row for balance in balances for row in _cells(contact, balance, now)])
    if not balances and not json:
        console.note("ccops has changed no field of this contact, and there is no operation that would.")
    if any(balance.more for balance in balances):
        console.advise(f"There are earlier steps: {console.spell(f'ccops history {contact.email}')}")


def _rows(balance: Balance, timezone: str, now: datetime) -> Iterator[Cells]:
    """Write a field for people: its value now, and the steps that led there."""
    value = value_text(balance.value) if balance.exists else _NOT_THERE
    yield (Styled(balance.field, "bold"), Styled(value, "bold"), Styled(curve(balance.course), "good"), "")
    for step in balance.steps:
        change = f"{value_text(step.before)} → {value_text(step.after)}"
        if isinstance(step, ByHand):
            yield ("", change, Styled(f"by hand, {_meanwhile(step, timezone, now)}", "doubt"), "")
        elif isinstance(step, Lost):
            yield ("", change, Styled(_taken(step), "bad" if step.loss.is_open else "dim"), "")
        else:
            when = _INDENT + short_time(step.entry.moment, timezone, now)
            yield (when, change, _why(step), entry_name(step.entry))


def _meanwhile(step: ByHand, timezone: str, now: datetime) -> str:
    since = short_time(step.since, timezone, now).strip()
    if step.until is None:
        return f"since {since}"
    first, last = local(step.since, timezone), local(step.until, timezone)
    until = f"{last:%H:%M}" if first.date() == last.date() else short_time(step.until, timezone, now).strip()
    return f"between {since} and {until}"


def _taken(step: Lost) -> str:
    """Say what a late write took, and what gives it back."""
    loss = step.loss
    gone = " and ".join(map(entry_name, loss.entries))
    what = f"late write of {entry_name(loss.late)}" + (f", {gone} lost" if gone else "")
    return f"{what}: {loss.command}" if loss.is_open else f"{what}, settled since"


def _why(step: BalanceStep) -> StyledPart:
    name = name_of(step.entry)
    match step.entry.status:
        case "undone":
            return Styled(f"{name}, undone by {entry_name(step.entry.undone_by)}", "dim")
        case "parked":
            return Styled(f"{name}, needs you: ccops settle", "bad")
        case "sending":
            return Styled(f"{name}, still open", "doubt")
        case _:
            return name


def _cells(contact: "Contact", balance: Balance, now: datetime) -> Iterator[tuple[str, ...]]:
    """Write a field for programs; the time of a change by hand is an interval (ISO 8601)."""
    value = balance.value or "" if balance.exists else _NOT_THERE
    yield (contact.email, balance.field, "", value, iso(now), "now", "")
    for step in balance.steps:
        change = (contact.email, balance.field, step.before or "", step.after or "")
        if isinstance(step, ByHand):
            yield (*change, f"{iso(step.since)}/{iso(step.until or now)}", "by hand", "")
        elif isinstance(step, Lost):
            yield (*change, "", _taken(step), "")
        else:
            yield (*change, iso(step.entry.moment), name_of(step.entry), entry_name(step.entry))


def _object(contact: "Contact", balances: Sequence[Balance]) -> dict[str, object]:
    """Return a contact's fields and steps for programs; a field that Kit lacks is left out of `fields`."""
    return {
        "contact": {"id": contact.id, "email": contact.email},
        "status": "found",
        "reason": None,
        "state": contact.state,
        "fields": {balance.field: balance.value for balance in balances if balance.exists},
        "steps": {balance.field: [_step(step) for step in balance.steps] for balance in balances},
    }


def _step(step: AnyStep) -> dict[str, object]:
    if isinstance(step, ByHand):
        until = iso(step.until) if step.until else None
        told = {"entry": None, "operation": None, "undoes": None, "status": "by-hand", "since": iso(step.since)}
        return {**told, "before": step.before, "after": step.after, "at": until}
    if isinstance(step, Lost):
        loss = step.loss
        told = {"entry": None, "operation": None, "undoes": None, "status": "lost", "since": None}
        names = {"late": entry_name(loss.late), "lost": [entry_name(entry) for entry in loss.entries]}
        mend = loss.command if loss.is_open else None
        return {**told, "before": step.before, "after": step.after, "at": None, **names, "mend": mend}
    entry = step.entry
    return {
        "entry": entry_name(entry),
        "operation": entry.operation,
        "undoes": entry_name(entry.undoes) or None,
        "status": entry.status,
        "since": None,
        "before": step.before,
        "after": step.after,
        "at": iso(entry.moment),
    }

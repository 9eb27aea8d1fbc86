"""`ccops settle`: what was left open is brought to its end."""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from ccops.cli.attention import list_losses, list_parked
from ccops.cli.command_line import command, new_app
from ccops.cli.contacts import entry_of, event_of
from ccops.cli.context import session_of
from ccops.cli.exit_status import FINE, NEEDS_A_PERSON, UNREACHABLE, status_of, worst
from ccops.cli.options import JsonOption, Quiet
from ccops.cli.outcome_view import URGENT, Tally, outcome_lines, outcome_object, say_faults
from ccops.cli.runner import manners
from ccops.errors import Misconfigured
from ccops.ledger.model import Origin
from ccops.text import clean

if TYPE_CHECKING:
    from ccops.cli.context import Session
    from ccops.engine.outcomes import Outcome

app = new_app()

EntryArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="ENTRY", help="An entry that needs you, such as e4711, or an event of the inbox, such as i7."
    ),
]
SettleChoice = Literal["applied", "not-applied", "lost"]
As = Annotated[
    SettleChoice | None, typer.Option("--as", help="What you found: was it applied, or lost to a late write?")
]


_STATUS: Final[Mapping[str, int]] = {"open": UNREACHABLE, "refused": NEEDS_A_PERSON, "parked": NEEDS_A_PERSON}
"""Exit statuses of what a person's word came to, where that is not the end of it."""


class EntryAndWord(Misconfigured):
    """An entry is settled by a person's word only."""

    mend = "ccops settle e4711 --as applied"

    def __init__(self) -> None:
        super().__init__("name both, the entry and what you found: --as applied or --as not-applied.")


@command(
    app,
    "settle",
    """
    ccops settle
    ccops settle e4711 --as applied
    ccops settle e4711 --as not-applied
    ccops settle e4711 --as lost
    ccops settle i7 --as not-applied
    """,
)
def settle(
    ctx: typer.Context,
    entry: EntryArgument = None,
    word: As = None,
    json: JsonOption = False,
    quiet: Quiet = False,  # noqa: ARG001
) -> int:
    """Bring open entries to their end, and list those that need you.

    An entry needs you if Kit shows neither what was there before nor what it should have become. For each, you see what
    was tried, what Kit shows now, and the choices. Only one of them changes the contact's fields: --as lost gives back
    what a late write took away.
    """
    session = session_of(ctx)
    if (entry is None) != (word is None):
        raise EntryAndWord
    event = None if entry is None else event_of(entry)
    if event is not None and word is not None:
        if word == "lost":
            raise EntryAndWord
        return _event_by_word(session, event, word, json=json)
    if entry is not None and word is not None:
        return _by_word(session, entry_of(entry), word, json=json)
    return _all(session, json=json)


def _by_word(session: "Session", entry: int, word: SettleChoice, *, json: bool) -> int:
    from ccops.engine.settle import give_back, settle_as

    applier, zone, actor = session.applier, session.registry.timezone, session.settings.actor
    if word == "lost":
        outcome = give_back(applier, entry, zone, actor)
    else:
        outcome = (word == "not-applied" and _left_lost(session, entry)) or settle_as(applier, entry, word, actor)
    _show(session, outcome, json=json)
    return _STATUS.get(outcome.status, FINE)


def _left_lost(session: "Session", entry: int) -> "Outcome | None":
    """Leave what a late write took of an applied entry; None if that is not what the person's word is about."""
    from ccops.engine.errors import NothingLost
    from ccops.engine.settle import leave_lost

    if session.applier.ledger.entries.get(entry).status not in {"applied", "undone"}:
        return None
    with suppress(NothingLost):
        return leave_lost(session.applier, entry, session.registry.timezone, session.settings.actor)
    return None


def _event_by_word(session: "Session", number: int, word: Literal["applied", "not-applied"], *, json: bool) -> int:
    from ccops.engine.settle import settle_event

    event = settle_event(session.applier, session.registry.operations, number, word, session.settings.actor)
    if json:
        told = {"operation": event.operation, "who": event.who, "status": event.status, "reason": event.reason}
        session.console.json_line({"event": f"i{event.id}", **told})
    else:
        session.console.say(f"i{event.id} for {clean(event.who)}, {event.operation}: {clean(event.reason or '')}")
    return FINE


def _all(session: "Session", *, json: bool) -> int:
    from ccops.cli.signals import finishing
    from ccops.engine.settle import finish_open, parked

    applier = session.applier
    tally = Tally()
    with finishing(session.stop):
        for outcome in finish_open(applier, manners(session, mixed=True)):
            tally.add(outcome)
            if outcome.status != "parked":  # these are listed with all the others that need a person
                _show(session, outcome, json=json)
    waiting = parked(applier.ledger)
    trouble, shown = list_parked(session, waiting, json=json)
    lost = list_losses(session, shown, json=json)
    say_faults(session, tally.faults)
    if not (tally.total or waiting or lost or json):
        session.console.say("Nothing is open.")
    return worst(
        [
            session.stop.status or FINE,
            UNREACHABLE if tally.counts["open"] else FINE,
            *map(status_of, tally.faults.values()),
            NEEDS_A_PERSON if waiting or lost else FINE,
            trouble,
        ]
    )


def _show(session: "Session", outcome: "Outcome", *, json: bool) -> None:
    console, now, urgent = session.console, session.clock.now(), outcome.status in URGENT
    if not json:
        width = console.out.width if console.out.is_terminal else None
        for line in outcome_lines(outcome, session.registry.timezone, now, (0, width)):
            console.say(*line, urgent=urgent)
    elif urgent or not console.quiet:
        console.json_line(outcome_object(outcome, None, Origin(session.settings.actor, "settle"), now))
    for warning in outcome.warnings:
        console.warn(f"{outcome.email or outcome.who}: {warning}")

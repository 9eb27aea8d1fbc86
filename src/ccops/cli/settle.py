"""`ccops settle`: what was left open is brought to its end."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ccops.cli.contacts import entry_of, event_of
from ccops.cli.doing import manners
from ccops.cli.exits import FINE, NEEDS_A_PERSON, UNREACHABLE, worst
from ccops.cli.making import command, new_app
from ccops.cli.needing import list_parked
from ccops.cli.options import Json, Quiet
from ccops.cli.session import session_of
from ccops.cli.showing import URGENT, outcome_lines, outcome_object
from ccops.errors import Misconfigured
from ccops.ledger.model import Origin
from ccops.text import clean

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.engine.request import Outcome

app = new_app()

Entry = Annotated[
    str | None,
    typer.Argument(
        metavar="ENTRY", help="An entry that needs you, such as e4711, or an event of the inbox, such as i7."
    ),
]
As = Annotated[Literal["applied", "not-applied"] | None, typer.Option("--as", help="What you found: was it applied?")]


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
    ccops settle i7 --as not-applied
    """,
)
def settle(ctx: typer.Context, entry: Entry = None, word: As = None, json: Json = False, quiet: Quiet = False) -> int:  # noqa: ARG001
    """Bring open entries to their end, and list those that need you.

    An entry needs you if Kit shows neither what was there before nor what it should have become. For each, you see what
    was tried, what Kit shows now, and the choices; none of them changes the contact's fields.
    """
    session = session_of(ctx)
    if (entry is None) != (word is None):
        raise EntryAndWord
    event = None if entry is None else event_of(entry)
    if event is not None and word is not None:
        return _event_by_word(session, event, word, json=json)
    if entry is not None and word is not None:
        return _by_word(session, entry_of(entry), word, json=json)
    return _all(session, json=json)


def _by_word(session: "Session", entry: int, word: Literal["applied", "not-applied"], *, json: bool) -> int:
    from ccops.engine.settling import settle_as

    _show(session, settle_as(session.heart, entry, word, session.settings.actor), json=json)
    return FINE


def _event_by_word(session: "Session", number: int, word: Literal["applied", "not-applied"], *, json: bool) -> int:
    from ccops.engine.settling import settle_event

    event = settle_event(session.heart, session.registry.operations, number, word, session.settings.actor)
    if json:
        told = {"operation": event.operation, "who": event.who, "status": event.status, "reason": event.reason}
        session.console.json_line({"event": f"i{event.id}", **told})
    else:
        session.console.say(f"i{event.id} for {clean(event.who)}, {event.operation}: {clean(event.reason or '')}")
    return FINE


def _all(session: "Session", *, json: bool) -> int:
    from ccops.cli.signals import finishing
    from ccops.engine.settling import finish_open, parked

    heart = session.heart
    statuses = []
    with finishing(session.stop):
        for outcome in finish_open(heart, manners(session)):
            statuses.append(outcome.status)
            if outcome.status != "parked":  # these are listed with all the others that need a person
                _show(session, outcome, json=json)
    waiting = parked(heart.ledger)
    trouble = list_parked(session, waiting, json=json)
    if not (statuses or waiting or json):
        session.console.say("Nothing is open.")
    return worst(
        [
            session.stop.status or FINE,
            UNREACHABLE if "open" in statuses else FINE,
            NEEDS_A_PERSON if waiting else FINE,
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

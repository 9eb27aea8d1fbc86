"""`ccops settle`: what was left open is brought to its end."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ccops.cli.contacts import entry_of
from ccops.cli.doing import manners
from ccops.cli.exits import FINE, NEEDS_A_PERSON, worst
from ccops.cli.making import command, new_app
from ccops.cli.options import Json, Quiet
from ccops.cli.session import session_of
from ccops.cli.showing import URGENT, outcome_line, outcome_object
from ccops.errors import Misconfigured
from ccops.ledger.model import Origin

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.engine.request import Outcome

app = new_app()

Entry = Annotated[str | None, typer.Argument(metavar="[ENTRY]", help="An entry that needs you, such as e4711.")]
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
    """,
)
def settle(ctx: typer.Context, entry: Entry = None, word: As = None, json: Json = False, quiet: Quiet = False) -> int:  # noqa: ARG001
    """Bring open entries to their end, and list those that need you.

    An entry needs you if Kit shows neither what was there before nor what it should have become. Look at the contact,
    then say what you found: applied, or not-applied (then the same command can run again).
    """
    session = session_of(ctx)
    if (entry is None) != (word is None):
        raise EntryAndWord
    if entry is not None and word is not None:
        return _by_word(session, entry_of(entry), word, json=json)
    return _all(session, json=json)


def _by_word(session: "Session", entry: int, word: Literal["applied", "not-applied"], *, json: bool) -> int:
    from ccops.engine.settling import settle_as

    outcome = settle_as(session.heart, entry, word, session.settings.actor)
    _show(session, [outcome], json=json)
    return FINE


def _all(session: "Session", *, json: bool) -> int:
    from ccops.cli.signals import finishing
    from ccops.engine.settling import finish_open, parked

    heart = session.heart
    outcomes: list[Outcome] = []

    with finishing(session.stop):
        for outcome in finish_open(heart, manners(session)):
            outcomes.append(outcome)
            _show(session, [outcome], json=json)
    waiting_for_a_person = parked(heart.ledger)
    if not json:
        _list(session, waiting_for_a_person, nothing=not outcomes)
    return worst([session.stop.status or FINE, NEEDS_A_PERSON if waiting_for_a_person else FINE])


def _show(session: "Session", outcomes: "list[Outcome]", *, json: bool) -> None:
    console, now = session.console, session.clock.now()
    for outcome in outcomes:
        if json:
            console.json_line(outcome_object(outcome, None, Origin(session.settings.actor, "settle"), now))
        else:
            width = console.out.width if console.out.is_terminal else None
            line = outcome_line(outcome, session.registry.timezone, now, (0, width))
            console.say(*line, urgent=outcome.status in URGENT)


def _list(session: "Session", outcomes: "list[Outcome]", *, nothing: bool) -> None:
    console = session.console
    _show(session, outcomes, json=False)
    for outcome in outcomes:
        if outcome.entry is not None:
            console.say(
                f"  look at the contact, then: ccops settle e{outcome.entry.id} --as applied   (or not-applied)",
                urgent=True,
            )
    if nothing and not outcomes:
        console.say("Nothing is open.")

"""`ccops run`: an operation for contacts that are named."""

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from ccops.cli.contacts import contact_of
from ccops.cli.doing import Job, Writing, do, is_meant
from ccops.cli.keys import check_key
from ccops.cli.making import command, new_app
from ccops.cli.options import Amount, InPeriod, Key, OncePer, complete_operation
from ccops.cli.session import session_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ccops.cli.session import Session
    from ccops.engine.request import Request
    from ccops.ledger.model import Origin

app = new_app()

Name = Annotated[str, typer.Argument(metavar="OPERATION", autocompletion=complete_operation, show_default=False)]
Contacts = Annotated[list[str], typer.Argument(metavar="CONTACT", help="E-mail addresses, or Kit's ids.")]


@dataclass(frozen=True, slots=True)
class Occasion:
    """The options that say which occasion it is."""

    key: Key = None
    once_per: OncePer = None
    period: InPeriod = None
    amount: Amount = None


@command(
    app,
    "run",
    """
    ccops run payment-credit ann@example.org
    ccops run payment-credit ann@example.org --key invoice-1042
    ccops run monthly-grant ann@example.org bob@example.org --dry-run
    ccops run monthly-grant ann@example.org --once-per month --period 2026-10
    """,
)
def run(ctx: typer.Context, operation: Name, contact: Contacts, occasion: Occasion, how: Writing) -> int:
    """Apply an operation to contacts.

    The same key, or the same period, never counts twice for a contact. Without either, each run counts.
    """
    return run_for(session_of(ctx), operation, contact, occasion, how)


def run_for(session: "Session", name: str, words: list[str], said: Occasion, how: Writing) -> int:
    """Name the occasion and do it."""
    from ccops.engine.naming import Naming, name_occasion
    from ccops.engine.request import Request
    from ccops.operations.asking import with_amount
    from ccops.operations.numbers import plain

    known = session.operation(name)
    contacts = list(dict.fromkeys(contact_of(word) for word in words))
    check_key(session, said.key)
    if known.paused:
        session.console.warn(
            f"{name} is paused: its tags and POSTs wait, but a run by hand or from cron still applies it."
        )
    named = name_occasion(known, Naming(said.key, said.once_per, said.period), session.clock.now())
    operation = known if said.amount is None else with_amount(known, said.amount)
    asked = None if said.amount is None else plain(said.amount)

    def requests(run_id: int, origin: "Origin") -> "Iterable[Request]":
        plainly = Request(operation, 0, named.for_run(run_id), run_id, origin, named.period, asked)
        return (replace(plainly, who=who) for who in contacts)

    names = tuple(map(str, contacts))
    canonical = json.dumps(["run", name, *names, asked, named.occasion, named.period])
    if named.occasion is None and not is_meant(session, canonical, how):
        session.console.note("Nothing was sent.")
        return 0
    return do(
        session,
        Job(
            words=canonical,
            title=f"run {name} {_some(names)}",
            via="run",
            requests=requests,
            names=names,
            timezone=operation.timezone,
            subject=_subject(name, named.period),
            counts_once=named.occasion is not None,
        ),
        how,
    )


def _subject(name: str, period: str | None) -> str:
    from ccops.operations.periods import describe_period

    return name if period is None else f"{name}, {describe_period(period)}"


def _some(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"for {len(names)} contacts"

"""`ccops run`: an operation for contacts that are named."""

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from ccops.cli.contacts import contact_of
from ccops.cli.doing import Job, Writing, do, is_meant
from ccops.cli.keys import amount_text, check_key
from ccops.cli.making import command, new_app
from ccops.cli.options import Amount, InPeriod, Key, OncePer, complete_operation
from ccops.cli.session import session_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ccops.cli.session import Session
    from ccops.engine.naming import Named
    from ccops.engine.request import Request
    from ccops.ledger.model import Origin
    from ccops.operations.model import Operation

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
    known = session.operation(name)
    contacts = _distinct(contact_of(word) for word in words)
    check_key(session, said.key)
    if known.paused:
        session.console.warn(
            f"{name} is paused: its tags and POSTs wait, but a run by hand or from cron still applies it."
        )
    asking = _Asking(known, contacts, said)
    job = asking.job(session.clock.now())
    if job.occasion is None and not is_meant(session, job.words, how):
        session.console.note("Nothing was sent.")
        return 0
    return do(session, job, how)


def _distinct(contacts: "Iterable[int | str]") -> tuple[int | str, ...]:
    """Leave out who was named before, however an address was capitalised."""
    found: dict[str, int | str] = {}
    for who in contacts:
        found.setdefault(str(who).lower(), who)
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Asking:
    """What was asked, before it is known of when."""

    known: "Operation"
    contacts: tuple[int | str, ...]
    said: Occasion

    def job(self, moment: "datetime") -> Job:
        """Return the job as it is meant at a moment, which may say the period."""
        from ccops.engine.naming import Naming, name_occasion
        from ccops.operations.asking import with_amount

        said, known = self.said, self.known
        named = name_occasion(known, Naming(said.key, said.once_per, said.period), moment)
        operation = known if said.amount is None else with_amount(known, said.amount)
        names = tuple(map(str, self.contacts))
        return Job(
            words=self._words(named),
            title=f"run {known.name} {_some(names)}",
            via="run",
            requests=lambda run, origin: self._requests(operation, named, run, origin),
            names=names,
            timezone=operation.timezone,
            subject=_subject(known.name, named.period),
            occasion=named.occasion,
            as_of=self.job,
        )

    @property
    def _asked(self) -> str | None:
        return None if self.said.amount is None else amount_text(self.said.amount)

    def _words(self, named: "Named") -> str:
        """Write the command in the form by which it is known again; a period only if it was said."""
        said = self.said
        contacts = sorted(str(who).lower() for who in self.contacts)
        key = None if said.key is None else named.occasion
        period = None if said.period is None else named.period
        return json.dumps(
            ["run", self.known.name, contacts, self._asked, key, said.once_per or self.known.once_per, period]
        )

    def _requests(self, operation: "Operation", named: "Named", run: int, origin: "Origin") -> "Iterable[Request]":
        from ccops.engine.request import Request

        plainly = Request(operation, 0, named.for_run(run), run, origin, named.period, self._asked)
        return (replace(plainly, who=who) for who in self.contacts)


def _subject(name: str, period: str | None) -> str:
    from ccops.operations.periods import describe_period

    return name if period is None else f"{name}, {describe_period(period)}"


def _some(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"for {len(names)} contacts"

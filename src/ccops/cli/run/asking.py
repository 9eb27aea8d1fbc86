"""What is asked of a run: for whom, and as which occasion."""

import json
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from ccops.cli.asking_first import is_meant
from ccops.cli.job import Job
from ccops.cli.keys import amount_text
from ccops.cli.run.errors import AllUnasked, OccasionUnsaid, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from ccops.cli.failures import Failures
    from ccops.cli.job import Writing
    from ccops.cli.run.app import Occasion
    from ccops.cli.run.choices import Choice, Pick
    from ccops.cli.session import Session
    from ccops.engine.naming import Named
    from ccops.engine.request import Request
    from ccops.ledger.model import Origin
    from ccops.operations.model import Operation, Period

_PROPOSED: Final = (
    ("month", "at most once this month for each contact"),
    ("week", "at most once this week"),
    ("day", "at most once today"),
    ("year", "at most once this year"),
    ("ever", "at most once, for ever"),
    ("run", "each time this command is given"),
)
EACH_RUN: Final = "run"
"""What `--once-per` says for: as often as the command is given."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What was asked, before it is known of when."""

    known: "Operation"
    choice: "Choice"
    said: "Occasion"
    failures: "Failures | None" = None

    def job(self, moment: "datetime") -> Job:
        """Return the job as it is meant at a moment, which may say the period. Raises what naming the occasion does."""
        from ccops.engine.naming import Naming, OtherPeriod, name_occasion
        from ccops.operations.asking import with_amount
        from ccops.operations.describe import describe_change

        said, known = self.said, self.known
        named = name_occasion(known, Naming(said.key, self._once_per, said.period), moment)
        if self.each_run and known.once_per is not None:
            raise OtherPeriod(known.name, EACH_RUN, known.once_per)
        operation = known if said.amount is None else with_amount(known, said.amount)
        return Job(
            words=self._words(named),
            title=f"run {known.name} {self.choice.said}",
            via="run",
            requests=partial(self._requests, operation, named, self.choice.picks),
            first=partial(self._requests, operation, named, self.choice.first),
            contacts=self.choice.contacts,
            timezone=operation.timezone,
            subject=_subject(known.name, named.period),
            what=", ".join(map(describe_change, operation.changes)),
            occasion=named.occasion,
            as_of=self.job,
            failures=self.failures,
        )

    @property
    def command(self) -> str:
        """The beginning of the command line, as far as it chooses contacts."""
        return words_of(self.known.name, self.choice.option, self.choice.value, *self.choice.more)

    @property
    def each_run(self) -> bool:
        """Whether it was said that it counts each time."""
        return self.said.once_per == EACH_RUN

    @property
    def _once_per(self) -> "Period | None":
        return None if self.said.once_per == "run" else self.said.once_per

    @property
    def _asked(self) -> str | None:
        return None if self.said.amount is None else amount_text(self.said.amount)

    def _words(self, named: "Named") -> str:
        """Write the command in the form by which it is known again; a period only if it was said."""
        said = self.said
        key = None if said.key is None else named.occasion
        period = None if said.period is None else named.period
        once_per = self._once_per or self.known.once_per
        return json.dumps(["run", self.known.name, self.choice.words, self._asked, key, once_per, period])

    def _requests(
        self,
        operation: "Operation",
        named: "Named",
        picks: "Callable[[], Iterable[Pick]]",
        run: int,
        origin: "Origin",
    ) -> "Iterable[Request]":
        from ccops.engine.request import Request

        occasion, states = named.for_run(run), self.choice.states
        plainly = Request(operation, 0, occasion, run, origin, named.period, self._asked, states=states)
        return (replace(plainly, who=who, row=row) for who, row in picks())


def _subject(name: str, period: str | None) -> str:
    from ccops.operations.periods import describe_period

    return name if period is None else f"{name}, {describe_period(period)}"


def settled(session: "Session", asking: Asking, how: "Writing") -> Asking | None:
    """Make sure that it is said what counts once, and that it is meant; None if it is not.

    Raises OccasionUnsaid and AllUnasked where nobody can be asked.
    """
    job = asking.job(session.clock.now())
    if asking.choice.named:
        return asking if job.occasion is not None or is_meant(session, job.words, how) else None
    if asking.choice.option == "--all" and not (how.yes or how.dry_run or session.questions.possible):
        raise AllUnasked(asking.command)
    return asking if job.occasion is not None or asking.each_run else _asked_for_occasion(session, asking, how)


def _asked_for_occasion(session: "Session", asking: Asking, how: "Writing") -> Asking:
    if not session.questions.possible or (how.yes and not how.dry_run):
        raise OccasionUnsaid(asking.command)
    chosen = session.questions.choose(
        "How often may this count?", _PROPOSED, option="--once-per or --key", default=_PROPOSED[0][0]
    )
    session.console.advise(f"The same without being asked: {asking.command} --once-per {chosen}")
    if chosen == EACH_RUN:
        return asking
    return replace(asking, said=replace(asking.said, once_per=cast("Period", chosen)))

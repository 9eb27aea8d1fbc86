"""The command itself."""

import shlex
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from ccops.cli.command_line import command, new_app
from ccops.cli.commands.run_contacts import AllUnasked, ContactOptions, OccasionUnsaid, PausedRun, words_of
from ccops.cli.context import session_of
from ccops.cli.job import Job, WriteOptions
from ccops.cli.options import Amount, InPeriod, Key, OncePer, complete_operation
from ccops.cli.runner import is_meant
from ccops.cli.value_checks import amount_text, tell_of_thousands
from ccops.ledger.commands import RunCommand
from ccops.text import clean, tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from ccops.cli.commands.run_contacts import Pick, RunContacts
    from ccops.cli.context import Session
    from ccops.cli.rejects import RejectsFile
    from ccops.engine.outcomes import Request
    from ccops.ledger.model import Origin
    from ccops.operations.model import Operation, Period
    from ccops.operations.occasion import NamedOccasion

app = new_app()

NameArgument = Annotated[
    str, typer.Argument(metavar="OPERATION", autocompletion=complete_operation, parser=tidy, show_default=False)
]
ContactsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="CONTACT", help="E-mail addresses, or Kit's ids.", show_default=False)
]
FailedToOption = Annotated[
    Path | None,
    typer.Option(
        "--failed-to", metavar="FILE", help="Write those who failed or were refused to a CSV, which --file reads again."
    ),
]


@dataclass(frozen=True, slots=True)
class OccasionOptions:
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
    ccops run monthly-grant --tagged "Member: Gold"
    ccops run monthly-grant --file members.csv --failed-to again.csv
    ccops run monthly-grant --all --once-per month --period 2026-10 --dry-run
    """,
)
def run(
    ctx: typer.Context,
    operation: NameArgument,
    occasion: OccasionOptions,
    choosing: ContactOptions,
    how: WriteOptions,
    contact: ContactsArgument = None,
    failed_to: FailedToOption = None,
) -> int:
    """Apply an operation to contacts.

    The same key, or the same period, never counts twice for a contact. Without either, each run counts, and then
    contacts have to be named.
    """
    return run_for(session_of(ctx), operation, contact or [], occasion, choosing, how, failed_to)


def run_for(
    session: "Session",
    name: str,
    words: list[str],
    said: OccasionOptions,
    choosing: ContactOptions,
    how: WriteOptions,
    failed_to: Path | None = None,
) -> int:
    """Name the contacts and the occasion, and do it."""
    from ccops.cli.commands.run_contacts import choose
    from ccops.cli.rejects import failures_to, status_with
    from ccops.cli.runner import do
    from ccops.cli.value_checks import check_key

    known = session.operation(name)
    check_key(session, said.key)
    tell_of_thousands(session, {"--amount": said.amount})
    _check_paused(session, known, how)
    choice = choose(session, known, words, choosing)
    with failures_to(None if how.dry_run else failed_to, refused_ok=how.refused_ok) as failures:
        asking = settled(session, RunDraft(known, choice, said, failures), how)
        if asking is None:
            session.console.note("Nothing was sent.")
            return 0
        status = do(session, asking.job(session.clock.now()), how)
    was_kept = failed_to is not None and failed_to.is_file()  # a device or pipe can't be given back
    if was_kept and failures is not None and failures.is_whole and failures.count and not failures.failure:
        _say_who_failed(session, shlex.quote(str(failed_to)), failures.count)
    return status_with(session, failed_to, failures, status)


def _say_who_failed(session: "Session", path: str, count: int) -> None:
    """Name the file of the contacts that need somebody, and how it is given back."""
    contacts = "contact that needs" if count == 1 else f"{count:,} contacts that need"
    session.console.advise(
        f"{clean(path)} has the {contacts} somebody. Once that is mended, the same command takes it with --file "
        f"{clean(path)}."
    )


def _check_paused(session: "Session", known: "Operation", how: WriteOptions) -> None:
    """A person may run what is paused; cron may not. Raises PausedRun."""
    if not known.paused:
        return
    if not (how.dry_run or session.questions.possible):
        raise PausedRun(known.name)
    session.console.warn(f"{known.name} is paused: tags, POSTs and cron wait; you run it all the same.")


# ---- what is asked of a run: for whom, and as which occasion

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
class RunDraft:
    """What was asked, before it is known of when."""

    known: "Operation"
    choice: "RunContacts"
    said: "OccasionOptions"
    failures: "RejectsFile | None" = None

    def job(self, moment: "datetime") -> Job:
        """Return the job as it is meant at a moment, which may say the period. Raises what naming the occasion does."""
        from ccops.operations.derived import with_amount
        from ccops.operations.occasion import OccasionChoice, OtherPeriod, name_occasion
        from ccops.operations.plan import describe_change

        said, known = self.said, self.known
        named = name_occasion(known, OccasionChoice(said.key, self._once_per, said.period), moment)
        if self.each_run and known.once_per is not None:
            raise OtherPeriod(known.name, EACH_RUN, known.once_per)
        operation = known if said.amount is None else with_amount(known, said.amount)
        return Job(
            command=self._command(named),
            tag=self.choice.selection.tag or None,
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

    def _command(self, named: "NamedOccasion") -> RunCommand:
        """Return the command by which the run is known again; a period only if it was said."""
        said = self.said
        key = None if said.key is None else named.occasion
        period = None if said.period is None else named.period
        once_per = self._once_per or self.known.once_per
        return RunCommand(self.known.name, self.choice.selection, self._asked, key, once_per, period)

    def _requests(
        self,
        operation: "Operation",
        named: "NamedOccasion",
        picks: "Callable[[], Iterable[Pick]]",
        run: int,
        origin: "Origin",
    ) -> "Iterable[Request]":
        from ccops.engine.outcomes import Request

        occasion, states = named.for_run(run), self.choice.states
        plainly = Request(operation, 0, occasion, run, origin, named.period, self._asked, states=states)
        return (replace(plainly, who=who, row=row) for who, row in picks())


def _subject(name: str, period: str | None) -> str:
    from ccops.operations.periods import describe_period

    return name if period is None else f"{name}, {describe_period(period)}"


def settled(session: "Session", asking: RunDraft, how: "WriteOptions") -> RunDraft | None:
    """Make sure that it is said what counts once, and that it is meant; None if it is not.

    Raises OccasionUnsaid and AllUnasked where nobody can be asked.
    """
    job = asking.job(session.clock.now())
    if asking.choice.named:
        return asking if job.occasion is not None or is_meant(session, job.command, how) else None
    if asking.choice.option == "--all" and not (how.yes or how.dry_run or session.questions.possible):
        raise AllUnasked(asking.command)
    return asking if job.occasion is not None or asking.each_run else _asked_for_occasion(session, asking, how)


def _asked_for_occasion(session: "Session", asking: RunDraft, how: "WriteOptions") -> RunDraft:
    if not session.questions.possible or (how.yes and not how.dry_run):
        raise OccasionUnsaid(asking.command)
    chosen = session.questions.choose(
        "How often may this count?", _PROPOSED, option="--once-per or --key", default=_PROPOSED[0][0]
    )
    session.console.advise(f"The same without being asked: {asking.command} --once-per {chosen}")
    if chosen == EACH_RUN:
        return asking
    return replace(asking, said=replace(asking.said, once_per=cast("Period", chosen)))

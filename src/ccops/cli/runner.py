"""What all commands that change contacts have in common: a run, its outcomes one by one, and how it ended."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from ccops.cli.exit_status import FINE, MISCONFIGURED, NEEDS_A_PERSON, UNREACHABLE, status_of, worst
from ccops.cli.job import Job, WriteOptions
from ccops.cli.outcome_view import (
    URGENT,
    RunReport,
    Tally,
    advise,
    advise_on_moved,
    close,
    moment_text,
    outcome_lines,
    outcome_object,
    say_nothing_left,
    sum_up,
)
from ccops.cli.signals import finishing, heed_no_more
from ccops.cli.value_checks import check_unsaid
from ccops.engine.errors import AnotherAtWork
from ccops.errors import CcopsError
from ccops.ledger.commands import Command, text_of
from ccops.ledger.model import Origin
from ccops.text import clean

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ccops.cli.context import Session
    from ccops.cli.output import ProgressStep
    from ccops.engine.batch import BatchOptions
    from ccops.engine.outcomes import AnyRequest, Outcome
    from ccops.engine.preview import Preview
    from ccops.ledger.ledger import Ledger
    from ccops.ledger.runs import Started

AGAIN_WITHIN: Final = timedelta(minutes=10)
"""Within this time, the same again looks like a slip."""

ASKED_FROM: Final = 50
"""A terminal is asked before more contacts than this are changed."""


def go_on(session: "Session", job: Job, origin: "Origin", how: WriteOptions) -> bool:
    """Show a person how many contacts it is about, and what becomes of the first, and ask."""
    if how.yes or job.via == "undo" or not session.questions.possible:
        return True
    count = job.contacts.count
    if count is not None and count <= ASKED_FROM:
        return True
    from ccops.engine.preview import Preview

    applier, console = session.applier, session.console
    account = applier.ledger.identity.account
    how_many = "an unknown number of" if count is None else f"{count:,}"
    console.advise(f"{job.about}{f' ({job.what})' if job.what else ''}, {how_many} contacts · {clean(account[1])}")
    first = next(iter((job.first or job.requests)(applier.ledger.runs.highest() + 1, origin)), None)
    if first is not None:
        example = Preview(applier.ledger, applier.crm, session.clock).look(first)
        label, now = "  e.g. ", session.clock.now()
        for line in outcome_lines(example, job.timezone, now, (0, console.err.width - len(label))):
            console.note(label, *line)
            label = " " * len(label)
    return session.questions.confirm("Go on?")


def is_meant(session: "Session", command: "Command", how: WriteOptions) -> bool:
    """Ask at a terminal whether the same again, within ten minutes and as an occasion of its own, is meant."""
    if how.yes or how.dry_run or not session.questions.possible:
        return True
    last = session.ledger.runs.last_ended(text_of(command))
    if last is None or last.ended_at is None or session.clock.now() - last.ended_at > AGAIN_WITHIN:
        return True
    if all(entry.status != "applied" for entry in session.ledger.entries.of_run(last.id)):
        return True
    minutes = int((session.clock.now() - last.ended_at).total_seconds() // 60)
    ago = "just now" if minutes < 1 else f"{minutes} min ago"
    return session.questions.confirm(f"The same was done {ago} (run r{last.id}). Do it once more?")


# ---- what all commands that change contacts have in common: a run, its outcomes one by one, and how it ended

_ENDED: Final = frozenset({FINE, NEEDS_A_PERSON})
"""Exit statuses of a run that reported its end; after any other, the same command goes on with it."""


def do(session: "Session", job: Job, how: WriteOptions) -> int:
    """Carry a job out, print each outcome, and return the exit status."""
    check_unsaid(session, how.reason, "--reason")
    check_unsaid(session, f"{text_of(job.command)} {job.title}", "the command line")
    if how.dry_run:
        return _preview(session, job, how)
    if not go_on(session, job, origin_of(session, job, how), how):
        session.console.note("Nothing was sent.")
        return FINE
    status, occasion = _do_run(session, job, how)
    if status in _ENDED and occasion != job.occasion:
        status = worst([status, _do_run(session, job, how)[0]])
    return status


def _do_run(session: "Session", asked: Job, how: WriteOptions) -> tuple[int, str | None]:
    """Begin a run, or go on with one, to its end; return the exit status, and the occasion that the run was for."""
    applier = session.applier
    with _started(session, applier.ledger, asked, how) as (started, end):
        run, job = started.run, asked.at(started.run.started_at)
        report = RunReport(job, how, run, Tally(how.refused_ok), session.clock.now())
        requests = _Requests(job.requests(run.id, origin_of(session, job, how)))
        try:
            _work_off(session, report, requests)
        except CcopsError as error:
            # A run that was broken off has not ended: what is done must not be done again. But if nothing is done,
            # and a person has to mend something first, there is nothing to go on with.
            status = status_of(error)
            for_a_person = status == MISCONFIGURED or isinstance(error, AnotherAtWork)
            with suppress(CcopsError):  # a ledger that broke the run off can't note that either: it has not ended
                end(status, ended=for_a_person and not applier.ledger.entries.of_run_left(run.id))
            close(session, report, error)
            raise
        status = report.tally.exit_status()
        report.reached_all = requests.exhausted and report.tally.total == requests.given
        if session.stop.status is not None and (status == UNREACHABLE or not report.reached_all):
            status = session.stop.status
        end(status, ended=status in _ENDED)
    close(session, report)
    if started.resumed:
        say_nothing_left(session, report)
    # A run that was begun just now is for what was asked, even if the period has changed since.
    return status, job.occasion if started.resumed else asked.occasion


def _work_off(session: "Session", report: RunReport, requests: "_Requests") -> None:
    """Apply all requests; each outcome is shown and counted as it comes."""
    from ccops.engine.batch import BulkApplier, work_off

    job, applier = report.job, session.applier
    show = printer(session, job, report.how, report.run.id, origin_of(session, job, report.how))
    tasks = BulkApplier(applier).tasks(requests)
    with finishing(session.stop), _progress(session, job) as step:
        for outcome in work_off(tasks, manners(session, _workers(job), mixed=job.via == "undo")):
            report.tally.add(outcome)
            step()
            show(outcome)
            if job.failures is not None:
                job.failures.add(outcome)


def _workers(job: Job) -> int:
    """Return how many contacts are worked on at a time: whoever is to see each sees them in the order of the words."""
    from ccops.engine.batch import WORKERS

    return 1 if job.contacts.in_order or job.contacts.shows_each else WORKERS


class _Requests:
    """The requests of a run, counted as they are taken."""

    def __init__(self, requests: "Iterable[AnyRequest]") -> None:
        self._requests = requests
        self.given = 0
        self.exhausted = False

    def __iter__(self) -> "Iterator[AnyRequest]":
        for request in self._requests:
            self.given += 1
            yield request
        self.exhausted = True


def _progress(session: "Session", job: Job) -> "AbstractContextManager[ProgressStep]":
    """Show how far a run is, unless each contact is shown."""
    if job.contacts.shows_each:
        return nullcontext(lambda: None)
    from ccops.cli.output import shown_progress

    return shown_progress(session.console, session.clock, job.about, job.contacts.count)


def origin_of(session: "Session", job: Job, how: WriteOptions) -> Origin:
    """Return who asks for a job, how, and why."""
    return Origin(session.settings.actor, job.via, (how.reason or "").strip() or None)


def manners(session: "Session", workers: int = 1, *, mixed: bool = False) -> "BatchOptions":
    """Return how work is done in a session: it heeds being asked to stop, and says what it waits for."""
    from ccops.engine.batch import BatchOptions

    def waiting(count: int, seconds: float) -> None:
        them = "1 contact" if count == 1 else f"{count:,} contacts"
        session.console.note(f"The answer for {them} was lost; looking again in {seconds:.0f} s …")

    session.ledger.locks.stop = session.stop.event.is_set
    return BatchOptions(session.clock, session.stop.event.is_set, waiting, workers, mixed)


class _End(Protocol):
    """Notes how a run came to its end, or was broken off."""

    def __call__(self, status: int, *, ended: bool) -> None: ...


@contextmanager
def _started(session: "Session", ledger: "Ledger", job: Job, how: WriteOptions) -> Iterator["tuple[Started, _End]"]:
    """Begin or go on with a run; whatever happens, its lock is let go."""
    started = ledger.runs.start(
        text_of(job.command),
        job.title,
        session.settings.actor,
        session.clock.now(),
        new=how.new,
        tag=job.tag,
    )
    _say_which(session, started, job)

    def end(status: int, *, ended: bool) -> None:
        if ended:
            heed_no_more()
            session.stop.heed()
        ledger.runs.stop(started, status, session.clock.now(), ended=ended)

    try:
        yield started, end
    finally:
        started.lock.drop()


def _say_which(session: "Session", started: "Started", job: Job) -> None:
    """Say if a run is gone on with, or if another one of the same words is at work."""
    now = session.clock.now() if session.console.err.is_terminal else None
    if started.beside is not None:
        since = moment_text(started.beside.started_at, job.timezone, now)
        session.console.warn(
            f"run r{started.beside.id} of the same words is at work now (since {since}); this is a run of its own."
        )
    if started.resumed:
        when, then = moment_text(started.run.started_at, job.timezone, now), job.at(started.run.started_at)
        session.console.advise(
            f"Going on with run r{started.run.id} of {when}, which never reported its end (--new starts another)."
        )
        if then.occasion != job.occasion:
            session.console.advise(f"It is for {then.subject}; {job.subject} comes after it.")


def _preview(session: "Session", job: Job, how: WriteOptions) -> int:
    """Show what the job would do; nothing is written, not even to the ledger."""
    session.looks_only = True
    ledger = session.ledger_to_read
    last = None if how.new else ledger.runs.last_without_end(text_of(job.command))
    parts = [(job, ledger.runs.highest() + 1)] if last is None else [(job.at(last.started_at), last.id)]
    if parts[0][0].occasion != job.occasion:
        parts.append((job, ledger.runs.highest() + 1))
    with finishing(session.stop):
        preview = session.preview()
        status = worst([_preview_run(session, preview, part, run, how) for part, run in parts])
    session.console.note("Dry run: nothing was changed.")
    return worst([status, session.stop.status or FINE])


def _preview_run(session: "Session", preview: "Preview", job: Job, run: int, how: WriteOptions) -> int:
    """Show what a run would do."""
    from ccops.engine.batch import spread

    origin, tally = origin_of(session, job, how), Tally(how.refused_ok)
    show = printer(session, job, how, None, origin)
    looks = (partial(preview.look, request) for request in job.requests(run, origin))
    with _progress(session, job) as step:
        for outcome in spread(looks, _workers(job), session.stop.event.is_set):
            tally.add(outcome)
            step()
            show(outcome)
    sum_up(session, job, tally, how, "dry run")
    advise(session, tally.missing, tally.missing_count, alone=tally.total == 1)
    advise_on_moved(session, tally.moved, alone=tally.total == 1)
    return tally.exit_status()


def printer(
    session: "Session", job: Job, how: WriteOptions, run: int | None, origin: Origin
) -> "Callable[[Outcome], None]":
    """Return what prints each outcome of a job; where their progress is shown instead, only warnings are."""
    console, widest = session.console, job.contacts.widest
    only_summed_up = console.out.is_terminal and not job.contacts.shows_each and not console.quiet

    def show(outcome: "Outcome") -> None:
        now = session.clock.now()
        urgent = outcome.status in URGENT and not (how.refused_ok and outcome.status == "refused")
        if how.json:
            if urgent or not how.quiet:
                console.json_line(outcome_object(outcome, run, origin, now))
        elif not only_summed_up:
            width = console.out.width if console.out.is_terminal else None
            for line in outcome_lines(outcome, job.timezone, now, (widest, width)):
                console.say(*line, urgent=urgent)
        for warning in outcome.warnings:
            console.warn(f"{outcome.email or outcome.who}: {warning}")

    return show

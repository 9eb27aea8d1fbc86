"""What all commands that change contacts have in common: a run, its outcomes one by one, and how it ended."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from ccops.cli.closing import close, say_nothing_left, sum_up
from ccops.cli.exits import FINE, MISCONFIGURED, NEEDS_A_PERSON, UNREACHABLE, status_of, worst
from ccops.cli.keys import check_unsaid
from ccops.cli.options import DryRun, Json, New, Quiet, Reason, RefusedOk, Yes
from ccops.cli.showing import URGENT, moment_text, outcome_line, outcome_object
from ccops.cli.signals import finishing
from ccops.errors import CcopsError
from ccops.ledger.model import Origin, Via

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.engine.many import Manners
    from ccops.engine.request import Outcome, Request
    from ccops.ledger.ledger import Ledger
    from ccops.ledger.runs import Started

AGAIN_WITHIN: Final = timedelta(minutes=10)
"""Within this time, the same again looks like a slip."""

ASKED_FROM: Final = 50
"""A terminal is asked before more contacts than this are changed."""

_ENDED = frozenset({FINE, NEEDS_A_PERSON})
"""Exit statuses of a run that reported its end; after any other, the same command goes on with it."""


@dataclass(frozen=True, slots=True)
class Writing:
    """The options of every command that writes to contacts."""

    dry_run: DryRun = False
    json: Json = False
    quiet: Quiet = False
    reason: Reason = None
    yes: Yes = False
    refused_ok: RefusedOk = False
    new: New = False


@dataclass(frozen=True, slots=True)
class Job:
    """What a command asks for, before it is known which run it is."""

    words: str
    """The command in canonical form."""
    title: str
    via: Via
    requests: "Callable[[int, Origin], Iterable[Request]]"
    """Makes the requests of a run."""
    names: tuple[str, ...]
    """The contacts, as they were named."""
    timezone: str
    subject: str = ""
    """What it is about, for the summary of several contacts; else the title: "monthly-grant, November 2026"."""
    occasion: str | None = None
    """What is counted once, however often the command is given; None: each run is an occasion of its own."""
    as_of: "Callable[[datetime], Job] | None" = None
    """Makes the job as it is meant at another moment: a run that goes on in December is still November's."""

    def at(self, moment: datetime) -> "Job":
        """Return the job as it is meant at a moment."""
        return self if self.as_of is None else self.as_of(moment)


@dataclass(slots=True)
class Tally:
    """What has come out so far."""

    outcomes: "list[Outcome]" = field(default_factory=list)
    refused_ok: bool = False
    begun: datetime | None = None

    def exit_status(self) -> int:
        """Return the exit status that the outcomes stand for."""
        return worst(_status(outcome, refused_ok=self.refused_ok) for outcome in self.outcomes)


def do(session: "Session", job: Job, how: Writing) -> int:
    """Carry a job out, print each outcome, and return the exit status."""
    check_unsaid(session, how.reason, "--reason")
    if how.dry_run:
        return _preview(session, job, how)
    if len(job.names) > ASKED_FROM and not _go_on(session, job, _origin(session, job, how), how):
        session.console.note("Nothing was sent.")
        return FINE
    status, occasion = _do_run(session, job, how)
    if status in _ENDED and occasion != job.occasion:
        status = worst([status, _do_run(session, job, how)[0]])
    return status


def _do_run(session: "Session", asked: Job, how: Writing) -> tuple[int, str | None]:
    """Begin a run, or go on with one, to its end; return the exit status, and the occasion that the run was for."""
    from ccops.engine.many import work_off

    heart = session.heart
    origin = _origin(session, asked, how)
    with _started(session, heart.ledger, asked, how) as (started, end):
        run = started.run
        job = asked.at(run.started_at)
        tally = Tally(refused_ok=how.refused_ok, begun=session.clock.now())
        show = printer(session, job, how, run.id, origin)
        try:
            with finishing(session.stop):
                tasks = (partial(heart.apply, request) for request in job.requests(run.id, origin))
                for outcome in work_off(tasks, manners(session)):
                    tally.outcomes.append(outcome)
                    show(outcome)
        except CcopsError as error:
            # A run that was broken off has not ended: what is done must not be done again. But if nothing is done,
            # and a person has to mend something first, there is nothing to go on with.
            status = status_of(error)
            end(status, ended=status == MISCONFIGURED and not heart.ledger.entries.of_run_left(run.id))
            close(session, job, tally, how, run)
            raise
        status = tally.exit_status()
        if session.stop.status is not None and (status == UNREACHABLE or len(tally.outcomes) < len(job.names)):
            status = session.stop.status
        end(status, ended=status in _ENDED)
    close(session, job, tally, how, run)
    if started.resumed:
        say_nothing_left(session, job, tally, run)
    # A run that was begun just now is for what was asked, even if the period has changed since.
    return status, job.occasion if started.resumed else asked.occasion


def _go_on(session: "Session", job: Job, origin: Origin, how: Writing) -> bool:
    """Show a person how many contacts it is about, and what becomes of the first, and ask."""
    if how.yes or job.via == "undo" or not session.questions.possible:
        return True
    from ccops.engine.preview import Preview

    heart = session.heart
    account = heart.ledger.identity.account
    first = next(iter(job.requests(heart.ledger.runs.highest() + 1, origin)))
    example = Preview(heart.ledger, heart.crm, session.clock).look(first)
    console = session.console
    console.note(f"{job.subject or job.title}, {len(job.names)} contacts · {account[1]}")
    console.note("  e.g. ", *outcome_line(example, job.timezone, session.clock.now(), (0, None)))
    return session.questions.confirm("Go on?")


def _origin(session: "Session", job: Job, how: Writing) -> Origin:
    return Origin(session.settings.actor, job.via, (how.reason or "").strip() or None)


def manners(session: "Session") -> "Manners":
    """Return how work is done in a session: it heeds being asked to stop, and says what it waits for."""
    from ccops.engine.many import Manners

    def waiting(count: int, seconds: float) -> None:
        them = "1 contact" if count == 1 else f"{count} contacts"
        session.console.note(f"The answer for {them} was lost; looking again in {seconds:.0f} s …")

    session.ledger.locks.stop = session.stop.event.is_set
    return Manners(session.clock, session.stop.event.is_set, waiting)


class _End(Protocol):
    """Notes how a run came to its end, or was broken off."""

    def __call__(self, status: int, *, ended: bool) -> None: ...


@contextmanager
def _started(session: "Session", ledger: "Ledger", job: Job, how: Writing) -> Iterator["tuple[Started, _End]"]:
    """Begin or go on with a run; whatever happens, its lock is let go."""
    started = ledger.runs.start(job.words, job.title, session.settings.actor, session.clock.now(), new=how.new)
    _say_which(session, started, job)

    def end(status: int, *, ended: bool) -> None:
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


def _preview(session: "Session", job: Job, how: Writing) -> int:
    """Show what the job would do; nothing is written, not even to the ledger."""
    session.looks_only = True
    ledger = session.ledger_to_read
    last = None if how.new else ledger.runs.last_without_end(job.words)
    parts = [(job, ledger.runs.highest() + 1)] if last is None else [(job.at(last.started_at), last.id)]
    if parts[0][0].occasion != job.occasion:
        parts.append((job, ledger.runs.highest() + 1))
    status = worst([_preview_run(session, part, run, how) for part, run in parts])
    session.console.note("Dry run: nothing was changed.")
    return status


def _preview_run(session: "Session", job: Job, run: int, how: Writing) -> int:
    """Show what a run would do."""
    origin = _origin(session, job, how)
    tally = Tally(refused_ok=how.refused_ok)
    show = printer(session, job, how, None, origin)
    for request in job.requests(run, origin):
        outcome = session.preview.look(request)
        tally.outcomes.append(outcome)
        show(outcome)
    sum_up(session, job, tally, how, "dry run")
    return tally.exit_status()


def printer(session: "Session", job: Job, how: Writing, run: int | None, origin: Origin) -> "Callable[[Outcome], None]":
    """Return what prints each outcome of a job."""
    console, widest = session.console, max(map(len, job.names), default=0)

    def show(outcome: "Outcome") -> None:
        now = session.clock.now()
        urgent = outcome.status in URGENT and not (how.refused_ok and outcome.status == "refused")
        if not how.json:
            width = console.out.width if console.out.is_terminal else None
            console.say(*outcome_line(outcome, job.timezone, now, (widest, width)), urgent=urgent)
        elif urgent or not how.quiet:
            console.json_line(outcome_object(outcome, run, origin, now))
        for warning in outcome.warnings:
            console.warn(f"{outcome.email or outcome.who}: {warning}")

    return show


def _status(outcome: "Outcome", *, refused_ok: bool) -> int:
    match outcome.status:
        case "refused":
            return FINE if refused_ok else NEEDS_A_PERSON
        case "failed" | "parked":
            return NEEDS_A_PERSON
        case "open":
            return UNREACHABLE
        case _:
            return FINE


def is_meant(session: "Session", words: str, how: Writing) -> bool:
    """Ask at a terminal whether the same again, within ten minutes and as an occasion of its own, is meant."""
    if how.yes or how.dry_run or not session.questions.possible:
        return True
    last = session.ledger.runs.last_ended(words)
    if last is None or last.ended_at is None or session.clock.now() - last.ended_at > AGAIN_WITHIN:
        return True
    if all(entry.status != "applied" for entry in session.ledger.entries.of_run(last.id)):
        return True
    minutes = int((session.clock.now() - last.ended_at).total_seconds() // 60)
    ago = "just now" if minutes < 1 else f"{minutes} min ago"
    return session.questions.confirm(f"The same was done {ago} (run r{last.id}). Do it once more?")

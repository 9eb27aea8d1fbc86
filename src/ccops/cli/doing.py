"""What all commands that change contacts have in common: a run, its outcomes one by one, and how it ended."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ccops.cli.exits import FINE, NEEDS_A_PERSON, UNREACHABLE, status_of, worst
from ccops.cli.options import DryRun, Json, New, Quiet, Reason, RefusedOk, Yes
from ccops.cli.showing import URGENT, entry_name, outcome_line, outcome_object, short_time
from ccops.cli.signals import finishing
from ccops.errors import CcopsError
from ccops.ledger.model import Origin, Run, Via

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.engine.many import Manners
    from ccops.engine.request import Outcome, Request
    from ccops.ledger.ledger import Ledger

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


@dataclass(slots=True)
class Tally:
    """What has come out so far."""

    outcomes: "list[Outcome]" = field(default_factory=list)
    refused_ok: bool = False

    def exit_status(self) -> int:
        """Return the exit status that the outcomes stand for."""
        return worst(_status(outcome, refused_ok=self.refused_ok) for outcome in self.outcomes)


def do(session: "Session", job: Job, how: Writing) -> int:
    """Carry a job out, print each outcome, and return the exit status."""
    if how.dry_run:
        return _preview(session, job, how)
    from ccops.engine.many import work_off

    heart = session.heart
    origin = Origin(session.settings.actor, job.via, how.reason)
    with _started(session, heart.ledger, job, how) as (run, end):
        tally = Tally(refused_ok=how.refused_ok)
        show = _printer(session, job, how, run.id, origin)
        try:
            with finishing(session.stop):
                tasks = (partial(heart.apply, request) for request in job.requests(run.id, origin))
                for outcome in work_off(tasks, manners(session)):
                    tally.outcomes.append(outcome)
                    show(outcome)
        except CcopsError as error:
            end(status_of(error))
            _say_left(session, job, tally)
            raise
        status = tally.exit_status()
        if session.stop.status is not None and len(tally.outcomes) < len(job.names):
            status = session.stop.status
            _say_left(session, job, tally)
        end(status)
    _close(session, tally, run, how)
    return status


def manners(session: "Session") -> "Manners":
    """Return how work is done in a session: it heeds being asked to stop, and says what it waits for."""
    from ccops.engine.many import Manners

    def waiting(count: int, seconds: float) -> None:
        them = "1 contact" if count == 1 else f"{count} contacts"
        session.console.note(f"The answer for {them} was lost; looking again in {seconds:.0f} s …")

    return Manners(session.clock, session.stop.event.is_set, waiting)


@contextmanager
def _started(
    session: "Session", ledger: "Ledger", job: Job, how: Writing
) -> "Iterator[tuple[Run, Callable[[int], None]]]":
    """Begin or go on with a run; whatever happens, its lock is let go."""
    started = ledger.runs.start(job.words, job.title, session.settings.actor, session.clock.now(), new=how.new)
    if started.resumed:
        when = short_time(started.run.started_at, job.timezone, session.clock.now()).strip()
        session.console.note(
            f"Going on with run r{started.run.id} of {when}, which never reported its end (--new starts another)."
        )

    def end(status: int) -> None:
        ledger.runs.stop(started, status, session.clock.now(), ended=status in _ENDED)

    try:
        yield started.run, end
    finally:
        started.lock.drop()


def _preview(session: "Session", job: Job, how: Writing) -> int:
    """Show what the job would do; nothing is written, not even to the ledger."""
    session.looks_only = True
    ledger = session.ledger_to_read
    last = ledger.runs.last_without_end(job.words)
    run = last.id if last is not None and not how.new else ledger.runs.highest() + 1
    origin = Origin(session.settings.actor, job.via, how.reason)
    tally = Tally(refused_ok=how.refused_ok)
    show = _printer(session, job, how, None, origin)
    for request in job.requests(run, origin):
        outcome = session.preview.look(request)
        tally.outcomes.append(outcome)
        show(outcome)
    session.console.note("Dry run: nothing was changed.")
    return tally.exit_status()


def _printer(
    session: "Session", job: Job, how: Writing, run: int | None, origin: Origin
) -> "Callable[[Outcome], None]":
    console, widest = session.console, max(map(len, job.names), default=0)

    def show(outcome: "Outcome") -> None:
        now = session.clock.now()
        if how.json:
            console.json_line(outcome_object(outcome, run, origin, now))
        else:
            width = console.out.width if console.out.is_terminal else None
            line = outcome_line(outcome, job.timezone, now, (widest, width))
            console.say(*line, urgent=outcome.status in URGENT)
        for warning in outcome.warnings:
            console.warn(f"{outcome.email or outcome.who}: {warning}")

    return show


def _close(session: "Session", tally: Tally, run: Run, how: Writing) -> None:
    """Say what to do next: how to take it back, or how to bring it to its end."""
    console = session.console
    applied = [outcome for outcome in tally.outcomes if outcome.status == "applied"]
    parked = [entry_name(outcome.entry) for outcome in tally.outcomes if outcome.status == "parked"]
    if parked:
        console.warn(
            f"{len(parked)} need you: ccops settle {parked[0]}" if len(parked) > 1 else f"ccops settle {parked[0]}"
        )
    if any(outcome.status == "open" for outcome in tally.outcomes):
        console.warn("Kit did not answer; the same command later goes on, nothing is lost.")
    if applied and console.err.is_terminal and not how.json:
        what = entry_name(applied[0].entry) if len(applied) == 1 else f"--run r{run.id}"
        console.note(f'Take it back: ccops undo {what} --reason "…"')


def _say_left(session: "Session", job: Job, tally: Tally) -> None:
    left = len(job.names) - len(tally.outcomes)
    if left > 0 and len(job.names) > 1:
        session.console.warn(
            f"{left} of {len(job.names)} contacts were not reached; the same command goes on with them."
        )


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

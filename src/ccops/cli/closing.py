"""The end of a run over contacts: what came of it in all, what is left, and how to take it back."""

from datetime import timedelta
from typing import TYPE_CHECKING

from ccops.cli.showing import entry_name
from ccops.cli.summing import summary

if TYPE_CHECKING:
    from ccops.cli.doing import Job, Tally, Writing
    from ccops.cli.session import Session
    from ccops.ledger.model import Run


def close(session: "Session", job: "Job", tally: "Tally", how: "Writing", run: "Run") -> None:
    """Sum up what a run has done, and say what is left to do."""
    sum_up(session, job, tally, how, f"run r{run.id}{_lasted(session, tally)}")
    _say_left(session, job, tally)
    _say_needed(session, tally)
    if session.console.err.is_terminal and not how.json:
        _say_undo(session, job, tally, run)


def sum_up(session: "Session", job: "Job", tally: "Tally", how: "Writing", what: str) -> None:
    """Count several outcomes together: at a terminal as part of the answer, elsewhere beside it."""
    console = session.console
    if len(tally.outcomes) < 2 or how.json:  # noqa: PLR2004 - one outcome is its own sum
        return
    title = f"{job.subject or job.title}, {what}"
    if not console.out.is_terminal:
        for line in summary(title, tally.outcomes, job.timezone, None):
            console.note(*line)
        return
    console.say()
    for line in summary(title, tally.outcomes, job.timezone, session.clock.now()):
        console.say(*line)


def _say_left(session: "Session", job: "Job", tally: "Tally") -> None:
    count, left = len(job.names), len(job.names) - len(tally.outcomes)
    if left > 0 and count > 1:
        were, them = ("was", "it") if left == 1 else ("were", "them")
        session.console.warn(f"{left} of {count} contacts {were} not reached; the same command goes on with {them}.")


def _say_needed(session: "Session", tally: "Tally") -> None:
    parked = [entry_name(outcome.entry) for outcome in tally.outcomes if outcome.status == "parked"]
    if parked:
        session.console.warn(
            f"{parked[0]} needs you" if len(parked) == 1 else f"{len(parked)} need you", ": ccops settle"
        )
    if any(outcome.status == "open" for outcome in tally.outcomes):
        session.console.warn("Kit did not answer; the same command later goes on, nothing is lost.")


def _say_undo(session: "Session", job: "Job", tally: "Tally", run: "Run") -> None:
    """Say how to take back what was applied; not of several undos, which are taken back one by one only."""
    applied = [outcome for outcome in tally.outcomes if outcome.status == "applied"]
    if len(applied) == 1:
        session.console.note(f'Take it back: ccops undo {entry_name(applied[0].entry)} --reason "…"')
    elif applied and job.via != "undo":
        safe = "The same command again is safe. " if job.occasion else ""
        session.console.note(f'{safe}Take all back: ccops undo --run r{run.id} --reason "…"')


def say_nothing_left(session: "Session", job: "Job", tally: "Tally", run: "Run") -> None:
    """Say that a run that was gone on with had nothing left to do, lest another occasion was meant."""
    done = all(outcome.status in {"repeated", "left-out"} for outcome in tally.outcomes)
    if done and len(tally.outcomes) == len(job.names) and not job.occasion:
        session.console.warn(
            f"r{run.id}, which this goes on with, had done all of it; nothing was sent. For another occasion: --new"
        )


def _lasted(session: "Session", tally: "Tally") -> str:
    """Write how long a run took, if it took long enough to be felt: ", 2 min 27 s"."""
    if tally.begun is None:
        return ""
    minutes, seconds = divmod(round((session.clock.now() - tally.begun) / timedelta(seconds=1)), 60)
    parts = [f"{minutes} min"] * bool(minutes) + [f"{seconds} s"] * bool(seconds)
    return f", {' '.join(parts)}" if parts else ""

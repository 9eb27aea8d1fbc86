"""The end of a run over contacts: what came of it in all, what is left, and how to take it back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ccops.cli import nobody
from ccops.cli.job import Job, Writing
from ccops.cli.pace import span
from ccops.cli.summing import Tally
from ccops.errors import CcopsError, LedgerUnusable, ServiceUnreachable
from ccops.ledger.model import Run
from ccops.report.words import entry_name, need_you

if TYPE_CHECKING:
    from ccops.cli.session import Session


@dataclass(slots=True)
class Report:
    """A run, and what has come of it so far."""

    job: Job
    how: Writing
    run: Run
    tally: Tally
    begun: datetime
    reached_all: bool = False
    """Whether all contacts were gone through."""


def close(session: "Session", report: Report, cause: CcopsError | None = None) -> None:
    """Sum up what a run has done, and say what is left to do; `cause` is what broke it off, to be shown next."""
    what = f"run r{report.run.id}{_lasted(session.clock.now() - report.begun)}"
    sum_up(session, report.job, report.tally, report.how, what, went_through=report.reached_all)
    _say_left(session, report, cause)
    _say_needed(session, report.tally)
    if report.job.failures is not None:
        report.job.failures.is_whole = report.reached_all
    if session.console.err.is_terminal and not report.how.json:
        _say_undo(session, report)


def sum_up(session: "Session", job: Job, tally: Tally, how: Writing, what: str, *, went_through: bool = True) -> None:
    """Count several outcomes together: at a terminal as part of the answer, elsewhere beside it.

    `went_through`: it was not broken off, so that no outcome at all means that there was no contact.
    """
    console, each = session.console, job.contacts.shows_each
    if how.json or (each and tally.total < 2):  # noqa: PLR2004 - one outcome that was shown is its own sum
        return
    title = f"{job.about}, {what}"
    if not console.out.is_terminal:
        for line in tally.summary(title, job.timezone, None):
            console.note(*line)
    else:
        if each:
            console.say()
        for line in tally.summary(title, job.timezone, session.clock.now(), console.out.width):
            console.say(*line)
    if not tally.total and went_through:
        console.note("Nobody was found to do it for.")


def _say_left(session: "Session", report: Report, cause: CcopsError | None) -> None:
    if report.reached_all:
        return
    begun = _begun(session, report) if isinstance(cause, LedgerUnusable) else 0
    if begun:
        them = "1 contact was" if begun == 1 else f"{begun:,} contacts were"
        session.console.warn(
            f"{them} being changed when this stopped; the same command finds out first what came of that, and nothing "
            "counts twice."
        )
    count = report.job.contacts.count
    left = None if count is None else count - report.tally.total - begun
    were, them = ("was", "it") if left == 1 else ("were", "them")
    # What a person has to mend first, or must not go on with at all, says itself how to go on.
    goes_on = cause is None or isinstance(cause, ServiceUnreachable)
    then = f"; the same command goes on with {them}." if goes_on else ", for this reason:"
    if left is None:
        session.console.warn(f"not all contacts were reached{then}")
    elif left > 0 and count != 1:
        session.console.warn(f"{left:,} of {count:,} contacts {were} not reached{then}")


def _begun(session: "Session", report: Report) -> int:
    """Count the changes of a run that were sent and not confirmed."""
    try:
        return sum(entry.status == "sending" for entry in session.ledger.entries.of_run(report.run.id))
    except CcopsError:  # then only the reason can be told, which comes next
        return 0


def _say_needed(session: "Session", tally: Tally) -> None:
    nobody.advise(session, tally.missing, tally.missing_count, alone=tally.total == 1)
    nobody.advise_on_moved(session, tally.moved, alone=tally.total == 1)
    say_faults(session, tally.faults)
    count = tally.counts["parked"]
    if count:
        first = tally.first.get("parked")
        session.console.warn(entry_name(first) if count == 1 else f"{count:,}", f" {need_you(count)}: ccops settle")
    if tally.counts["open"]:
        session.console.warn("Kit did not answer; the same command later goes on, nothing is lost.")


def say_faults(session: "Session", faults: Mapping[str, CcopsError]) -> None:
    """Say what is wrong with single operations, and the commands that put it right."""
    for operation, error in faults.items():
        session.console.warn(f"{operation}: {error}")
        for line in error.mend.splitlines():
            session.console.warn(f"  {line}")


def _say_undo(session: "Session", report: Report) -> None:
    """Say how to take back what was applied; not of several undos, which are taken back one by one only."""
    count = report.tally.counts["applied"]
    if count == 1:
        session.console.note(f'Take it back: ccops undo {entry_name(report.tally.first["applied"])} --reason "…"')
    elif count and report.job.via != "undo":
        safe = "The same command again is safe. " if report.job.occasion else ""
        session.console.advise(f'{safe}Take all back: ccops undo --run r{report.run.id} --reason "…"')


def say_nothing_left(session: "Session", report: Report) -> None:
    """Say that a run that was gone on with had nothing left to do, lest another occasion was meant."""
    done = set(+report.tally.counts) <= {"repeated", "doubled", "left-out"}
    if done and report.reached_all and not report.job.occasion:
        session.console.warn(
            f"r{report.run.id}, which this goes on with, had done all of it; nothing was sent. For another occasion: "
            "--new"
        )


def _lasted(time: timedelta) -> str:
    """Write how long a run took, if it took long enough to be felt: ", 2 min 27 s"."""
    seconds = round(time / timedelta(seconds=1))
    return f", {span(seconds)}" if seconds else ""

"""What a person at a terminal is asked before contacts are changed."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ccops.cli.job import Job, Writing
from ccops.cli.showing import outcome_lines
from ccops.text import clean

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.ledger.model import Origin

AGAIN_WITHIN: Final = timedelta(minutes=10)
"""Within this time, the same again looks like a slip."""

ASKED_FROM: Final = 50
"""A terminal is asked before more contacts than this are changed."""


def go_on(session: "Session", job: Job, origin: "Origin", how: Writing) -> bool:
    """Show a person how many contacts it is about, and what becomes of the first, and ask."""
    if how.yes or job.via == "undo" or not session.questions.possible:
        return True
    count = job.contacts.count
    if count is not None and count <= ASKED_FROM:
        return True
    from ccops.engine.preview import Preview

    heart, console = session.heart, session.console
    account = heart.ledger.identity.account
    how_many = "an unknown number of" if count is None else f"{count:,}"
    console.advise(f"{job.about}{f' ({job.what})' if job.what else ''}, {how_many} contacts · {clean(account[1])}")
    first = next(iter((job.first or job.requests)(heart.ledger.runs.highest() + 1, origin)), None)
    if first is not None:
        example = Preview(heart.ledger, heart.crm, session.clock).look(first)
        label, now = "  e.g. ", session.clock.now()
        for line in outcome_lines(example, job.timezone, now, (0, console.err.width - len(label))):
            console.note(label, *line)
            label = " " * len(label)
    return session.questions.confirm("Go on?")


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

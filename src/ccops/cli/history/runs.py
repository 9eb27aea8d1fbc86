"""Runs, one line each."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ccops.cli.columns import Column, Row, layout
from ccops.cli.showing import short_time, times_in
from ccops.clock import iso
from ccops.report.words import need_you

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.ledger.history import RunCount
    from ccops.ledger.model import Run
    from ccops.report.history import PastRuns

_COLUMNS: Final = (Column("RUN"), Column("WHEN"), Column("BY"), Column("WHAT", wraps=True), Column("CAME OUT"))
_PARKED: Final = "need you"
_WORDS: Final[Mapping[str, str]] = {
    "applied": "applied",
    "undone": "undone",
    "refused": "refused",
    "left-out": "left out",
    "failed": "failed",
    "parked": _PARKED,
    "sending": "open",
    "intended": "open",
}


def show_runs(session: "Session", past: "PastRuns", *, json: bool) -> None:
    """Print the newest runs, and how to see older ones."""
    console = session.console
    if json:
        for line in past.lines:
            console.json_line(_object(line))
        return
    if not past.lines:
        console.note("There are no runs yet.")
    elif console.out.is_terminal:
        timezone, now = session.registry.timezone, session.clock.now()
        console.heading(times_in(timezone))
        rows = [_row(line, timezone, now) for line in past.lines]
        for text in layout(_COLUMNS, rows, console.out.width):
            console.say(*text)
    else:
        console.table(_COLUMNS, [tuple(_cells(line)) for line in past.lines])
    if past.more:
        console.note(f"There are older ones; to see more: --limit {2 * len(past.lines)}")


def _row(line: "RunCount", timezone: str, now: datetime) -> Row:
    run = line.run
    came_out = _counted(line) if run.ended_at else f"{_counted(line)}; no end reported"
    return (f"r{run.id}", short_time(run.started_at, timezone, now), run.by, run.title, came_out)


def _counted(line: "RunCount") -> str:
    """Say what came out; what was repeated is not counted, for its entries are of an earlier run."""
    said: dict[str, int] = {}
    for status, word in _WORDS.items():
        if status in line.counts:
            said[word] = said.get(word, 0) + line.counts[status]
    told = (f"{count} {need_you(count) if word == _PARKED else word}" for word, count in said.items())
    return ", ".join(told) or _nothing(line.run)


def _nothing(run: "Run") -> str:
    """Say of a run without entries of its own whether that was well."""
    return f"nothing changed, exit status {run.exit_status}" if run.exit_status else "nothing new"


def _cells(line: "RunCount") -> Iterator[str]:
    run = line.run
    yield from (f"r{run.id}", iso(run.started_at), iso(run.ended_at) if run.ended_at else "", run.title)
    yield from (_counted(line), run.by, "" if run.exit_status is None else str(run.exit_status))


def _object(line: "RunCount") -> dict[str, object]:
    run = line.run
    return {
        "run": f"r{run.id}",
        "title": run.title,
        "by": run.by,
        "started_at": iso(run.started_at),
        "ended_at": iso(run.ended_at) if run.ended_at else None,
        "exit_status": run.exit_status,
        "entries": line.counts,
    }

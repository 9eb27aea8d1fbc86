"""`ccops history`: the command line, handed on to what it asks for."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from ccops.app.history import Follower
from ccops.app.phrases import because, change_text, entry_name, name_of, need_you
from ccops.cli.command_line import command, new_app
from ccops.cli.contacts import NoContact, contact_of, entry_of, names_entry, run_of
from ccops.cli.context import NoSuchOperation, session_of
from ccops.cli.options import JsonOption, complete_operation
from ccops.cli.outcome_view import entry_object, entry_part, entry_status, short_time, tell_if_moved, times_in
from ccops.cli.output import Cells, Remark, TableColumn, layout, text_of
from ccops.clock import iso
from ccops.errors import Misconfigured
from ccops.ledger.model import Entry, Status
from ccops.text import clean, csv_safe, same_address, shorten, tidy

if TYPE_CHECKING:
    from ccops.app.history import Past, PastRuns, Seen
    from ccops.cli.context import Session
    from ccops.cli.output import Console
    from ccops.ledger.model import Run, Values
    from ccops.ledger.queries import Filter, RunCount

Ended = Literal["applied", "undone", "refused", "left-out", "failed", "parked", "open"]

_USUAL: Final = 50
_STATUSES: "Final[Mapping[Ended, tuple[Status, ...]]]" = {
    "applied": (Status.APPLIED,),
    "undone": (Status.UNDONE,),
    "refused": (Status.REFUSED,),
    "left-out": (Status.REFUSED,),
    "failed": (Status.FAILED,),
    "parked": (Status.PARKED,),
    "open": (Status.INTENDED, Status.SENDING),
}


class NotTogether(Misconfigured):
    """A command line that asks for two things at once."""

    mend = "ccops history --help"

    def __init__(self, what: str, others: str) -> None:
        super().__init__(f"{what} can't go with {others}.")


class NeitherContactNorEntry(Misconfigured):
    """A word that names nothing that has a history."""

    mend = "ccops history --help"

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{shorten(word)} is no e-mail address, no id of a contact in Kit, and no entry such as e4711."
        )


@dataclass(frozen=True, slots=True)
class Which:
    """The options that choose among entries."""

    op: Annotated[
        str | None,
        typer.Option(
            "--op",
            metavar="OPERATION",
            autocompletion=complete_operation,
            parser=tidy,
            help="Only entries of this operation.",
        ),
    ] = None
    status: Annotated[Ended | None, typer.Option("--status", help="Only entries that ended like this.")] = None
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Only the last 90m, 12h, 7d or 3w, or from a day on: 2026-11-01."),
    ] = None
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only entries of a run, such as r31.")] = None
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help=f"Not more than so many, instead of {_USUAL}.")
    ] = None

    @property
    def chooses(self) -> bool:
        """Whether more was said than how many."""
        return any(each is not None for each in (self.op, self.status, self.since, self.run))

    @property
    def most(self) -> int:
        """How many are to be shown at most."""
        return self.limit or _USUAL


def filter_of(session: "Session", about: str | None, which: Which) -> "Filter | None":
    """Put the command line into the ledger's words; None if it knows no contact of that address.

    Raises NeitherContactNorEntry, NoSuchOperation, NoSuchDay, SinceFault, NoRun and NoSuchRun.
    """
    from ccops.app.history import since
    from ccops.ledger.queries import Filter

    contact = None if about is None else _contact(session, about)
    if about is not None and contact is None:
        return None
    return Filter(
        contact=contact,
        operation=None if which.op is None else _operation(session, which.op),
        statuses=() if which.status is None else _STATUSES[which.status],
        left_out={"left-out": True, "refused": False}.get(which.status or ""),
        run=None if which.run is None else session.ledger_to_read.runs.get(run_of(which.run)).id,
        since=None if which.since is None else since(which.since, session.clock.now(), session.registry.timezone),
        limit=which.limit,
    )


def _contact(session: "Session", word: str) -> int | None:
    try:
        who = contact_of(word)
    except NoContact:
        raise NeitherContactNorEntry(word) from None
    if isinstance(who, int):
        return who
    people = session.ledger_to_read.people
    person = people.by_email(who)
    if person is not None:
        tell_if_moved(session, who, person.email)
        for other in people.former_owners(who) if same_address(who, person.email) else ():
            session.console.advise(
                f"Contact {other.id}, now {clean(other.email)}, had {clean(who)} before: ccops history {other.id}"
            )
    return None if person is None else person.id


def _operation(session: "Session", name: str) -> str:
    """Accept an operation of the registry, and one that is no longer there but has a history."""
    known = session.registry.operations
    if name not in known and not session.ledger_to_read.history.knows(name):
        raise NoSuchOperation(name, list(known), session.argv)
    return name


# ---- `ccops history`: the command line, handed on to what it asks for

app = new_app()

AboutArgument = Annotated[
    str | None, typer.Argument(metavar="CONTACT|ENTRY", help="E-mail address, Kit's id, or an entry such as e4711.")
]
RunsOption = Annotated[bool, typer.Option("--runs", help="Show the runs instead, one line each.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print all of them as CSV for a spreadsheet, not just the newest.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what is done, until stopped by Ctrl-C.")]
_OTHERS: Final = "--op, --status, --since, --run, --limit, --csv or --follow"


@dataclass(frozen=True, slots=True)
class Shape:
    """How entries are printed."""

    json: JsonOption = False
    csv: Csv = False
    follow: Follow = False


@command(
    app,
    "history",
    """
    ccops history
    ccops history ann@example.org --since 7d
    ccops history e4711
    ccops history --op monthly-grant --status refused --since 2026-11-01
    ccops history --run r31 --limit 500
    ccops history --csv --since 2026-01-01 > history.csv
    ccops history --follow
    ccops history --runs
    """,
    looks=True,
)
def history(
    ctx: typer.Context, which: Which, shape: Shape, about: AboutArgument = None, runs: RunsOption = False
) -> None:
    """Show what was done, newest first.

    For a contact: what was changed, when, why and by whom. For an entry: all that is known of it. Kit is not asked
    for anything.
    """
    session = session_of(ctx)
    if shape.csv and (shape.json or shape.follow):
        raise NotTogether("--csv", "--json or --follow")
    if runs:
        _runs(session, about, which, shape)
    elif about is not None and names_entry(about):
        _entry(session, entry_of(about), which, shape)
    else:
        _entries(session, about, which, shape)


def _runs(session: "Session", about: str | None, which: Which, shape: Shape) -> None:
    from ccops.app.history import past_runs

    if about is not None or which.chooses or shape.csv or shape.follow:
        raise NotTogether("--runs", "a contact, an entry, --op, --status, --since, --run, --csv or --follow")
    show_runs(session, past_runs(session.ledger_to_read, which.most), json=shape.json)


def _entry(session: "Session", number: int, which: Which, shape: Shape) -> None:
    from ccops.app.history import whole
    from ccops.cli.commands.history_entry import show_whole

    if which.chooses or which.limit is not None or shape.csv or shape.follow:
        raise NotTogether(f"e{number}", _OTHERS)
    show_whole(session, whole(session.ledger_to_read, number), json=shape.json)


def _entries(session: "Session", about: str | None, which: Which, shape: Shape) -> None:
    from ccops.app.history import every, past

    wanted = filter_of(session, about, which)
    if wanted is None:
        session.console.advise(f"The ledger knows no contact {about}: ccops has changed nothing under this address.")
        near = session.ledger_to_read.people.nearest(about or "")
        if near is None:
            session.console.advise(f"Check the spelling, or ask Kit for it: {session.spell(f'ccops why {about}')}")
        else:
            session.console.advise(f"Did you mean {near}? {session.spell(f'ccops history {near}')}")
    elif shape.csv:
        print_csv(session.console, every(session.ledger_to_read, wanted))
    elif shape.follow:
        follow(session, wanted, which.limit, json=shape.json)
    else:
        found = past(session.ledger_to_read, wanted, which.most)
        if not (found.lines or shape.json or about or which.chooses):
            session.console.note("Nothing was done yet.")
            return
        show_past(session, found, json=shape.json)


# ---- entries as rows: two lines each on a terminal, one tab-separated line in a pipe

_LINE_COLUMNS: Final = (
    TableColumn("ENTRY"),
    TableColumn("WHEN"),
    TableColumn("CONTACT"),
    TableColumn("OPERATION"),
    TableColumn("CHANGE", wraps=True),
)
_GAP: Final = "  "
_UNDER_CONTACT: Final = 2


def show_past(session: "Session", past: "Past", *, json: bool) -> None:
    """Print the newest entries, and how to see older ones."""
    console = session.console
    if json:
        for seen in past.lines:
            console.json_line(entry_object(seen.entry, seen.email))
        return
    if not past.lines:
        console.note("There are no such entries.")
    elif console.out.is_terminal:
        timezone, now = session.registry.timezone, session.clock.now()
        console.heading(times_in(timezone))
        rows = [_row(seen, timezone, now) for seen in past.lines]
        remarks = [_remark(seen, timezone) for seen in past.lines]
        for line in layout(_LINE_COLUMNS, rows, console.out.width, remarks):
            console.say(*line)
    else:
        console.table(_LINE_COLUMNS, [tuple(_cells(seen)) for seen in past.lines])
    if past.more:
        console.note(f"There are older ones; to see more: --limit {2 * len(past.lines)}")


def line_of(seen: "Seen", timezone: str, now: datetime | None) -> str:
    """Write an entry on a line of its own, where those that follow are not known yet; for a pipe `now` is None."""
    if now is None:
        return "\t".join(map(clean, _cells(seen)))
    return _GAP.join(clean(text_of(part)) for part in _row(seen, timezone, now))


def _row(seen: "Seen", timezone: str, now: datetime) -> Cells:
    entry = seen.entry
    when = short_time(entry.moment, timezone, now)
    return (entry_name(entry), when, _contact_cell(seen), name_of(entry), entry_part(entry))


def _remark(seen: "Seen", timezone: str) -> Remark:
    entry = seen.entry
    undone = f"undone by {entry_name(entry.undone_by)}" if entry.undone_by else ""
    return Remark(_UNDER_CONTACT, because(entry, timezone), undone or _became(seen.since))


def _became(now: Entry | None) -> str:
    """Say what a later run made of an entry: "applied since, by run r5"."""
    if now is None:
        return ""
    status = "applied" if now.status == "undone" else entry_status(now).replace("left-out", "left out")
    undone = f", undone by {entry_name(now.undone_by)}" if now.undone_by else ""
    return f"{status} since, by run r{now.run}{undone}"


def _contact_cell(seen: "Seen") -> str:
    return seen.email or str(seen.entry.contact)


def _cells(seen: "Seen") -> Iterator[str]:
    """Give all that programs may want, one piece a cell."""
    entry = seen.entry
    yield from (entry_name(entry), iso(entry.moment), _contact_cell(seen), entry.operation, entry_status(entry))
    why = "; ".join(filter(None, (entry.reason, _became(seen.since))))
    yield from (change_text(entry.before, entry.after), why, entry.occasion)
    yield from (entry.by, entry.via, f"r{entry.run}", entry.note or "")
    yield from (entry_name(entry.undoes), entry_name(entry.undone_by))


# ---- entries as they come, until stopped; only the ledger is looked at, and nothing is written

_INDENT: Final = "    "
_EVERY: Final = 1.0
"""Seconds between two looks at the ledger."""
_BEFORE: Final = 10
"""How many of the entries there are already come first, unless more or fewer are wanted."""


def follow(session: "Session", wanted: "Filter", most: int | None, *, json: bool) -> None:
    """Print the newest entries, oldest first, then each that begins or changes; Ctrl-C ends it, as it is meant to."""
    console = session.console
    try:
        if console.out.is_terminal and not json:
            console.heading(times_in(session.registry.timezone))
        follower = Follower(session.ledger_to_read, wanted)
        for seen in follower.first(_BEFORE if most is None else most, session.clock.now()):
            _show(session, seen, json=json)
        while not console.out.closed:
            session.clock.sleep(_EVERY)
            for seen in follower.news():
                _show(session, seen, json=json)
    except KeyboardInterrupt:
        session.stop.forget()


def _show(session: "Session", seen: "Seen", *, json: bool) -> None:
    console, entry = session.console, seen.entry
    if json:
        console.json_line(entry_object(entry, seen.email))
        return
    timezone = session.registry.timezone
    if not console.out.is_terminal:
        console.say(line_of(seen, timezone, None))
        return
    for text in console.out.fit(line_of(seen, timezone, session.clock.now())):
        console.say(text)
    undone = f", undone by {entry_name(entry.undone_by)}" if entry.undone_by else ""
    for text in console.out.fit(because(entry, timezone) + undone, len(_INDENT)):
        console.say(_INDENT, text)


# ---- runs, one line each

_RUN_COLUMNS: Final = (
    TableColumn("RUN"),
    TableColumn("WHEN"),
    TableColumn("BY"),
    TableColumn("WHAT", wraps=True),
    TableColumn("CAME OUT"),
)
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
        rows = [_run_row(line, timezone, now) for line in past.lines]
        for text in layout(_RUN_COLUMNS, rows, console.out.width):
            console.say(*text)
    else:
        console.table(_RUN_COLUMNS, [tuple(_run_cells(line)) for line in past.lines])
    if past.more:
        console.note(f"There are older ones; to see more: --limit {2 * len(past.lines)}")


def _run_row(line: "RunCount", timezone: str, now: datetime) -> Cells:
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


def _run_cells(line: "RunCount") -> Iterator[str]:
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


# ---- entries as CSV: one row each, for spreadsheets and for people who add things up

COLUMNS: Final = (
    "entry", "at", "contact_id", "email", "operation", "status", "field", "before", "after", "reason", "occasion",
    "period", "note", "by", "via", "run", "undoes", "undone_by",
)  # fmt: skip
"""docs/looking.md says what each means."""
_TOGETHER: Final = 500
"""Rows that are written at once."""
_BETWEEN: Final = "; "


def print_csv(console: "Console", entries: "Iterable[Seen]") -> None:
    """Print entries as they are found; of a million, never more than a few are in memory."""
    console.out.in_utf8()
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number, seen in enumerate(entries, 1):
        writer.writerow(map(csv_safe, _csv_cells(seen)))
        if number % _TOGETHER == 0:
            _flush(console, buffer)
        if console.out.closed:
            return
    _flush(console, buffer)


def _flush(console: "Console", buffer: StringIO) -> None:
    console.out.raw(buffer.getvalue())
    buffer.seek(0)
    buffer.truncate()


def _csv_cells(seen: "Seen") -> Iterator[str]:
    entry = seen.entry
    yield from (entry_name(entry), iso(entry.moment), str(entry.contact), seen.email or "", entry.operation)
    yield from (entry_status(entry), _BETWEEN.join(entry.before or ()))
    yield from (_values(entry.before, entry.before), _values(entry.before, entry.after))
    yield from (entry.reason or "", entry.occasion, entry.period or "", entry.note or "", entry.by, entry.via)
    yield from (f"r{entry.run}", entry_name(entry.undoes), entry_name(entry.undone_by))


def _values(fields: "Values | None", values: "Values | None") -> str:
    """Write the values of several fields in one cell, in the order of the fields."""
    return _BETWEEN.join((values or {}).get(field) or "" for field in fields or ())

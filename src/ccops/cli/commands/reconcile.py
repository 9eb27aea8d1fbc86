"""The command itself."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from ccops.app.number_text import moved as moved_text
from ccops.app.phrases import entry_name, name_of, need_you, value_text
from ccops.app.statistics import ZERO, amount, minus, total
from ccops.cli.command_line import command, new_app
from ccops.cli.context import session_of
from ccops.cli.exit_status import FINE, NEEDS_A_PERSON, UNREACHABLE, status_of, worst
from ccops.cli.job import Job, WriteOptions
from ccops.cli.outcome_view import short_time, times_in
from ccops.cli.output import Cells, Styled, StyledPart, TableColumn, layout
from ccops.cli.runner import ASKED_FROM
from ccops.cli.signals import finishing
from ccops.clock import iso
from ccops.errors import CcopsError, Misconfigured
from ccops.ledger.commands import ReconcileCommand, text_of
from ccops.operations.numbers import plain
from ccops.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from ccops.cli.context import Session
    from ccops.engine.outcomes import AnyRequest
    from ccops.engine.reconcile import Counts, Difference
    from ccops.ledger.ledger import Ledger
    from ccops.ledger.model import Entry, Origin


@dataclass(slots=True)
class FieldComparison:
    """What a comparison of one field has brought to light so far."""

    field: str
    ledger: "Ledger"
    counts: "Counts"
    differing: "list[Difference]"

    @property
    def by_hand(self) -> "list[Difference]":
        """Those that a hand changed, or another program."""
        return [each for each in self.differing if each.kind == "by-hand"]


def compare(session: "Session", field: str, how: "WriteOptions") -> FieldComparison:
    """Go through all contacts. Should that be broken off, what was found is shown before the error is raised."""
    from ccops.cli.output import shown_progress
    from ccops.engine.reconcile import Comparing

    ledger = session.ledger_to_read if session.looks_only else session.applier.ledger
    crm = session.crm
    comparing = Comparing(ledger, crm, session.clock, field)
    found, rows = FieldComparison(field, ledger, comparing.counts, []), crm.contacts()
    try:
        with (
            finishing(session.stop),
            shown_progress(session.console, session.clock, f"reconcile {field}", rows.total) as step,
        ):
            for difference in comparing.differences(rows, session.stop.event.is_set, step):
                found.differing.append(difference)
    except CcopsError as error:
        if found.differing or status_of(error) == UNREACHABLE:
            show(session, found, how)
        raise
    found.differing.sort(key=lambda each: each.contact)
    return found


# ---- what is wrong with the command line of `ccops reconcile`

Direction = Literal["adopt", "restore"]
"""Which of two values is to hold: Kit's, or the ledger's."""


class OneWay(Misconfigured):
    """Both values can't hold."""

    def __init__(self, field: str) -> None:
        self.mend = f"{command_of(field, 'adopt')}\n{command_of(field, 'restore')}"
        super().__init__(
            "give one of --adopt (Kit's values are to hold) and --restore (what ccops wrote last is). Nothing was sent."
        )


class Unasked(Misconfigured):
    """Every contact that differs, and nobody is there to be asked."""

    def __init__(self, field: str, way: Direction) -> None:
        self.mend = f"{command_of(field, way)} --dry-run\n{command_of(field, way)} --yes"
        super().__init__(
            f"--{way} is for every contact that was changed by hand, and nobody is here to be asked. Nothing was sent."
        )


def command_of(field: str, way: Direction | None = None) -> str:
    """Write the command so that it can be copied."""
    return clean(" ".join(["ccops", "reconcile", shlex.quote(field), *([f"--{way}"] if way else [])]))


# ---- the command itself

app = new_app()

FieldArgument = Annotated[str, typer.Argument(metavar="FIELD", help="The field, such as credits.", show_default=False)]
Adopt = Annotated[bool, typer.Option("--adopt", help="Enter what was changed by hand; nothing is sent.")]
Restore = Annotated[bool, typer.Option("--restore", help="Write back what ccops wrote last.")]


@command(
    app,
    "reconcile",
    """
    ccops reconcile credits
    ccops reconcile credits --adopt --reason "corrections of the webinar"
    ccops reconcile credits --restore --dry-run
    """,
)
def reconcile(
    ctx: typer.Context, field: FieldArgument, how: WriteOptions, adopt: Adopt = False, restore: Restore = False
) -> int:
    """Compare a field in Kit with what ccops wrote last.

    Who was changed by hand since is listed, with by how much; then the exit status is 1. --adopt takes these changes
    into the history as they are, --restore takes them back; you are asked first.
    """
    if adopt and restore:
        raise OneWay(field)
    way: Direction | None = "adopt" if adopt else "restore" if restore else None
    return reconcile_field(session_of(ctx), field, way, how)


def reconcile_field(session: "Session", name: str, way: Direction | None, how: WriteOptions) -> int:
    """Compare, show what differs, and let one of the two values hold if that is asked for."""
    from ccops.config.operations_file import field_key

    if way and not (how.yes or how.dry_run or session.questions.possible):
        raise Unasked(name, way)
    session.only_shows = way is None
    session.looks_only = session.only_shows or how.dry_run
    field = field_key(session.registry.fields, name)
    found = compare(session, field, how)
    if way and session.stop.status is None:
        return carry_out(session, found, way, how)
    show(session, found, how)
    if session.stop.status is not None:
        return session.stop.status
    show_ways(session, found, how)
    return NEEDS_A_PERSON if found.differing else FINE


# ---- what differs, as a table for people and as objects for programs; and what that comes to in all

_COLUMNS: Final = (
    TableColumn("CONTACT"),
    TableColumn("CCOPS", right=True),
    TableColumn("KIT", right=True),
    TableColumn("BY", right=True),
    TableColumn("CCOPS WROTE LAST", wraps=True),
)
_PIPED: Final = tuple(
    map(TableColumn, ("contact", "field", "status", "ccops", "kit", "by", "entry", "at", "operation", "who", "reason"))
)
_OTHERWISE: Final = ("lost", "open", "parked", "unclear")
"""What differs for another reason than a hand."""
_AT_ONCE: Final = 200
"""Rows that are laid out together; of very many, the widths may change from one lot to the next."""


def show(session: "Session", found: "FieldComparison", how: "WriteOptions") -> None:
    """Print who differs, and how many do not."""
    console = session.console
    if how.json:
        for each in found.differing:
            console.json_line(_object(found, each))
    elif console.out.is_terminal:
        _show_table(session, found)
    else:
        console.table(_PIPED, [tuple(_cells(found, each)) for each in found.differing], urgent=True)
        for line in summary(found):
            console.note(line)
    if not found.counts.whole:
        console.warn("not all contacts were compared; the same command begins anew.")


def show_ways(session: "Session", found: "FieldComparison", how: "WriteOptions") -> None:
    """Say at a terminal what may be done about hand changes, and about what is none."""
    console = session.console
    if how.json or not console.err.is_terminal:
        return
    if found.by_hand:
        console.advise(f"Take them into the history as they are: {console.spell(command_of(found.field, 'adopt'))}")
        console.advise(f"Write back what ccops wrote: {console.spell(command_of(found.field, 'restore'))}")
    show_unsure(session, found)


def show_unsure(session: "Session", found: "FieldComparison") -> None:
    """Say what brings those to an end of which nobody knows yet whether a hand changed them."""
    kinds = {each.kind for each in found.differing}
    for mend in dict.fromkeys(each.mend for each in found.differing if each.mend):
        session.console.advise(f"Give back what a late write took: {mend}")
    if kinds & {"open", "parked"}:
        session.console.note("Bring to an end what is open or needs you: ccops settle")
    if "unclear" in kinds:
        session.console.advise("What is unclear comes up at the contact's next run or adjustment, for ccops settle.")


def summary(found: "FieldComparison") -> Iterator[str]:
    """Count all contacts together."""
    counts, by_hand = found.counts, found.by_hand
    moved = total(number for each in by_hand if (number := moved_by(each)) is not None)
    by = f" ({clean(found.field)} {moved_text(moved)})" if moved else ""
    kinds = {kind: sum(each.kind == kind for each in found.differing) for kind in _OTHERWISE}
    lines = [
        (len(by_hand), f"changed by hand{by}"),
        (kinds["lost"], f"lost to a late write of ccops{_lost_in_all(found)}"),
        (kinds["open"], "open: a write of ccops is not at its end"),
        (kinds["parked"], f"{need_you(kinds['parked'])}: nobody knows yet whether a write of ccops arrived"),
        (kinds["unclear"], "unclear: a late write of ccops"),
        (counts.same, "as ccops left them"),
        (counts.never, f"never written to by ccops, so {clean(found.field)} was not compared"),
        (counts.gone, "written to by ccops, but not in Kit's list: deleted there"),
    ]
    shown = [(f"{count:,}", text) for place, (count, text) in enumerate(lines) if count or not place]
    width = max(3, *(len(count) for count, _ in shown), 0)
    for count, text in shown:
        yield f"  {count:>{width}} {text}"


def _lost_in_all(found: "FieldComparison") -> str:
    moved = total(number for each in found.differing if each.kind == "lost" and (number := moved_by(each)) is not None)
    return f" ({clean(found.field)} {moved_text(moved)})" if moved else ""


def moved_by(difference: "Difference") -> Decimal | None:
    """Return by how much a number was changed; None where one of the values is none."""
    kept, found = amount(difference.kept), amount(difference.found)
    return None if kept is None or found is None else minus(found, kept)


def _show_table(session: "Session", found: "FieldComparison") -> None:
    console, timezone, now = session.console, session.registry.timezone, session.clock.now()
    if found.differing:
        console.heading(times_in(timezone), Styled(clean(found.field), "bold"))
    for start in range(0, len(found.differing), _AT_ONCE):
        rows = [_row(found, each, timezone, now) for each in found.differing[start : start + _AT_ONCE]]
        for line in layout(_COLUMNS, rows, console.out.width):
            console.say(*line, urgent=True)
    if found.differing:
        console.say()
    for text in summary(found):
        console.say(text)


def _row(found: "FieldComparison", each: "Difference", timezone: str, now: "datetime") -> Cells:
    by, entry = moved_by(each), _entry(found, each)
    when = short_time(entry.moment, timezone, now).strip()
    told: StyledPart = f"{when}, {name_of(entry)}, {entry.by} ({entry_name(entry)})"
    if each.reason:
        told = Styled(each.reason, "doubt" if each.kind == "by-hand" else "bad")
    return (
        each.email,
        value_text(each.kept),
        Styled(value_text(each.found), "bold"),
        "" if by is None else moved_text(by),
        told,
    )


def _cells(found: "FieldComparison", each: "Difference") -> Iterator[str]:
    by, entry = moved_by(each), _entry(found, each)
    yield from (each.email, found.field, each.kind, each.kept or "", each.found or "", "" if by is None else plain(by))
    yield from (entry_name(entry), iso(entry.moment), entry.operation, entry.by, each.reason or "")


def _object(found: "FieldComparison", each: "Difference") -> Mapping[str, object]:
    """Return what `--json` prints of a contact that differs; scripts depend on its keys."""
    by, entry = moved_by(each), _entry(found, each)
    return {
        "contact": {"id": each.contact, "email": each.email},
        "field": found.field,
        "status": each.kind,
        "ccops": each.kept,
        "kit": each.found,
        "difference": None if by is None else plain(by or ZERO),
        "reason": each.reason,
        "entry": entry_name(entry),
        "operation": entry.operation,
        "by": entry.by,
        "via": entry.via,
        "at": iso(entry.moment),
        **({"mend": each.mend} if each.mend else {}),
    }


def _entry(found: "FieldComparison", each: "Difference") -> "Entry":
    """Look the entry up that wrote the field last; of very many, they are not all kept."""
    return found.ledger.entries.get(each.last)


# ---- `--adopt` and `--restore`: a run over the contacts that were changed by hand


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Those that were changed by hand, and what a run that was broken off has left open."""

    names: tuple[str, ...]

    in_order = False

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.names)

    @property
    def widest(self) -> int:
        """Cells of the longest name, where each has its line."""
        return max(map(len, self.names), default=0) if self.shows_each else 0

    @property
    def shows_each(self) -> bool:
        """Whether they are few enough to have a line each."""
        return self.count <= ASKED_FROM


def carry_out(session: "Session", found: "FieldComparison", way: Direction, how: WriteOptions) -> int:
    """Ask, and let one of the two values hold; return the exit status. What no hand changed is told, and left."""
    from ccops.cli.runner import do

    command = ReconcileCommand(found.field, way)
    last = None if how.new else found.ledger.runs.last_without_end(text_of(command))
    begun = [] if last is None else [entry for entry in found.ledger.entries.of_run(last.id) if _is_open(entry)]
    left = _left(found, begun)
    if last is None and not found.by_hand:
        _say_nothing(session, found, how)
        return NEEDS_A_PERSON if left else FINE
    if not _is_meant(session, found, way, how):
        session.console.note("Nothing was sent.")
        return NEEDS_A_PERSON
    job = _job(session, found, command, begun)
    status = do(session, job, replace(how, yes=True))
    for each in left:
        session.console.warn(f"{each.email}: left as it is: {each.reason}")
    return worst([status, NEEDS_A_PERSON if left else FINE])


def _is_open(entry: "Entry") -> bool:
    return entry.status.is_open


def _left(found: "FieldComparison", begun: "Iterable[Entry]") -> "list[Difference]":
    """Return those that differ for another reason than a hand, unless the run itself brings them to an end."""
    ours = {entry.id for entry in begun}
    return [each for each in found.differing if each.kind != "by-hand" and each.unsure not in ours]


def _say_nothing(session: "Session", found: "FieldComparison", how: WriteOptions) -> None:
    if found.differing:
        show(session, found, how)
        show_unsure(session, found)
    elif not how.json:
        for line in summary(found):
            session.console.say(line)


def _is_meant(session: "Session", found: "FieldComparison", way: Direction, how: WriteOptions) -> bool:
    """Show a person whom it is about, and ask."""
    if how.yes or how.dry_run or not found.by_hand:
        return True
    show(session, found, replace(how, json=False))
    count = len(found.by_hand)
    changes, contacts = ("change", "contact") if count == 1 else ("changes", "contacts")
    question = {
        "adopt": f"Take the {changes} of {count:,} {contacts} into the history?",
        "restore": f"Write what ccops wrote last back to {count:,} {contacts}?",
    }
    return session.questions.confirm(question[way])


def _job(session: "Session", found: "FieldComparison", command: ReconcileCommand, begun: "list[Entry]") -> Job:
    timezone, taken_up = session.registry.timezone, {entry.contact for entry in begun}
    by_hand = [each for each in found.by_hand if each.contact not in taken_up]
    people = [(entry, found.ledger.people.by_id(entry.contact)) for entry in begun]
    names = (person.email if person is not None else str(entry.contact) for entry, person in people)

    def requests(run: int, origin: "Origin") -> "Iterator[AnyRequest]":
        from ccops.engine.reconcile import adoption_of, go_on_with, restore_of

        make: Callable[..., AnyRequest] = adoption_of if command.way == "adopt" else restore_of
        yield from (go_on_with(entry, origin) for entry in begun)
        yield from (make(each, found.field, timezone, (run, origin)) for each in by_hand)

    title = f"reconcile {found.field} --{command.way}"
    return Job(
        command,
        title,
        "adjust",
        requests,
        _Chosen((*names, *(each.email for each in by_hand))),
        timezone,
        occasion=title,
    )

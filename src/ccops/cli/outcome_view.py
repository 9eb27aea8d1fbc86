"""Outcomes as lines for people and as objects for programs."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from ccops.app.number_text import moved as moved_text
from ccops.app.phrases import change_text, entry_name, need_you
from ccops.cli.errors import corrected
from ccops.cli.exit_status import FINE, NEEDS_A_PERSON, UNREACHABLE, status_of, worst
from ccops.cli.job import Job, WriteOptions
from ccops.cli.output import Style, Styled, StyledLine, StyledPart, fold, span, width_of
from ccops.clock import iso
from ccops.engine.outcomes import NO_SUCH_CONTACT, ContactRef, Outcome, OutcomeStatus, outcome_of
from ccops.errors import CcopsError, LedgerUnusable, Misconfigured, ServiceUnreachable
from ccops.ledger.model import Entry, Origin, Run
from ccops.operations.dates import local
from ccops.operations.numbers import EXACT, NotANumber, parse_number
from ccops.operations.periods import MONTHS
from ccops.text import clean, same_address

if TYPE_CHECKING:
    from ccops.cli.context import Session

_STYLES: Final[dict[OutcomeStatus, Style]] = {
    "applied": "good",
    "repeated": "dim",
    "refused": "doubt",
    "failed": "bad",
    "parked": "bad",
    "open": "doubt",
    "left-out": "dim",
    "previewed": "bold",
}
_BELOW: Final = "    "
_BETWEEN: Final = 2
URGENT: Final[frozenset[OutcomeStatus]] = frozenset({"refused", "failed", "parked", "open"})
"""What `--quiet` still prints."""


def style_of(status: OutcomeStatus) -> Style:
    """Return how outcomes of a kind stand out."""
    return _STYLES[status]


def short_time(moment: datetime, timezone: str, now: datetime) -> str:
    """Write a moment in a zone: "22 Nov 14:20", with the year if it is another one than now."""
    there = local(moment, timezone)
    year = "" if there.year == local(now, timezone).year else f" {there.year}"
    return f"{there.day:2d} {MONTHS[there.month - 1][:3]}{year} {there:%H:%M}"


def moment_text(moment: datetime, timezone: str, now: datetime | None) -> str:
    """Write a moment for people at `now`; for programs (None), as ISO 8601 in UTC."""
    return iso(moment) if now is None else short_time(moment, timezone, now).strip()


def long_time(moment: datetime, timezone: str) -> str:
    """Write a moment in a zone to the second: "22 Nov 2026 14:20:07"."""
    there = local(moment, timezone)
    return f"{there.day} {MONTHS[there.month - 1][:3]} {there.year} {there:%H:%M:%S}"


def times_in(timezone: str) -> str:
    """Say where the times that are shown hold: "times: New York"."""
    return f"times: {timezone.rpartition('/')[2].replace('_', ' ')}"


def outcome_lines(outcome: Outcome, timezone: str, now: datetime, widths: tuple[int, int | None]) -> list[StyledLine]:
    """Write an outcome on one line, or with what came out below the contact if that is too long for it.

    `widths` are those of the contact's name and of the line (None: a pipe, where it is always one).
    """
    of_name, of_line = widths
    # Cleaned before it is measured, and so that no tab in a value looks like the end of a column.
    who, text = clean(outcome_name(outcome)), clean(outcome_text(outcome, timezone, None if of_line is None else now))
    name = entry_name(outcome.entry)
    if of_line is None:
        return [(f"{who}\t{text}\t{name}",)]
    style, entry = _STYLES[outcome.status], Styled(name, "dim")
    for room in (of_name, 0):
        left = who + " " * (max(room - width_of(who), 0) + 3)
        gap = of_line - width_of(left + text) - len(name)
        if gap >= (_BETWEEN if name else 0):
            return [(left, Styled(text, style), " " * (gap if name else 0), entry)]
    *below, last = fold(text, of_line - len(_BELOW) - (len(name) + _BETWEEN if name else 0))
    gap = max(of_line - width_of(_BELOW + last) - len(name), _BETWEEN) if name else 0
    lines: list[StyledLine] = [(who,), *((_BELOW, Styled(line, style)) for line in below)]
    return [*lines, (_BELOW, Styled(last, style), " " * gap, entry)]


def outcome_name(outcome: Outcome) -> str:
    """Name the contact of an outcome."""
    return str(outcome.email or outcome.who)


def outcome_object(outcome: Outcome, run: int | None, origin: Origin, now: datetime) -> Mapping[str, object]:
    """Return the object that `--json` prints for an outcome; scripts depend on its keys."""
    entry = outcome.entry
    shown_run = entry.run if entry is not None else run
    return {
        "entry": entry_name(entry) or None,
        "run": None if shown_run is None else f"r{shown_run}",
        "operation": outcome.operation,
        "contact": {"id": outcome.contact, "email": outcome.email},
        "occasion": outcome.occasion,
        "status": outcome.status,
        "before": outcome.before,
        "after": outcome.after,
        "reason": outcome.reason,
        "note": origin.note if entry is None else entry.note,
        "by": origin.by if entry is None else entry.by,
        "via": origin.via if entry is None else entry.via,
        "undoes": None if entry is None else entry_name(entry.undoes) or None,
        "at": iso(now if entry is None else entry.moment),
    }


def entry_status(entry: Entry) -> str:
    """Return an entry's status in the words of `--json`, or that it is undone."""
    return "undone" if entry.status == "undone" else outcome_of(entry, None).status


def entry_object(entry: Entry, email: str | None) -> Mapping[str, object]:
    """Return the same object for an entry of the ledger, which may be undone as well."""
    told = outcome_object(outcome_of(entry, email), None, Origin(entry.by, entry.via, entry.note), entry.moment)
    return {**told, "status": entry_status(entry)}


def entry_text(entry: Entry) -> str:
    """Say on one line what an entry changed, or what became of it."""
    outcome = outcome_of(entry, None)
    if entry.status == "undone":
        outcome = replace(outcome, status="applied")
    return outcome_text(outcome, "UTC", entry.moment)


def entry_part(entry: Entry) -> StyledPart:
    """Return the same, standing out if it is not a plain change that holds."""
    text = entry_text(entry)
    match entry.status:
        case "applied":
            return text
        case "undone":
            return Styled(text, "dim")
        case _:
            return Styled(text, _STYLES[outcome_of(entry, None).status])


def outcome_text(outcome: Outcome, timezone: str, now: datetime | None) -> str:
    """Say on one line what came out, and why; with times as `moment_text` writes them."""
    change = change_text(outcome.before, outcome.after)
    reason = outcome.reason or ""
    match outcome.status:
        case "applied" | "previewed":
            change = change or "no field was changed"  # it was counted as done by a take-over, or that was undone
            return f"{change} ({reason})" if reason else change
        case "repeated":
            return reason if outcome.doubled else _repeated(outcome, change, timezone, now)
        case "parked":
            return f"needs you: {reason}"
        case "open":
            return f"open: {reason or 'begun, and its outcome is not known yet'}"
        case "left-out":
            return f"left out: {reason}"
        case _:
            return f"{outcome.status}: {reason}"


def _repeated(outcome: Outcome, change: str, timezone: str, now: datetime | None) -> str:
    """Say when it was done before, and what that was."""
    entry, reason = outcome.entry, outcome.reason or ""
    when = "" if entry is None else f", {moment_text(entry.moment, timezone, now)}"
    told = change or reason or (entry.note if entry else None) or ""
    return f"already done{when}: {told} ({reason})" if change and reason else f"already done{when}: {told}"


# ---- what can be done about contacts that Kit does not have: mostly they are misspelt

MOST_NAMES: Final = 3
"""Contacts that are kept by name, to be told of."""


def advise(session: "Session", missing: "Sequence[ContactRef]", count: int, *, alone: bool) -> None:
    """Say what to look at; of a single address, which one that the ledger knows was probably meant.

    `alone`: nobody else was done by the command, which may then be given again, put right.
    """
    if count == 1 and isinstance(missing[0], str):
        _advise_on(session, missing[0], alone=alone)
    elif count == 1:
        session.console.advise("Look the person up in Kit, and give the e-mail address or the id there.")
    elif count:
        session.console.advise(
            f"{count:,} contacts are not in Kit. Check the spelling, or look them up there: who is no subscriber yet "
            "has to become one first. Then the same command again."
        )


def _advise_on(session: "Session", email: str, *, alone: bool) -> None:
    near = nearest(session, email)
    if near is None:
        session.console.advise(
            f"Check the spelling of {clean(email)}, or look the person up in Kit: who is no subscriber yet has to "
            "become one first."
        )
        return
    session.console.advise(f"Check the spelling of {clean(email)}. Did you mean {clean(near)}?")
    command = corrected(session.argv, email, near) if alone else None
    if command:
        session.console.note(f"  {clean(command)}")


def tell_if_moved(session: "Session", who: "ContactRef", email: str) -> None:
    """Say which address a contact has now, if it was asked for by an old one."""
    if isinstance(who, str) and not same_address(who, email):
        from ccops.engine.outcomes import moved_text

        session.console.advise(f"{moved_text(who, email)}.")


def advise_on_moved(session: "Session", moved: "Sequence[tuple[str, str]]", *, alone: bool) -> None:
    """Propose the command with the present address of the one contact that was asked for by an old one."""
    for old, new in moved if alone else ():
        command = corrected(session.argv, old, new)
        if command:
            session.console.advise("By the present address:")
            session.console.note(f"  {clean(command)}")


def nearest(session: "Session", email: str) -> str | None:
    """Return the address that the ledger knows and that is most like this one."""
    ledger = session.ledger_to_read if session.looks_only else session.ledger
    return ledger.people.nearest(email)


# ---- outcomes counted as they come, none of them kept: how many of each kind, and what people want to know of them

TallyKind = OutcomeStatus | Literal["doubled"]
"""What is counted apart: of what was done before, what stands twice in a file."""

LABELS: Final[dict[TallyKind, str]] = {
    "applied": "applied",
    "previewed": "would be applied",
    "repeated": "already done",
    "doubled": "twice in the file",
    "refused": "refused",
    "left-out": "left out",
    "failed": "failed",
    "parked": "need you",
    "open": "open",
}
"""In the order of the summary."""
_AROUND: Final = "      "
"""Blanks before, between and behind count and label."""
_BENEATH: Final = "      "
_ENDLESS: Final = 1_000_000
_MOST_NAMES: Final = 3
_MOST_REASONS: Final = 5
_STATUS: Final[dict[TallyKind, int]] = {
    "refused": NEEDS_A_PERSON,
    "failed": NEEDS_A_PERSON,
    "parked": NEEDS_A_PERSON,
    "open": UNREACHABLE,
}
"""The exit status that an outcome stands for; the others are fine."""


@dataclass(slots=True)
class Tally:
    """What has come out so far."""

    refused_ok: bool = False
    counts: Counter[TallyKind] = field(default_factory=Counter)
    first: dict[TallyKind, Entry] = field(default_factory=dict)
    """The first entry of each kind."""
    missing: list[ContactRef] = field(default_factory=list)
    """The first of those that are not in Kit, as they were asked for."""
    missing_count: int = 0
    moved: list[tuple[str, str]] = field(default_factory=list)
    """The first of those that were asked for by an old address: that one, and the present one."""
    faults: dict[str, CcopsError] = field(default_factory=dict)
    """What a person has to put right first, by the operation at which it was found."""
    _errors: set[int] = field(default_factory=set)
    _moved: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    _notes: Counter[str] = field(default_factory=Counter)
    _runs: dict[int, datetime] = field(default_factory=dict)
    _reasons: defaultdict[TallyKind, "dict[str, _NamesByReason]"] = field(default_factory=lambda: defaultdict(dict))

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        kind: TallyKind = "doubled" if outcome.doubled else outcome.status
        self.counts[kind] += 1
        if outcome.entry is not None:
            self.first.setdefault(kind, outcome.entry)
        if outcome.error is not None:
            self._errors.add(status_of(outcome.error))
            if isinstance(outcome.error, Misconfigured):
                self.faults.setdefault(outcome.operation, outcome.error)
        if outcome.status == "failed" and outcome.reason == NO_SUCH_CONTACT:
            self.missing_count += 1
            self.missing += [outcome.who] if len(self.missing) < MOST_NAMES else []
        if outcome.moved_to is not None and len(self.moved) < MOST_NAMES:
            self.moved.append((str(outcome.who), outcome.moved_to))
        match kind:
            case "applied" | "previewed":
                self._add_change(outcome)
            case "repeated" if outcome.entry is not None:
                run, moment = outcome.entry.run, outcome.entry.moment
                self._runs[run] = max(moment, self._runs.get(run, moment))
            case _:
                names = self._reasons[kind]
                names.setdefault(clean(outcome.reason or ""), _NamesByReason()).add(clean(outcome_name(outcome)))

    @property
    def total(self) -> int:
        """How many outcomes were counted."""
        return self.counts.total()

    def exit_status(self) -> int:
        """Return the exit status that the outcomes stand for."""
        told = (FINE if each == "refused" and self.refused_ok else _STATUS.get(each, FINE) for each in self.counts)
        return worst((*told, *self._errors))

    def summary(
        self, title: str, timezone: str, now: datetime | None, width: int | None = None
    ) -> Iterator[StyledLine]:
        """Write a title, then a line for each kind of outcome; times as `moment_text` writes them.

        Longer lines than `width` are wrapped (None: a pipe, where none is).
        """
        yield (Styled(clean(title), "bold"),)
        present = [status for status in LABELS if self.counts[status]]
        if not present:
            return
        of_count = max(3, *(len(f"{self.counts[status]:,}") for status in present))
        labels = {status: self._label(status) for status in present}
        of_label = max(map(len, labels.values()))
        width = _ENDLESS if width is None else width
        room = width - of_count - of_label - len(_AROUND)
        for status in present:
            head = f"  {self.counts[status]:>{of_count},} "
            style = style_of("repeated" if status == "doubled" else status)
            details = self._details(status, timezone, now)
            beside = all(width_of(word) <= room for detail in details for word in detail.split())
            first, *more = _wrapped(details, room) if beside else ["", *_wrapped(details, width - len(_BENEATH))]
            yield (head, Styled(f"{labels[status]:<{of_label}}", style), f"   {first}".rstrip())
            indent = " " * (of_count + of_label + len(_AROUND)) if beside else _BENEATH
            yield from ((f"{indent}{line}",) for line in more)

    def _label(self, status: TallyKind) -> str:
        return need_you(self.counts[status]) if status == "parked" else LABELS[status]

    def _add_change(self, outcome: Outcome) -> None:
        for key, after in (outcome.after or {}).items():
            self._moved[key] = EXACT.add(self._moved[key], _moved((outcome.before or {}).get(key), after))
        if outcome.reason:
            self._notes[outcome.reason] += 1

    def _details(self, status: TallyKind, timezone: str, now: datetime | None) -> Sequence[str]:
        match status:
            case "applied" | "previewed":
                return [self._changed()]
            case "repeated":
                return [self._first_time(timezone, now)]
            case _:
                return _said(self._reasons[status])

    def _changed(self) -> str:
        """Say by how much each field moved in all, and what limits did."""
        moved = ", ".join(f"{clean(key)} {moved_text(_plain(number))}" for key, number in self._moved.items() if number)
        notes = sorted(self._notes.items(), key=lambda item: (-item[1], item[0]))
        said = "; ".join(f"{count:,} {clean(note)}" for note, count in notes)
        return f"{moved} ({said})" if said else moved

    def _first_time(self, timezone: str, now: datetime | None) -> str:
        """Say when and in which run they were done, if that was one run."""
        runs = sorted(self._runs)
        if len(runs) != 1:
            return f"runs {', '.join(f'r{run}' for run in runs[-_MOST_NAMES:])}" if runs else ""
        return f"{moment_text(self._runs[runs[0]], timezone, now)}, run r{runs[0]}"


def _wrapped(details: Sequence[str], room: int) -> list[str]:
    return [line for detail in details for line in fold(detail, room)]


@dataclass(slots=True)
class _NamesByReason:
    """Contacts that share a reason: the first of them, and how many there are."""

    shown: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, name: str) -> None:
        self.count += 1
        if len(self.shown) < _MOST_NAMES:
            self.shown.append(name)

    def __str__(self) -> str:
        more = self.count - len(self.shown)
        return ", ".join(self.shown) + (f" and {more:,} more" if more else "")


def _plain(number: Decimal) -> Decimal:
    """Leave out decimal places that say nothing: 15.000 is 15."""
    whole = number.to_integral_value()
    return whole if whole == number else number


def _moved(before: str | None, after: str | None) -> Decimal:
    """Return by how much a number moved; what is no number does not move."""
    try:
        return EXACT.subtract(parse_number(after, Decimal(0)), parse_number(before, Decimal(0)))
    except NotANumber:
        return Decimal(0)


def _said(reasons: "dict[str, _NamesByReason]") -> Sequence[str]:
    """Say why, naming the contacts: the reason of several comes first, that of a single one behind its name."""
    said = [_because(reason, names) for reason, names in list(reasons.items())[:_MOST_REASONS]]
    more = len(reasons) - _MOST_REASONS
    return [*said, f"and {more:,} other reason{'s' if more > 1 else ''}"] if more > 0 else said


def _because(reason: str, names: _NamesByReason) -> str:
    if not reason:
        return str(names)
    return f"{names}: {reason}" if names.count == 1 else f"{reason}: {names}"


# ---- the end of a run over contacts: what came of it in all, what is left, and how to take it back


@dataclass(slots=True)
class RunReport:
    """A run, and what has come of it so far."""

    job: Job
    how: WriteOptions
    run: Run
    tally: Tally
    begun: datetime
    reached_all: bool = False
    """Whether all contacts were gone through."""


def close(session: "Session", report: RunReport, cause: CcopsError | None = None) -> None:
    """Sum up what a run has done, and say what is left to do; `cause` is what broke it off, to be shown next."""
    what = f"run r{report.run.id}{_lasted(session.clock.now() - report.begun)}"
    sum_up(session, report.job, report.tally, report.how, what, went_through=report.reached_all)
    _say_left(session, report, cause)
    _say_needed(session, report.tally)
    if report.job.failures is not None:
        report.job.failures.is_whole = report.reached_all
    if session.console.err.is_terminal and not report.how.json:
        _say_undo(session, report)


def sum_up(
    session: "Session", job: Job, tally: Tally, how: WriteOptions, what: str, *, went_through: bool = True
) -> None:
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


def _say_left(session: "Session", report: RunReport, cause: CcopsError | None) -> None:
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


def _begun(session: "Session", report: RunReport) -> int:
    """Count the changes of a run that were sent and not confirmed."""
    try:
        return sum(entry.status == "sending" for entry in session.ledger.entries.of_run(report.run.id))
    except CcopsError:  # then only the reason can be told, which comes next
        return 0


def _say_needed(session: "Session", tally: Tally) -> None:
    advise(session, tally.missing, tally.missing_count, alone=tally.total == 1)
    advise_on_moved(session, tally.moved, alone=tally.total == 1)
    say_faults(session, tally.faults)
    count = tally.counts["parked"]
    if count:
        first = tally.first.get("parked")
        session.console.warn(
            entry_name(first) if count == 1 else f"{count:,}", f" {need_you(count)}: {session.spell('ccops settle')}"
        )
    if tally.counts["open"]:
        session.console.warn("Kit did not answer; the same command later goes on, nothing is lost.")


def say_faults(session: "Session", faults: Mapping[str, CcopsError]) -> None:
    """Say what is wrong with single operations, and the commands that put it right."""
    for operation, error in faults.items():
        session.console.warn(f"{operation}: {error}")
        for line in error.mend.splitlines():
            session.console.warn(f"  {session.spell(line)}")


def _say_undo(session: "Session", report: RunReport) -> None:
    """Say how to take back what was applied; not of several undos, which are taken back one by one only."""
    count = report.tally.counts["applied"]
    if count == 1:
        entry = entry_name(report.tally.first["applied"])
        session.console.note(f'Take it back: {session.spell(f"ccops undo {entry}")} --reason "…"')
    elif count and report.job.via != "undo":
        safe = "The same command again is safe. " if report.job.occasion else ""
        undo = session.spell(f"ccops undo --run r{report.run.id}")
        session.console.advise(f'{safe}Take all back: {undo} --reason "…"')


def say_nothing_left(session: "Session", report: RunReport) -> None:
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

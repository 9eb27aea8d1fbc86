"""Outcomes counted as they come, none of them kept: how many of each kind, and what people want to know of them."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from ccops.cli.exits import FINE, NEEDS_A_PERSON, UNREACHABLE, status_of, worst
from ccops.cli.nobody import MOST_NAMES
from ccops.cli.showing import moment_text, outcome_name, style_of
from ccops.cli.styles import Line, Styled, fold, width_of
from ccops.engine.request import Outcome, OutcomeStatus, Who
from ccops.engine.telling import NO_SUCH_CONTACT
from ccops.errors import CcopsError, Misconfigured
from ccops.ledger.model import Entry
from ccops.operations.numbers import EXACT, NotANumber, parse_number
from ccops.report.numbers import moved as moved_text
from ccops.report.words import need_you
from ccops.text import clean

Kind = OutcomeStatus | Literal["doubled"]
"""What is counted apart: of what was done before, what stands twice in a file."""

LABELS: Final[dict[Kind, str]] = {
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
_STATUS: Final[dict[Kind, int]] = {
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
    counts: Counter[Kind] = field(default_factory=Counter)
    first: dict[Kind, Entry] = field(default_factory=dict)
    """The first entry of each kind."""
    missing: list[Who] = field(default_factory=list)
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
    _reasons: defaultdict[Kind, "dict[str, _Names]"] = field(default_factory=lambda: defaultdict(dict))

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        kind: Kind = "doubled" if outcome.doubled else outcome.status
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
                names.setdefault(clean(outcome.reason or ""), _Names()).add(clean(outcome_name(outcome)))

    @property
    def total(self) -> int:
        """How many outcomes were counted."""
        return self.counts.total()

    def exit_status(self) -> int:
        """Return the exit status that the outcomes stand for."""
        told = (FINE if each == "refused" and self.refused_ok else _STATUS.get(each, FINE) for each in self.counts)
        return worst((*told, *self._errors))

    def summary(self, title: str, timezone: str, now: datetime | None, width: int | None = None) -> Iterator[Line]:
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

    def _label(self, status: Kind) -> str:
        return need_you(self.counts[status]) if status == "parked" else LABELS[status]

    def _add_change(self, outcome: Outcome) -> None:
        for key, after in (outcome.after or {}).items():
            self._moved[key] = EXACT.add(self._moved[key], _moved((outcome.before or {}).get(key), after))
        if outcome.reason:
            self._notes[outcome.reason] += 1

    def _details(self, status: Kind, timezone: str, now: datetime | None) -> Sequence[str]:
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
class _Names:
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


def _said(reasons: "dict[str, _Names]") -> Sequence[str]:
    """Say why, naming the contacts: the reason of several comes first, that of a single one behind its name."""
    said = [_because(reason, names) for reason, names in list(reasons.items())[:_MOST_REASONS]]
    more = len(reasons) - _MOST_REASONS
    return [*said, f"and {more:,} other reason{'s' if more > 1 else ''}"] if more > 0 else said


def _because(reason: str, names: _Names) -> str:
    if not reason:
        return str(names)
    return f"{names}: {reason}" if names.count == 1 else f"{reason}: {names}"

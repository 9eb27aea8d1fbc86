"""Several outcomes counted together: how many of each kind, and what people want to know of them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from ccops.cli.showing import moment_text, outcome_name, style_of
from ccops.cli.styles import Line, Styled
from ccops.engine.request import Outcome, OutcomeStatus
from ccops.operations.numbers import EXACT, NotANumber, parse_number
from ccops.text import clean

_LABELS: Final[dict[OutcomeStatus, str]] = {
    "applied": "applied",
    "previewed": "would be applied",
    "repeated": "already done",
    "refused": "refused",
    "left-out": "left out",
    "failed": "failed",
    "parked": "need you",
    "open": "open",
}
"""In the order of the summary."""
_MOST_NAMES: Final = 3
_MOST_REASONS: Final = 5


def summary(title: str, outcomes: Sequence[Outcome], timezone: str, now: datetime | None) -> Iterator[Line]:
    """Write the summary: a title, then a line for each kind of outcome; times as `moment_text` writes them."""
    yield (Styled(clean(title), "bold"),)
    groups = {status: [each for each in outcomes if each.status == status] for status in _LABELS}
    present = [status for status in _LABELS if groups[status]]
    of_count = max(3, *(len(f"{len(groups[status]):,}") for status in present))
    of_label = max(len(_LABELS[status]) for status in present)
    for status in present:
        count, label = f"{len(groups[status]):,}", _LABELS[status]
        for number, detail in enumerate(_details(status, groups[status], timezone, now)):
            head = f"  {'' if number else count:>{of_count}} "
            yield (head, Styled(f"{'' if number else label:<{of_label}}", style_of(status)), f"   {detail}".rstrip())


def _details(status: OutcomeStatus, outcomes: Sequence[Outcome], timezone: str, now: datetime | None) -> Sequence[str]:
    match status:
        case "applied" | "previewed":
            return [_changed(outcomes)]
        case "repeated":
            return [_first_time(outcomes, timezone, now)]
        case _:
            return _reasons(outcomes)


def _changed(outcomes: Sequence[Outcome]) -> str:
    """Say by how much each field moved in all, and what limits did."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for outcome in outcomes:
        for field, after in (outcome.after or {}).items():
            sums[field] = EXACT.add(sums[field], _moved((outcome.before or {}).get(field), after))
    notes = defaultdict[str, int](int)
    for outcome in outcomes:
        notes[outcome.reason or ""] += 1
    moved = ", ".join(f"{clean(field)} {number:+,f}" for field, number in sums.items() if number)
    said = "; ".join(f"{count} {clean(note)}" for note, count in notes.items() if note)
    return f"{moved} ({said})" if said else moved


def _moved(before: str | None, after: str | None) -> Decimal:
    """Return by how much a number moved; what is no number does not move."""
    try:
        return EXACT.subtract(parse_number(after, Decimal(0)), parse_number(before, Decimal(0)))
    except NotANumber:
        return Decimal(0)


def _first_time(outcomes: Sequence[Outcome], timezone: str, now: datetime | None) -> str:
    """Say when and in which run they were done, if that was one run."""
    entries = [outcome.entry for outcome in outcomes if outcome.entry is not None]
    runs = sorted({entry.run for entry in entries})
    if len(runs) != 1:
        return f"runs {', '.join(f'r{run}' for run in runs[-_MOST_NAMES:])}" if runs else ""
    return f"{moment_text(max(entry.moment for entry in entries), timezone, now)}, run r{runs[0]}"


def _reasons(outcomes: Sequence[Outcome]) -> Sequence[str]:
    """Say why, naming the contacts: the reason of several comes first, that of a single one behind its name."""
    names = defaultdict[str, list[str]](list)
    for outcome in outcomes:
        names[clean(outcome.reason or "")].append(clean(outcome_name(outcome)))
    said = [_because(reason, who) for reason, who in list(names.items())[:_MOST_REASONS]]
    more = len(names) - _MOST_REASONS
    return [*said, f"and {more} other reasons"] if more > 1 else [*said, *(["and 1 other reason"] if more == 1 else [])]


def _because(reason: str, names: Sequence[str]) -> str:
    if not reason:
        return _some(names)
    return f"{names[0]}: {reason}" if len(names) == 1 else f"{reason}: {_some(names)}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    return shown if len(names) <= _MOST_NAMES else f"{shown} and {len(names) - _MOST_NAMES:,} more"

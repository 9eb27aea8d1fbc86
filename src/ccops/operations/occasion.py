"""Occasions: why an operation runs, as the keys by which the ledger counts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ccops.clock import iso, parse_iso
from ccops.errors import Misconfigured
from ccops.operations.dates import local
from ccops.operations.model import Operation, Period
from ccops.operations.periods import MONTHS, describe_period, parse_period, period_bounds, period_key
from ccops.operations.refusal import Cause
from ccops.text import clean, shorten, tidy

_LONGEST: Final = 400
"""Characters that are looked at; no key and no address is as long."""
_MOST_DIGITS: Final = 3
"""Digits in the name of a merge field, as in `{Name:1.3}`. Ids, such as a GUID in braces, have more."""

_MARKED: Final = re.compile(
    r"\{\{.*?\}\}|\$\{[^{}]*\}|\*\|.*?\|\*|%%[^%]*[^\W\d_][^%]*%%|\{%.*?%\}|<%.*?%>|<\?.*?\?>|\[\[.*?\]\]", re.DOTALL
)
"""Marks that stand around nothing but a placeholder, wherever they are in a text."""
_BRACKETED: Final = re.compile(r"\[([^\[\]]+)\]|\{([^{}]+)\}|<([^<>]+)>|~([^~]+)~|%(?![0-9A-Fa-f]{2})([^\W\d]\w+)%")
"""Marks that real values may have too: what is between them, and around them, decides."""
_FIELD_NAME: Final = re.compile(r"\s*[!$=%#.]?\s*[^\W\d][^@]*")
_PERCENT: Final = re.compile(r"%[^\W\d][^%]*%")
_WORD: Final = re.compile(
    r"(?<![^\W_])(?:(?i:null|undefined)|None|NaN|\[object Object\])(?![^\W_])",
)
"""What programs write for no value, as in `invoice-undefined`."""
_NOTHING: Final = frozenset(
    {"null", "undefined", "none", "nan", "nil", "(null)", "(none)", "n/a", "#n/a", "[object object]"}
)


def is_placeholder(text: str) -> bool:
    """Tell whether a text is a placeholder, or has nothing besides one that could tell two occasions apart.

    A key that differs each time has a number: `invoice-[Number]` is the same for all, `order-1042 [gift]` is not.
    In an address, words such as `null` may be a name.
    """
    value = text[:_LONGEST].strip()
    if value.casefold() in _NOTHING or _MARKED.search(value) or _PERCENT.fullmatch(value):
        return True
    rest = _BRACKETED.sub(lambda found: "" if _names_field(found) else found[0], value)
    if "@" not in value:
        rest = _WORD.sub("", rest)
    return rest != value and not any(char.isdigit() for char in rest)


def _names_field(found: re.Match[str]) -> bool:
    name = next(group for group in found.groups() if group is not None)
    return _FIELD_NAME.fullmatch(name) is not None and sum(char.isdigit() for char in name) <= _MOST_DIGITS


# ---- occasions: why an operation runs, as the keys by which the ledger counts

LONGEST_KEY: Final = 200

_ANSWERED: Final = frozenset({"tag", "post"})
_RULES: Final[frozenset[Cause]] = frozenset({"limit", "period"})

_SHORTENED: Final = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{1,3}")
"""How spreadsheets show and save a number of more than some digits."""

_WORDS: Final[Mapping[str, str]] = {
    "key": "key ",
    "lost": "what a late write took after e",
    "post": "POST ",
    "run": "by hand, run r",
    "set": "the value ",
    "undo": "undo of e",
}


class KeyFault(Misconfigured):
    """A key that names an occasion is empty, too long, or has invisible characters."""

    mend = f"use 1 to {LONGEST_KEY} visible characters, such as an invoice number"
    why = "can't be used"

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"the key {shorten(text)} {self.why}.")


class KeyShortened(KeyFault):
    """A key is a long number of which a spreadsheet kept the first digits only: all payments of a time share it."""

    mend = "format the column as text in the spreadsheet, put the numbers in again, and save the file once more"
    why = "is a number that a spreadsheet has cut short, so that many payments would share it as their key"


class KeyPlaceholder(KeyFault):
    """A key is a merge field that was not replaced: all occasions would share it, and one of them count."""

    mend = "put what differs for each occasion in its place, such as an invoice number"
    why = "is a placeholder that was not replaced with a value"


@dataclass(frozen=True, slots=True)
class Tagging:
    """A tag that a contact carries, and since when (whole seconds)."""

    tag: int
    at: datetime


def for_period(key: str) -> str:
    """Make the occasion of a period, which is its key: `month:2026-11`."""
    return key


def for_key(text: str) -> str:
    """Make the occasion that `--key` names: `key:invoice-7`. Raises KeyFault."""
    return f"key:{new_key(text)}"


def new_key(text: str) -> str:
    """Return a key that a person or a sender gives, as it is stored. Raises KeyFault."""
    key = _checked(text)
    if is_placeholder(key):
        raise KeyPlaceholder(text)
    return key


def for_post(key: str) -> str:
    """Make the occasion of a POST from the key that was stored of it: `post:evt_1`. Raises KeyFault."""
    return f"post:{_checked(key)}"


def for_run(run_id: int) -> str:
    """Make the occasion of a run that nothing else names: `run:31`."""
    return f"run:{run_id}"


def for_undo(entry_id: int) -> str:
    """Make the occasion of undoing an entry: `undo:4713`."""
    return f"undo:{entry_id}"


def for_lost(entry_id: int) -> str:
    """Make the occasion of giving back what a late write took away behind an entry: `lost:4711`."""
    return f"lost:{entry_id}"


def lost_behind(occasion: str) -> int | None:
    """Return the entry behind which was lost what an occasion is about; None if it is about something else."""
    kind, _, rest = occasion.partition(":")
    return int(rest) if kind == "lost" else None


def for_adjust(field: str, run_or_key: str) -> str:
    """Make the occasion of an adjustment from that of its run or key: `adjust:credits:run:31`."""
    return f"adjust:{field}:{run_or_key}"


def for_value(text: str) -> str:
    """Make the occasion of a value that is set, for which nothing else names one: `set:40`."""
    return f"set:{text}"


def for_import(field: str, key_or_value: str) -> str:
    """Make the occasion of a row of a file from that of its key or value: `import:credits:key:invoice-7`."""
    return f"import:{field}:{key_or_value}"


def for_tag(tag_id: int, tagged_at: datetime) -> str:
    """Make the occasion of a tagging: `tag:1042@2026-11-22T10:00:00Z`."""
    return f"tag:{tag_id}@{iso(tagged_at)}"


def tagging_of(occasion: str) -> Tagging | None:
    """Return the tagging that an occasion stands for; None if it stands for something else."""
    if _kind(occasion) != "tag":
        return None
    tag, _, at = occasion.partition(":")[2].partition("@")
    return Tagging(int(tag), parse_iso(at))


def refusal_uses_it_up(occasion: str, cause: Cause) -> bool:
    """Tell whether a refusal settles the occasion for good.

    A tag or POST refused by a limit or `once_per` was answered; whoever runs a command may try again, and a value
    that is no number, a drifted one or a faulty formula gets mended first.
    """
    return _kind(occasion) in _ANSWERED and cause in _RULES


def can_come_again(occasion: str) -> bool:
    """Tell whether an occasion may come again: that of a run that nothing else names never does."""
    kind, _, rest = occasion.partition(":")
    return can_come_again(rest.partition(":")[2]) if kind in {"adjust", "import"} else kind != "run"


def describe_occasion(occasion: str, timezone: str) -> str:
    """Say for people why something ran: "for November 2026", "tagged 22 Nov 14:01", "key invoice-7"."""
    kind, _, rest = occasion.partition(":")
    if kind == "tag":
        return f"tagged {_when(rest.partition('@')[2], timezone)}"
    if kind in {"adjust", "import"}:
        return describe_occasion(rest.partition(":")[2], timezone)
    if kind in _WORDS:
        return f"{_WORDS[kind]}{clean(rest)}"
    return f"for {describe_period(occasion)}"


def _kind(occasion: str) -> str:
    return occasion.partition(":")[0]


def _checked(text: str) -> str:
    # Blanks at the ends come and go with spreadsheets and headers, and so does whether é is one character or two; a
    # key must not count twice for them.
    key = tidy(text)
    if not key or len(key) > LONGEST_KEY or clean(key) != key:
        raise KeyFault(text)
    if _SHORTENED.fullmatch(key):
        raise KeyShortened(key)
    return key


def _when(tagged_at: str, timezone: str) -> str:
    moment = local(parse_iso(tagged_at), timezone)
    return f"{moment.day} {MONTHS[moment.month - 1][:3]} {moment:%H:%M}"


# ---- which occasion a run is: a key, a period, or the run itself


class PeriodOfWhat(Misconfigured):
    """A period was named, but nothing says that the operation counts by periods."""

    def __init__(self, operation: str, text: str) -> None:
        self.mend = f"ccops run {operation} … --once-per month --period {text}"
        super().__init__(f"--period needs --once-per, since {operation} has no once_per. Nothing was sent.")


class PeriodToCome(Misconfigured):
    """`--period` names a time that has not begun."""

    def __init__(self, period: str) -> None:
        super().__init__(
            f"{describe_period(period)} has not begun, and --period is there to catch up. Nothing was sent."
        )


class OtherPeriod(Misconfigured):
    """`--once-per` contradicts the registry."""

    def __init__(self, operation: str, asked: str, known: str) -> None:
        super().__init__(
            f"{operation} counts once per {known} (once_per in operations.toml), so --once-per {asked} can't hold. "
            "Nothing was sent. Leave --once-per out, or change the operation."
        )


@dataclass(frozen=True, slots=True)
class OccasionChoice:
    """What the caller says about the occasion."""

    key: str | None = None
    once_per: Period | None = None
    period: str | None = None
    """As typed: `2026-10`."""


@dataclass(frozen=True, slots=True)
class NamedOccasion:
    """The parts of an occasion that don't depend on the run."""

    occasion: str | None
    """None: each run is an occasion of its own."""
    period: str | None

    def for_run(self, run: int) -> str:
        """Return the occasion of a run."""
        return self.occasion or for_run(run)


def name_occasion(operation: Operation, naming: OccasionChoice, moment: datetime) -> NamedOccasion:
    """Name the occasion of running an operation at a moment.

    Raises PeriodOfWhat, OtherPeriod, PeriodFault, KeyFault.
    """
    if naming.once_per and operation.once_per and naming.once_per != operation.once_per:
        raise OtherPeriod(operation.name, naming.once_per, operation.once_per)
    kind = naming.once_per or operation.once_per
    if naming.period is not None and kind is None:
        raise PeriodOfWhat(operation.name, naming.period)
    period = None if kind is None else _period(kind, naming.period, moment, operation.timezone)
    if naming.key is not None:
        return NamedOccasion(for_key(naming.key), period)
    return NamedOccasion(None if period is None else for_period(period), period)


def _period(kind: Period, text: str | None, moment: datetime, timezone: str) -> str:
    """Take the period that was named, else the present one; an empty text is no period (a shell's unset variable)."""
    if text is None:
        return period_key(kind, moment, timezone)
    named = parse_period(kind, text)
    if kind != "ever" and period_bounds(named, timezone)[0] > moment:
        raise PeriodToCome(named)
    return named

"""The rows of a file: read one by one, checked all before the first of them is worked on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Final

from ccops.cli.csvfile import Faults, Record, Source, records
from ccops.cli.importing.columns import Columns
from ccops.cli.keys import amount_text
from ccops.cli.thousands import looks_grouped
from ccops.operations.asking import Adjustment
from ccops.operations.numbers import NotANumber, is_blank, parse_number
from ccops.operations.occasions import KeyFault, for_key, for_value
from ccops.text import address_key, shorten, tidy

_OPPOSITE: Final = {"add": "take", "take": "add"}
_KEY_FOR_ALL: Final = "and --key counts once for each contact; put both into one row, or give the rows a column key"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: whom it is for, by how much, and what makes it count once."""

    line: int
    who: int | str
    amount: Decimal
    counted_by: str
    cells: Sequence[str]
    same_as: int | None = None
    """The line of the row before it that is the same: contact, number, and what they count once by."""

    @property
    def contact(self) -> str:
        """What all ways to write its contact share."""
        return address_key(str(self.who))


@dataclass(frozen=True, slots=True)
class Rules:
    """How a row is to be read."""

    columns: Columns
    key: str | None
    """The occasion that is named for all rows."""
    is_secret: Callable[[str], bool]
    """Tells of a key whether it is the credential."""

    def row(self, record: Record, width: int, faults: Faults) -> Row | None:
        """Read a row, and note all that is wrong with it."""
        before = faults.count
        if any(tidy(cell) for cell in record.cells[width:]):
            faults.add(
                record.line,
                f"{len(record.cells)} cells, but {width} headings; a number with a comma in it takes two of them",
            )
            return None
        who, amount = self._who(record, faults), self._amount(record, faults)
        counted_by = self._counted_by(record, amount, faults)
        if who is None or amount is None or counted_by is None or faults.count > before:
            return None
        return Row(record.line, who, amount, counted_by, record.cells)

    def _who(self, record: Record, faults: Faults) -> int | str | None:
        contact = self.columns.contact
        return None if contact is None else contact.who(record, self._others, faults)

    @property
    def _others(self) -> frozenset[int]:
        """The columns that are read as something else than the contact, or that ccops itself wrote."""
        read = {place for place in (self.columns.amount, self.columns.key, self.columns.told) if place is not None}
        return frozenset(read)

    def _amount(self, record: Record, faults: Faults) -> Decimal | None:
        word, name = _cell(record, self.columns.amount), self.columns.adjustment
        if word is None or name is None:
            return None
        if is_blank(word):
            faults.add(record.line, f"no number in {name}")
            return None
        try:
            amount = parse_number(word, Decimal(0))
        except NotANumber as fault:
            faults.add(record.line, f"{name} is {fault.shown}, {fault.why}", NotANumber.mend)
            return None
        if name in _OPPOSITE and amount <= 0:
            less = f"; {_OPPOSITE[name]} is a column of its own" if amount else ""
            faults.add(record.line, f"{name} is {shorten(word)}; it has to be above 0{less}")
            return None
        return amount

    def _counted_by(self, record: Record, amount: Decimal | None, faults: Faults) -> str | None:
        """Return what makes the row count once: its key, that of all rows, or else the value that it sets."""
        word = _cell(record, self.columns.key)
        if word is None:
            return self.key or (None if amount is None else for_value(amount_text(amount)))
        if self.is_secret(word):
            faults.add(record.line, "its key is your API key, which would end up in the ledger")
            return None
        try:
            return for_key(word)
        except KeyFault as fault:
            faults.add(record.line, f"the key {shorten(word)} {fault.why}" if word else "no key", fault.mend)
            return None


def _cell(record: Record, place: int | None) -> str | None:
    """Return what stands in a column; None if there is no such column."""
    return None if place is None else record.cell(place)


@dataclass(frozen=True)
class InRows:
    """The rows of a checked file, as the contacts of a job."""

    source: Source
    rules: Rules
    count: int
    in_order: bool
    """Whether a contact has several rows: each is to find what those before it have left."""
    same: Mapping[int, int]
    """The lines that are the same as one before them, and that one."""

    shows_each = False
    widest = 0

    @property
    def adjustment(self) -> Adjustment:
        """What the rows do."""
        assert self.rules.columns.adjustment is not None  # noqa: S101 - it is checked
        return self.rules.columns.adjustment

    @cached_property
    def _first(self) -> Record:
        return next(records(self.source))

    @property
    def heading(self) -> Sequence[str]:
        """The headings as they stand in the file."""
        return self._first.cells

    @property
    def delimiter(self) -> str:
        """What separates its cells."""
        return self._first.delimiter

    @property
    def declares(self) -> bool:
        """Whether a line above the headings says what separates its cells."""
        return self._first.declares

    def rows(self) -> Iterator[Row]:
        """Give all rows, read anew. Raises BadLines if the file has been changed for the worse since it was checked."""
        given = records(self.source)
        width = len(next(given).cells)
        for record in given:
            faults = Faults()
            row = self.rules.row(record, width, faults)
            faults.check(self.source.name)
            if row is not None:
                yield replace(row, same_as=self.same.get(row.line))


class Checking:
    """Goes through all rows once, and notes which of them can't stand beside one another."""

    def __init__(self, rules: Rules, faults: Faults) -> None:
        self._rules = rules
        self._faults = faults
        self._lines: dict[int, int] = {}
        """By a hash of contact and occasion; the rows themselves are not kept."""
        self._whole = set[int]()
        self._contacts = set[int]()
        self.in_order = False
        """Whether a contact has several rows."""
        self.same: dict[int, int] = {}
        """The lines that are the same as one before them, and that one."""
        self.count = 0
        self.grouped: Row | None = None
        """The first row whose number may have been meant with a point between thousands."""

    def add(self, record: Record, width: int) -> None:
        """Check a row, by itself and against those before it."""
        self.count += 1
        row = self._rules.row(record, width, self._faults)
        if row is None:
            return
        if self.grouped is None and looks_grouped(row.amount):
            self.grouped = row
        self.in_order |= hash(row.contact) in self._contacts
        self._contacts.add(hash(row.contact))
        self._compare(row, hash((row.contact, self._occasion(row))), hash((row.contact, row.counted_by, row.amount)))

    def _occasion(self, row: Row) -> str | None:
        """Return what a contact can have one row for: values that are set without a key are all meant for now."""
        return row.counted_by if self._rules.columns.key is not None else None

    def _compare(self, row: Row, occasion: int, whole: int) -> None:
        first, same = self._lines.setdefault(occasion, row.line), whole in self._whole
        self._whole.add(whole)
        columns = self._rules.columns
        by_name_for_all = columns.key is None and self._rules.key is not None
        if first == row.line:
            return
        if same and not (by_name_for_all and columns.adjustment != "set"):
            self.same[row.line] = first  # the very same row once more is no second occasion, unless nothing says so
            return
        who = shorten(str(row.who))
        if columns.key is not None:
            text = f"{who} has the same key as on line {first}, with another number"
        elif by_name_for_all:
            text = f"{who} is on line {first} too, {_KEY_FOR_ALL}"
        else:
            text = f"{who} is set to another number on line {first}; leave one of them, or give the rows a column key"
        self._faults.add(row.line, text)

"""The rows of a file: read one by one, checked all before the first of them is worked on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Final, cast, get_args

from ccops.cli.contact_column import NAMES as CONTACTS
from ccops.cli.contact_column import ContactColumn, column_option, find_contact_column, lacks_headings
from ccops.cli.csv_file import CsvFaults, CsvSource, Record, headings_text, records
from ccops.cli.value_checks import amount_text, looks_grouped
from ccops.config.errors import nearest
from ccops.operations.derived import Adjustment
from ccops.operations.numbers import NotANumber, is_blank, parse_number
from ccops.operations.occasion import KeyFault, for_key, for_value
from ccops.text import address_key, folded, shorten, tidy

REASON: Final = "ccops_reason"
"""The column of `--failed-to`; when its file is given back, it says nothing."""
_AMOUNTS: Final[tuple[Adjustment, ...]] = get_args(Adjustment)
NAMES: Final = (*CONTACTS, *_AMOUNTS, "key")
EXAMPLE: Final = "ccops import balances.csv --field credits --column 'Credits=set'"
_SHOWN_UNREAD: Final = 8


@dataclass(frozen=True, slots=True)
class ImportColumns:
    """Where in a row things stand; what could not be found is None."""

    contact: ContactColumn | None
    amount: int | None
    adjustment: Adjustment | None
    key: int | None
    unread: Sequence[str] = ()
    """Headings that mean nothing here."""
    told: int | None = None
    """Where `--failed-to` wrote why a row failed."""

    @property
    def read(self) -> frozenset[int]:
        """The columns that are looked at in each row."""
        contacts = frozenset[int]() if self.contact is None else self.contact.read
        return contacts | {place for place in (self.amount, self.key) if place is not None}

    def what(self) -> str:
        """Say what the rows do to a field: "add to"."""
        return {"add": "add to", "take": "take from", "set": "set", None: ""}[self.adjustment]


class ColumnFinder:
    """Finds columns by a heading; notes what is wrong with it."""

    def __init__(self, heading: Sequence[str], mapped: Mapping[str, str], faults: CsvFaults, line: int) -> None:
        self._heading = [tidy(cell) for cell in heading]
        self._folded = [folded(cell) for cell in heading]
        self._mapped = mapped
        self._taken = {folded(heading) for heading in mapped.values()}
        """What `--column` says to be one thing is not another too because it is called so."""
        self._faults = faults
        self._line = line

    def find(self) -> ImportColumns:
        """Find all columns."""
        contact, amount = self._contact(), self._amount()
        columns = ImportColumns(
            contact=contact,
            amount=self._place(amount) if amount else None,
            adjustment=cast("Adjustment | None", amount),
            key=self._place("key"),
            told=next((place for place, head in enumerate(self._heading) if head == REASON), None),
        )
        read = columns.read
        unread = [head for place, head in enumerate(self._heading) if head and place not in read and head != REASON]
        return replace(columns, unread=unread[:_SHOWN_UNREAD] + (["…"] if len(unread) > _SHOWN_UNREAD else []))

    def _contact(self) -> ContactColumn | None:
        found = find_contact_column(self._heading, self._mapped, self._mapped.values())
        said = next((name for name in CONTACTS if name in self._mapped), None)
        if said is not None:
            self._place(said)  # which notes it if there is none, or two
        elif found is None and lacks_headings(self._heading):
            self._fault("there are no headings above the first row; write them into a line of their own: email,add,key")
        elif found is None:
            self._miss(CONTACTS)
        elif not found.emails:
            self._demand_one(found.ids)
        return found

    def _amount(self) -> str | None:
        found = self._present(_AMOUNTS)
        if len(found) <= 1:
            return self._only(_AMOUNTS)
        self._fault(
            f"it has {' and '.join(map(shorten, found))}, and a file does one of them; leave one, or say which: "
            f"--column {found[0]}={found[0]}"
        )
        return None

    def _only(self, names: Sequence[str]) -> str | None:
        """Return the first of several names that has a column; note it if none has."""
        found = self._present(names)
        if not found and not lacks_headings(self._heading):
            self._miss(names)
        return found[0] if found else None

    def _miss(self, names: Sequence[str]) -> None:
        """Note that none of several names has a column."""
        *others, last = map(shorten, names)
        guesses = ((nearest(name, self._heading), name) for name in names)
        guess = next(((head, name) for head, name in guesses if head), ("HEADING", names[0]))
        self._fault(
            f"no column {', '.join(others)} or {last}, only {headings_text(self._heading)}; say which one it is: "
            f"{column_option(*guess)}"
        )

    def _present(self, names: Sequence[str]) -> list[str]:
        """Return the names that have a column: what `--column` says goes before what is called so."""
        said = [name for name in names if name in self._mapped]
        return said or [name for name in names if name in self._folded and name not in self._taken]

    def _place(self, name: str) -> int | None:
        """Return where a column stands; note it if nowhere, or in two places."""
        said = self._mapped.get(name)
        wanted = name if said is None else folded(said)
        if said is None and wanted in self._taken:
            return None
        found = [at for at, head in enumerate(self._folded) if head == wanted]
        if said is not None and not found:
            guess = nearest(said, self._heading)
            meant = f"; did you mean {shorten(guess)}?" if guess else f", only {headings_text(self._heading)}"
            self._fault(f"no column {shorten(said)}{meant}")
        self._demand_one(found)
        return found[0] if found else None

    def _demand_one(self, places: Sequence[int]) -> None:
        if len(places) > 1:
            self._fault(f"two columns are called {shorten(self._heading[places[0]])}")

    def _fault(self, text: str) -> None:
        self._faults.add(self._line, text)


# ---- the rows of a file: read one by one, checked all before the first of them is worked on

_OPPOSITE: Final = {"add": "take", "take": "add"}
_KEY_FOR_ALL: Final = "and --key counts once for each contact; put both into one row, or give the rows a column key"


@dataclass(frozen=True, slots=True)
class ImportRow:
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
class RowRules:
    """How a row is to be read."""

    columns: ImportColumns
    key: str | None
    """The occasion that is named for all rows."""
    is_secret: Callable[[str], bool]
    """Tells of a key whether it is the credential."""

    def row(self, record: Record, width: int, faults: CsvFaults) -> ImportRow | None:
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
        return ImportRow(record.line, who, amount, counted_by, record.cells)

    def _who(self, record: Record, faults: CsvFaults) -> int | str | None:
        contact = self.columns.contact
        return None if contact is None else contact.who(record, self._others, faults)

    @property
    def _others(self) -> frozenset[int]:
        """The columns that are read as something else than the contact, or that ccops itself wrote."""
        read = {place for place in (self.columns.amount, self.columns.key, self.columns.told) if place is not None}
        return frozenset(read)

    def _amount(self, record: Record, faults: CsvFaults) -> Decimal | None:
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

    def _counted_by(self, record: Record, amount: Decimal | None, faults: CsvFaults) -> str | None:
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
class ImportContacts:
    """The rows of a checked file, as the contacts of a job."""

    source: CsvSource
    rules: RowRules
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

    def rows(self) -> Iterator[ImportRow]:
        """Give all rows, read anew. Raises BadLines if the file has been changed for the worse since it was checked."""
        given = records(self.source)
        width = len(next(given).cells)
        for record in given:
            faults = CsvFaults()
            row = self.rules.row(record, width, faults)
            faults.check(self.source.name)
            if row is not None:
                yield replace(row, same_as=self.same.get(row.line))


class RowChecks:
    """Goes through all rows once, and notes which of them can't stand beside one another."""

    def __init__(self, rules: RowRules, faults: CsvFaults) -> None:
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
        self.grouped: ImportRow | None = None
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

    def _occasion(self, row: ImportRow) -> str | None:
        """Return what a contact can have one row for: values that are set without a key are all meant for now."""
        return row.counted_by if self._rules.columns.key is not None else None

    def _compare(self, row: ImportRow, occasion: int, whole: int) -> None:
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

"""Which columns of a file say whom a row is for, what it does, and what makes it count once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast, get_args

from ccops.cli.contact_column import NAMES as CONTACTS
from ccops.cli.contact_column import ContactColumn, column_option, find_contact_column, lacks_headings
from ccops.cli.csvfile import Faults, headings_text
from ccops.operations.asking import Adjustment
from ccops.registry.faults import nearest
from ccops.text import folded, shorten, tidy

REASON: Final = "ccops_reason"
"""The column of `--failed-to`; when its file is given back, it says nothing."""
_AMOUNTS: Final[tuple[Adjustment, ...]] = get_args(Adjustment)
NAMES: Final = (*CONTACTS, *_AMOUNTS, "key")
EXAMPLE: Final = "ccops import balances.csv --field credits --column 'Credits=set'"
_SHOWN_UNREAD: Final = 8


@dataclass(frozen=True, slots=True)
class Columns:
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


class Finder:
    """Finds columns by a heading; notes what is wrong with it."""

    def __init__(self, heading: Sequence[str], mapped: Mapping[str, str], faults: Faults, line: int) -> None:
        self._heading = [tidy(cell) for cell in heading]
        self._folded = [folded(cell) for cell in heading]
        self._mapped = mapped
        self._taken = {folded(heading) for heading in mapped.values()}
        """What `--column` says to be one thing is not another too because it is called so."""
        self._faults = faults
        self._line = line

    def find(self) -> Columns:
        """Find all columns."""
        contact, amount = self._contact(), self._amount()
        columns = Columns(
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

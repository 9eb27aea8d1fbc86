"""Which columns of a file say whom a row is for, what it does, and what makes it count once."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast, get_args

from ccops.cli.csvfile import Faults, headings_text
from ccops.errors import Misconfigured
from ccops.operations.asking import Adjustment
from ccops.registry.faults import nearest
from ccops.text import clean, shorten

REASON: Final = "ccops_reason"
"""The column of `--failed-to`; when its file is given back, it says nothing."""
_AMOUNTS: Final[tuple[Adjustment, ...]] = get_args(Adjustment)
_CONTACTS: Final = ("email", "id")
"""An address can be nobody else's; an id in another system's file is that system's own, so it comes second."""
_NAMES: Final = (*_CONTACTS, *_AMOUNTS, "key")
_ALSO: Final[Mapping[str, Sequence[str]]] = {"email": ("email_address", "e-mail"), "id": ("subscriber_id",)}
"""Headings of Kit's own exports."""
_SHOWN_UNREAD: Final = 8


class BadColumn(Misconfigured):
    """`--column` names no column of ours, or one twice."""

    mend = "ccops import balances.csv --field credits --column 'Credits=set'"

    def __init__(self, word: str, why: str) -> None:
        super().__init__(f"--column {shorten(word)}: {why}. Nothing was sent.")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row things stand; what could not be found is None."""

    contact: int | None
    by_id: bool
    amount: int | None
    adjustment: Adjustment | None
    key: int | None
    unread: Sequence[str]
    """Headings that mean nothing here."""

    def what(self) -> str:
        """Say what the rows do to a field: "add to"."""
        return {"add": "add to", "take": "take from", "set": "set", None: ""}[self.adjustment]


def mapping_of(words: Sequence[str]) -> dict[str, str]:
    """Return the headings that `--column` gives for our names. Raises BadColumn."""
    mapped: dict[str, str] = {}
    for word in words:
        heading, _, name = word.rpartition("=")
        name = name.strip().lower()
        if not heading.strip():
            raise BadColumn(word, "write the file's heading, =, and what it is, such as Credits=set")
        if name not in _NAMES:
            guess = nearest(name, _NAMES)
            meant = f'; did you mean "{guess}"?' if guess else ""
            raise BadColumn(word, f"a column is one of {', '.join(_NAMES)}{meant}".rstrip("?"))
        if name in mapped:
            raise BadColumn(word, f"there is another column for {name} already")
        mapped[name] = heading.strip()
    return mapped


class Finder:
    """Finds columns by a heading; notes what is wrong with it."""

    def __init__(self, heading: Sequence[str], mapped: Mapping[str, str], faults: Faults, line: int) -> None:
        self._heading = [cell.strip() for cell in heading]
        self._lower = [cell.lower() for cell in self._heading]
        self._mapped = mapped
        self._taken = {heading.lower() for heading in mapped.values()}
        """What `--column` says to be one thing is not another too because it is called so."""
        self._faults = faults
        self._line = line

    def find(self) -> Columns:
        """Find all columns."""
        contact, amount = self._only(_CONTACTS), self._amount()
        places = {name: self._place(name) for name in (contact, amount, "key") if name}
        read = {place for place in places.values() if place is not None}
        unread = [head for place, head in enumerate(self._heading) if head and place not in read and head != REASON]
        return Columns(
            contact=places.get(contact or ""),
            by_id=contact == "id",
            amount=places.get(amount or ""),
            adjustment=cast("Adjustment | None", amount),
            key=places["key"],
            unread=unread[:_SHOWN_UNREAD] + (["…"] if len(unread) > _SHOWN_UNREAD else []),
        )

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
        if found:
            return found[0]
        *others, last = map(shorten, names)
        guesses = ((nearest(name, self._heading), name) for name in names)
        guess = next(((head, name) for head, name in guesses if head), ("HEADING", names[0]))
        self._fault(
            f"no column {', '.join(others)} or {last}, only {headings_text(self._heading)}; say which one it is: "
            f"--column {clean(shlex.quote('='.join(guess)))}"
        )
        return None

    def _present(self, names: Sequence[str]) -> list[str]:
        """Return the names that have a column: what `--column` says goes before what is called so."""
        said = [name for name in names if name in self._mapped]
        return said or [name for name in names if self._ways(name)]

    def _ways(self, name: str) -> list[str]:
        """Return how a column is called in this heading, the surest first."""
        return [way for way in (name, *_ALSO.get(name, ())) if way in self._lower and way not in self._taken]

    def _place(self, name: str) -> int | None:
        """Return where a column stands; note it if nowhere, or in two places."""
        said = self._mapped.get(name)
        ways = self._ways(name) if said is None else [said.lower()]
        found = [at for at, head in enumerate(self._lower) if head in ways[:1]]
        if said is not None and not found:
            guess = nearest(said, self._heading)
            meant = f"; did you mean {shorten(guess)}?" if guess else f", only {headings_text(self._heading)}"
            self._fault(f"no column {shorten(said)}{meant}")
        elif len(found) > 1:
            self._fault(f"two columns are called {shorten(self._heading[found[0]])}")
        return found[0] if found else None

    def _fault(self, text: str) -> None:
        self._faults.add(self._line, text)

"""Contacts in a file: a CSV with a column `email` or `id`, or one contact a line."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final

from ccops.cli.contact_column import ContactColumn, column_option, find_contact_column, heading_key
from ccops.cli.contacts import NoContact, address_in, contact_of
from ccops.cli.csvfile import Faults, Record, Source, headings_text, records, source_of
from ccops.cli.failures import Failures
from ccops.errors import Misconfigured
from ccops.text import address_key, clean, from_safe_csv, shorten, tidy

EXAMPLE: Final = "ccops run monthly-grant --file members.csv --column 'Member=email'"
_OWN: Final = [heading_key(column) for column in Failures.columns]
"""The headings of what `--failed-to` wrote: the ids in it are Kit's."""


class NoColumn(Misconfigured):
    """A CSV has no column that names contacts."""

    def __init__(self, name: str, columns: Sequence[str]) -> None:
        found = headings_text(columns)
        what = f'{clean(name)} has no column "email" or "id"; its first line has {found}. Nothing was sent.'
        if any(map(address_in, columns)):
            super().__init__(f"{what} If it has no headings, write them into a line of their own above: email,name")
            return
        guess = next((head for head in columns if "mail" in heading_key(head)), None)
        super().__init__(f"{what} Say which column it is: {column_option(guess or 'HEADING', 'email')}")


class NoSuchColumn(Misconfigured):
    """`--column` names a heading that the file lacks."""

    def __init__(self, name: str, heading: str, columns: Sequence[str]) -> None:
        super().__init__(
            f"{clean(name)} has no column {shorten(heading)}; its first line has {headings_text(columns)}. Nothing was "
            "sent."
        )


@dataclass(frozen=True, slots=True)
class InFile:
    """The contacts of a file that is read row by row."""

    source: Source
    mapped: Mapping[str, str]
    count: int = 0
    faults: Faults = field(default_factory=Faults)

    shows_each = False
    in_order = False
    widest = 0

    def contacts(self) -> Iterator[int | str]:
        """Give each contact once, however often it stands there.

        Raises BadLines if the file has been changed for the worse since it was checked.
        """
        known = set[str]()
        for who in self.each():
            self.faults.check(self.source.name)
            key = address_key(str(who))
            if key not in known:
                known.add(key)
                yield who
        self.faults.check(self.source.name)

    def each(self) -> Iterator[int | str]:
        """Give the contacts of all rows, and note the faults of those that name none."""
        given = records(self.source)
        first = next(given, None)
        if first is None:
            return
        column = self._column(first)
        if column is None:
            given = chain([first], given)
        for record in given:
            who = _listed(record, self.faults) if column is None else column.who(_safe(record), (), self.faults)
            if who is not None:
                yield who

    def _column(self, first: Record) -> ContactColumn | None:
        """Return the column that names the contacts; None for a list without headings.

        Raises NoColumn, NoSuchColumn.
        """
        heading = [tidy(cell) for cell in first.cells]
        if [heading_key(head) for head in heading] == _OWN:
            return _Own(heading, emails=(1,), ids=(0,))
        found = find_contact_column(heading, self.mapped)
        if found is None and self.mapped:
            raise NoSuchColumn(self.source.name, next(iter(self.mapped.values())), heading)
        if found is None and len(heading) > 1:
            raise NoColumn(self.source.name, heading)
        return found


class _Own(ContactColumn):
    """The columns of a file that `--failed-to` has written: Kit's id of a contact, or the address as it was given."""

    def who(self, record: Record, others: Collection[int], faults: Faults) -> int | str | None:
        """Return whom a row is for."""
        by_id = bool(record.cell(self.ids[0]))
        emails, ids = ((), self.ids) if by_id else (self.emails, ())
        return ContactColumn(self.heading, emails, ids, said=True).who(record, others, faults)


def read(word: str, mapped: Mapping[str, str], resources: ExitStack) -> InFile:
    """Read a file, or stdin for `-`, and check all of it; `mapped` is what `--column` says.

    Raises FileNotReadable, NoColumn, NoSuchColumn, BadLines.
    """
    found = InFile(source_of(word, resources), mapped)
    known = {address_key(str(who)) for who in found.each()}
    found.faults.check(found.source.name)
    return replace(found, count=len(known))


def _safe(record: Record) -> Record:
    """Return a row as it was before its cells were made safe for a spreadsheet."""
    return replace(record, cells=[from_safe_csv(tidy(cell)) for cell in record.cells])


def _listed(record: Record, faults: Faults) -> int | str | None:
    """Return the contact of a line that has nothing else; a line that begins with # is none."""
    word = tidy(record.delimiter.join(record.cells))
    if word.startswith("#"):
        return None
    try:
        return contact_of(word)
    except NoContact:
        faults.add(record.line, f"{shorten(word)} is neither an e-mail address nor Kit's id of a contact")
        return None

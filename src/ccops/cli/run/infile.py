"""Contacts in a file: a CSV with a column `email` or `id`, or one contact a line."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from ccops.cli.contacts import NoContact, contact_of
from ccops.cli.csvfile import Faults, Source, headings_text, records, source_of
from ccops.errors import Misconfigured
from ccops.text import address_key, clean, from_safe_csv, shorten

_COLUMNS: Final = ("id", "email", "email_address", "e-mail", "subscriber_id")
"""Headings under which contacts stand, the surest first; the last three are those of Kit's own exports."""


class NoColumn(Misconfigured):
    """A CSV has no column that names contacts."""

    def __init__(self, name: str, columns: Sequence[str]) -> None:
        super().__init__(
            f'{clean(name)} has no column "email" or "id"; its first line has {headings_text(columns)}. Nothing was '
            "sent. Give one of its columns that heading."
        )


@dataclass(frozen=True, slots=True)
class InFile:
    """The contacts of a file that is read row by row."""

    source: Source
    count: int

    shows_each = False
    in_order = False
    widest = 0

    def contacts(self) -> Iterator[int | str]:
        """Give each contact once, however often it stands there."""
        known = set[str]()
        for _, word in _words(self.source):
            who = contact_of(word)
            key = address_key(str(who))
            if key not in known:
                known.add(key)
                yield who


def read(word: str, resources: ExitStack) -> InFile:
    """Read a file, or stdin for `-`, and check all of it. Raises FileNotReadable, NoColumn, BadLines."""
    source = source_of(word, resources)
    known, faults = set[str](), Faults()
    for line, found in _words(source):
        try:
            known.add(address_key(str(contact_of(found))))
        except NoContact:
            faults.add(line, f"{shorten(found)} is neither an e-mail address nor Kit's id of a contact")
    faults.check(source.name)
    return InFile(source, len(known))


def _words(source: Source) -> Iterator[tuple[int, str]]:
    """Give the words that should name contacts, with their lines."""
    columns: list[int] | None = None
    for record in records(source):
        if columns is None:
            heading = [cell.strip().lower() for cell in record.cells]
            columns = [heading.index(column) for column in _COLUMNS if column in heading]
            if columns:
                continue
            if len(heading) > 1:
                raise NoColumn(source.name, record.cells)
        if columns:
            words = [from_safe_csv(record.cells[column].strip()) for column in columns if column < len(record.cells)]
            yield record.line, next((word for word in words if word), "")
        elif not record.cells[0].startswith("#"):
            yield record.line, record.delimiter.join(record.cells).strip()

"""Which column of a table names the contacts, and what in a row speaks against it.

An address can be nobody else's. An id in another system's file is that system's own, and in Kit it may be somebody
else's: so it counts only where no address is near, or where a person says that it does.
"""

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from ccops.cli.contacts import NoContact, address_in, contact_of
from ccops.cli.csv_file import CsvFaults, Record
from ccops.errors import Misconfigured
from ccops.text import address_key, clean, folded, shorten, tidy

NAMES: Final = ("email", "id")
_EMAIL: Final = (
    "email",
    "emailaddress",
    "mail",
    "mailaddress",
    "useremail",
    "useremailaddress",
    "subscriberemail",
    "subscriberemailaddress",
    "customeremail",
    "customeremailaddress",
    "contactemail",
    "contactemailaddress",
    "memberemail",
    "memberemailaddress",
    "clientemail",
    "buyeremail",
    "billingemail",
    "billingemailaddress",
    "payeremail",
    "accountemail",
    "primaryemail",
    "primaryemailaddress",
    "youremail",
    "youremailaddress",
    "emailadresse",
    "mailadresse",
    "adresseemail",
    "adressemail",
    "courriel",
    "correo",
    "correoelectronico",
    "indirizzoemail",
)
"""Headings of addresses in the exports of shops, forms and membership sites, the surest first, as `heading_key` writes
them. One that may be another person's, such as a referrer's, is not among them."""
_ID: Final = ("id", "subscriberid")


def heading_key(heading: str) -> str:
    """Return what all spellings of a heading share: E-Mail, e_mail and EMAIL are one."""
    return "".join(char for char in folded(heading) if char.isalnum())


def column_option(heading: str, name: str) -> str:
    """Write the option that says what a column is."""
    return f"--column {clean(shlex.quote(f'{tidy(heading)}={name}'))}"


def lacks_headings(heading: Sequence[str]) -> bool:
    """Tell whether what should be headings is a row already: an address is no heading."""
    return any(address_in(cell) for cell in heading)


@dataclass(frozen=True, slots=True)
class ContactColumn:
    """The columns of a table that may name its contacts."""

    heading: Sequence[str]
    emails: Sequence[int] = ()
    """The columns of addresses, the surest first."""
    ids: Sequence[int] = ()
    said: bool = False
    """Whether a person said which one counts."""

    @property
    def place(self) -> int | None:
        """The column that counts, if there is one."""
        return next(iter((*self.emails, *self.ids)), None)

    @property
    def read(self) -> frozenset[int]:
        """The columns that are looked at in each row."""
        return frozenset(self.emails or self.ids[:1])

    def who(self, record: Record, others: Collection[int], faults: CsvFaults) -> int | str | None:
        """Return whom a row is for, or note why that can't be said. `others` are read as something else."""
        before = faults.count
        if self.emails:
            place = self._address(record, faults)
        else:
            place = self.ids[0]
            if not self.said:
                self._demand_no_address(record, others, faults)
        return None if faults.count > before else self._named(record, place, faults)

    def _address(self, record: Record, faults: CsvFaults) -> int:
        """Return which of the columns has the row's address, and note it if two have another one each."""
        first = self.emails[0]
        if len(self.emails) == 1 or (record.cell(first) and address_in(record.cell(first)) is None):
            return first
        found = {
            address_key(record.cell(place)): place for place in reversed(self.emails) if address_in(record.cell(place))
        }
        places = sorted(found.values(), key=self.emails.index)
        if len(places) > 1:
            one, other = places[:2]
            faults.add(
                record.line,
                f"{shorten(self._head(one))} is {shorten(record.cell(one))}, but {shorten(self._head(other))} is "
                f"{shorten(record.cell(other))}; say which one counts: {column_option(self._head(one), 'email')} or "
                f"{column_option(self._head(other), 'email')}",
            )
        return next(iter(places), first)

    def _demand_no_address(self, record: Record, others: Collection[int], faults: CsvFaults) -> None:
        """Note an address that stands in the row of an id: one of the two names somebody else."""
        place = self.ids[0]
        for other in range(len(record.cells)):
            if other == place or other in others:
                continue
            address = address_in(record.cell(other))
            if address is not None:
                faults.add(
                    record.line,
                    f"{shorten(self._head(place))} is {shorten(record.cell(place))}, but {shorten(self._head(other))} "
                    f"has the address {shorten(address)}; say which one counts: "
                    f"{column_option(self._head(other), 'email')}, or if the ids are Kit's: "
                    f"{column_option(self._head(place), 'id')}",
                )
                return

    def _named(self, record: Record, place: int, faults: CsvFaults) -> int | str | None:
        word, by_id = record.cell(place), not self.emails
        try:
            who = contact_of(word)
        except NoContact:
            who = None
        if who is not None and isinstance(who, int) == by_id:
            return who
        kind = "Kit's id of a contact" if by_id else "an e-mail address"
        faults.add(record.line, f"{shorten(word)} is not {kind}" if word else "no contact")
        return None

    def _head(self, place: int) -> str:
        return self.heading[place] if place < len(self.heading) else f"column {place + 1}"


def find_contact_column(
    heading: Sequence[str], mapped: Mapping[str, str], taken: Iterable[str] = ()
) -> ContactColumn | None:
    """Return the columns that name contacts: those that `--column` names, else those that are called so.

    `taken` are headings that stand for something else. None if there is none; what `mapped` names and is not there is
    none either.
    """
    said = next((name for name in NAMES if name in mapped), None)
    if said is not None:
        places = [place for place, head in enumerate(heading) if folded(head) == folded(mapped[said])]
        if not places:
            return None
        emails, ids = (places[:1], ()) if said == "email" else ((), places[:1])
        return ContactColumn(heading, emails, ids, said=True)
    other = {folded(head) for head in taken}
    keys = ["" if folded(head) in other else heading_key(head) for head in heading]
    emails, ids = (_places(keys, known) for known in (_EMAIL, _ID))
    return ContactColumn(heading, emails, ids) if emails or ids else None


def _places(keys: Sequence[str], known: Sequence[str]) -> list[int]:
    return sorted((place for place, key in enumerate(keys) if key in known), key=lambda place: known.index(keys[place]))


# ---- `--column`: what a column is of which the heading does not tell

ColumnOption = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="HEADING=NAME", help="Take a column of another heading: 'Credits=set'."),
]


class BadColumn(Misconfigured):
    """`--column` names no column of ours, or one twice."""

    def __init__(self, word: str, why: str, example: str) -> None:
        self.mend = example
        super().__init__(f"--column {shorten(word)}: {why}. Nothing was sent.")


def mapping_of(words: Sequence[str], names: Sequence[str], example: str) -> dict[str, str]:
    """Return the headings that `--column` gives for our names. `example` is a command that does so.

    Raises BadColumn.
    """
    from ccops.config.errors import nearest

    mapped: dict[str, str] = {}
    for word in words:
        heading, _, name = word.rpartition("=")
        name = tidy(name).lower()
        if not tidy(heading):
            shown = example.rpartition("'")[0].rpartition("'")[2]
            raise BadColumn(word, f"write the file's heading, =, and what it is, such as {shown}", example)
        if name not in names:
            guess = nearest(name, names)
            meant = f'; did you mean "{guess}"?' if guess else ""
            raise BadColumn(word, f"a column is one of {', '.join(names)}{meant}".rstrip("?"), example)
        if name in mapped:
            raise BadColumn(word, f"there is another column for {name} already", example)
        mapped[name] = tidy(heading)
    return mapped

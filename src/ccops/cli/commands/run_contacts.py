"""Which contacts a run is for, from the command line: named ones, those of a list, or those of a file."""

import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from ccops.cli.contact_column import NAMES, ContactColumn, column_option, find_contact_column, heading_key, mapping_of
from ccops.cli.contacts import NoContact, address_in, contact_of
from ccops.cli.csv_file import CsvFaults, CsvSource, Record, headings_text, records, source_of
from ccops.cli.job import JobContacts, NamedContacts
from ccops.cli.rejects import RejectsFile
from ccops.crm.base import tag_named
from ccops.errors import Misconfigured
from ccops.ledger.commands import Selection
from ccops.text import address_key, clean, folded, from_safe_csv, shorten, tidy

if TYPE_CHECKING:
    from ccops.cli.context import Session
    from ccops.crm.base import Contact, Listing
    from ccops.operations.model import Operation, State

EXAMPLE: Final = "ccops run monthly-grant --file members.csv --column 'Member=email'"
_OWN: Final = [heading_key(column) for column in RejectsFile.columns]
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
class FileContacts:
    """The contacts of a file that is read row by row."""

    source: CsvSource
    mapped: Mapping[str, str]
    count: int = 0
    faults: CsvFaults = field(default_factory=CsvFaults)

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

    def who(self, record: Record, others: Collection[int], faults: CsvFaults) -> int | str | None:
        """Return whom a row is for."""
        by_id = bool(record.cell(self.ids[0]))
        emails, ids = ((), self.ids) if by_id else (self.emails, ())
        return ContactColumn(self.heading, emails, ids, said=True).who(record, others, faults)


def read(word: str, mapped: Mapping[str, str], resources: ExitStack) -> FileContacts:
    """Read a file, or stdin for `-`, and check all of it; `mapped` is what `--column` says.

    Raises FileNotReadable, NoColumn, NoSuchColumn, BadLines.
    """
    found = FileContacts(source_of(word, resources), mapped)
    known = {address_key(str(who)) for who in found.each()}
    found.faults.check(found.source.name)
    return replace(found, count=len(known))


def _safe(record: Record) -> Record:
    """Return a row as it was before its cells were made safe for a spreadsheet."""
    return replace(record, cells=[from_safe_csv(tidy(cell)) for cell in record.cells])


def _listed(record: Record, faults: CsvFaults) -> int | str | None:
    """Return the contact of a line that has nothing else; a line that begins with # is none."""
    word = tidy(record.delimiter.join(record.cells))
    if word.startswith("#"):
        return None
    try:
        return contact_of(word)
    except NoContact:
        faults.add(record.line, f"{shorten(word)} is neither an e-mail address nor Kit's id of a contact")
        return None


# ---- contacts that a list of Kit's shows: the carriers of a tag, or all


class ListedContacts:
    """The rows of a list, each time from its beginning; what was read only to look ahead is not read again."""

    shows_each = False
    in_order = False
    widest = 0

    def __init__(self, opened: "Callable[[], Listing]") -> None:
        self._open = opened
        self._ahead: Iterator[Contact] | None = None
        self._count: int | None = None
        self._is_counted = False

    @property
    def count(self) -> int | None:
        """How many there are, as the first page tells; asked once."""
        if not self._is_counted:
            listing = self._open()
            self._count, self._is_counted, self._ahead = listing.total, True, listing
        return self._count

    def first(self) -> "list[Contact]":
        """Return the first row, if there is one, without taking it."""
        ahead = self._ahead or self._open()
        head = list(islice(ahead, 1))
        self._ahead = chain(head, ahead)
        return head

    def rows(self) -> "Iterator[Contact]":
        """Go through all rows."""
        ahead, self._ahead = self._ahead or self._open(), None
        return ahead


# ---- why a run can't be begun


class OneChoice(Misconfigured):
    """Contacts are named, or chosen in exactly one way."""

    def __init__(self, operation: str) -> None:
        self.mend = f"ccops run {operation} --help"
        super().__init__("name contacts, or choose them by one of --tagged, --file and --all. Nothing was sent.")


class StateOfNamed(Misconfigured):
    """`--state` chooses among many; who is named is meant in any state."""

    def __init__(self) -> None:
        super().__init__("--state goes with --tagged, --file and --all; who is named is meant in any state.")


class ColumnOfNoFile(Misconfigured):
    """`--column` says something about a file, and none is given."""

    def __init__(self) -> None:
        super().__init__("--column goes with --file: it says which column has the contacts. Nothing was sent.")


class NoTag(Misconfigured):
    """Kit has no tag of this name."""

    def __init__(self, word: str, known: Sequence[str]) -> None:
        from ccops.config.errors import nearest

        guess = nearest(word, known) or next((name for name in known if folded(word) in folded(name)), None)
        meant = f" Did you mean {shorten(guess)}?" if guess else ""
        super().__init__(f"Kit has no tag {shorten(word)}. Nothing was sent.{meant}")


class PausedRun(Misconfigured):
    """The operation is paused, and nobody is there who could mean to run it all the same."""

    def __init__(self, operation: str) -> None:
        self.mend = f"ccops op resume {operation}"
        super().__init__(
            f"{operation} is paused: its tags, its POSTs and lines from cron wait. Nothing was sent. A person at a "
            "terminal can run it all the same. To go on with it:"
        )


class OwnTag(Misconfigured):
    """The tag is the operation's trigger tag: each tagging is an occasion of its own."""

    def __init__(self, operation: str, tag: str) -> None:
        self.mend = f"ccops poll {operation}"
        super().__init__(
            f"the tag {shorten(tag)} starts {operation}, and whoever carries it is run once for each tagging, which is "
            "what poll does. Nothing was sent."
        )


class OccasionUnsaid(Misconfigured):
    """Many contacts, and nothing says what counts once."""

    def __init__(self, words: str) -> None:
        self.mend = f"{words} --once-per month\n{words} --key NAME"
        super().__init__(
            "nothing says how often this may count, so the same line twice would count twice. Nothing was sent. Say "
            "it, here or as once_per in operations.toml:"
        )


class AllUnasked(Misconfigured):
    """All contacts of the account, and nobody is there to be asked."""

    def __init__(self, words: str) -> None:
        self.mend = f"{words} --yes"
        super().__init__("--all is every contact of the account, and nobody is here to be asked. Nothing was sent.")


def words_of(operation: str, *options: str | None) -> str:
    """Write the beginning of a run that can be copied; empty options are left out."""
    parts = ["ccops", "run", operation, *(option for option in options if option)]
    return clean(" ".join(shlex.quote(part) for part in parts))


# ---- which contacts a run is for, from the command line: named ones, those of a list, or those of a file

RowContact = int | str

if TYPE_CHECKING:
    Pick = tuple[RowContact, Contact | None]
    """A contact, and the row of a list that showed it."""
Tagged = Annotated[str | None, typer.Option("--tagged", metavar="TAG", help="All who carry this tag, by name or id.")]
FileOption = Annotated[
    str | None,
    typer.Option("--file", metavar="FILE", help='A CSV with a column email or id, or one a line; "-" is stdin.'),
]
All = Annotated[bool, typer.Option("--all", help="All contacts of the account.")]
InState = Annotated[
    Literal["active", "all"] | None,
    typer.Option("--state", help="Only active contacts, or all of them. Without it: those that the operation is for."),
]

OfFile = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="HEADING=NAME", help="Which column of --file has the contacts: 'Member=email'."),
]


@dataclass(frozen=True, slots=True)
class ContactOptions:
    """The options that choose contacts."""

    tagged: Tagged = None
    file: FileOption = None
    all: All = False
    state: InState = None
    column: OfFile = None


@dataclass(frozen=True, slots=True)
class RunContacts:
    """The contacts of a run."""

    contacts: JobContacts
    picks: "Callable[[], Iterable[Pick]]"
    first: "Callable[[], Iterable[Pick]]"
    """Gives the first of them alone, to look at."""
    selection: Selection
    """By which the same choice is known again."""
    said: str
    """What it is, for the title of a run."""
    states: "frozenset[State]"
    named: bool = False
    option: str | None = None
    """How it is written on the command line, without its value."""
    value: str | None = None
    more: Sequence[str] = ()
    """What else is written there to choose the contacts."""


def choose(session: "Session", operation: "Operation", names: list[str], how: ContactOptions) -> RunContacts:
    """Return whom a run is for.

    Raises OneChoice, StateOfNamed, ColumnOfNoFile, NoTag, OwnTag, NoContact, and what a file raises.
    """
    given = [bool(names), how.tagged is not None, how.file is not None, how.all]
    if sum(given) != 1:
        raise OneChoice(operation.name)
    if how.column and how.file is None:
        raise ColumnOfNoFile
    if names:
        if how.state is not None:
            raise StateOfNamed
        return _named(names)
    states = _states(operation, how.state)
    if how.file is not None:
        return _in_file(session, how.file, mapping_of(how.column or (), NAMES, EXAMPLE), states)
    return _all(session, states) if how.tagged is None else _tagged(session, operation, how.tagged, states)


def _states(operation: "Operation", said: Literal["active", "all"] | None) -> "frozenset[State]":
    from ccops.operations.model import STATES

    match said:
        case "active":
            return frozenset({"active"})
        case "all":
            return frozenset(STATES)
        case _:
            return operation.states


def _named(words: list[str]) -> RunContacts:
    from ccops.operations.model import STATES

    contacts = _distinct(contact_of(word) for word in words)
    names = tuple(map(str, contacts))
    known_by = Selection(tuple(sorted(map(address_key, names))))
    said = names[0] if len(names) == 1 else f"for {len(names)} contacts"
    picks = [(who, None) for who in contacts]
    return RunContacts(
        NamedContacts(names), lambda: picks, lambda: picks[:1], known_by, said, frozenset(STATES), named=True
    )


def _distinct(contacts: Iterable[RowContact]) -> list[RowContact]:
    """Leave out who was named before, however an address is spelt."""
    found: dict[str, RowContact] = {}
    for who in contacts:
        found.setdefault(address_key(str(who)), who)
    return list(found.values())


def _tagged(session: "Session", operation: "Operation", word: str, states: "frozenset[State]") -> RunContacts:
    number, name = _tag(session, tidy(word))
    if operation.tag is not None and operation.tag.id == number:
        raise OwnTag(operation.name, operation.tag.name)
    listed = ListedContacts(lambda: session.crm.carriers(number))
    said = f'for the carriers of "{name}"'
    return _of_list(listed, Selection(tagged=number, tag=name), said, states, "--tagged", word)


def _all(session: "Session", states: "frozenset[State]") -> RunContacts:
    return _of_list(ListedContacts(session.crm.contacts), Selection(everyone=True), "for all contacts", states, "--all")


def _of_list(
    listed: ListedContacts,
    selection: Selection,
    said: str,
    states: "frozenset[State]",
    option: str,
    value: str | None = None,
) -> RunContacts:
    def picks() -> "Iterator[Pick]":
        return ((row.id, row) for row in listed.rows())

    def first() -> "list[Pick]":
        return [(row.id, row) for row in listed.first()]

    return RunContacts(
        listed,
        picks,
        first,
        replace(selection, states=tuple(sorted(states))),
        said,
        states,
        option=option,
        value=value,
    )


def _tag(session: "Session", word: str) -> tuple[int, str]:
    """Return id and name of a tag; only a name has to be looked up in Kit. Raises NoTag."""
    if word.isdecimal():
        return int(word), word
    tags = session.crm.tags()
    found = tag_named(tags, word)
    if found is None:
        raise NoTag(word, [tag.name for tag in tags])
    return found.id, found.name


def _in_file(session: "Session", word: str, mapped: Mapping[str, str], states: "frozenset[State]") -> RunContacts:
    found = read(word, mapped, session.resources)
    columns = tuple(sorted(mapped.items()))
    picks = partial(_without_rows, found)
    return RunContacts(
        found,
        picks,
        lambda: islice(picks(), 1),
        Selection(file=found.source.mark, states=tuple(sorted(states)), columns=columns),
        f"for the contacts in {found.source.name}",
        states,
        option="--file",
        value=word,
        more=[part for name, heading in mapped.items() for part in ("--column", f"{heading}={name}")],
    )


def _without_rows(found: FileContacts) -> "Iterator[Pick]":
    return ((who, None) for who in found.contacts())

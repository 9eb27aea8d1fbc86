"""Which contacts a run is for, from the command line: named ones, those of a list, or those of a file."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ccops.cli.choosing import Chosen, Named
from ccops.cli.column_option import mapping_of
from ccops.cli.contact_column import NAMES
from ccops.cli.contacts import contact_of
from ccops.cli.run import infile
from ccops.cli.run.errors import ColumnOfNoFile, NoTag, OneChoice, OwnTag, StateOfNamed
from ccops.cli.run.listed import Listed
from ccops.crm.base import tag_named
from ccops.text import address_key, tidy

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.crm.base import Contact
    from ccops.operations.model import Operation, State

Who = int | str

if TYPE_CHECKING:
    Pick = tuple[Who, Contact | None]
    """A contact, and the row of a list that showed it."""
Tagged = Annotated[str | None, typer.Option("--tagged", metavar="TAG", help="All who carry this tag, by name or id.")]
File = Annotated[
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
class Choosing:
    """The options that choose contacts."""

    tagged: Tagged = None
    file: File = None
    all: All = False
    state: InState = None
    column: OfFile = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The contacts of a run."""

    contacts: Chosen
    picks: "Callable[[], Iterable[Pick]]"
    first: "Callable[[], Iterable[Pick]]"
    """Gives the first of them alone, to look at."""
    words: object
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


def choose(session: "Session", operation: "Operation", names: list[str], how: Choosing) -> Choice:
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
        return _in_file(session, how.file, mapping_of(how.column or (), NAMES, infile.EXAMPLE), states)
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


def _named(words: list[str]) -> Choice:
    from ccops.operations.model import STATES

    contacts = _distinct(contact_of(word) for word in words)
    names = tuple(map(str, contacts))
    known_by = sorted(map(address_key, names))
    said = names[0] if len(names) == 1 else f"for {len(names)} contacts"
    picks = [(who, None) for who in contacts]
    return Choice(Named(names), lambda: picks, lambda: picks[:1], known_by, said, frozenset(STATES), named=True)


def _distinct(contacts: Iterable[Who]) -> list[Who]:
    """Leave out who was named before, however an address is spelt."""
    found: dict[str, Who] = {}
    for who in contacts:
        found.setdefault(address_key(str(who)), who)
    return list(found.values())


def _tagged(session: "Session", operation: "Operation", word: str, states: "frozenset[State]") -> Choice:
    number, name = _tag(session, tidy(word))
    if operation.tag is not None and operation.tag.id == number:
        raise OwnTag(operation.name, operation.tag.name)
    listed = Listed(lambda: session.crm.carriers(number))
    said = f'for the carriers of "{name}"'
    return _of_list(listed, {"tagged": number}, said, states, "--tagged", word)


def _all(session: "Session", states: "frozenset[State]") -> Choice:
    return _of_list(Listed(session.crm.contacts), {"all": True}, "for all contacts", states, "--all")


def _of_list(
    listed: Listed,
    words: dict[str, object],
    said: str,
    states: "frozenset[State]",
    option: str,
    value: str | None = None,
) -> Choice:
    def picks() -> "Iterator[Pick]":
        return ((row.id, row) for row in listed.rows())

    def first() -> "list[Pick]":
        return [(row.id, row) for row in listed.first()]

    return Choice(listed, picks, first, words | {"states": sorted(states)}, said, states, option=option, value=value)


def _tag(session: "Session", word: str) -> tuple[int, str]:
    """Return id and name of a tag; only a name has to be looked up in Kit. Raises NoTag."""
    if word.isdecimal():
        return int(word), word
    tags = session.crm.tags()
    found = tag_named(tags, word)
    if found is None:
        raise NoTag(word, [tag.name for tag in tags])
    return found.id, found.name


def _in_file(session: "Session", word: str, mapped: Mapping[str, str], states: "frozenset[State]") -> Choice:
    found = infile.read(word, mapped, session.resources)
    columns: dict[str, object] = {"columns": sorted(mapped.items())} if mapped else {}
    picks = partial(_without_rows, found)
    return Choice(
        found,
        picks,
        lambda: islice(picks(), 1),
        {"file": found.source.mark, "states": sorted(states), **columns},
        f"for the contacts in {found.source.name}",
        states,
        option="--file",
        value=word,
        more=[part for name, heading in mapped.items() for part in ("--column", f"{heading}={name}")],
    )


def _without_rows(found: infile.InFile) -> "Iterator[Pick]":
    return ((who, None) for who in found.contacts())

"""Which contacts a run is for, from the command line: named ones, those of a list, or those of a file."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ccops.cli.choosing import Chosen, Named
from ccops.cli.contacts import contact_of
from ccops.cli.run import infile
from ccops.cli.run.errors import NoTag, OneChoice, OwnTag, StateOfNamed
from ccops.cli.run.listed import Listed

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


@dataclass(frozen=True, slots=True)
class Choosing:
    """The options that choose contacts."""

    tagged: Tagged = None
    file: File = None
    all: All = False
    state: InState = None


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


def choose(session: "Session", operation: "Operation", names: list[str], how: Choosing) -> Choice:
    """Return whom a run is for. Raises OneChoice, StateOfNamed, NoTag, OwnTag, NoContact, and what a file raises."""
    given = [bool(names), how.tagged is not None, how.file is not None, how.all]
    if sum(given) != 1:
        raise OneChoice(operation.name)
    if names:
        if how.state is not None:
            raise StateOfNamed
        return _named(names)
    states = _states(operation, how.state)
    if how.file is not None:
        return _in_file(session, how.file, states)
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
    known_by = sorted(name.lower() for name in names)
    said = names[0] if len(names) == 1 else f"for {len(names)} contacts"
    picks = [(who, None) for who in contacts]
    return Choice(Named(names), lambda: picks, lambda: picks[:1], known_by, said, frozenset(STATES), named=True)


def _distinct(contacts: Iterable[Who]) -> list[Who]:
    """Leave out who was named before, however an address was capitalised."""
    found: dict[str, Who] = {}
    for who in contacts:
        found.setdefault(str(who).lower(), who)
    return list(found.values())


def _tagged(session: "Session", operation: "Operation", word: str, states: "frozenset[State]") -> Choice:
    number, name = _tag(session, word.strip())
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
    found = next((tag for tag in tags if tag.name.strip().casefold() == word.casefold()), None)
    if found is None:
        raise NoTag(word, [tag.name for tag in tags])
    return found.id, found.name


def _in_file(session: "Session", word: str, states: "frozenset[State]") -> Choice:
    found = infile.read(word, session.resources)
    picks = partial(_without_rows, found)
    return Choice(
        found,
        picks,
        lambda: islice(picks(), 1),
        {"file": found.source.mark, "states": sorted(states)},
        f"for the contacts in {found.source.name}",
        states,
        option="--file",
        value=word,
    )


def _without_rows(found: infile.InFile) -> "Iterator[Pick]":
    return ((who, None) for who in found.contacts())

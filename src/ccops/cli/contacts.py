"""How contacts, entries and runs are named on the command line."""

import re
from typing import Final

from ccops.errors import Misconfigured
from ccops.text import shorten, tidy

_ENTRY: Final = re.compile(r"e([1-9][0-9]{0,14})")
_EVENT: Final = re.compile(r"i([1-9][0-9]{0,14})")
_RUN: Final = re.compile(r"r([1-9][0-9]{0,14})")
_ID: Final = re.compile(r"[1-9][0-9]{0,17}")
_EMAIL: Final = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+")
_ADDRESS: Final = re.compile(r"[^\s@,;:<>()\"']+@[^\s@,;:<>()\"']+\.[^\s@,;:<>()\"']*[^\W_]")


class NoContact(Misconfigured):
    """A word that names no contact."""

    def __init__(self, word: str) -> None:
        super().__init__(f"{shorten(word)} is neither an e-mail address nor Kit's id of a contact. Nothing was sent.")


class NoEntry(Misconfigured):
    """A word that names no entry."""

    mend = "ccops history"

    def __init__(self, word: str) -> None:
        if _number(_RUN, word) is not None:
            self.mend = f"ccops undo --run {word.strip().lower()}\nccops history --run {word.strip().lower()}"
        super().__init__(f"{shorten(word)} is not the name of an entry, such as e4711. Nothing was sent.")


class NoRun(Misconfigured):
    """A word that names no run."""

    mend = "ccops history --runs"

    def __init__(self, word: str) -> None:
        super().__init__(f"{shorten(word)} is not the name of a run, such as r31. Nothing was sent.")


def contact_of(word: str) -> int | str:
    """Return the id or the e-mail address that a word is. Raises NoContact."""
    name = tidy(word)
    if _ID.fullmatch(name):
        return int(name)
    if _EMAIL.fullmatch(name) and name.isprintable():
        return name
    raise NoContact(word)


def address_in(text: str) -> str | None:
    """Return the first e-mail address that stands in a text, whatever stands around it."""
    found = _ADDRESS.search(tidy(text)) if "@" in text else None
    return found[0] if found else None


def entry_of(word: str) -> int:
    """Return the number of an entry. Raises NoEntry."""
    return _number(_ENTRY, word) or _raise(NoEntry(word))


def names_entry(word: str) -> bool:
    """Tell whether a word looks like the name of an entry."""
    return _number(_ENTRY, word) is not None


def event_of(word: str) -> int | None:
    """Return the number of an event of the inbox that a word names, such as i7; None if it names none."""
    return _number(_EVENT, word)


def run_of(word: str) -> int:
    """Return the number of a run. Raises NoRun."""
    return _number(_RUN, word) or _raise(NoRun(word))


def _number(pattern: re.Pattern[str], word: str) -> int | None:
    found = pattern.fullmatch(tidy(word).lower())
    return int(found[1]) if found else None


def _raise(error: Misconfigured) -> int:
    raise error

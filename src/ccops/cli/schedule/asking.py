"""From the command line to what is to be started, and when."""

import re
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ccops.cli.contacts import contact_of
from ccops.cli.keys import check_unsaid
from ccops.cli.schedule.errors import (
    CountsOftener,
    NoStdin,
    NothingToSelect,
    NoTime,
    NotLasting,
    NotOneRhythm,
    NotOneSelection,
    OwnTag,
)
from ccops.files import regular_file
from ccops.operations.model import PERIODS
from ccops.text import clean, folded
from ccops.triggers.scheduling.timetable import Timetable, timetable

if TYPE_CHECKING:
    from ccops.cli.schedule.app import Contacts, Selection, When
    from ccops.cli.session import Session
    from ccops.operations.model import Operation
    from ccops.triggers.scheduling.timetable import Rhythm

_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_DEFAULT_TIME: Final = time(6)
"""After the night's changes of clocks and before people look."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be started, in ccops's own words."""

    words: tuple[str, ...]
    name: tuple[str, ...]
    """What tells it from other schedules."""
    table: Timetable | None
    """None: poll, every few minutes, and serve, which stays."""


def asked(session: "Session", operation: str | None, contacts: "Contacts", whom: "Selection", when: "When") -> Asked:
    """Return what is to be started when. Raises Misconfigured."""
    rhythms = when.rhythms()
    if len(rhythms) + when.poll + when.serve != 1:
        raise NotOneRhythm(several=bool(rhythms or when.poll or when.serve))
    _ = session.registry  # a home that is none, or has mistakes in it, is said now, not by cron at night
    if not rhythms:
        return _standing(session, operation, contacts or whom.given(), when)
    if operation is None:
        raise NothingToSelect("which operation is to be run? Its name comes first.")
    return _run(session, session.operation(operation), contacts, whom, rhythms[0], when)


def _standing(session: "Session", operation: str | None, others: object, when: "When") -> Asked:
    """Return a poll or a serve, which select contacts by themselves."""
    name = "poll" if when.poll else "serve"
    if others or when.at is not None or when.day is not None:
        raise NothingToSelect(f"--{name} selects contacts and times by itself.")
    if operation is None:
        return Asked((name, "--quiet"), (name,), None)
    if name == "serve":
        raise NothingToSelect("--serve works for all operations, so that none is named.")
    session.operation(operation)
    return Asked((name, operation, "--quiet"), (name, operation), None)


def _run(
    session: "Session", known: "Operation", contacts: "Contacts", whom: "Selection", rhythm: "Rhythm", when: "When"
) -> Asked:
    if len([way for way in (contacts, *whom.given()) if way]) != 1:
        raise NotOneSelection(known.name)
    if known.once_per is not None and PERIODS.index(known.once_per) < PERIODS.index(rhythm):
        raise CountsOftener(known.name, known.once_per, rhythm)
    table = timetable(rhythm, _time(when.at), when.day)
    selected, name = _selected(session, known, contacts, whom)
    counted = () if known.once_per else ("--once-per", rhythm)
    words = ("run", known.name, *selected, *counted, "--quiet", *(("--yes",) if whom.all_ else ()))
    return Asked(words, (known.name, *name), table)


def _selected(
    session: "Session", known: "Operation", contacts: "Contacts", whom: "Selection"
) -> tuple[list[str], list[str]]:
    """Return the words that select the contacts, and what tells this selection from others."""
    if whom.tagged is not None:
        check_unsaid(session, whom.tagged, "--tagged")
        own = known.tag
        if own is not None and folded(whom.tagged) in {str(own.id), folded(own.name)}:
            raise OwnTag(known.name, clean(own.name))
        return ["--tagged", whom.tagged], [whom.tagged]
    if whom.file is not None:
        if whom.file == Path("-"):
            raise NoStdin
        return ["--file", str(_lasting(whom.file.expanduser().absolute()))], [whom.file.stem]
    if whom.all_:
        return ["--all"], ["all"]
    return [str(contact_of(word)) for word in contacts or ()], []


def _lasting(path: Path) -> Path:
    """Demand that a file can be read each time; it may come later. Raises NotLasting."""
    try:
        regular_file(path)
    except OSError as error:
        raise NotLasting(path, error.strerror or type(error).__name__) from error
    return path


def _time(text: str | None) -> time:
    if text is None:
        return _DEFAULT_TIME
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise NoTime
    return time(int(found[1]), int(found[2]))

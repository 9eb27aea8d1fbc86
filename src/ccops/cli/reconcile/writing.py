"""`--adopt` and `--restore`: a run over the contacts that were changed by hand."""

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ccops.cli.asking_first import ASKED_FROM
from ccops.cli.exits import FINE, NEEDS_A_PERSON, worst
from ccops.cli.job import Job, Writing
from ccops.cli.reconcile.errors import Way
from ccops.cli.reconcile.showing import show, show_unsure, summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ccops.cli.reconcile.comparing import Found
    from ccops.cli.session import Session
    from ccops.engine.comparing import Difference
    from ccops.engine.request import Asked
    from ccops.ledger.model import Entry, Origin


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Those that were changed by hand, and what a run that was broken off has left open."""

    names: tuple[str, ...]

    in_order = False

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.names)

    @property
    def widest(self) -> int:
        """Cells of the longest name, where each has its line."""
        return max(map(len, self.names), default=0) if self.shows_each else 0

    @property
    def shows_each(self) -> bool:
        """Whether they are few enough to have a line each."""
        return self.count <= ASKED_FROM


def carry_out(session: "Session", found: "Found", way: Way, how: Writing) -> int:
    """Ask, and let one of the two values hold; return the exit status. What no hand changed is told, and left."""
    from ccops.cli.doing import do

    words = json.dumps(["reconcile", found.field, way])
    last = None if how.new else found.ledger.runs.last_without_end(words)
    begun = [] if last is None else [entry for entry in found.ledger.entries.of_run(last.id) if _is_open(entry)]
    left = _left(found, begun)
    if last is None and not found.by_hand:
        _say_nothing(session, found, how)
        return NEEDS_A_PERSON if left else FINE
    if not _is_meant(session, found, way, how):
        session.console.note("Nothing was sent.")
        return NEEDS_A_PERSON
    job = _job(session, found, way, words, begun)
    status = do(session, job, replace(how, yes=True))
    for each in left:
        session.console.warn(f"{each.email}: left as it is: {each.reason}")
    return worst([status, NEEDS_A_PERSON if left else FINE])


def _is_open(entry: "Entry") -> bool:
    return entry.status in {"intended", "sending"}


def _left(found: "Found", begun: "Iterable[Entry]") -> "list[Difference]":
    """Return those that differ for another reason than a hand, unless the run itself brings them to an end."""
    ours = {entry.id for entry in begun}
    return [each for each in found.differing if each.kind != "by-hand" and each.unsure not in ours]


def _say_nothing(session: "Session", found: "Found", how: Writing) -> None:
    if found.differing:
        show(session, found, how)
        show_unsure(session, found)
    elif not how.json:
        for line in summary(found):
            session.console.say(line)


def _is_meant(session: "Session", found: "Found", way: Way, how: Writing) -> bool:
    """Show a person whom it is about, and ask."""
    if how.yes or how.dry_run or not found.by_hand:
        return True
    show(session, found, replace(how, json=False))
    count = len(found.by_hand)
    changes, contacts = ("change", "contact") if count == 1 else ("changes", "contacts")
    question = {
        "adopt": f"Take the {changes} of {count:,} {contacts} into the history?",
        "restore": f"Write what ccops wrote last back to {count:,} {contacts}?",
    }
    return session.questions.confirm(question[way])


def _job(session: "Session", found: "Found", way: Way, words: str, begun: "list[Entry]") -> Job:
    timezone, taken_up = session.registry.timezone, {entry.contact for entry in begun}
    by_hand = [each for each in found.by_hand if each.contact not in taken_up]
    people = [(entry, found.ledger.people.by_id(entry.contact)) for entry in begun]
    names = (person.email if person is not None else str(entry.contact) for entry, person in people)

    def requests(run: int, origin: "Origin") -> "Iterator[Asked]":
        from ccops.engine.reconciling import adoption_of, go_on_with, restore_of

        make: Callable[..., Asked] = adoption_of if way == "adopt" else restore_of
        yield from (go_on_with(entry, origin) for entry in begun)
        yield from (make(each, found.field, timezone, (run, origin)) for each in by_hand)

    title = f"reconcile {found.field} --{way}"
    return Job(
        words,
        title,
        "adjust",
        requests,
        _Chosen((*names, *(each.email for each in by_hand))),
        timezone,
        occasion=title,
    )

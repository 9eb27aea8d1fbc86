"""Looking for trigger tags: whoever carries one has the operation run, and loses the tag."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Final

from ccops.crm.base import Contact, Crm, Missing, Rejected
from ccops.engine.bulk import Bulk
from ccops.engine.heart import Heart
from ccops.engine.many import Task, Together
from ccops.engine.request import Outcome, Request
from ccops.engine.telling import NO_SUCH_CONTACT
from ccops.engine.trouble import IN_A_ROW, attempt, attempt_to_finish, is_of_one
from ccops.errors import CcopsError, Misconfigured, ServiceUnreachable
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry, Origin
from ccops.operations.model import Operation
from ccops.operations.occasions import tagging_of
from ccops.triggers.errors import TriggerTagGone
from ccops.triggers.taggings import tagging_request

BUSY_TOO_LONG: Final = timedelta(hours=1)
"""A poll that another one has kept out for so long is worth a person's look."""

_LOCK: Final = "poll"

Begin = Callable[[], tuple[int, Origin]]
"""Begins a run and returns it; asked only once there is something to do."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Another poll is at work in this home."""

    since: timedelta
    holder: str | None
    """Its process, as far as the system tells."""


@contextmanager
def alone(ledger: Ledger) -> Iterator[Busy | None]:
    """Be the only poll of this home in the body, or be told that another one is at work."""
    held = ledger.locks.take(_LOCK)
    if held is None:
        yield Busy(ledger.locks.held_for(_LOCK), ledger.locks.holder_of(_LOCK))
        return
    try:
        held.mark()
        yield None
    finally:
        held.drop()


def bound(operations: Iterable[Operation]) -> list[Operation]:
    """Return the operations whose trigger tags are looked for: bound to one, and not paused."""
    return [operation for operation in operations if operation.tag is not None and not operation.paused]


class Troubles:
    """What is wrong with single operations in one round; none of it stops the others."""

    def __init__(self) -> None:
        self.found: dict[str, CcopsError] = {}
        """By the operation's name."""
        self._in_a_row: list[CcopsError] = []
        self._answered = False

    def note(self, outcome: Outcome) -> None:
        """Heed how a contact ended: an operation that can't be run is not tried for its other contacts."""
        if isinstance(outcome.error, Misconfigured):
            self.found.setdefault(outcome.operation, outcome.error)

    def listed(self) -> None:
        """Heed that a list came whole, or that Kit answered that there is none."""
        self._answered, self._in_a_row = True, []

    def unlisted(self, operation: Operation, error: CcopsError) -> None:
        """Note that the list of an operation's contacts can't be read. Raises what is trouble with everything."""
        self._in_a_row.append(error)
        if not is_of_one(error) or len(self._in_a_row) >= IN_A_ROW:
            raise error
        self.found[operation.name] = error

    def check(self) -> None:
        """Raise the first trouble if no list could be read at all."""
        if self._in_a_row and not self._answered:
            raise self._in_a_row[0]


def carriers(
    crm: Crm, operations: Iterable[Operation], troubles: Troubles | None = None
) -> Iterator[tuple[Operation, Contact]]:
    """Page through all who carry a trigger tag, in any state; what is wrong with one operation is noted in `troubles`.

    Raises ServiceUnreachable if no list can be read, and CredentialRefused.
    """
    troubles = troubles or Troubles()
    for operation in operations:
        if operation.tag is None:
            continue
        try:
            for row in crm.carriers(operation.tag.id, "all"):
                if operation.name in troubles.found:
                    break
                yield operation, row
        except Missing:
            troubles.found[operation.name] = TriggerTagGone(operation)
            troubles.listed()
        except (ServiceUnreachable, Rejected) as error:
            troubles.unlisted(operation, error)
        else:
            troubles.listed()
    troubles.check()


def poll_round(
    heart: Heart, operations: Iterable[Operation], begin: Begin, troubles: Troubles | None = None
) -> Iterator[Task | Together]:
    """Give tasks for all carriers of trigger tags; an idle round costs one page for each tag.

    What an earlier round was broken off at comes last: its tag may be off already, so that no page shows it. What is
    wrong with a single operation is noted in `troubles`, to which the caller tells the outcomes.
    """
    entries = heart.ledger.entries
    left = [entry for entry in (*entries.unreleased(), *entries.open()) if tagging_of(entry.occasion) is not None]
    asked: set[tuple[str, int, str]] = set()
    yield from Bulk(heart).tasks(_noted(_taggings(heart, operations, begin, troubles or Troubles()), asked))
    for entry in left:
        # What this round asked for anyway may be in the hands of another thread right now, and is told once.
        if entry.status != "parked" and (entry.operation, entry.contact, entry.occasion) not in asked:
            yield partial(_finish, heart, entry)


def _noted(requests: Iterator[Request | Task], asked: set[tuple[str, int, str]]) -> Iterator[Request | Task]:
    """Pass requests on, and note the operation, the contact and the occasion of each."""
    for request in requests:
        if isinstance(request, Request) and isinstance(request.who, int):
            asked.add((request.operation.name, request.who, request.occasion))
        yield request


def _taggings(
    heart: Heart, operations: Iterable[Operation], begin: Begin, troubles: Troubles
) -> Iterator[Request | Task]:
    """Make a request of each carrier of a tag.

    Its row may be minutes old, but that the tagging took place is sure: a tag taken off since counts all the same.
    """
    run: tuple[int, Origin] | None = None
    for operation, row in carriers(heart.crm, bound(operations), troubles):
        run = run or begin()
        if row.tagged_at is None:
            yield partial(_looked_up, heart, operation, row, run)
        else:
            # Without a look: a row is none, however young its page, so that one is made before the tag comes off.
            yield tagging_request(operation, row.id, row.tagged_at, *run, row=row)


def _looked_up(heart: Heart, operation: Operation, row: Contact, run: tuple[int, Origin]) -> Outcome:
    """Look up since when a carrier has the tag: that moment makes the occasion, and must never be made up."""
    assert operation.tag is not None  # noqa: S101 - the contact was found by the operation's tag
    outcome = Outcome("failed", operation.name, "", row.id, row.id, row.email)
    try:
        look = heart.releaser.look(row.id)
    except Missing:
        return replace(outcome, reason=NO_SUCH_CONTACT)
    except (ServiceUnreachable, Rejected) as error:
        if not is_of_one(error):
            raise
        return replace(outcome, status="open", reason=str(error), error=error)
    since = next((held.tagged_at for held in look.tags if held.id == operation.tag.id), None)
    if since is None:
        return replace(outcome, reason="Kit does not say since when it carries the tag")
    return attempt(heart, tagging_request(operation, row.id, since, *run, row=row, look=look))


def _finish(heart: Heart, entry: Entry) -> Outcome:
    """Bring a tagging's entry to its end; if only its tags were still out of order, it was done before."""
    outcome = attempt_to_finish(heart, entry.id)
    was_done = outcome.error is None and entry.status in {"applied", "undone", "refused"}
    return replace(outcome, status="repeated") if was_done else outcome

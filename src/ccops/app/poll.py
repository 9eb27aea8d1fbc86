"""Looking for trigger tags: whoever carries one has the operation run, and loses the tag."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from ccops.app.errors import TriggerTagGone
from ccops.app.run_commands import ends_soon, warnings_near_end
from ccops.crm.base import Contact, Crm, Missing, Rejected
from ccops.engine.apply import Applier
from ccops.engine.batch import (
    IN_A_ROW,
    WORKERS,
    BatchOptions,
    BulkApplier,
    ContactGroup,
    Task,
    attempt,
    attempt_to_finish,
    is_of_one,
    work_off,
)
from ccops.engine.outcomes import NO_SUCH_CONTACT, Outcome, Request, TagsRead
from ccops.errors import CcopsError, Misconfigured, ServiceUnreachable
from ccops.ledger.commands import POLL, text_of
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry, Origin
from ccops.ledger.runs import Started
from ccops.operations.model import Operation, OperationsFile
from ccops.operations.occasion import for_tag, tagging_of
from ccops.operations.periods import period_key


def tagging_request(
    operation: Operation,
    contact: int,
    tagged_at: datetime,
    run: int,
    origin: Origin,
    row: Contact | None = None,
    look: TagsRead | None = None,
) -> Request:
    """Make the request that a tagging stands for; its period is that of the tagging, not of the moment of work.

    `row` is that of a list of carriers, if one showed the contact; `look` that at its tags, if one showed the tagging.
    """
    assert operation.tag is not None  # noqa: S101 - whoever saw a tagging found the operation by its tag
    period = None if operation.once_per is None else period_key(operation.once_per, tagged_at, operation.timezone)
    return Request(
        operation=operation,
        who=contact,
        occasion=for_tag(operation.tag.id, tagged_at),
        run=run,
        origin=origin,
        period=period,
        states=operation.states,
        row=row,
        look=look,
    )


# ---- looking for trigger tags: whoever carries one has the operation run, and loses the tag

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
    applier: Applier, operations: Iterable[Operation], begin: Begin, troubles: Troubles | None = None
) -> Iterator[Task | ContactGroup]:
    """Give tasks for all carriers of trigger tags; an idle round costs one page for each tag.

    What an earlier round was broken off at comes last: its tag may be off already, so that no page shows it. What is
    wrong with a single operation is noted in `troubles`, to which the caller tells the outcomes.
    """
    entries = applier.ledger.entries
    left = [entry for entry in (*entries.unreleased(), *entries.open()) if tagging_of(entry.occasion) is not None]
    asked: set[tuple[str, int, str]] = set()
    yield from BulkApplier(applier).tasks(_noted(_taggings(applier, operations, begin, troubles or Troubles()), asked))
    for entry in left:
        # What this round asked for anyway may be in the hands of another thread right now, and is told once.
        if entry.status != "parked" and (entry.operation, entry.contact, entry.occasion) not in asked:
            yield partial(_finish, applier, entry)


def _noted(requests: Iterator[Request | Task], asked: set[tuple[str, int, str]]) -> Iterator[Request | Task]:
    """Pass requests on, and note the operation, the contact and the occasion of each."""
    for request in requests:
        if isinstance(request, Request) and isinstance(request.who, int):
            asked.add((request.operation.name, request.who, request.occasion))
        yield request


def _taggings(
    applier: Applier, operations: Iterable[Operation], begin: Begin, troubles: Troubles
) -> Iterator[Request | Task]:
    """Make a request of each carrier of a tag.

    Its row may be minutes old, but that the tagging took place is sure: a tag taken off since counts all the same.
    """
    run: tuple[int, Origin] | None = None
    for operation, row in carriers(applier.crm, bound(operations), troubles):
        run = run or begin()
        if row.tagged_at is None:
            yield partial(_looked_up, applier, operation, row, run)
        else:
            # Without a look: a row is none, however young its page, so that one is made before the tag comes off.
            yield tagging_request(operation, row.id, row.tagged_at, *run, row=row)


def _looked_up(applier: Applier, operation: Operation, row: Contact, run: tuple[int, Origin]) -> Outcome:
    """Look up since when a carrier has the tag: that moment makes the occasion, and must never be made up."""
    assert operation.tag is not None  # noqa: S101 - the contact was found by the operation's tag
    outcome = Outcome("failed", operation.name, "", row.id, row.id, row.email)
    try:
        look = applier.releaser.look(row.id)
    except Missing:
        return replace(outcome, reason=NO_SUCH_CONTACT)
    except (ServiceUnreachable, Rejected) as error:
        if not is_of_one(error):
            raise
        return replace(outcome, status="open", reason=str(error), error=error)
    since = next((held.tagged_at for held in look.tags if held.id == operation.tag.id), None)
    if since is None:
        return replace(outcome, reason="Kit does not say since when it carries the tag")
    return attempt(applier, tagging_request(operation, row.id, since, *run, row=row, look=look))


def _finish(applier: Applier, entry: Entry) -> Outcome:
    """Bring a tagging's entry to its end; if only its tags were still out of order, it was done before."""
    outcome = attempt_to_finish(applier, entry.id)
    was_done = outcome.error is None and entry.status.is_final
    return replace(outcome, status="repeated") if was_done else outcome


# ---- reminding of grants that have not come, while something looks for tags anyway: cron mails what poll warns of

_EVERY: Final = timedelta(days=1)


def reminders(ledger: Ledger, operations: Iterable[Operation], now: datetime) -> list[str]:
    """Say which operations nobody was granted near their period's end; each is looked at once a day at most."""
    due = [
        operation
        for operation in operations
        if ends_soon(operation, now) and ledger.locks.once_in(f"reminded-{operation.name}", _EVERY)
    ]
    return warnings_near_end(ledger, due, now)


# ---- the receiver's own look for trigger tags, at its start and every so often: what no webhook told of is found

TITLE = "poll"


class PollRounds:
    """Polls in a thread of its own until `stop` is set; `tell` hears what a person has to know."""

    def __init__(
        self,
        applier: Applier,
        registry: Callable[[], OperationsFile],
        by: str,
        every: timedelta,
        *,
        stop: threading.Event,
        tell: Callable[[str], None],
        show: Callable[[Outcome], None],
    ) -> None:
        self._applier, self._registry, self._by, self._every = applier, registry, by, every
        self._stop, self._tell, self._show = stop, tell, show
        self._thread = threading.Thread(target=self._loop, name="poll")

    def start(self) -> None:
        """Begin with a round."""
        self._thread.start()

    def join(self) -> None:
        """Return once the contact in hand is finished, after `stop` was set."""
        self._thread.join()

    def _loop(self) -> None:
        while not self._stop.is_set():
            self.round()
            self._stop.wait(self._every.total_seconds())

    def round(self) -> None:
        """Look once; trouble is told, and the next round comes all the same."""
        try:
            with alone(self._applier.ledger) as busy:
                if busy is None:
                    self._look()
        except CcopsError as error:
            if not self._stop.is_set():
                self._tell(f"poll: {error}")
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the rounds silently
            self._tell(f"internal error in poll: {type(error).__name__}; the next round comes all the same")

    def _look(self) -> None:
        runs, started = self._applier.ledger.runs, list[Started]()
        clock = self._applier.clock

        def begin() -> tuple[int, Origin]:
            started.append(runs.start(text_of(POLL), TITLE, self._by, clock.now(), new=True))
            return started[0].run.id, Origin(self._by, "poll")

        for text in reminders(self._applier.ledger, self._registry().operations.values(), clock.now()):
            self._tell(text)
        manners = BatchOptions(clock, self._stop.is_set, lambda _count, _seconds: None, WORKERS, mixed=True)
        troubles = Troubles()
        tasks = poll_round(self._applier, self._registry().operations.values(), begin, troubles)
        try:
            for outcome in work_off(tasks, manners):
                troubles.note(outcome)
                self._show(outcome)
            for operation, error in troubles.found.items():
                self._tell(f"poll: {operation}: {error}{_fix(error)}")
        finally:
            for run in started:
                runs.stop(run, 0, clock.now(), ended=True)


def _fix(error: CcopsError) -> str:
    return f" ({' && '.join(error.mend.splitlines())})" if error.mend else ""

"""One event worked off: what it asks for is run through the applier, and how that went is noted in the inbox."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, cast

from ccops.app.poll import tagging_request
from ccops.clock import Clock, iso
from ccops.crm.base import Missing, NotSent, OutcomeUnknown
from ccops.engine.apply import Applier
from ccops.engine.batch import is_of_one
from ccops.engine.errors import ClockWrong, LedgerBehind, OtherLedger
from ccops.engine.outcomes import Outcome, Request
from ccops.errors import CcopsError, CredentialRefused, LedgerUnusable, ServiceUnreachable
from ccops.ledger.errors import EntryMoved
from ccops.ledger.inbox import TAKEN_OFF, Ending, Event, EventStatus, Inbox
from ccops.ledger.model import Entry, Origin
from ccops.operations.derived import with_amount
from ccops.operations.model import Operation, OperationsFile
from ccops.operations.occasion import for_post, for_tag, refusal_uses_it_up
from ccops.operations.periods import period_key

if TYPE_CHECKING:
    from ccops.operations.refusal import Cause


class EventSignals:
    """Wakes workers when something has come, and senders who wait for the answer when it is there."""

    def __init__(self, most_waiters: int) -> None:
        self._work = threading.Condition()
        self._arrivals = 0
        self._news = threading.Condition()
        self._told: dict[int, int] = {}
        self._waiters: Counter[int] = Counter()
        self._free = threading.BoundedSemaphore(most_waiters)
        self._closed = False

    def ring(self) -> None:
        """Say that something has come."""
        with self._work:
            self._arrivals += 1
            self._work.notify_all()

    @property
    def arrivals(self) -> int:
        """How often something has come, to be handed to `rest`."""
        return self._arrivals

    def rest(self, since: int, seconds: float) -> None:
        """Wait until something has come since that count of arrivals, but no longer than so many seconds."""
        with self._work:
            self._work.wait_for(lambda: self._arrivals != since or self._closed, seconds)

    def tell(self, events: Iterable[int]) -> None:
        """Say that events have been tried."""
        with self._news:
            for event in events:
                if self._waiters[event]:
                    self._told[event] = self._told.get(event, 0) + 1
            self._news.notify_all()

    @contextmanager
    def watching(self, event: int) -> Iterator["EventWatch | None"]:
        """Watch an event in the body; None if too many do so already, for each takes a thread of the receiver."""
        if not self._free.acquire(blocking=False):
            yield None
            return
        try:
            with self._news:
                self._waiters[event] += 1
            yield EventWatch(self, event)
        finally:
            with self._news:
                self._waiters[event] -= 1
                if not self._waiters[event]:
                    del self._waiters[event]
                    self._told.pop(event, None)
            self._free.release()

    def news(self, event: int) -> int:
        """Return how often a watched event has been tried."""
        with self._news:
            return self._told.get(event, 0)

    def await_news(self, event: int, since: int, seconds: float) -> bool:
        """Wait for another try of an event; False if there was none in so many seconds, or all is closing."""
        with self._news:
            self._news.wait_for(lambda: self._told.get(event, 0) != since or self._closed, seconds)
            return self._told.get(event, 0) != since

    def close(self) -> None:
        """Let all who wait go."""
        for condition in (self._work, self._news):
            with condition:
                self._closed = True
                condition.notify_all()


class EventWatch:
    """Waits for one event to be processed."""

    def __init__(self, event_signals: EventSignals, event: int) -> None:
        self._event_signals, self._event = event_signals, event
        self._since = 0

    def wait(self, seconds: float) -> bool:
        """Wait until the event has been tried (again); False if that did not happen in time."""
        seen = self._event_signals.await_news(self._event, self._since, seconds)
        self._since = self._event_signals.news(self._event)
        return seen


# ---- how long an event waits for its next try, and when it is given up: pure, all in one place

NEAR: Final = timedelta(minutes=10)
"""How far a tagging may lie from an event's time and still be the one that the event is about."""

SAME: Final = timedelta(seconds=1)
"""How far a tagging may lie from the time that an event itself tells: both are written in whole seconds."""

_LOOKS: Final = NEAR
"""How long a tag that is not there is looked for: an answer of Kit may be minutes behind."""
_FIRST_LOOK, _LONGEST_LOOK = timedelta(seconds=5), timedelta(minutes=2)

_RETRIES: Final = (10, 30, 60, 120, 300, 600, 1200, 1800)
"""Seconds before each further try of an operation that failed or met a value that is no number. The first five together
are longer than Kit's lists ever lag, so that a contact who was made just now is found."""

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=5)


def retry_at(tries: int, now: datetime) -> datetime | None:
    """Return when to try again after so many tries in vain; None: never, a person is needed."""
    return now + timedelta(seconds=_RETRIES[tries]) if tries < len(_RETRIES) else None


def look_again_at(received_at: datetime, now: datetime) -> datetime | None:
    """Return when to look again for a tag that is not there; None once that has gone on for long enough.

    Each wait is as long as all before it together.
    """
    waited = now - received_at
    if waited >= _LOOKS:
        return None
    return now + min(max(waited, _FIRST_LOOK), _LONGEST_LOOK, max(_LOOKS - waited, timedelta(seconds=1)))


def pause_after(failures: int) -> timedelta:
    """Return how long all work rests after Kit, or the ledger, failed so many times in a row."""
    doubled: int = 2 ** min(failures, 16)
    return min(_FIRST_PAUSE * doubled, _LONGEST_PAUSE)


# ---- one event worked off: what it asks for is run through the applier, and how that went is noted in the inbox

_ANSWERS: Final[frozenset[EventStatus]] = frozenset({"refused", "missing"})
"""What a sender that waits is told as the end, though a sender that does not would have it tried again."""


class EventWorker:
    """Works events off, several threads at once; raises what stops all, and leaves the events waiting then."""

    def __init__(self, applier: Applier, registry: Callable[[], OperationsFile], run: int, by: str) -> None:
        self._applier = applier
        self._inbox = applier.ledger.inbox
        self._registry = registry
        self._run = run
        self._by = by

    def work(self, batch: Sequence[Event]) -> None:
        """Work off what `Inbox.due` gave: one POST, or all hints at one contact's taggings for one operation."""
        first = batch[0]
        operation = self._registry().operations.get(first.operation)
        if operation is None:
            self._park(batch, Ending("failed", "the operation is no longer in operations.toml"))
        elif first.is_hint:
            self._look(operation, batch)
        else:
            self._close(batch, _answered(self._applier.apply(self._posted(operation, first))))

    def failed(self, batch: Sequence[Event], reason: str) -> None:
        """Note that a try failed for a reason that may be mended."""
        self._try_again(batch, Ending("failed", reason))

    # ---- what was posted

    def _posted(self, operation: Operation, event: Event) -> Request:
        asked = event.amount
        once_per = operation.once_per
        return Request(
            operation=operation if asked is None else with_amount(operation, Decimal(asked)),
            who=int(event.who) if event.who.isdigit() else event.who,
            occasion=for_post(event.key or ""),
            run=self._run,
            origin=Origin(self._by, "post", event.note),
            period=None if once_per is None else period_key(once_per, event.at, operation.timezone),
            asked=asked,
            states=operation.states,
        )

    # ---- what hints at a tagging

    def _look(self, operation: Operation, batch: Sequence[Event]) -> None:
        """Read the contact's tags: a webhook says too little to be believed, and may come late or twice."""
        contact = int(batch[0].who)
        if operation.tag is None:
            self._park(batch, Ending("failed", "the operation has no trigger tag (any more)"))
            return
        try:
            look = self._applier.releaser.look(contact)
        except Missing:
            self._try_again(batch, Ending("missing", "no such contact in Kit"))
            return
        tag, left = operation.tag.id, list(batch)
        since = next((held.tagged_at for held in look.tags if held.id == tag), None)
        if since is not None:
            origin = Origin(self._by, "webhook")
            request = tagging_request(operation, contact, since, self._run, origin, look=look)
            outcome, left = self._applier.apply(request), [event for event in batch if _is_older(event, since)]
            self._close([event for event in batch if event not in left], outcome)
        for event in left:
            self._without_tag(event, contact, tag)

    def _without_tag(self, event: Event, contact: int, tag: int) -> None:
        """The tagging is off: it was counted, or will be seen soon, or a person took it off before ccops saw it.

        An event that tells its own time is about the tagging of that time, and of no other one near it.
        """
        near = SAME if event.tells_time else NEAR
        first, last = for_tag(tag, event.at - near), for_tag(tag, event.at + near)
        entry = self._applier.ledger.entries.of_occasions(event.operation, contact, first, last)
        now = self._applier.clock.now()
        if entry is not None:
            self._counted(event, entry)
        elif again := look_again_at(event.received_at, now):
            why = "the contact does not have the tag (yet)"
            self._inbox.put_off([event], Ending("open", why), again, counts=False)
        else:
            self._park([event], Ending("failed", f"{TAKEN_OFF} (event of {iso(event.at)})"))

    def _counted(self, event: Event, entry: Entry) -> None:
        if entry.status.is_open:
            self._close([event], self._applier.finish(entry.id))
        else:
            self._inbox.end([event], Ending("repeated", entry.reason, entry.id), self._applier.clock.now())

    # ---- the applier, and what it answers

    def _close(self, batch: Sequence[Event], outcome: Outcome) -> None:
        """Note an outcome: most are an end; a value that is no number or a failure is tried again."""
        entry = outcome.entry
        how = Ending(_status(outcome), outcome.reason, None if entry is None else entry.id)
        if outcome.status == "open":
            self._inbox.put_off(batch, how, outcome.due or self._applier.clock.now(), counts=False)
        elif outcome.status == "failed" or (outcome.status == "refused" and entry is not None and is_mendable(entry)):
            self._try_again(batch, how)
        else:
            self._inbox.end(batch, how, self._applier.clock.now())

    def _try_again(self, batch: Sequence[Event], how: Ending) -> None:
        now = self._applier.clock.now()
        for event in batch:
            until = retry_at(event.tries, now)
            if until is None:
                self._park([event], how)
            else:
                self._put_off(event, how, until, now)

    def _put_off(self, event: Event, how: Ending, until: datetime, now: datetime) -> None:
        """Let an event be tried again; what its sender waits to hear may be its end instead."""
        if how.status in _ANSWERS:
            self._inbox.answer_or_put_off(event, how, until, now)
        else:
            self._inbox.put_off([event], how, until)

    def _park(self, batch: Sequence[Event], how: Ending) -> None:
        self._inbox.park(batch, how, self._applier.clock.now())


def is_mendable(entry: Entry) -> bool:
    """Tell whether an entry is a refusal that leaves its occasion open, since it is mended by correcting a value."""
    return entry.status == "refused" and not refusal_uses_it_up(entry.occasion, cast("Cause", entry.cause))


def _answered(outcome: Outcome) -> Outcome:
    """Return the outcome of a POST: one that was refused before, and is tried again for its tags, stays refused."""
    was_refused = outcome.status == "repeated" and outcome.entry is not None and outcome.entry.status == "refused"
    return replace(outcome, status="refused") if was_refused else outcome


def _is_older(event: Event, tagged_at: datetime) -> bool:
    """Tell whether an event is about a tagging before the one that there is now, which has taken its place since."""
    return event.tells_time and event.at < tagged_at - SAME


def _status(outcome: Outcome) -> EventStatus:
    if outcome.status == "failed" and (outcome.entry is None or outcome.entry.turn is None):
        return "missing"  # nothing was sent, so it was not Kit that rejected it: there is no such contact
    return "failed" if outcome.status == "previewed" else outcome.status


# ---- the threads that work the inbox off; what waits in it when ccops stops or dies is taken up at the next start

COUNT: Final = 4
"""Threads. Kit allows two requests a second, or ten: more would only wait for each other."""
_LONGEST_REST: Final = 1.0
"""Seconds after which an idle worker looks again, whatever it was told: an operation may have been resumed."""
_OUTSIDE: Final = (ServiceUnreachable, NotSent, OutcomeUnknown, CredentialRefused, LedgerUnusable, ClockWrong)
"""Troubles that say nothing about the event at hand."""
_KIT: Final = (ServiceUnreachable, NotSent, OutcomeUnknown)
"""Those of them that may be one contact's after all: Kit may always fail for it, and for no other."""
_FATAL: Final = (OtherLedger, LedgerBehind, EntryMoved)
"""Another ledger is at work on the account: whatever went on now might count twice."""

WorkFunction = Callable[[Sequence[Event]], None]
Tell = Callable[[str], None]


class Workers:
    """Works events off with a few threads, one contact in one thread at a time.

    `work` handles a batch; `failed` is told of one that met trouble of its own. `tell` hears what a person has to know.
    """

    def __init__(
        self,
        inbox: Inbox,
        event_signals: EventSignals,
        clock: Clock,
        *,
        work: WorkFunction,
        failed: Callable[[Sequence[Event], str], None],
        paused: Callable[[], frozenset[str]],
        stop: threading.Event,
        tell: Tell,
        count: int = COUNT,
    ) -> None:
        self._inbox, self._event_signals, self._clock = inbox, event_signals, clock
        self._work, self._failed, self._paused = work, failed, paused
        self._stop, self._tell = stop, tell
        self._threads = [threading.Thread(target=self._loop, name=f"worker-{number}") for number in range(count)]
        self._guard = threading.Lock()
        self._in_hand: set[str] = set()
        self._failures = 0
        self._successes = 0
        self._failing: dict[str, int] = {}
        """Contacts that met trouble with Kit, with how much had succeeded when they did last."""
        self._own: set[str] = set()
        """Those of them whose trouble is their own, since others succeeded between two of their failures."""
        self._in_a_row: set[str] = set()
        """Contacts that met trouble with Kit since anything succeeded."""
        self._resume_at: datetime | None = None
        self._silent_until: datetime | None = None
        self.fatal: CcopsError | None = None
        """What stopped all work; `stop` is set then."""

    def start(self) -> None:
        """Begin; what waits is taken up."""
        self._inbox.forget_awaiting()
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Return once every thread has finished what it had in hand, after `stop` was set."""
        self._event_signals.close()
        for thread in self._threads:
            thread.join()

    def _loop(self) -> None:
        while not self._stop.is_set():
            arrivals = self._event_signals.arrivals
            rest = self._turn()
            if rest:
                self._event_signals.rest(arrivals, rest)

    def _turn(self) -> float:
        """Do what is next; return for how many seconds there is nothing to do, unless something comes."""
        batch: Sequence[Event] = ()
        try:
            batch = self._take()
            if not batch:
                return self._idle_for()
            self._one(batch)
        except CcopsError as error:
            self._trouble((), error)
            return _LONGEST_REST
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end a thread silently
            self._tell(f"internal error: {type(error).__name__} at the inbox")
            return _LONGEST_REST
        finally:
            self._give_back(batch)
        return 0

    # ---- what to do next

    def _take(self) -> Sequence[Event]:
        """Take a batch of a contact that no other thread has in hand."""
        with self._guard:
            now = self._clock.now()
            if self._resume_at is not None and now < self._resume_at:
                return ()
            batch = self._inbox.due(now, besides=self._in_hand, paused=self._paused())
            # Asked again: what came in after an operation was paused must not run, however long the look took.
            if not self._paused().isdisjoint(event.operation for event in batch):
                return ()
            self._in_hand.update(event.who for event in batch)
            return batch

    def _give_back(self, batch: Sequence[Event]) -> None:
        with self._guard:
            self._in_hand.difference_update(event.who for event in batch)
        self._event_signals.tell(event.id for event in batch)

    def _idle_for(self) -> float:
        now = self._clock.now()
        due = [self._inbox.next_due(self._paused()), self._resume_at]
        later = [moment for moment in due if moment is not None and moment > now]
        soonest = min(later, default=now + timedelta(seconds=_LONGEST_REST))
        return min((soonest - now).total_seconds(), _LONGEST_REST)

    # ---- one batch, and what can go wrong

    def _one(self, batch: Sequence[Event]) -> None:
        try:
            self._work(batch)
        except _OUTSIDE as error:
            if self._is_own(batch[0].who, error):
                self._failed(batch, str(error))
            else:
                self._trouble(batch, error)
        except CcopsError as error:
            self._failed(batch, str(error))
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not stop the others' work, nor be silent
            self._tell(
                f"internal error: {type(error).__name__} at an event for {batch[0].operation}; it is tried again"
            )
            self._failed(batch, f"internal error ({type(error).__name__})")
        else:
            self._succeeded(batch[0].who)

    def _succeeded(self, who: str) -> None:
        with self._guard:
            self._failures = 0
            self._successes += 1
            self._in_a_row.clear()
            self._failing.pop(who, None)
            self._own.discard(who)

    def _is_own(self, who: str, error: CcopsError) -> bool:
        """Tell whether trouble with Kit is a contact's own: others succeeded since it last met trouble."""
        if not isinstance(error, _KIT) or not is_of_one(error):
            return False
        with self._guard:
            before = self._failing.get(who)
            self._failing[who] = self._successes
            self._in_a_row.add(who)
            if before is not None and before < self._successes:
                self._own.add(who)
            return who in self._own

    def _trouble(self, batch: Sequence[Event], error: CcopsError) -> None:
        """Let a contact rest for a while, or all work if it is not the only one. The events wait as they are."""
        if isinstance(error, _FATAL):
            self.fatal = error
            self._stop.set()
            self._event_signals.close()
        if self._stop.is_set():
            return
        until = self._rest_because(error, batch)
        if batch and not isinstance(error, LedgerUnusable):
            # For whoever asks how they went.
            self._inbox.put_off(batch, Ending("open", str(error)), until, counts=False)

    def _rest_because(self, error: CcopsError, batch: Sequence[Event]) -> datetime:
        """Begin a pause, unless another thread met the same trouble and began one already; return its end."""
        with self._guard:
            now = self._clock.now()
            if self._resume_at is not None and now < self._resume_at:
                return self._resume_at
            pause = pause_after(self._failures)
            self._failures += 1
            is_alone = bool(batch) and isinstance(error, _KIT) and self._in_a_row == {batch[0].who}
            if not is_alone:
                self._resume_at = now + pause
            is_told = self._silent_until is not None and now < self._silent_until
            self._silent_until = now + pause
        if not is_told:
            self._tell(f"{error} (goes on in {pause.total_seconds():.0f} s)")
        return now + pause

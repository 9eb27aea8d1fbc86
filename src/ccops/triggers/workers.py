"""The threads that work the inbox off; what waits in it when ccops stops or dies is taken up at the next start."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from ccops.clock import Clock
from ccops.crm.base import NotSent, OutcomeUnknown
from ccops.engine.errors import ClockWrong, LedgerBehind, OtherLedger
from ccops.engine.trouble import is_of_one
from ccops.errors import CcopsError, CredentialRefused, LedgerUnusable, ServiceUnreachable
from ccops.ledger.errors import EntryMoved
from ccops.ledger.events import Ending, Event
from ccops.ledger.inbox import Inbox
from ccops.triggers.board import Board
from ccops.triggers.patience import pause_after

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

Work = Callable[[Sequence[Event]], None]
Tell = Callable[[str], None]


class Workers:
    """Works events off with a few threads, one contact in one thread at a time.

    `work` handles a batch; `failed` is told of one that met trouble of its own. `tell` hears what a person has to know.
    """

    def __init__(
        self,
        inbox: Inbox,
        board: Board,
        clock: Clock,
        *,
        work: Work,
        failed: Callable[[Sequence[Event], str], None],
        paused: Callable[[], frozenset[str]],
        stop: threading.Event,
        tell: Tell,
        count: int = COUNT,
    ) -> None:
        self._inbox, self._board, self._clock = inbox, board, clock
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
        self._board.close()
        for thread in self._threads:
            thread.join()

    def _loop(self) -> None:
        while not self._stop.is_set():
            arrivals = self._board.arrivals
            rest = self._turn()
            if rest:
                self._board.rest(arrivals, rest)

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
            self._in_hand.update(event.who for event in batch)
            return batch

    def _give_back(self, batch: Sequence[Event]) -> None:
        with self._guard:
            self._in_hand.difference_update(event.who for event in batch)
        self._board.tell(event.id for event in batch)

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
            self._board.close()
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

"""The receiver as a whole: the server, the workers behind the inbox, and the own look for tags."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from ccops.app.errors import CantListen, ServeAtWork
from ccops.app.poll import PollRounds
from ccops.engine.apply import Applier
from ccops.engine.outcomes import Outcome
from ccops.errors import CcopsError
from ccops.ledger.commands import SERVE, text_of
from ccops.ledger.model import Entry
from ccops.operations.model import OperationsFile
from ccops.server.app import Done, Receiver
from ccops.server.requests import Services
from ccops.server.worker import EventSignals, EventWorker, Workers

if TYPE_CHECKING:
    from ccops.config.webhook_secrets import Secrets
    from ccops.server.listener import Server

LOCK: Final = "serve"


@dataclass(frozen=True, slots=True)
class ServedHome:
    """What is served: the applier, and the registry and the secrets as they are at any moment."""

    applier: Applier
    registry: Callable[[], OperationsFile]
    secrets: "Callable[[], Secrets]"

    def paused(self) -> frozenset[str]:
        """Return the operations whose events wait."""
        return frozenset(name for name, each in self.registry().operations.items() if each.paused)


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Where to listen, and how."""

    host: str
    port: int
    by: str
    """Who is at work, in the ledger."""
    poll: timedelta | None = timedelta(minutes=15)
    """How often it looks for tags itself; None: never."""


@dataclass(frozen=True, slots=True)
class ServeReports:
    """Who hears what: troubles, requests that were answered, and how polled contacts ended."""

    tell: Callable[[str], None]
    log: Callable[[Done], None]
    outcome: Callable[[Outcome], None]
    show: Callable[[Entry, str | None], Mapping[str, object]]
    """Makes the object of a change for answers."""


@contextmanager
def serving(site: ServedHome, plan: ServeOptions, voices: ServeReports, stop: threading.Event) -> Iterator[int]:
    """Receive and work off in the body; gives the port. `stop` is set when something stops all work.

    On leaving, what is in hand is finished. Raises ServeAtWork, CantListen, and what stopped all work.
    """
    ledger = site.applier.ledger
    lock = ledger.locks.take(LOCK)
    if lock is None:
        raise ServeAtWork(ledger.locks.holder_of(LOCK))
    try:
        with _run(site.applier, plan.by) as run:
            crew = _ServeThreads(site, plan, voices, stop, run)
            crew.start()
            try:
                yield crew.server.port
            finally:
                crew.stop()
        if crew.workers.fatal is not None:
            raise crew.workers.fatal
    finally:
        lock.drop()


@contextmanager
def _run(applier: Applier, by: str) -> Iterator[int]:
    """Count all that comes in to one run; one that died is gone on with."""
    runs = applier.ledger.runs
    started = runs.start(text_of(SERVE), "serve", by, applier.clock.now())
    try:
        yield started.run.id
    finally:
        runs.stop(started, 0, applier.clock.now(), ended=True)


class _ServeThreads:
    """All threads of a receiver."""

    def __init__(
        self, site: ServedHome, plan: ServeOptions, voices: ServeReports, stop: threading.Event, run: int
    ) -> None:
        from ccops.server.listener import MOST_WAITERS

        applier, self._stop = site.applier, stop
        self._event_signals = EventSignals(MOST_WAITERS)
        event_worker = EventWorker(applier, site.registry, run, plan.by)
        self.workers = Workers(
            applier.ledger.inbox,
            self._event_signals,
            applier.clock,
            work=event_worker.work,
            failed=event_worker.failed,
            paused=site.paused,
            stop=stop,
            tell=voices.tell,
        )
        services = Services(
            applier.ledger, site.registry, site.secrets, applier.clock, self._event_signals, voices.show
        )
        self.server = _listening(Receiver(services, voices.log), plan)
        self._rounds: PollRounds | None = None
        if plan.poll is not None:
            self._rounds = PollRounds(
                applier, site.registry, plan.by, plan.poll, stop=stop, tell=voices.tell, show=voices.outcome
            )

    def start(self) -> None:
        """Begin; what waits in the inbox is taken up."""
        self.workers.start()
        self.server.start()
        if self._rounds:
            self._rounds.start()

    def stop(self) -> None:
        """Finish what is in hand, and end."""
        self._stop.set()
        self._event_signals.close()  # first: whoever waits for an outcome is told that it takes longer
        self.server.stop()
        self.workers.join()
        if self._rounds:
            self._rounds.join()


def _listening(receiver: Receiver, plan: ServeOptions) -> "Server":
    from ccops.server import listener

    try:
        return listener.Server(receiver, plan.host, plan.port)
    except OSError as error:
        raise CantListen(plan.host, plan.port, error.strerror or str(error)) from error


# ---- files of the home as they are now: edited while ccops serves, and kept as they last were while they have
# mistakes

LiveValue = TypeVar("LiveValue")


class Live(Generic[LiveValue]):
    """What a file says, read again whenever it has changed.

    `load` raises a CcopsError for a file with mistakes: at the start that is the caller's, later `tell` hears of it,
    once, and the last good state goes on to hold.
    """

    def __init__(self, path: Path, load: Callable[[], LiveValue], tell: Callable[[CcopsError], None]) -> None:
        self._path, self._load, self._tell = path, load, tell
        self._guard = threading.Lock()
        self._seen = self._look()
        self._value = load()

    def __call__(self) -> LiveValue:
        """Return what the file says now, or what it last said while it was in order."""
        with self._guard:
            look = self._look()
            if look != self._seen:
                # Taken before the file is read: a change meanwhile is seen next time.
                self._seen = look
                self._reload()
            return self._value

    def _reload(self) -> None:
        try:
            self._value = self._load()
        except CcopsError as error:
            self._tell(error)

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

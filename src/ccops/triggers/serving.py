"""The receiver as a whole: the server, the workers behind the inbox, and the own look for tags."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ccops.engine.heart import Heart
from ccops.engine.request import Outcome
from ccops.ledger.model import Entry
from ccops.operations.model import Registry
from ccops.triggers.board import Board
from ccops.triggers.clerk import Clerk
from ccops.triggers.errors import CantListen, ServeAtWork
from ccops.triggers.receiver.app import Done, Receiver
from ccops.triggers.receiver.house import House
from ccops.triggers.rounds import Rounds
from ccops.triggers.workers import Workers

if TYPE_CHECKING:
    from ccops.registry.secrets import Secrets
    from ccops.triggers.receiver.server import Server

LOCK: Final = "serve"
_WORDS: Final = json.dumps(["serve"])


@dataclass(frozen=True, slots=True)
class Site:
    """What is served: the heart, and the registry and the secrets as they are at any moment."""

    heart: Heart
    registry: Callable[[], Registry]
    secrets: "Callable[[], Secrets]"

    def paused(self) -> frozenset[str]:
        """Return the operations whose events wait."""
        return frozenset(name for name, each in self.registry().operations.items() if each.paused)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to listen, and how."""

    host: str
    port: int
    by: str
    """Who is at work, in the ledger."""
    poll: timedelta | None = timedelta(minutes=15)
    """How often it looks for tags itself; None: never."""


@dataclass(frozen=True, slots=True)
class Voices:
    """Who hears what: troubles, requests that were answered, and how polled contacts ended."""

    tell: Callable[[str], None]
    log: Callable[[Done], None]
    outcome: Callable[[Outcome], None]
    show: Callable[[Entry, str | None], Mapping[str, object]]
    """Makes the object of a change for answers."""


@contextmanager
def serving(site: Site, plan: Plan, voices: Voices, stop: threading.Event) -> Iterator[int]:
    """Receive and work off in the body; gives the port. `stop` is set when something stops all work.

    On leaving, what is in hand is finished. Raises ServeAtWork, CantListen, and what stopped all work.
    """
    ledger = site.heart.ledger
    lock = ledger.locks.take(LOCK)
    if lock is None:
        raise ServeAtWork(ledger.locks.holder_of(LOCK))
    try:
        with _run(site.heart, plan.by) as run:
            crew = _Crew(site, plan, voices, stop, run)
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
def _run(heart: Heart, by: str) -> Iterator[int]:
    """Count all that comes in to one run; one that died is gone on with."""
    runs = heart.ledger.runs
    started = runs.start(_WORDS, "serve", by, heart.clock.now())
    try:
        yield started.run.id
    finally:
        runs.stop(started, 0, heart.clock.now(), ended=True)


class _Crew:
    """All threads of a receiver."""

    def __init__(self, site: Site, plan: Plan, voices: Voices, stop: threading.Event, run: int) -> None:
        from ccops.triggers.receiver.server import MOST_WAITERS

        heart, self._stop = site.heart, stop
        self._board = Board(MOST_WAITERS)
        clerk = Clerk(heart, site.registry, run, plan.by)
        self.workers = Workers(
            heart.ledger.inbox,
            self._board,
            heart.clock,
            work=clerk.work,
            failed=clerk.failed,
            paused=site.paused,
            stop=stop,
            tell=voices.tell,
        )
        house = House(heart.ledger, site.registry, site.secrets, heart.clock, self._board, voices.show)
        self.server = _listening(Receiver(house, voices.log), plan)
        self._rounds: Rounds | None = None
        if plan.poll is not None:
            self._rounds = Rounds(
                heart, site.registry, plan.by, plan.poll, stop=stop, tell=voices.tell, show=voices.outcome
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
        self._board.close()  # first: whoever waits for an outcome is told that it takes longer
        self.server.stop()
        self.workers.join()
        if self._rounds:
            self._rounds.join()


def _listening(receiver: Receiver, plan: Plan) -> "Server":
    from ccops.triggers.receiver import server

    try:
        return server.Server(receiver, plan.host, plan.port)
    except OSError as error:
        raise CantListen(plan.host, plan.port, error.strerror or str(error)) from error

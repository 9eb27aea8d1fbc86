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
from ccops.errors import CcopsError
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

LOCK: Final = "serve"
_CACHE_KIB: Final = 1024
"""Of the ledger, in memory, for each of some twenty threads."""
_WORDS: Final = json.dumps(["serve"])


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
def serving(
    heart: Heart,
    registry: Callable[[], Registry],
    secrets: "Callable[[], Secrets]",
    plan: Plan,
    voices: Voices,
    stop: threading.Event,
) -> Iterator[int]:
    """Receive and work off in the body, until `stop` is set by whoever waits for it; gives the port.

    On leaving, what is in hand is finished. Raises ServeAtWork, CantListen, and what stopped all work.
    """
    heart.ledger.database.cache_kib = _CACHE_KIB
    lock = heart.ledger.locks.take(LOCK)
    if lock is None:
        raise ServeAtWork
    try:
        with _run(heart, plan.by) as run:
            yield from _at_work(heart, registry, secrets, plan, voices, stop, run)
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


def _at_work(
    heart: Heart,
    registry: Callable[[], Registry],
    secrets: "Callable[[], Secrets]",
    plan: Plan,
    voices: Voices,
    stop: threading.Event,
    run: int,
) -> Iterator[int]:
    from ccops.triggers.receiver.server import MOST_WAITERS, Server

    board = Board(MOST_WAITERS)
    clerk = Clerk(heart, registry, run, plan.by)
    workers = Workers(
        heart.ledger.inbox,
        board,
        heart.clock,
        work=clerk.work,
        failed=clerk.failed,
        paused=lambda: frozenset(name for name, each in registry().operations.items() if each.paused),
        stop=stop,
        tell=voices.tell,
    )
    house = House(heart.ledger, registry, secrets, heart.clock, board, voices.show)
    try:
        server = Server(Receiver(house, voices.log), plan.host, plan.port)
    except (OSError, ValueError) as error:
        raise CantListen(plan.host, plan.port, getattr(error, "strerror", None) or str(error)) from error
    rounds = _rounds(heart, registry, plan, voices, stop)
    workers.start()
    server.start()
    if rounds:
        rounds.start()
    try:
        yield server.port
    finally:
        stop.set()
        board.close()  # before the server stops: who waits for an outcome is told that it takes longer
        server.stop()
        workers.join()
        if rounds:
            rounds.join()
    _raise(workers.fatal)


def _rounds(
    heart: Heart, registry: Callable[[], Registry], plan: Plan, voices: Voices, stop: threading.Event
) -> Rounds | None:
    if plan.poll is None:
        return None
    return Rounds(heart, registry, plan.by, plan.poll, stop=stop, tell=voices.tell, show=voices.outcome)


def _raise(error: CcopsError | None) -> None:
    if error is not None:
        raise error

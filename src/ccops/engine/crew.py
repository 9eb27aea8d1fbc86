"""A few threads for work that mostly waits for answers: its latency is hidden, and the allowance is the only bound."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

from ccops.errors import CcopsError, CredentialRefused, LedgerUnusable

T = TypeVar("T")
Job = Callable[[], T]

_AHEAD: Final = 2
"""Jobs a worker that are taken from their source before they are begun."""


def spread(jobs: Iterable[Job[T]], workers: int, stop: Callable[[], bool]) -> Iterator[T]:
    """Do jobs with at most so many threads, and give what each returned as soon as it is known.

    Asked to stop, or once a job or the source of jobs has failed, no more is begun; what is in hand is finished and
    given first. Raises the gravest failure then.
    """
    return _one_by_one(jobs, stop) if workers <= 1 else _Crew[T](workers, stop).work(jobs)


def _one_by_one(jobs: Iterable[Job[T]], stop: Callable[[], bool]) -> Iterator[T]:
    for job in jobs:
        if stop():
            return
        try:
            done = job()
        except KeyboardInterrupt:
            if stop():  # it would have had to wait for a contact that somebody else has
                return
            raise
        yield done


class _Crew(Generic[T]):
    """Threads that take jobs from one queue; those of a program that is told to end at once die with it."""

    def __init__(self, workers: int, stop: Callable[[], bool]) -> None:
        self._workers, self._stop = workers, stop
        self._halted = threading.Event()
        self._jobs = SimpleQueue[Job[T] | None]()
        self._ended = SimpleQueue[_Ended[T]]()
        self._threads = 0
        self._failures: list[BaseException] = []

    def work(self, jobs: Iterable[Job[T]]) -> Iterator[T]:
        source, under_way, more = iter(jobs), 0, True
        try:
            while more or under_way:
                while more and under_way < self._workers * _AHEAD:
                    job = self._next(source)
                    more = job is not None
                    if job is not None:
                        self._hand_out(job)
                        under_way += 1
                if under_way:
                    ended = self._ended.get()
                    under_way -= 1
                    self._note(ended)
                    yield from ended.results
        finally:
            self._halted.set()
            for _ in range(self._threads):
                self._jobs.put(None)
        if self._failures:
            raise gravest(self._failures)

    def _next(self, source: Iterator[Job[T]]) -> Job[T] | None:
        """Take a job from its source, which may itself have to ask somebody; None if there are no more."""
        if self._is_over():
            return None
        try:
            return next(source, None)
        except Exception as error:  # noqa: BLE001 - raised once all that is in hand has ended
            self._failures.append(error)
            return None

    def _hand_out(self, job: Job[T]) -> None:
        if self._threads < self._workers:
            self._threads += 1
            threading.Thread(target=self._loop, name=f"crew-{self._threads}", daemon=True).start()
        self._jobs.put(job)

    def _note(self, ended: "_Ended[T]") -> None:
        if ended.failure is not None and not (isinstance(ended.failure, KeyboardInterrupt) and self._stop()):
            self._failures.append(ended.failure)
            self._halted.set()

    def _is_over(self) -> bool:
        return self._halted.is_set() or self._stop()

    def _loop(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._ended.put(_Ended() if self._is_over() else _tried(job))


@dataclass(frozen=True, slots=True)
class _Ended(Generic[T]):
    """How a job ended: with a result, in vain, or (neither) without having been begun."""

    results: tuple[T, ...] = ()
    failure: BaseException | None = None


def _tried(job: Job[T]) -> _Ended[T]:
    try:
        return _Ended((job(),))
    except BaseException as error:  # noqa: BLE001 - the thread that began the crew raises it
        return _Ended(failure=error)


def gravest(failures: list[BaseException]) -> BaseException:
    """Return the failure that speaks for all: a mistake of ours, the ledger's, the credential's, else the first."""
    return min(failures, key=_gravity)


def _gravity(failure: BaseException) -> int:
    if not isinstance(failure, CcopsError):
        return 0
    return next(
        (place for place, kind in enumerate((LedgerUnusable, CredentialRefused), 1) if isinstance(failure, kind)), 3
    )

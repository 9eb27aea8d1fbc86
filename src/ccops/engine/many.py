"""Working many contacts off; what is still under way is put aside and looked at again at the end."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from ccops.clock import Clock
from ccops.engine.crew import spread
from ccops.engine.request import Outcome
from ccops.engine.trouble import Failures, is_of_one
from ccops.errors import CcopsError

ROUNDS: Final = 3
"""How often an open entry is looked at again before it is left to the next run of the same command."""

WORKERS: Final = 4
"""Threads that hide the latency of answers; Kit's allowance is two requests a second, or ten."""

Task = Callable[[], Outcome]
"""Does what there is to do for one contact; doing it again goes on where it stands."""


@dataclass(frozen=True, slots=True)
class Together:
    """Several contacts that are done in one go; `each` does one of them alone, in the order of the outcomes.

    Without an outcome, a contact is to be done alone.
    """

    do: Callable[[], Sequence[Outcome | None]]
    each: Sequence[Task]


@dataclass(frozen=True, slots=True)
class Manners:
    """What the work depends on beside its tasks: the clock, being asked to stop, and whom to tell of a wait."""

    clock: Clock
    stop: Callable[[], bool]
    waiting: Callable[[int, float], None]
    """Told how many contacts are waited for, and for how many seconds."""
    workers: int = 1
    mixed: bool = False
    """Whether the work is of several operations, so that what is wrong with one is not wrong with all."""


def work_off(tasks: Iterable[Task | Together], manners: Manners) -> Iterator[Outcome]:
    """Do each task and give its outcome as soon as it is known; asked to stop, finish only what is in hand.

    Trouble with one contact is in its outcome, and the others go on. Raises trouble with everything: CredentialRefused,
    LedgerUnusable, FieldGone unless the work is `mixed`, and ServiceUnreachable once several contacts failed in a row.
    """
    aside: list[tuple[Task, Outcome]] = []
    failures = Failures[Task](mixed=manners.mixed)
    for task, outcome in _done(tasks, manners, failures):
        if outcome.due is None:
            yield outcome
        else:
            aside.append((task, outcome))
    for _ in range(ROUNDS):
        if not aside or manners.stop():
            break
        _wait([outcome for _, outcome in aside], manners)
        left = {id(task): (task, outcome) for task, outcome in aside}
        for task, outcome in _done([task for task, _ in aside], manners, failures):
            left[id(task)] = (task, outcome)
            if outcome.due is None:
                del left[id(task)]
                yield outcome
        aside = list(left.values())
    yield from (outcome for _, outcome in aside)


def _done(
    tasks: Iterable[Task | Together], manners: Manners, failures: Failures[Task]
) -> Iterator[tuple[Task, Outcome]]:
    alone: list[Task] = []

    def is_over() -> bool:
        return manners.stop() or failures.with_all is not None

    for pairs in spread((partial(_do, task) for task in tasks), manners.workers, is_over):
        for task, outcome in pairs:
            if outcome is None:
                alone.append(task)
            else:
                yield from failures.take(task, outcome)
    if alone and not is_over():
        yield from _done(alone, manners, failures)
    elif manners.stop():
        yield from failures.left()
    else:
        yield from failures.rest()


def _do(task: Task | Together) -> Sequence[tuple[Task, Outcome | None]]:
    if not isinstance(task, Together):
        return [(task, task())]
    try:
        return list(zip(task.each, task.do(), strict=True))
    except CcopsError as error:
        if not is_of_one(error):
            raise
        return [(each, None) for each in task.each]  # alone, it shows whose trouble it is


def _wait(outcomes: list[Outcome], manners: Manners) -> None:
    """Wait until the first of the open entries can be looked at."""
    due = min(outcome.due for outcome in outcomes if outcome.due is not None)
    seconds = (due - manners.clock.now()).total_seconds()
    if seconds > 0:
        manners.waiting(len(outcomes), seconds)
        manners.clock.sleep(seconds)

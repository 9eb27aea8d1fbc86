"""Working many contacts off; what is still under way is put aside and looked at again at the end."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from ccops.clock import Clock
from ccops.engine.crew import spread
from ccops.engine.request import Outcome

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


def work_off(tasks: Iterable[Task | Together], manners: Manners) -> Iterator[Outcome]:
    """Do each task and give its outcome as soon as it is known; asked to stop, finish only what is in hand.

    Raises what stops all: ServiceUnreachable, CredentialRefused, LedgerUnusable, FieldGone.
    """
    aside: list[tuple[Task, Outcome]] = []
    for task, outcome in _done(tasks, manners):
        if outcome.due is None:
            yield outcome
        else:
            aside.append((task, outcome))
    for _ in range(ROUNDS):
        if not aside or manners.stop():
            break
        _wait([outcome for _, outcome in aside], manners)
        left = {id(task): (task, outcome) for task, outcome in aside}
        for task, outcome in _done([task for task, _ in aside], manners):
            left[id(task)] = (task, outcome)
            if outcome.due is None:
                del left[id(task)]
                yield outcome
        aside = list(left.values())
    yield from (outcome for _, outcome in aside)


def _done(tasks: Iterable[Task | Together], manners: Manners) -> Iterator[tuple[Task, Outcome]]:
    alone: list[Task] = []
    for pairs in spread((partial(_do, task) for task in tasks), manners.workers, manners.stop):
        alone += [task for task, outcome in pairs if outcome is None]
        yield from ((task, outcome) for task, outcome in pairs if outcome is not None)
    if alone:
        yield from _done(alone, manners)


def _do(task: Task | Together) -> Sequence[tuple[Task, Outcome | None]]:
    return list(zip(task.each, task.do(), strict=True)) if isinstance(task, Together) else [(task, task())]


def _wait(outcomes: list[Outcome], manners: Manners) -> None:
    """Wait until the first of the open entries can be looked at."""
    due = min(outcome.due for outcome in outcomes if outcome.due is not None)
    seconds = (due - manners.clock.now()).total_seconds()
    if seconds > 0:
        manners.waiting(len(outcomes), seconds)
        manners.clock.sleep(seconds)

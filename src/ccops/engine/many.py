"""Working contacts off one after the other; what is still under way is put aside and looked at again at the end."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ccops.clock import Clock
from ccops.engine.request import Outcome

ROUNDS: Final = 3
"""How often an open entry is looked at again before it is left to the next run of the same command."""

Task = Callable[[], Outcome]
"""Does what there is to do for one contact; doing it again goes on where it stands."""


@dataclass(frozen=True, slots=True)
class Manners:
    """What the work depends on beside its tasks: the clock, being asked to stop, and whom to tell of a wait."""

    clock: Clock
    stop: Callable[[], bool]
    waiting: Callable[[int, float], None]
    """Told how many contacts are waited for, and for how many seconds."""


def work_off(tasks: Iterable[Task], manners: Manners) -> Iterator[Outcome]:
    """Do each task and give its outcome as soon as it is known; asked to stop, finish only the one in hand.

    Raises what stops all: ServiceUnreachable, CredentialRefused, LedgerUnusable, FieldGone.
    """
    aside: list[tuple[Task, Outcome]] = []
    for task in tasks:
        if manners.stop():
            break
        outcome = task()
        if outcome.due is None:
            yield outcome
        else:
            aside.append((task, outcome))
    for _ in range(ROUNDS):
        if not aside or manners.stop():
            break
        _wait([outcome for _, outcome in aside], manners)
        again, aside = aside, []
        for task, before in again:
            outcome = before if manners.stop() else task()
            if outcome.due is None:
                yield outcome
            else:
                aside.append((task, outcome))
    yield from (outcome for _, outcome in aside)


def _wait(outcomes: list[Outcome], manners: Manners) -> None:
    """Wait until the first of the open entries can be looked at."""
    due = min(outcome.due for outcome in outcomes if outcome.due is not None)
    seconds = (due - manners.clock.now()).total_seconds()
    if seconds > 0:
        manners.waiting(len(outcomes), seconds)
        manners.clock.sleep(seconds)

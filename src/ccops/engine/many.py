"""Applying requests one after the other; what is still under way is put aside and looked at again at the end."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from ccops.engine.heart import Heart
from ccops.engine.request import Outcome, Request

ROUNDS: Final = 3
"""How often an open entry is looked at again before it is left to the next run of the same command."""

Asked = Callable[[], bool]
"""Whether the program was asked to stop; the contact in hand is finished first."""
Waiting = Callable[[int, float], None]
"""Told how many contacts are waited for, and for how many seconds."""


def apply_many(heart: Heart, requests: Iterable[Request], stop: Asked, waiting: Waiting) -> Iterator[Outcome]:
    """Apply each request and give its outcome as soon as it is known; stops early if asked to.

    Raises what stops all: ServiceUnreachable, CredentialRefused, LedgerUnusable, FieldGone.
    """
    aside: list[tuple[Request, Outcome]] = []
    for request in requests:
        if stop():
            break
        outcome = heart.apply(request)
        if outcome.due is None:
            yield outcome
        else:
            aside.append((request, outcome))
    for _ in range(ROUNDS):
        if not aside or stop():
            break
        _wait(heart, [outcome for _, outcome in aside], stop, waiting)
        again, aside = aside, []
        for request, before in again:
            outcome = before if stop() else heart.apply(request)
            if outcome.due is None:
                yield outcome
            else:
                aside.append((request, outcome))
    yield from (outcome for _, outcome in aside)


def _wait(heart: Heart, outcomes: list[Outcome], stop: Asked, waiting: Waiting) -> None:
    """Wait until the first of the open entries can be looked at."""
    due = min(outcome.due for outcome in outcomes if outcome.due is not None)
    seconds = (due - heart.clock.now()).total_seconds()
    if seconds > 0 and not stop():
        waiting(len(outcomes), seconds)
        heart.clock.sleep(seconds)

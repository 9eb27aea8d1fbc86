"""Group commit: whoever comes while a commit is under way shares the next one."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Ticket(Generic[Item, Result]):
    """What one caller brought, and what became of it."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.results: Sequence[Result] | None = None
        self.error: Exception | None = None


class Grouped(Generic[Item, Result]):
    """Lets threads that want the same kind of commit at the same time have it in one.

    `commit` takes all items and returns a result for each; when it raises, nothing was kept, and all callers of that
    group are told so.
    """

    def __init__(self, commit: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        self._commit = commit
        self._queue: list[_Ticket[Item, Result]] = []
        self._queue_guard = threading.Lock()
        self._turn = threading.Lock()

    def __call__(self, items: Sequence[Item]) -> Sequence[Result]:
        """Return once the items are committed. Raises what `commit` raised."""
        mine = _Ticket[Item, Result](items)
        with self._queue_guard:
            self._queue.append(mine)
        with self._turn:
            # Whoever had the turn before may have taken these along.
            if mine.results is None and mine.error is None:
                self._commit_all()
        if mine.error is not None:
            raise mine.error
        return mine.results or ()

    def _commit_all(self) -> None:
        with self._queue_guard:
            group, self._queue = self._queue, []
        try:
            results = iter(self._commit([item for ticket in group for item in ticket.items]))
        except Exception as error:  # noqa: BLE001 - it belongs to every caller of the group, who raises it
            for ticket in group:
                ticket.error = error
        else:
            for ticket in group:
                ticket.results = [next(results) for _ in ticket.items]

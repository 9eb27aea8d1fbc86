"""Lists of Kit's, page by page."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from ccops.crm.kit import answers, endpoints
from ccops.crm.kit.answers import Json, Page
from ccops.crm.kit.calls import Calls
from ccops.crm.kit.errors import KitUnreachable
from ccops.crm.kit.exchange import Call


class Numbered(Protocol):
    """A row with an id."""

    @property
    def id(self) -> int:
        """Its number, never given to another one."""
        ...


Row = TypeVar("Row", bound=Numbered)


class Rows(Iterator[Row], Generic[Row]):
    """All pages of a list, each row once; raises KitUnreachable if the pages go in a circle."""

    def __init__(self, calls: Calls, first: Call, key: str, row: Callable[[Json], Row]) -> None:
        self._calls, self._first, self._key, self._row = calls, first, key, row
        self._head: Page[Row] | None = None
        self._total: int | None = None
        self._begun = False
        self._rows = self._all()

    def __next__(self) -> Row:
        self._begun = True
        return next(self._rows)

    @property
    def total(self) -> int | None:
        """How many rows there are in all; asked for, with the first page, if no row was taken before."""
        if not self._begun and self._head is None:
            self._head = self._page(endpoints.counted(self._first))
            self._total = self._head.total
        return self._total

    def _all(self) -> Iterator[Row]:
        known, cursors = set[int](), set[str]()
        page, self._head = self._head or self._page(self._first), None
        while True:
            for found in page.rows:
                if found.id not in known:
                    known.add(found.id)
                    yield found
            if page.after is None:
                return
            if page.after in cursors:
                raise KitUnreachable(self._calls.host, f"its list of {self._key} goes in a circle", 1)
            cursors.add(page.after)
            page = self._page(replace(self._first, query=(*self._first.query, ("after", page.after))))

    def _page(self, call: Call) -> Page[Row]:
        return self._calls.ask(call, lambda answer: answers.page(answer, self._key, self._row))

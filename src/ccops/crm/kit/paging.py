"""Lists of Kit's, page by page."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol, TypeVar

from ccops.crm.kit import answers
from ccops.crm.kit.answers import Json
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


def rows(calls: Calls, first: Call, key: str, row: Callable[[Json], Row]) -> Iterator[Row]:
    """Go through all pages of a list, each row once; raises KitUnreachable if the pages go in a circle."""
    call, known, cursors = first, set[int](), set[str]()
    while True:
        page = calls.ask(call, lambda answer: answers.page(answer, key, row))
        for found in page.rows:
            if found.id not in known:
                known.add(found.id)
                yield found
        if page.after is None:
            return
        if page.after in cursors:
            raise KitUnreachable(calls.host, f"its list of {key} goes in a circle", 1)
        cursors.add(page.after)
        call = replace(first, query=(*first.query, ("after", page.after)))

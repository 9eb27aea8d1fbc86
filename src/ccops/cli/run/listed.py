"""Contacts that a list of Kit's shows: the carriers of a tag, or all."""

from itertools import chain, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ccops.crm.base import Contact, Listing


class Listed:
    """The rows of a list, each time from its beginning; what was read only to look ahead is not read again."""

    shows_each = False
    in_order = False
    widest = 0

    def __init__(self, opened: "Callable[[], Listing]") -> None:
        self._open = opened
        self._ahead: Iterator[Contact] | None = None
        self._count: int | None = None
        self._is_counted = False

    @property
    def count(self) -> int | None:
        """How many there are, as the first page tells; asked once."""
        if not self._is_counted:
            listing = self._open()
            self._count, self._is_counted, self._ahead = listing.total, True, listing
        return self._count

    def first(self) -> "list[Contact]":
        """Return the first row, if there is one, without taking it."""
        ahead = self._ahead or self._open()
        head = list(islice(ahead, 1))
        self._ahead = chain(head, ahead)
        return head

    def rows(self) -> "Iterator[Contact]":
        """Go through all rows."""
        ahead, self._ahead = self._ahead or self._open(), None
        return ahead

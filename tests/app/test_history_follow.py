"""Entries that are told while somebody watches."""

from pathlib import Path

from ccops.app.history import Follower
from ccops.ledger.queries import Filter
from tests.books import Books


def test_an_undo_of_an_undo_tells_all_that_it_changes(tmp_path: Path) -> None:
    books = Books.open(tmp_path)
    first = books.write(7, "pay", {"credits": "15"}, {"credits": "5"})
    third = books.undo(books.undo(first))
    follower = Follower(books.ledger, Filter(contact=7))
    follower.first(10, books.now)
    books.undo(third)
    told = [(seen.entry.id, seen.entry.status) for seen in follower.news()]
    assert told == [(1, "undone"), (2, "applied"), (3, "undone"), (4, "applied")]
    books.ledger.close()

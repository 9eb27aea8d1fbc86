"""A ledger of format 4, in which chains of undos told otherwise than they were, and an occasion might count twice."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Claim, Origin
from ccops.ledger.store.schema import APPLICATION_ID, MIGRATIONS

NOW: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)
MONTH: Final = "month:2026-11"
Row = tuple[str, str, int | None, int | None, int, str | None]
"""Occasion, status, what it undoes, what it is undone by, whether it is reopened, and its period."""


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Callable[..., Ledger]]:
    """Make a ledger of format 4 with such entries, and open it."""
    opened: list[Ledger] = []

    def make(*rows: Row) -> Ledger:
        path = tmp_path / "ledger.sqlite3"
        with closing(sqlite3.connect(path)) as file, file:
            file.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            for statement in (each for step in MIGRATIONS[:4] for each in step):
                file.execute(statement)
            file.execute("PRAGMA user_version = 4")
            file.execute("INSERT INTO runs VALUES (1, 'run', 'run', 'maria', '2026-11-22T10:00:00Z', NULL, NULL)")
            file.execute("INSERT INTO copies VALUES (1, '{}')")
            file.executemany(
                "INSERT INTO entries (occasion, status, undoes, undone_by, reopened, period, run, operation, copy,"
                ' contact, "by", via, at, sends)'
                " VALUES (?, ?, ?, ?, ?, ?, 1, 'grant', 1, 7, 'maria', 'run', '2026-11-22T10:00:00Z', 1)",
                rows,
            )
        opened.append(Ledger.open(path, tmp_path / "locks"))
        return opened[-1]

    yield make
    for ledger in opened:
        ledger.close()


def told(ledger: Ledger) -> list[tuple[str, int | None, bool]]:
    return [(entry.status, entry.undone_by, entry.reopened) for entry in ledger.entries.of_run(1)]


def claim(ledger: Ledger, occasion: str, period: str | None = None) -> str:
    return ledger.entries.claim(Claim("grant", "{}", 7, occasion, 1, Origin("maria", "run"), NOW, period=period)).kind


def test_an_old_chain_of_undos_is_put_right(old: Callable[..., Ledger]) -> None:
    ledger = old(
        ("key:1", "applied", None, None, 0, None),
        ("undo:1", "applied", 1, None, 0, None),
        ("undo:2", "undone", 2, 4, 1, None),
        ("undo:3", "applied", 3, None, 0, None),
    )
    assert told(ledger) == [
        ("undone", 2, False),
        ("applied", None, False),
        ("undone", 4, True),
        ("applied", None, False),
    ]
    assert claim(ledger, "key:1") == "repeated"
    ledger.entries.reopen(1)
    assert claim(ledger, "key:1") == "begun"


def test_an_old_entry_that_came_back_holds_its_occasion_again(old: Callable[..., Ledger]) -> None:
    """What had failed for it since held it, so that it would have been done once more."""
    ledger = old(
        ("key:1", "applied", None, None, 1, MONTH),
        ("undo:1", "undone", 1, 3, 1, None),
        ("undo:2", "applied", 2, None, 0, None),
        ("key:1", "failed", None, None, 0, MONTH),
    )
    assert told(ledger)[0] == ("applied", None, False)
    assert (claim(ledger, "key:1"), claim(ledger, "key:2", MONTH)) == ("repeated", "period")


def test_an_old_ledger_that_counted_twice_is_opened_and_counts_no_third_time(old: Callable[..., Ledger]) -> None:
    ledger = old(
        ("key:1", "applied", None, None, 1, MONTH),
        ("undo:1", "undone", 1, 3, 1, None),
        ("undo:2", "applied", 2, None, 0, None),
        ("key:1", "applied", None, None, 0, MONTH),
    )
    assert [status for status, _, _ in told(ledger)] == ["applied", "undone", "applied", "applied"]
    assert (claim(ledger, "key:1"), claim(ledger, "key:2", MONTH)) == ("repeated", "period")


def test_what_counts_holds_its_occasion_in_the_database_itself(old: Callable[..., Ledger]) -> None:
    """Whatever is said of it: a second one can't be written, even past all code."""
    ledger = old(("key:1", "applied", None, None, 0, MONTH), ("key:2", "undone", None, None, 1, MONTH))
    with pytest.raises(sqlite3.IntegrityError, match=r"entries\.period"), ledger.database.write() as db:
        db.run("UPDATE entries SET status = 'applied' WHERE id = 2")
    with ledger.database.write() as db:
        db.run("UPDATE entries SET occasion = 'key:1', period = NULL WHERE id = 2")
    with pytest.raises(sqlite3.IntegrityError, match=r"entries\.occasion"), ledger.database.write() as db:
        db.run("UPDATE entries SET status = 'sending' WHERE id = 2")

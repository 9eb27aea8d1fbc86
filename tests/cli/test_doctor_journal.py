"""`ccops doctor` says which SQLite the ledger's commits rest on, and whether its mode is safe with it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from ccops.ledger.ledger import Ledger
from ccops.ledger.store.connections import BUILD, is_affected
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.practice import Practice, open_practice


@pytest.fixture
def practice(kit: Sandbox, environ: dict[str, str], ccops: Callable[..., Ended]) -> Practice:
    return open_practice(kit, environ, ccops)


@pytest.mark.skipif(not is_affected(BUILD), reason="this SQLite loses nothing in WAL mode")
def test_wal_mode_that_can_lose_commits_is_named_and_left(practice: Practice) -> None:
    with closing(sqlite3.connect(practice.home / "ledger.sqlite3")) as database:
        database.execute("PRAGMA journal_mode = WAL")
    ended = practice("doctor")
    assert ended.status == 1
    assert f"✗ ledger   it is in WAL mode, in which SQLite {sqlite3.sqlite_version} can lose" in ended.out
    fixed = practice("doctor", "--fix")
    assert (fixed.status, f"✓ ledger   SQLite {sqlite3.sqlite_version}, rollback journal\n" in fixed.out) == (0, True)


def test_other_build_of_sqlite_that_writes_here_is_named(practice: Practice) -> None:
    path = practice.home / "ledger.sqlite3"
    with closing(Ledger.open(path, practice.home / "locks", build=(3, 99, 1))) as ledger:
        ledger.identity.remember("hash")
    assert "; written to by SQLite 3.99.1 on 20" in practice("doctor").out

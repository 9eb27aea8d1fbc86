"""Opens the state of a sandbox: in memory, or in a file that several processes can share."""

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ccops.sandbox.store import GRANT_SCHEMA, SCHEMA, StateUnusable, Store

_APPLICATION: Final = 0x63636F70
_VERSION: Final = 2
_PATIENCE: Final = 30.0
"""Seconds to wait for another process; each holds the file for less than a millisecond."""


def open_state(path: Path | None, fill: Callable[[Store], None]) -> Store:
    """Open the state, made and filled by whoever comes first. Raises StateUnusable."""
    if path is None:
        connection = _connect(":memory:")
        return _prepared(connection, fill)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = _connect(os.fspath(path))
    except (OSError, sqlite3.Error) as error:
        raise StateUnusable(path, str(error)) from error
    try:
        _refuse_foreign(connection)
        _write_ahead(connection)
        return _prepared(connection, fill)
    except (sqlite3.Error, _Foreign) as error:
        connection.close()
        raise StateUnusable(path, str(error)) from error


class _Foreign(Exception):  # noqa: N818 - never leaves this module
    """The file holds something else."""

    def __str__(self) -> str:
        return "it is not a sandbox's file, or one of another version"


def _connect(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, isolation_level=None, check_same_thread=False, timeout=_PATIENCE)
    connection.create_function("fold", 1, str.casefold, deterministic=True)
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    # Two processes that switch a new file at the same moment: SQLite refuses one of them at once, without waiting.
    for _ in range(300):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            time.sleep(_PATIENCE / 300)
        else:
            return


def _refuse_foreign(connection: sqlite3.Connection) -> None:
    marks = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if _tables(connection) and marks != [_APPLICATION, _VERSION]:
        raise _Foreign


def _prepared(connection: sqlite3.Connection, fill: Callable[[Store], None]) -> Store:
    store = Store(connection)
    with store.transaction():
        if not _tables(connection):
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            fill(store)
        for statement in GRANT_SCHEMA.split(";"):  # files that were made before there was OAuth lack its tables
            connection.execute(statement)
    return store


def _tables(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])

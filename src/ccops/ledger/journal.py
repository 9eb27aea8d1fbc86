"""How SQLite keeps a commit: in a write-ahead log only where its WAL-reset race is fixed, else by a rollback journal.

A checkpoint that meets a writer of another process can lose commits that were acknowledged
(https://sqlite.org/wal.html#walresetbug). A rollback journal has no checkpoints.
"""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Final

Version = tuple[int, ...]
Execute = Callable[[str, Mapping[str, str]], sqlite3.Cursor]

BUILD: Final[Version] = sqlite3.sqlite_version_info
"""The SQLite of this Python."""
_FIRST: Final[Version] = (3, 7, 0)
_FIXED_IN: Final[tuple[tuple[Version, Version], ...]] = (((3, 44, 6), (3, 45)), ((3, 50, 7), (3, 51)))
"""From the one version on, and below the other."""
_FIXED_FROM: Final[Version] = (3, 51, 3)
_NOTED: Final = "sqlite "
"""What the names of the noted builds begin with, in the table `identity`."""


def is_affected(version: Version) -> bool:
    """Tell whether a version of SQLite has the WAL-reset race."""
    return _FIRST <= version < _FIXED_FROM and not any(first <= version < beyond for first, beyond in _FIXED_IN)


def is_wal(connection: sqlite3.Connection) -> bool:
    """Tell whether a database is in WAL mode now."""
    return str(connection.execute("PRAGMA journal_mode").fetchone()[0]) == "wal"


def leave_wal(connection: sqlite3.Connection) -> bool:
    """Switch a database to a rollback journal; False if another connection has it open in WAL mode."""
    if not is_wal(connection):
        return True
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
    return not is_wal(connection)


def is_busy(error: sqlite3.DatabaseError) -> bool:
    """Tell whether a database was only in use just then."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def note_build(execute: Execute, build: Version) -> None:
    """Note in the ledger, once a day, that a build of SQLite writes to it."""
    note = {"name": _NOTED + text_of(build)}
    if execute("SELECT 1 FROM identity WHERE name = :name AND value = date('now')", note).fetchone() is None:
        execute("INSERT OR REPLACE INTO identity (name, value) VALUES (:name, date('now'))", note)


def noted_builds(rows: Callable[[str], list[sqlite3.Row]]) -> dict[Version, str]:
    """Return the builds of SQLite that have written to a ledger, and the day on which each did so last."""
    found = rows(f"SELECT name, value FROM identity WHERE name LIKE '{_NOTED}%'")
    return {tuple(map(int, row["name"].removeprefix(_NOTED).split("."))): row["value"] for row in found}


def text_of(version: Version) -> str:
    """Write a version as SQLite does."""
    return ".".join(map(str, version))

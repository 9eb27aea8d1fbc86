"""The ledger as one thing: what it holds, and the locks that guard the contacts."""

from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final

from ccops.ledger.contacts import Contacts, FieldNames
from ccops.ledger.entries import Entries
from ccops.ledger.identity import Identity
from ccops.ledger.inbox import Inbox
from ccops.ledger.queries import FieldQueries, Figures, History
from ccops.ledger.runs import Runs
from ccops.ledger.store.connections import BUILD, SqliteVersion
from ccops.ledger.store.sqlite import Sqlite
from ccops.locks import PROCESS, Locks, Waits

IN_USE: Final = "ledger"
"""The lock that all share who work with the ledger, so that its file is not replaced meanwhile."""


class Ledger:
    """One ledger in one file; all parts share its database."""

    def __init__(self, database: Sqlite, locks: Locks) -> None:
        self.database = database
        self.locks = locks
        self.identity = Identity(database)
        self.entries = Entries(database)
        self.people = Contacts(database)
        self.runs = Runs(database, locks)
        self.history = History(database)
        self.figures = Figures(database)
        self.fields = FieldQueries(database)
        self.field_names = FieldNames(database)
        self.inbox = Inbox(database)

    @classmethod
    def open(
        cls, path: Path, locks: Path, *, readonly: bool = False, waits: Waits = PROCESS, build: SqliteVersion = BUILD
    ) -> "Ledger":
        """Open an existing ledger. Raises a LedgerUnusable or LedgerMissing, at the first use."""
        held = Locks(locks, waits)
        join = partial(held.share, IN_USE)
        return cls(Sqlite(path, readonly=readonly, join=join, waits=waits, build=build), held)

    @classmethod
    def create(cls, path: Path, locks: Path, *, build: SqliteVersion = BUILD) -> "Ledger":
        """Make a new ledger; it has to be given its identity next."""
        return cls(Sqlite.create(path, build=build), Locks(locks))

    def at_once(self) -> AbstractContextManager[None]:
        """Make one commit of all steps that this thread notes in the body."""
        return self.database.at_once()

    def close(self) -> None:
        """Close the file."""
        self.database.close()

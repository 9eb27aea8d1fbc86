"""The ledger as one thing: what it holds, and the locks that guard the contacts."""

from contextlib import AbstractContextManager
from pathlib import Path

from ccops.ledger.entries import Entries
from ccops.ledger.fields import Fields
from ccops.ledger.figures import Figures
from ccops.ledger.history import History
from ccops.ledger.identity import Identity
from ccops.ledger.inbox import Inbox
from ccops.ledger.locks import Locks
from ccops.ledger.people import People
from ccops.ledger.runs import Runs
from ccops.ledger.sqlite import Sqlite


class Ledger:
    """One ledger in one file; all parts share its database."""

    def __init__(self, database: Sqlite, locks: Locks) -> None:
        self.database = database
        self.locks = locks
        self.identity = Identity(database)
        self.entries = Entries(database)
        self.people = People(database)
        self.runs = Runs(database, locks)
        self.history = History(database)
        self.figures = Figures(database)
        self.fields = Fields(database)
        self.inbox = Inbox(database)

    @classmethod
    def open(cls, path: Path, locks: Path, *, readonly: bool = False) -> "Ledger":
        """Open an existing ledger. Raises a LedgerUnusable or LedgerMissing, at the first use."""
        return cls(Sqlite(path, readonly=readonly), Locks(locks))

    @classmethod
    def create(cls, path: Path, locks: Path) -> "Ledger":
        """Make a new ledger; it has to be given its identity next."""
        return cls(Sqlite.create(path), Locks(locks))

    def at_once(self) -> AbstractContextManager[None]:
        """Make one commit of all steps that this thread notes in the body."""
        return self.database.at_once()

    def close(self) -> None:
        """Close the file."""
        self.database.close()

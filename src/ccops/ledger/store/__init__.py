"""The database of the ledger; all that knows SQLite."""

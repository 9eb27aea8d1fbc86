"""The durable ledger: entries, occasions and runs, in one file."""

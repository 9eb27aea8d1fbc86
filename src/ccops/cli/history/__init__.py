"""The command `ccops history`: the ledger, newest first."""

"""The command `ccops reconcile`: Kit's values against the ledger's, and which of them is to hold."""

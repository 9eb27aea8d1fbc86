"""Checks of a home, its ledger and its account, with fixes."""

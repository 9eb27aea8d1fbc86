"""The command `ccops report`: what the whole ledger adds up to."""

"""What the report tells, as plain data computed from the ledger."""

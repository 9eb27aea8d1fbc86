"""What people look at: the history, and how balances came about."""

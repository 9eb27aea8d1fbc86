"""What was done: entries, occasions, runs and events, in one database."""

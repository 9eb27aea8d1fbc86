"""What an operation is, and what it would do: pure, with no files, no network and no clock of its own."""

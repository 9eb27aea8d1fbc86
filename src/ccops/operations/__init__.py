"""What an operation is and what it would do. Pure: no files, no network, no clock of its own."""

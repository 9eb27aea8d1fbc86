"""The command `ccops why`: why something happened or did not, and what mends it."""

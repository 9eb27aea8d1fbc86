"""The command `ccops balance`: values now, and how they came about."""

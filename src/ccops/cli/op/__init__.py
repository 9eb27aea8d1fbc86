"""The commands `ccops op …`: make, look at and change operations."""

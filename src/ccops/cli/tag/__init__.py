"""The commands `ccops tag …`: the tags that start operations."""

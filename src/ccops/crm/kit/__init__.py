"""Kit's API v4."""

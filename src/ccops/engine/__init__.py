"""Applies operations to contacts so that each occasion counts exactly once."""

"""ccops: custom operations for membership sites on Kit, where every occasion counts exactly once."""

__version__ = "0.1.0"

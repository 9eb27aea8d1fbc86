"""How long and how much one request may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a request in seconds and bytes; `patience` limits a call with all its repetitions."""

    connect: float = 5.0
    """For a connection to one address of the host."""
    read: float = 20.0
    """Between two pieces of an answer."""
    total: float = 30.0
    """From the start to the last byte, however the answer drips in."""
    answer_bytes: int = 20_000_000
    patience: float = 300.0
    """No repetition starts later than this after the first attempt."""


DEFAULT_LIMITS = Limits()

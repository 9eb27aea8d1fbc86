"""A command as a machine starts it: its words and the environment that it needs, neither of which may break a line."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ccops.errors import Misconfigured
from ccops.text import shorten


class Unwritable(Misconfigured):
    """A word with line ends or other invisible characters: no crontab and no unit can hold it."""

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{shorten(word)} has characters in it that no crontab and no unit can hold. Nothing was printed. Name the "
            "tag by its id, or the file by another name."
        )


@dataclass(frozen=True, slots=True)
class Command:
    """Words and environment of a command. Raises Unwritable."""

    words: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for word in (*self.words, *self.environment.values()):
            if not word.isprintable():
                raise Unwritable(word)

"""Which contacts a command is for."""

from dataclasses import dataclass
from typing import Protocol


class Chosen(Protocol):
    """The contacts of a job, as far as it is known before they are gone through."""

    @property
    def count(self) -> int | None:
        """How many there are; None if that is not known. May ask the CRM."""
        ...

    @property
    def widest(self) -> int:
        """Cells of the longest name; 0 if that is not known before."""
        ...

    @property
    def shows_each(self) -> bool:
        """Whether a person at a terminal wants a line for each of them, and not the progress of all."""
        ...

    @property
    def in_order(self) -> bool:
        """Whether one has to come after the other."""
        ...


@dataclass(frozen=True, slots=True)
class Named:
    """Contacts that a person named, or that belong to entries that were named."""

    names: tuple[str, ...]
    in_order: bool = False

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.names)

    @property
    def widest(self) -> int:
        """Cells of the longest name."""
        return max(map(len, self.names), default=0)

    @property
    def shows_each(self) -> bool:
        """Each is shown: whoever names contacts wants to see them."""
        return True

"""Events as data: what came in from outside and asks for an operation to be run."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

TAKEN_OFF: Final = "taken off before ccops saw it"
"""Why a hint at a tag needs a person that was off when ccops looked: the reason begins so."""
EventKind = Literal["legacy", "kit", "post"]
"""Kit's legacy webhook, an event of Kit's webhook endpoints, or a POST of any other system."""
EventState = Literal["waiting", "done", "parked"]
EventStatus = Literal["applied", "repeated", "refused", "failed", "parked", "open", "left-out", "missing"]
"""How the latest try ended. `missing`: there is no such contact; the others are those of an outcome."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What somebody sent, read and found well-formed, on its way into the inbox."""

    kind: EventKind
    operation: str
    who: str
    """A contact: Kit's id in digits, or an e-mail address."""
    at: datetime
    """When it happened, as far as the sender tells; else when it came."""
    received_at: datetime
    key: str | None = None
    """What the sender tells events apart by: the same key is the same event."""
    fingerprint: str | None = None
    """Stands for a POST without a key; the same within `window` seconds of the first is the same event."""
    window: int = 0
    amount: str | None = None
    note: str | None = None
    awaited: bool = False
    """Whether the sender waits for the answer."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the inbox. It is never taken out, so that whatever came in can be explained."""

    id: int
    kind: EventKind
    operation: str
    who: str
    at: datetime
    received_at: datetime
    key: str | None
    """Of a POST it is never None: one without a key of its own was given one."""
    amount: str | None
    note: str | None
    state: EventState
    tries: int
    """Tries that came to an answer, though not to an end."""
    not_before: datetime
    entry: int | None
    status: EventStatus | None
    reason: str | None
    ended_at: datetime | None

    @property
    def is_hint(self) -> bool:
        """Whether it only hints at a tagging, which has to be looked up."""
        return self.kind != "post"

    @property
    def tells_time(self) -> bool:
        """Whether its sender told when it happened; else `at` is when it came."""
        return self.kind == "kit" and self.at != self.received_at


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event that is on disk, and whether it was not there before."""

    event: Event
    new: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """How a try ended: its status, why, and the entry that tells more."""

    status: EventStatus
    reason: str | None = None
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is in the inbox and has not come to its end."""

    waiting: int
    parked: int
    oldest: datetime | None
    """When the oldest waiting event came."""

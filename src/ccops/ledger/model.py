"""Entries and runs as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal


class Status(StrEnum):
    """How an entry stands. In the database and in JSON it is its own text."""

    INTENDED = "intended"
    SENDING = "sending"
    APPLIED = "applied"
    UNDONE = "undone"
    REFUSED = "refused"
    FAILED = "failed"
    PARKED = "parked"

    @property
    def is_open(self) -> bool:
        """Whether the entry was begun and has not come to its end."""
        return self in {Status.INTENDED, Status.SENDING}

    @property
    def has_arrived(self) -> bool:
        """Whether its write has arrived, taken back since or not."""
        return self in {Status.APPLIED, Status.UNDONE}

    @property
    def may_be_tried_again(self) -> bool:
        """Whether it has changed nothing, so that its occasion may be tried again by whoever asks for it."""
        return self in {Status.REFUSED, Status.FAILED}

    @property
    def holds_period(self) -> bool:
        """Whether no other entry can have its period."""
        return not self.may_be_tried_again

    @property
    def is_final(self) -> bool:
        """Whether nothing more will become of it by itself but its tags."""
        return self.has_arrived or self is Status.REFUSED


Via = Literal["run", "adjust", "import", "poll", "webhook", "post", "undo", "settle"]

LEFT_OUT: Final = "state"
"""The cause of a refusal that means: left out because of the contact's state."""

Values = Mapping[str, str | None]
"""Fields by key; None is an empty one."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who started something, how, and what they said about it."""

    by: str
    via: Via
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What is asked of the ledger: the right to run an operation on a contact for one occasion."""

    operation: str
    copy: str
    """The operation as JSON; the entry keeps it."""
    contact: int
    occasion: str
    run: int
    origin: Origin
    at: datetime
    period: str | None = None
    asked: str | None = None
    """What the caller asked beyond the operation, such as an amount: the same occasion asked otherwise is refused."""
    undoes: int | None = None
    reopens: bool = False
    """For an undo: whether the undone occasion may run again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    id: int
    run: int
    operation: str
    copy: str
    contact: int
    occasion: str
    period: str | None
    asked: str | None
    status: Status
    cause: str | None
    """Of a refusal: which rule refused it."""
    reason: str | None
    note: str | None
    by: str
    via: Via
    before: Values | None
    after: Values | None
    receipt_seen: str | None
    """The receipt that the contact showed before the send; None: it was empty."""
    turn: int | None
    """Counts what was sent to one contact, and adopted between, so that the last is known; None: neither."""
    sends: int
    """How often its write was sent and may have arrived; `before`, `after` and `turn` are those of the last time."""
    apart: bool
    """Whether values and receipt were once sent as rows of their own, any of which may arrive without the others."""
    undoes: int | None
    undone_by: int | None
    """The undo by which it does not count now."""
    reopens: bool
    at: datetime
    sent_at: datetime | None
    ended_at: datetime | None
    followups: tuple[int, ...] | None
    """The follow-up tags that the contact did not have and the release adds, or for an undo takes off."""
    released: bool
    reopened: bool = False
    """Whether it holds its occasion and its period no longer, so that another entry may."""

    @property
    def was_adopted(self) -> bool:
        """Whether it enters a change that was made by hand: nothing was sent for it."""
        return self.turn is not None and not self.sends

    @property
    def moment(self) -> datetime:
        """When it came to its end, or else when it got as far as it is."""
        return self.ended_at or self.sent_at or self.at


@dataclass(frozen=True, slots=True)
class Run:
    """One invocation over one or many contacts; `ended_at` stays None if it never reported its end."""

    id: int
    words: str
    """The command as `ledger.commands` writes it, to be recognised when it is given again."""
    title: str
    by: str
    started_at: datetime
    ended_at: datetime | None
    exit_status: int | None
    tag: str | None = None
    """The name, at that time, of the tag by which its contacts were selected."""


ClaimKind = Literal[
    "begun", "taken up", "tried again", "repeated", "refused before", "parked", "other", "period",
    "coming back", "not undoable", "run again",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claimed:
    """How the ledger answered a claim.

    `begun`, `taken up` and `tried again` give the right to go on with `entry`. `repeated`: it was applied before.
    `refused before`: that was the final answer to this occasion. `parked`: it needs a person. `other`: the occasion was
    used with another amount. `period`: `entry` is refused (or None in a look), since `holder` holds the period.
    `coming back`: the occasion or period is that of an undone entry that `holder`, an undo not ended yet, brings back;
    once that has ended, the claim can be made again. Of an undo: `not undoable`, as `entry` does not count (any more);
    `run again`, as what undoing `entry` would bring back is held by `holder`, so that both would count.
    """

    kind: ClaimKind
    entry: Entry | None
    holder: Entry | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Which receipts a contact may show: the last written entry's, or that of one parked after it."""

    last: Entry | None
    """The entry that was written last; None: none so far."""
    parked: tuple[Entry, ...]
    """Entries parked after `last`, whose write may have arrived or not."""
    accepted: str | None
    """A receipt that a person looked at and accepted since."""
    loose: tuple[Entry, ...] = ()
    """Entries whose write in rows of their own was taken as not arrived: a row may come late, without the receipt."""
    left: Values = field(default_factory=dict)
    """If there are such: what the last write to each field left in it."""


@dataclass(frozen=True, slots=True)
class Person:
    """A contact as last seen."""

    id: int
    email: str

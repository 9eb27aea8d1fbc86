"""The report as data. Numbers are exact; months are keys such as `2026-11`, taken in the registry's zone."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from ccops.ledger.figures import RefusalKind
from ccops.report.history import Past

NeedKind = Literal["parked", "inbox", "open", "tags", "waiting"]


@dataclass(frozen=True, slots=True)
class Band:
    """How many contacts have a value from `low` on and below `high`; None is without a bound, equal is exactly."""

    low: Decimal | None
    high: Decimal | None
    contacts: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What one contact has of a field."""

    contact: int
    email: str | None
    value: Decimal


@dataclass(frozen=True, slots=True)
class Flow:
    """How a total came about: started + granted - spent - undone + otherwise."""

    started: Decimal = Decimal(0)
    """What contacts had before ccops first wrote to them."""
    granted: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    undone: Decimal = Decimal(0)
    """What undoing took back in all; below zero where spendings were taken back."""
    otherwise: Decimal = Decimal(0)
    """What was changed between entries, by hand or by another program."""


@dataclass(frozen=True, slots=True)
class Balances:
    """What all contacts have of one field, as ccops last wrote it."""

    field: str
    contacts: int
    unreadable: int
    """Contacts whose value is no number: they are left out of all the rest."""
    total: Decimal
    median: Decimal
    bands: tuple[Band, ...]
    lowest: tuple[Holding, ...]
    highest: tuple[Holding, ...]
    flow: Flow


@dataclass(frozen=True, slots=True)
class Month:
    """What one operation did to one field in a month; amounts are None where the field holds no numbers."""

    month: str
    operation: str
    field: str
    changes: int
    granted: Decimal | None
    spent: Decimal | None
    undone: Decimal | None


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason in words, and how often it was given."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """How often an operation did not come about because of one rule, with the reasons given most often."""

    operation: str
    kind: RefusalKind
    cause: str
    count: int
    last: datetime
    reasons: tuple[Reason, ...]
    more: int
    """How many other reasons there were."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that needs a person, and the commands that mend it."""

    kind: NeedKind
    name: str
    """An entry (e4711) or an event of the inbox (i12)."""
    contact: str
    operation: str
    text: str
    since: datetime
    mend: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All that the report tells."""

    account: str
    timezone: str
    made_at: datetime
    months: tuple[str, ...]
    """Oldest first; the last one is under way."""
    balances: tuple[Balances, ...]
    moved: tuple[Month, ...]
    """Newest month first."""
    refusals: tuple[Refusal, ...]
    needs: tuple[Need, ...]
    more_needs: int
    recent: Past

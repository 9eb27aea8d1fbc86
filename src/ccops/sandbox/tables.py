"""What the state is made of: one present or past version of each thing. Moments are in microseconds."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar

from ccops.clock import iso
from ccops.sandbox.http import Page, Window

if TYPE_CHECKING:
    import sqlite3


class ContactRow(NamedTuple):
    """A contact; its values are kept by the id of the custom field, so that a renamed field keeps them."""

    id: int
    since: int
    created_at: int
    email: str
    first_name: str | None
    state: str
    canceled_at: int | None
    field_values: str

    @property
    def values(self) -> dict[str, str]:
        """The values that are set, by field id."""
        read: dict[str, str] = json.loads(self.field_values)
        return read

    def with_values(self, changes: Mapping[int, str | None]) -> "ContactRow":
        """Return the contact with some values changed; an empty one is unset."""
        values = self.values | {str(field): value for field, value in changes.items()}
        return self._replace(field_values=json.dumps({field: value for field, value in values.items() if value}))


class MemberRow(NamedTuple):
    """A contact as the carrier of a tag."""

    contact: ContactRow
    tagged_at: int


class TagRow(NamedTuple):
    """A tag."""

    id: int
    created_at: int
    name: str


class HeldRow(NamedTuple):
    """A tag that a contact carries."""

    id: int
    name: str
    tagged_at: int


class FieldRow(NamedTuple):
    """A custom field; `name` is fixed at birth, `key` follows the label."""

    id: int
    key: str
    name: str
    label: str


class WebhookRow(NamedTuple):
    """A legacy webhook: one event, with the value of its parameter if it has one."""

    id: int
    event: str
    param: str | None
    target_url: str


class EndpointRow(NamedTuple):
    """A webhook endpoint; `events` is a JSON list, and the previous secret counts until `previous_until`."""

    id: int
    created_at: int
    url: str
    name: str
    description: str
    status: str
    events: str
    secret: str
    previous_secret: str
    previous_until: int

    def secrets(self, now: int) -> tuple[str, ...]:
        """Return the secrets that sign at a moment, newest first."""
        return (self.secret, self.previous_secret) if self.rotating(now) else (self.secret,)

    def rotating(self, now: int) -> bool:
        """Say whether the previous secret still counts."""
        return now < self.previous_until


class DeliveryRow(NamedTuple):
    """Something to deliver: to a webhook endpoint, or if there is none, to the legacy webhook's `url`."""

    id: int
    endpoint_id: int | None
    url: str
    body: str
    state: str
    """pending, retrying, delivered or failed."""
    attempts: int
    due: int
    """When to try, or to try again; FOREVER: not unless asked to."""


class CodeRow(NamedTuple):
    """A code that can be swapped for tokens."""

    client: str
    redirect_uri: str
    challenge: str
    until: int


class TokenRow(NamedTuple):
    """A pair of tokens; `until` is when the access token expires."""

    access: str
    refresh: str
    client: str
    family: int
    until: int
    state: str
    """live, spent (it was refreshed) or revoked."""


class PostponedRow(NamedTuple):
    """A request whose effect comes later."""

    method: str
    target: str
    body: bytes


# ---- the plumbing of the state: versions of things, and pages of them
#
# Every row holds from `since` until `until`; a change ends the present version and begins another.

FOREVER: Final = 2**63 - 1
PRESENT: Final = FOREVER - 1
"""The moment at which exactly those rows hold that nothing has ended."""

_FIRST_IDS: Final = {  # Kit's contact ids passed 32 bits
    "contact": 4_300_000_001,
    "tag": 1041,
    "custom_field": 3,
    "webhook": 31,
    "webhook_endpoint": 51,
    "delivery": 81,
}

TableRow = TypeVar("TableRow")
Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TableListing:
    """A list to be paged through: what is selected, from where, and the columns that order it."""

    columns: str
    source: str
    order: tuple[str, ...]
    params: Params
    where: list[str] = field(default_factory=list)
    descending: bool = True


def holds(*tables: str) -> str:
    """Return the condition that the rows of some tables hold at `:at`."""
    return " AND ".join(f"{table}.since <= :at AND :at < {table}.until" for table in tables)


class Tables:
    """A connection, and what all tables of the state have in common; its calls belong into a transaction."""

    def __init__(self, connection: "sqlite3.Connection") -> None:
        self._db = connection

    def _new_id(self, table: str) -> int:
        first = _FIRST_IDS[table]
        row = self._db.execute(f"SELECT coalesce(max(id) + 1, {first}) FROM {table}").fetchone()
        return int(row[0])

    def _end(self, table: str, row_id: int, now: int) -> None:
        self._db.execute(f"UPDATE {table} SET until = ? WHERE id = ? AND until = {FOREVER}", (now, row_id))

    def _page(self, listing: TableListing, window: Window, make: Callable[..., TableRow]) -> Page[TableRow]:
        edge, where, params = window.before or window.after, listing.where, dict(listing.params)
        backwards = window.before is not None
        down = listing.descending != backwards
        if edge:
            marks = ", ".join(f":edge{index}" for index in range(len(edge)))
            where = [*where, f"({', '.join(listing.order)}) {'<' if down else '>'} ({marks})"]
            params |= {f"edge{index}": part for index, part in enumerate(edge)}
        order = ", ".join(f"{column} {'DESC' if down else 'ASC'}" for column in listing.order)
        sql = (
            f"SELECT {listing.columns}, {', '.join(listing.order)} FROM {listing.source} "
            f"WHERE {' AND '.join(where)} ORDER BY {order} LIMIT {window.size + 1}"
        )
        found = self._db.execute(sql, params).fetchall()
        more, found = len(found) > window.size, found[: window.size]
        if backwards:
            found.reverse()
        split = -len(listing.order)
        rows = [(make(*row[:split]), row[split:]) for row in found]
        earlier, later = (more, True) if backwards else (edge is not None, more)
        return Page(rows, earlier, later, self._count(listing) if window.counted else None)

    def _count(self, listing: TableListing) -> int:
        sql = f"SELECT count(*) FROM {listing.source} WHERE {' AND '.join(listing.where)}"
        return int(self._db.execute(sql, listing.params).fetchone()[0])


# ---- moments as whole numbers of microseconds, which is how the state keeps them

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Return the microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def shown(moment: int) -> str:
    """Write a moment as Kit does, with whole seconds."""
    return iso(_EPOCH + timedelta(microseconds=moment))


# ---- how a sandbox behaves

Observer = Callable[[str, str, str], None]


@dataclass(slots=True)
class SandboxSettings:
    """How a sandbox behaves; may be changed while it runs."""

    key: str
    token: str
    rate: int
    window: float
    lag: float
    clock: Callable[[], datetime]
    observer: Observer
    webhook_endpoints: Literal["on", 401, 404] = "on"
    """Some accounts are answered 401 (recorded live) or 404 (Kit's documentation) to all calls of webhook endpoints."""
    patience: float = 5.0
    """Seconds of silence after which a receiver of webhooks is given up; Kit's own patience is not known."""
    retry_scale: float = 0.0
    """How long the waits between tries of a delivery are, in parts of Kit's (30 s to 24 h); 0: no more unless asked."""
    client_id: str = "sandbox-app"
    """The app that may log in with OAuth."""
    client_secret: str = ""
    """Its secret; empty: it has none."""
    approves: bool = True
    """Whether the owner lets the app in."""
    token_seconds: float = 7200.0
    """How long an access token lasts."""
    most_fields: int = 140
    """How many custom fields the account may have; people who add one in the app are not held to it."""
    most_tags: int | None = None
    """How many tags it may have; None: as many as it likes."""

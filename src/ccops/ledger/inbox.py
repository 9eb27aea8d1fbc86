"""The inbox: events on disk before their sender hears that they were accepted, until each has come to its end."""

import secrets
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, Literal, TypeVar

from ccops.clock import iso, parse_iso
from ccops.ledger.claims import has_answered, holder_of_occasion
from ccops.ledger.store.rows import stamp
from ccops.ledger.store.sqlite import Row, Sqlite, Transaction

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


# ---- group commit: whoever comes while a commit is under way shares the next one

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Ticket(Generic[Item, Result]):
    """What one caller brought, and what became of it."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.results: Sequence[Result] | None = None
        self.error: Exception | None = None


class Grouped(Generic[Item, Result]):
    """Lets threads that want the same kind of commit at the same time have it in one.

    `commit` takes all items and returns a result for each; when it raises, nothing was kept, and all callers of that
    group are told so.
    """

    def __init__(self, commit: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        self._commit = commit
        self._queue: list[_Ticket[Item, Result]] = []
        self._queue_guard = threading.Lock()
        self._turn = threading.Lock()

    def __call__(self, items: Sequence[Item]) -> Sequence[Result]:
        """Return once the items are committed. Raises what `commit` raised."""
        mine = _Ticket[Item, Result](items)
        with self._queue_guard:
            self._queue.append(mine)
        with self._turn:
            # Whoever had the turn before may have taken these along.
            if mine.results is None and mine.error is None:
                self._commit_all()
        if mine.error is not None:
            raise mine.error
        return mine.results or ()

    def _commit_all(self) -> None:
        with self._queue_guard:
            group, self._queue = self._queue, []
        try:
            results = iter(self._commit([item for ticket in group for item in ticket.items]))
        except Exception as error:  # noqa: BLE001 - it belongs to every caller of the group, who raises it
            for ticket in group:
                ticket.error = error
        else:
            for ticket in group:
                ticket.results = [next(results) for _ in ticket.items]


# ---- the inbox: events on disk before their sender hears that they were accepted, until each has come to its end

_MOST_HINTS: Final = 1000
"""Hints that are answered by one look at a contact's tags."""


class Inbox:
    """The events of one ledger; many threads may use it at once."""

    def __init__(self, database: Sqlite) -> None:
        self._database = database
        self._grouped = Grouped[Arrival, Accepted](self._accept_all)

    # ---- in

    def accept(self, arrivals: Sequence[Arrival]) -> Sequence[Accepted]:
        """Put events on disk, all or none; one that is there already is given back as it stands."""
        return self._grouped(arrivals)

    def again(self, event: Event, now: datetime, *, awaited: bool = False, unfinished: bool = False) -> Event:
        """Let an event that has ended be tried again, since its sender asks, if that can come to another end.

        Its entry is asked for that in the same commit: the occasion may have been reopened since. `awaited`: the
        sender waits for the answer. `unfinished`: tags of its entry are still to be brought in order.
        """
        with self._database.write() as db:
            event = _get(db, event.id)
            if event.state == "waiting" or (_is_settled(db, event) and not unfinished):
                return event
            # What an entry that was reopened came to is no answer to this time.
            kept = event.entry is None or holder_of_occasion(db, event.entry) is not None
            db.run(
                "UPDATE events SET state = 'waiting', tries = 0, not_before = :now, ended_at = NULL,"
                " awaited = :awaited, status = :status, reason = :reason, entry = :entry WHERE id = :id",
                id=event.id,
                now=stamp(now),
                awaited=int(awaited),
                status=event.status if kept else None,
                reason=event.reason if kept else None,
                entry=event.entry if kept else None,
            )
            return _get(db, event.id)

    def _accept_all(self, arrivals: Sequence[Arrival]) -> list[Accepted]:
        with self._database.write() as db:
            return [_accept(db, arrival) for arrival in arrivals]

    # ---- work

    def due(self, now: datetime, *, besides: Collection[str] = (), paused: Collection[str] = ()) -> list[Event]:
        """Return what to do next: one POST, or all hints at one contact's taggings for one operation.

        Contacts in `besides` and operations in `paused` are passed over. One look at the contact's tags answers all
        its hints, whenever they came.
        """
        contacts = {f"who{number}": who for number, who in enumerate(besides)}
        operations = {f"paused{number}": name for number, name in enumerate(paused)}
        with self._database.read() as db:
            row = db.row(
                "SELECT * FROM events WHERE state = 'waiting' AND not_before <= :now"
                f" AND who NOT IN ({_names(contacts)}) AND operation NOT IN ({_names(operations)})"
                " ORDER BY not_before, id LIMIT 1",
                now=stamp(now),
                **contacts,
                **operations,
            )
            if row is None or row["kind"] == "post":
                return [] if row is None else [_event(row)]
            rows = db.rows(
                "SELECT * FROM events WHERE state = 'waiting' AND kind <> 'post' AND operation = :operation"
                " AND who = :who ORDER BY id LIMIT :limit",
                operation=row["operation"],
                who=row["who"],
                limit=_MOST_HINTS,
            )
        return [_event(each) for each in rows]

    def next_due(self, paused: Collection[str] = ()) -> datetime | None:
        """Return from when on there is something to do; None if nothing waits."""
        operations = {f"paused{number}": name for number, name in enumerate(paused)}
        with self._database.read() as db:
            row = db.row(
                "SELECT MIN(not_before) AS moment FROM events WHERE state = 'waiting'"
                f" AND operation NOT IN ({_names(operations)})",
                **operations,
            )
        return None if row is None or row["moment"] is None else parse_iso(row["moment"])

    def end(self, events: Sequence[Event], how: Ending, now: datetime) -> None:
        """Note that events have come to their end."""
        self._try("state = 'done', ended_at = :now", events, how, now=now)

    def put_off(self, events: Sequence[Event], how: Ending, until: datetime, *, counts: bool = True) -> None:
        """Note that events have to be tried again; `counts` if that try counts towards giving up."""
        step = int(counts)
        self._try("not_before = :until, tries = tries + :step", events, how, until=until, step=step)

    def answer_or_put_off(self, event: Event, how: Ending, until: datetime, now: datetime) -> None:
        """Note that an event came to an answer other than success: its end if all who sent it wait for the answer.

        Else somebody was told that it is accepted, and it is tried again.
        """
        self._try(
            "not_before = :until, tries = tries + 1, state = CASE awaited WHEN 1 THEN 'done' ELSE state END,"
            " ended_at = CASE awaited WHEN 1 THEN :now ELSE ended_at END",
            [event],
            how,
            until=until,
            now=now,
        )

    def park(self, events: Sequence[Event], how: Ending, now: datetime) -> None:
        """Note that events need a person."""
        self._try("state = 'parked', tries = tries + 1, ended_at = :now", events, how, now=now)

    def settle(self, event: Event, how: Ending, now: datetime) -> Event:
        """End an event that needs a person, by that person's word; return how it stands."""
        return self._changed(
            "state = 'done', ended_at = :now, status = :status, reason = :reason",
            [event],
            "state = 'parked'",
            now=now,
            status=how.status,
            reason=how.reason,
        )[0]

    def stop_awaiting(self, event: Event) -> Event:
        """Note that a sender of an event no longer waits for the answer; return how it stands, to be told."""
        return self._changed("awaited = 0", [event], "state = 'waiting'")[0]

    def forget_awaiting(self) -> None:
        """Note that the senders of what waits have gone: whoever received for them has stopped or died."""
        with self._database.write() as db:
            db.run("UPDATE events SET awaited = 0 WHERE state = 'waiting' AND awaited = 1")

    # ---- looking

    def find(self, event_id: int) -> Event | None:
        """Return an event, or None."""
        with self._database.read() as db:
            row = db.row("SELECT * FROM events WHERE id = :id", id=event_id)
        return None if row is None else _event(row)

    def backlog(self) -> Backlog:
        """Count what waits, and what needs a person."""
        with self._database.read() as db:
            waiting = db.row("SELECT COUNT(*) AS count, MIN(received_at) AS oldest FROM events WHERE state = 'waiting'")
            parked = db.row("SELECT COUNT(*) AS count FROM events WHERE state = 'parked'")
        assert waiting is not None and parked is not None  # noqa: S101, PT018 - a count always gives a row
        oldest = None if waiting["oldest"] is None else parse_iso(waiting["oldest"])
        return Backlog(waiting["count"], parked["count"], oldest)

    def unended(self) -> list[Event]:
        """Return all events that wait or need a person, oldest first."""
        with self._database.read() as db:
            rows = db.rows("SELECT * FROM events WHERE state IN ('waiting', 'parked') ORDER BY id")
        return [_event(row) for row in rows]

    def of_contact(self, names: Collection[str], limit: int = 50) -> list[Event]:
        """Return the newest events for a contact, under whatever name it came in: Kit's id, or an e-mail address."""
        given = {f"who{number}": name for number, name in enumerate(names)}
        with self._database.read() as db:
            rows = db.rows(
                f"SELECT * FROM events WHERE who IN ({_names(given)}) ORDER BY id DESC LIMIT :limit",
                limit=limit,
                **given,
            )
        return [_event(row) for row in rows]

    def prove_writable(self, now: datetime) -> None:
        """Commit something small. Raises LedgerUnusable."""
        with self._database.write() as db:
            db.run(
                "INSERT INTO identity (name, value) VALUES ('proved_writable', :now)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                now=stamp(now),
            )

    def _try(self, assign: str, events: Sequence[Event], how: Ending, **more: datetime | int) -> None:
        """Note how a try ended, of events that have not been ended meanwhile."""
        self._changed(
            f"{assign}, status = :status, reason = :reason, entry = COALESCE(:entry, entry)",
            events,
            "state = 'waiting'",
            status=how.status,
            reason=how.reason,
            entry=how.entry,
            **more,
        )

    def _changed(
        self, assign: str, events: Sequence[Event], condition: str, **values: datetime | str | int | None
    ) -> list[Event]:
        given = {name: stamp(value) if isinstance(value, datetime) else value for name, value in values.items()}
        with self._database.write() as db:
            for event in events:
                db.run(f"UPDATE events SET {assign} WHERE id = :id AND {condition}", id=event.id, **given)
            return [_get(db, event.id) for event in events]


def _accept(db: Transaction, arrival: Arrival) -> Accepted:
    known = _known(db, arrival)
    if known is not None:
        if not arrival.awaited:  # this sender is told that it is accepted, and relies on it
            db.run("UPDATE events SET awaited = 0 WHERE id = :id AND awaited = 1", id=known["id"])
        return Accepted(_event(known), new=False)
    row = db.row(
        "INSERT INTO events"
        " (kind, operation, who, at, received_at, key, fingerprint, amount, note, not_before, awaited) VALUES"
        " (:kind, :operation, :who, :at, :now, :key, :fingerprint, :amount, :note, :now, :awaited) RETURNING *",
        kind=arrival.kind,
        operation=arrival.operation,
        who=arrival.who,
        at=stamp(arrival.at),
        now=stamp(arrival.received_at),
        key=arrival.key or (_new_key(arrival) if arrival.kind == "post" else None),
        fingerprint=arrival.fingerprint,
        amount=arrival.amount,
        note=arrival.note,
        awaited=int(arrival.awaited),
    )
    assert row is not None  # noqa: S101 - RETURNING gives the row that was just inserted
    return Accepted(_event(row), new=True)


def _known(db: Transaction, arrival: Arrival) -> Row | None:
    if arrival.key is not None:
        return db.row(
            "SELECT * FROM events WHERE kind = :kind AND operation = :operation AND key = :key",
            kind=arrival.kind,
            operation=arrival.operation,
            key=arrival.key,
        )
    if arrival.fingerprint is None:
        return None
    return db.row(
        "SELECT * FROM events WHERE operation = :operation AND fingerprint = :fingerprint AND received_at > :since"
        " ORDER BY id DESC LIMIT 1",
        operation=arrival.operation,
        fingerprint=arrival.fingerprint,
        since=stamp(arrival.received_at - timedelta(seconds=arrival.window)),
    )


def _is_settled(db: Transaction, event: Event) -> bool:
    """Tell whether another try of an event could not come to another end; its entry knows, whatever was noted here."""
    if event.entry is None:
        return event.status == "applied" or event.is_hint  # by a person's word; a hint is looked at for ten minutes
    entry = holder_of_occasion(db, event.entry)
    if entry is None:
        return False
    return entry.status == "parked" if event.state == "parked" else has_answered(entry)


def _new_key(arrival: Arrival) -> str:
    """Name a POST that brought no key by when it came; the rest keeps two of one second apart."""
    return f"{iso(arrival.received_at)} {secrets.token_hex(4)}"


def _get(db: Transaction, event_id: int) -> Event:
    row = db.row("SELECT * FROM events WHERE id = :id", id=event_id)
    assert row is not None  # noqa: S101 - events are never taken out
    return _event(row)


def _names(parameters: Collection[str]) -> str:
    # An empty list is no SQL; an empty text is the name of nothing.
    return ", ".join(f":{name}" for name in parameters) or "''"


def _event(row: Row) -> Event:
    return Event(
        id=row["id"],
        kind=row["kind"],
        operation=row["operation"],
        who=row["who"],
        at=parse_iso(row["at"]),
        received_at=parse_iso(row["received_at"]),
        key=row["key"],
        amount=row["amount"],
        note=row["note"],
        state=row["state"],
        tries=row["tries"],
        not_before=parse_iso(row["not_before"]),
        entry=row["entry"],
        status=row["status"],
        reason=row["reason"],
        ended_at=None if row["ended_at"] is None else parse_iso(row["ended_at"]),
    )

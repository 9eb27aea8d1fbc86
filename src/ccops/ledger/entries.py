"""The steps of an entry: each is one commit, made before the act that it names."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from ccops.ledger.claims import (
    coming_back,
    find_claim,
    key_taken_by,
    key_taken_for_undo,
    let_run_again,
    make_claim,
    make_left_out,
    pending,
    restate,
    root_of,
    take_keys,
    why_not_undone,
)
from ccops.ledger.errors import BroughtBack, ComingBack, EntryMoved, NoSuchEntry, OccasionTaken, UndoStopped
from ccops.ledger.model import Claim, Claimed, Entry, Standing, Values
from ccops.ledger.store.rows import ENTRIES, entry_of, find_entry, pack, stamp
from ccops.ledger.store.schema import LOOSE
from ccops.ledger.store.sqlite import Sqlite, Transaction

_LAST: Final = (
    # What was adopted has left no receipt.
    "FROM entries WHERE contact = :contact AND turn IS NOT NULL AND sends > 0 AND status IN ('applied', 'undone')"
    " ORDER BY turn DESC LIMIT 1"
)
# The sign keeps SQLite from looking at all turns of a contact: hardly one has entries of this kind.
_LOOSE: Final = f"contact = :contact AND {LOOSE} AND status NOT IN ('sending', 'parked') AND +turn IS NOT NULL"
_PARTS: Final = {
    "last": f"entries.id = (SELECT id {_LAST})",
    "parked": f"contact = :contact AND turn > COALESCE((SELECT turn {_LAST}), 0) AND status = 'parked'",
    "loose": _LOOSE,
    "left": "contact = :contact AND turn IS NOT NULL AND status IN ('applied', 'undone')"
    f" AND EXISTS (SELECT 1 FROM entries WHERE {_LOOSE})",
}
_ALL: Final = (
    "SELECT contacts.accepted AS was_accepted, parts.* FROM (SELECT :contact AS contact) AS wanted"
    " LEFT JOIN contacts ON contacts.id = wanted.contact LEFT JOIN ("
    + " UNION ALL ".join(
        ENTRIES.replace("SELECT ", f"SELECT '{part}' AS part, ", 1) + f" WHERE {which}"
        for part, which in _PARTS.items()
    )
    + ") AS parts ON 1 = 1"
)
"""All in one statement, as it is asked before each write: what a person has accepted stands in each row."""


def of_contact(db: Transaction, contact: int) -> Standing:
    """Return how a contact stands."""
    rows = db.rows(_ALL, contact=contact)
    parts: dict[str | None, list[Entry]] = {part: [] for part in _PARTS}
    for row in rows:
        if row["part"] is not None:
            parts[row["part"]].append(entry_of(row))
    last, written = parts["last"], sorted(parts["left"], key=lambda entry: entry.turn or 0)
    return Standing(
        last[0] if last else None,
        tuple(parts["parked"]),
        rows[0]["was_accepted"],
        tuple(parts["loose"]),
        {key: value for entry in written for key, value in (entry.after or {}).items()},
    )


# ---- the steps of an entry: each is one commit, made before the act that it names

_NEXT_TURN: Final = (
    "(SELECT COALESCE(MAX(turn), 0) + 1 FROM entries AS earlier WHERE earlier.contact = entries.contact)"
)

_HAS_FOLLOWUPS: Final = 'copies.text LIKE \'%"tags_if_refused":["%\''
_LOSES_ITS_TAG: Final = "(occasion LIKE 'tag:%' AND copies.text NOT LIKE '%\"after_run\":\"keep-tag\"%')"
"""What the release of a refusal brings in order, as the copy of its operation says."""


class Entries:
    """The entries of one ledger."""

    def __init__(self, database: Sqlite) -> None:
        self._database = database

    # ---- claims

    def look(self, claim: Claim) -> Claimed:
        """Say how a claim would be answered, without making it."""
        with self._database.read() as db:
            return find_claim(db, claim)

    def claim(self, claim: Claim) -> Claimed:
        """Ask for the right to run an operation on a contact for one occasion."""
        with self._database.write() as db:
            return make_claim(db, claim)

    def leave_out(self, claim: Claim, reason: str) -> Entry:
        """Enter that a contact was left out for its state: a refusal that uses up nothing. Once is enough."""
        with self._database.write() as db:
            return make_left_out(db, claim, reason)

    # ---- steps

    def send(
        self,
        entry: Entry,
        before: Values,
        after: Values,
        receipt_seen: str | None,
        note: str | None,
        now: datetime,
        *,
        apart: bool = False,
    ) -> Entry:
        """Note that a write is about to leave, and of what. `note` is what the plan has to say about it.

        `apart`: values and receipt leave as rows of their own, any of which may arrive without the others.
        Raises UndoStopped for an undo that was overtaken since its claim; then nothing is noted.
        """
        with self._database.write() as db:
            if entry.undoes is not None:
                _check_undo(db, entry, entry.undoes)
            return _step(
                db,
                entry,
                ("intended",),
                "sending",
                'status = \'sending\', "before" = :before, "after" = :after, receipt_seen = :seen, reason = :reason,'
                " sent_at = :now, sends = sends + 1, apart = CASE WHEN sends > 0 AND apart = 1 THEN 1 ELSE :apart END,"
                f" turn = {_NEXT_TURN}",
                before=pack(before),
                after=pack(after),
                seen=receipt_seen,
                reason=note,
                now=stamp(now),
                apart=int(apart),
            )

    def adopt(self, entry: Entry, before: Values, after: Values, note: str, now: datetime) -> Entry:
        """Note a change that was made by hand as the entry's own. Nothing is sent, so that no receipt will be its."""
        return self._step(
            entry,
            ("intended",),
            "adopted",
            'status = \'applied\', "before" = :before, "after" = :after, reason = :note, ended_at = :now, released = 1,'
            f" turn = {_NEXT_TURN}",
            before=pack(before),
            after=pack(after),
            note=note,
            now=stamp(now),
        )

    def confirm(self, entry: Entry, now: datetime, *, released: bool, came_last: bool = False) -> Entry:
        """Note that the write has arrived, and in the same commit what an undo makes of the entries that it undoes.

        `came_last`: it came late, over what was sent after it, so that it is the contact's last write.

        Raises OccasionTaken if another entry holds what would count with this one; then nothing is noted.
        """
        with self._database.write() as db:
            taken = _take(db, entry, now)
            if taken is not None:
                raise OccasionTaken(entry, taken)
            return _confirm(db, entry, now, released=released, came_last=came_last)

    def arrive(self, entry: Entry, now: datetime, *, released: bool) -> Entry:
        """Confirm a write that the CRM shows; but park the entry if another holds what would count with it."""
        with self._database.write() as db:
            taken = _take(db, entry, now)
            if taken is None:
                return _confirm(db, entry, now, released=released)
            return _park(db, entry, OccasionTaken(entry, taken).reason, now)

    def reopen(self, number: int) -> Entry:
        """Note that the occasion of an undone entry may run again. Raises BroughtBack, ComingBack, NoSuchEntry."""
        with self._database.write() as db:
            _check_reopening(db, number)
            let_run_again(db, number)
        return self.get(number)

    def check_reopening(self, number: int) -> Entry:
        """Return an undone entry that may be reopened. Raises BroughtBack, ComingBack, NoSuchEntry."""
        with self._database.read() as db:
            _check_reopening(db, number)
        return self.get(number)

    def redate(self, entry: Entry, now: datetime) -> Entry:
        """Note a send anew at the present moment, since its own lies in the future."""
        return self._step(entry, ("sending",), "sending", "sent_at = :now", now=stamp(now))

    def unsend(self, entry: Entry) -> Entry:
        """Note that the write has not arrived as far as a read can tell: the entry is intended again."""
        return self._step(entry, ("sending",), "intended", "status = 'intended', reason = NULL")

    def not_sent(self, entry: Entry) -> Entry:
        """Note that the write certainly has no effect: if it was the first one, none has been sent so far."""
        return self._step(
            entry,
            ("sending",),
            "intended",
            "status = 'intended', reason = NULL, sends = CASE WHEN sends = 1 THEN 0 ELSE sends END,"
            " turn = CASE WHEN sends = 1 THEN NULL ELSE turn END",
        )

    def refuse(self, entry: Entry, cause: str, reason: str, now: datetime) -> Entry:
        """Note that a limit or a value refuses the operation; nothing was sent."""
        with self._database.write() as db:
            return _end(db, entry, "refused", ("intended", "refused"), cause, reason, now)

    def fail(self, entry: Entry, reason: str, now: datetime) -> Entry:
        """Note that the operation can't be applied (contact gone, write rejected); it may be tried again."""
        with self._database.write() as db:
            return _end(db, entry, "failed", ("intended", "sending", "parked"), None, reason, now)

    def park(self, entry: Entry, reason: str, now: datetime) -> Entry:
        """Note that the entry needs a person; what it had given up, such as its period, it takes back if it can."""
        with self._database.write() as db:
            return _park(db, entry, reason, now)

    def note_followups(self, entry: Entry, tags: Sequence[int]) -> Entry:
        """Note which follow-up tags are about to be added, so that an undo takes off these and no others."""
        ended = ("applied", "undone", "refused")
        return self._step(entry, ended, "followed up", "followups = :tags", tags=json.dumps(list(tags)))

    def release(self, entry: Entry) -> Entry:
        """Note that the tags of an entry are in order."""
        return self._step(entry, ("applied", "undone", "refused"), "released", "released = 1")

    # ---- reading

    def get(self, entry_id: int) -> Entry:
        """Return an entry. Raises NoSuchEntry."""
        with self._database.look() as db:
            found = find_entry(db, entry_id)
        if found is None:
            raise NoSuchEntry(entry_id)
        return found

    def brought_back_by(self, undone: int | None) -> tuple[Entry, ...]:
        """Return the entries that would count again if an entry were undone; none for None."""
        if undone is None:
            return ()
        with self._database.read() as db:
            found = [find_entry(db, number) for number in coming_back(db, undone)]
        return tuple(entry for entry in found if entry is not None)

    def find(self, entry_id: int) -> Entry | None:
        """Return an entry, or None."""
        with self._database.look() as db:
            return find_entry(db, entry_id)

    def sending(self, contact: int) -> Entry | None:
        """Return the one entry of a contact whose write is under way or lost."""
        with self._database.look() as db:
            row = db.row(f"{ENTRIES} WHERE contact = :contact AND status = 'sending'", contact=contact)
        return None if row is None else entry_of(row)

    def standing(self, contact: int) -> Standing:
        """Return which receipts a contact may show."""
        with self._database.look() as db:
            return of_contact(db, contact)

    def of_occasions(self, operation: str, contact: int, first: str, last: str) -> Entry | None:
        """Return the newest entry whose occasion, as a text, is not before `first` and not behind `last`."""
        with self._database.read() as db:
            row = db.row(
                f"{ENTRIES} WHERE contact = :contact AND operation = :operation"
                " AND occasion >= :first AND occasion <= :last ORDER BY entries.id DESC LIMIT 1",
                operation=operation,
                contact=contact,
                first=first,
                last=last,
            )
        return None if row is None else entry_of(row)

    def open(self) -> list[Entry]:
        """Return all entries that were begun and have not ended, then those that need a person; oldest first."""
        with self._database.read() as db:
            rows = db.rows(
                # The second condition follows from the first; SQLite needs it to use the index of unfinished entries.
                f"{ENTRIES} WHERE status IN ('intended', 'sending', 'parked') AND status NOT IN ('applied', 'undone')"
                " ORDER BY CASE status WHEN 'parked' THEN 1 ELSE 0 END, entries.id"
            )
        return [entry_of(row) for row in rows]

    def unreleased(self) -> list[Entry]:
        """Return all entries that came to an answer and whose tags are not in order yet, oldest first."""
        with self._database.read() as db:
            rows = db.rows(f"{ENTRIES} WHERE released = 0 AND status IN ('applied', 'undone') ORDER BY entries.id")
            rows += db.rows(
                f"{ENTRIES} WHERE released = 0 AND status = 'refused' AND cause IN ('limit', 'period')"
                f" AND undoes IS NULL AND ({_HAS_FOLLOWUPS} OR {_LOSES_ITS_TAG}) ORDER BY entries.id"
            )
        return sorted((entry_of(row) for row in rows), key=lambda entry: entry.id)

    def taken_by(self, entry: int) -> Entry | None:
        """Return the other entry that holds the occasion or the period of a reopened one, if there is one."""
        with self._database.read() as db:
            return key_taken_by(db, entry)

    def taken_for_undo(self, undone: int) -> Entry | None:
        """Return the entry that holds what would have to count again if this one were undone, if there is one."""
        with self._database.read() as db:
            return key_taken_for_undo(db, undone)

    def of_run_left(self, run: int) -> bool:
        """Tell whether a run has left anything behind but refusals and failures."""
        with self._database.read() as db:
            row = db.row(
                "SELECT 1 FROM entries WHERE run = :run AND status NOT IN ('refused', 'failed') LIMIT 1", run=run
            )
        return row is not None

    def of_run(self, run: int) -> list[Entry]:
        """Return the entries of a run, oldest first."""
        with self._database.read() as db:
            rows = db.rows(f"{ENTRIES} WHERE run = :run ORDER BY entries.id", run=run)
        return [entry_of(row) for row in rows]

    def highest(self) -> int:
        """Return the number of the newest entry; 0 if there is none."""
        with self._database.read() as db:
            row = db.row("SELECT COALESCE(MAX(id), 0) AS id FROM entries")
        return 0 if row is None else row["id"]

    def _step(
        self, entry: Entry, allowed: tuple[str, ...], step: str, assign: str, **parameters: str | int | None
    ) -> Entry:
        with self._database.write() as db:
            return _step(db, entry, allowed, step, assign, **parameters)


def _step(
    db: Transaction,
    entry: Entry,
    allowed: tuple[str, ...],
    step: str,
    assign: str,
    **parameters: str | int | None,
) -> Entry:
    listed = ", ".join(f"'{status}'" for status in allowed)
    row = db.row(
        f"UPDATE entries SET {assign} WHERE id = :id AND status IN ({listed}) RETURNING *", id=entry.id, **parameters
    )
    if row is None:
        raise EntryMoved(entry.id, step)
    return entry_of(row, entry.copy)


def _check_undo(db: Transaction, undo: Entry, undone: int) -> None:
    """Ask again, right before an undo is sent, what was asked at its claim. Raises UndoStopped."""
    stopped = why_not_undone(db, undone)
    if stopped is not None:
        raise UndoStopped(undo.id, stopped)
    take_keys(db, undo)  # one that an older ccops began holds nothing yet


def _check_reopening(db: Transaction, number: int) -> None:
    undo, entry = pending(db, number), find_entry(db, number)
    if undo is not None:
        raise ComingBack(number, undo)
    if entry is not None and entry.status != "undone":
        raise BroughtBack(number)


def _take(db: Transaction, entry: Entry, arrived: datetime) -> Entry | None:
    """Let an entry hold what counts with it, unless it has held that since its claim, as all but these have."""
    return take_keys(db, entry, arrived) if entry.undoes is not None or entry.reopened else None


def _confirm(db: Transaction, entry: Entry, now: datetime, *, released: bool, came_last: bool = False) -> Entry:
    done = _step(
        db,
        entry,
        ("sending", "intended", "parked"),
        "applied",
        "status = 'applied', ended_at = :now, released = :released" + (f", turn = {_NEXT_TURN}" if came_last else ""),
        now=stamp(now),
        released=int(released),
    )
    if done.undoes is not None:
        restate(db, done.undoes)
    if done.undoes is not None and done.reopens:
        let_run_again(db, root_of(db, done.undoes))
    # From now on only this entry's receipt fits, so that the accepted one is noticed if it comes back.
    db.run("UPDATE contacts SET accepted = NULL WHERE id = :id AND accepted IS NOT NULL", id=done.contact)
    return done


def _park(db: Transaction, entry: Entry, reason: str, now: datetime) -> Entry:
    taken = take_keys(db, entry, now)
    if taken is not None and entry.undoes is not None:
        db.run("UPDATE entries SET reopened = 1 WHERE id = :id", id=entry.id)  # it holds nothing that it brings back
    elif taken is not None:
        db.run("UPDATE entries SET period = NULL WHERE id = :id", id=entry.id)
    return _end(db, entry, "parked", ("intended", "sending", "refused", "failed"), None, reason, now)


def _end(
    db: Transaction,
    entry: Entry,
    status: str,
    allowed: tuple[str, ...],
    cause: str | None,
    reason: str,
    now: datetime,
) -> Entry:
    ended = _step(
        db,
        entry,
        allowed,
        status,
        "status = :status, cause = :cause, reason = :reason, ended_at = :now",
        status=status,
        cause=cause,
        reason=reason,
        now=stamp(now),
    )
    restate(db, ended.undoes)  # an undo that came to nothing holds nothing that it would have brought back
    return ended

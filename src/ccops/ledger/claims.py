"""The claim: who may run an operation on a contact for one occasion. One transaction decides."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast

from ccops.ledger.model import LEFT_OUT, Claim, Claimed, Entry
from ccops.ledger.queries import keep_try
from ccops.ledger.store.rows import ENTRIES, entry_of, find_entry, stamp
from ccops.ledger.store.sqlite import Transaction
from ccops.operations.occasion import refusal_uses_it_up

if TYPE_CHECKING:
    from ccops.operations.refusal import Cause


def restate(db: Transaction, number: int | None) -> None:
    """Note whether an entry counts now, and then the same of all that it undoes.

    Nothing else decides that. The occasion of an undone entry may run again if the undo that counts says so, but not
    while another undo is about to bring the entry back. An undone undo leaves its entry free to be undone again.
    """
    while number is not None:
        undo = db.row("SELECT id, reopens FROM entries WHERE undoes = :id AND status = 'applied'", id=number)
        below = undoes(db, number)
        is_open = undo is not None and (below is not None or undo["reopens"] == 1) and pending(db, number) is None
        db.run(
            "UPDATE entries SET status = :status, undone_by = :undo, reopened = :reopened"
            " WHERE id = :id AND status IN ('applied', 'undone')",
            id=number,
            status="applied" if undo is None else "undone",
            undo=None if undo is None else undo["id"],
            reopened=int(is_open),
        )
        number = below


def coming_back(db: Transaction, undone: int | None) -> list[int]:
    """Return the entries that count again once this one is undone: every second one of those that it undoes."""
    chain: list[int] = []
    while undone is not None:
        chain.append(undone)
        undone = undoes(db, undone)
    return chain[1::2]


def pending(db: Transaction, undone: int) -> Entry | None:
    """Return the undo that was begun, has not ended, and brings an undone entry back."""
    above, brings_back = [undone], False
    while above:
        numbers = ", ".join(map(str, above))
        rows = db.rows(f"SELECT id, status, reopened FROM entries WHERE undoes IN ({numbers})")
        for row in rows:
            if brings_back and row["status"] in {"intended", "sending", "parked"} and not row["reopened"]:
                return find_entry(db, row["id"])
        above, brings_back = [row["id"] for row in rows], not brings_back
    return None


def root_of(db: Transaction, number: int) -> int:
    """Return the entry at the end of a chain of undos."""
    below = undoes(db, number)
    while below is not None:
        number, below = below, undoes(db, below)
    return number


def let_run_again(db: Transaction, root: int) -> None:
    """Let the occasion of an undone entry run again, by a word to the undo that counts."""
    db.run(
        "UPDATE entries SET reopens = 1 WHERE id ="
        " (SELECT one.undone_by FROM entries AS one WHERE one.id = :id AND one.status = 'undone')",
        id=root,
    )
    restate(db, root)


def undoes(db: Transaction, number: int) -> int | None:
    """Return the entry that an entry undoes; None if it is no undo."""
    row = db.row("SELECT undoes FROM entries WHERE id = :id", id=number)
    return None if row is None else row["undoes"]


# ---- the occasions and periods that an entry holds: its own, and those of the entries that it brings back as an undo
#
# The indexes `one_per_occasion` and `one_per_period` hold them in the database itself.

_RIVALS: Final = (
    f"{ENTRIES} JOIN entries AS own ON own.id = :id WHERE entries.operation = own.operation"
    " AND entries.contact = own.contact AND entries.id <> own.id"
    " AND (entries.reopened = 0 OR entries.status IN ('sending', 'applied'))"
    " AND (entries.occasion = own.occasion OR (entries.period = own.period"
    " AND entries.status IN ('intended', 'sending', 'applied', 'undone', 'parked')))"
)


def key_taken_by(db: Transaction, number: int) -> Entry | None:
    """Return another entry that holds the occasion or the period of an entry."""
    return next((rival for rival in _rivals(db, number) if not rival.status.may_be_tried_again), None)


def key_taken_for_undo(db: Transaction, undone: int) -> Entry | None:
    """Return an entry that holds what would have to count again if this one were undone."""
    return next((taken for number in coming_back(db, undone) if (taken := key_taken_by(db, number))), None)


def take_keys(db: Transaction, entry: Entry, arrived: datetime | None = None) -> Entry | None:
    """Let an entry hold all that counts once it does; if another entry holds some of it, return that and take nothing.

    What changed nothing gives way. So does, for an entry whose write has `arrived`, what was only begun: it is refused;
    and what needs a person does without its period.
    """
    rows = [entry.id, *coming_back(db, entry.undoes)]
    rivals = [(number, rival) for number in rows for rival in _rivals(db, number)]
    if arrived is None:
        blocking = (rival for _, rival in rivals if not rival.status.may_be_tried_again)
    else:
        blocking = (rival for number, rival in rivals if not _gives_way_late(db, number, rival))
    taken = next(blocking, None)
    if taken is not None:
        return taken
    for number, rival in rivals:
        _give_up(db, rival, _Winner(number, entry.id, arrived))
    db.run("UPDATE entries SET reopened = 0 WHERE id = :id AND reopened = 1", id=entry.id)
    restate(db, entry.undoes)
    return None


@dataclass(frozen=True, slots=True)
class _Winner:
    """The entry to which a rival gives way, the entry that was written for it, and when that had arrived late."""

    number: int
    written: int
    arrived: datetime | None

    @property
    def how(self) -> str:
        """Say how it came about that it counts."""
        return counted_late(self.number, self.written)


def counted_late(number: int, written: int) -> str:
    """Say that an entry counts since the write of an entry came late: its own, or that of an undo of its undo."""
    if number == written:
        return f"e{number}, whose write came late"
    return f"e{number}, which e{written} brought back by a late write"


def overtaken(what: str, how: str) -> str:
    """Say that an entry was refused since what it would have done was done meanwhile."""
    return f"{what} was done already, by {how}"


def _rivals(db: Transaction, number: int) -> Iterator[Entry]:
    return map(entry_of, db.rows(_RIVALS, id=number))


def _gives_way_late(db: Transaction, number: int, rival: Entry) -> bool:
    if rival.status == "undone":  # it may be held only for an undo that brings it back
        undo = pending(db, rival.id)
        return undo is not None and undo.status == "intended"
    if rival.status == "parked":
        return not _has_occasion_of(db, number, rival)
    return rival.status == "intended" or rival.status.may_be_tried_again


def _give_up(db: Transaction, rival: Entry, winner: _Winner) -> None:
    """Let a rival hold nothing any more of what the winner holds."""
    same = _has_occasion_of(db, winner.number, rival)
    undo = pending(db, rival.id) if rival.status == "undone" else None
    if undo is not None:
        _refuse(db, undo, "overtaken", overtaken("what it would bring back", winner.how), winner)
        restate(db, undo.undoes)
        return
    if rival.status == "intended":
        what = "occasion" if same else "period"
        _refuse(db, rival, "period", overtaken(f"this {what}", winner.how), winner)
        restate(db, rival.undoes)
    if same:
        db.run("UPDATE entries SET reopened = 1 WHERE id = :id", id=rival.id)
    elif rival.status == "parked":
        db.run("UPDATE entries SET period = NULL WHERE id = :id", id=rival.id)


def _refuse(db: Transaction, entry: Entry, cause: "Cause", reason: str, winner: _Winner) -> None:
    db.run(
        "UPDATE entries SET status = 'refused', cause = :cause, reason = :reason, ended_at = :now WHERE id = :id",
        id=entry.id,
        cause=cause,
        reason=reason,
        now=None if winner.arrived is None else stamp(winner.arrived),
    )


def _has_occasion_of(db: Transaction, number: int, rival: Entry) -> bool:
    own = find_entry(db, number)
    return own is not None and own.occasion == rival.occasion


# ---- the claim: who may run an operation on a contact for one occasion. One transaction decides


def find_claim(db: Transaction, claim: Claim) -> Claimed:
    """Say how a claim would be answered, without making it."""
    first = _of_occasion(db, claim)
    if first is None or first.status.may_be_tried_again:
        return _look_anew(db, claim, first)
    undo = _bringing_back(db, first)
    if undo is not None:
        return Claimed("parked", undo) if undo.status == "parked" else Claimed("coming back", first, undo)
    if first.asked != claim.asked:
        return Claimed("other", first)
    if first.status.has_arrived:
        return Claimed("repeated", first)
    return Claimed("parked" if first.status == "parked" else "taken up", first)


def why_not_undone(db: Transaction, undone: int) -> Claimed | None:
    """Say why an entry can't be undone now; asked in each transaction that begins or sends an undo."""
    entry = find_entry(db, undone)
    if entry is None or entry.status != "applied":
        return Claimed("not undoable", entry)
    taken = key_taken_for_undo(db, undone)
    return None if taken is None else Claimed("run again", entry, taken)


def make_claim(db: Transaction, claim: Claim) -> Claimed:
    """Answer a claim and enter it: an entry is begun, taken up where it stands, tried again, or found repeated."""
    answer = find_claim(db, claim)
    match answer.kind:
        case "begun":
            return Claimed("begun", _holding(db, _insert(db, claim, "intended")))
        case "period":
            entry = (
                _insert(db, claim, "refused") if answer.entry is None else _renew(db, answer.entry, claim, "refused")
            )
            return Claimed("period", entry, answer.holder)
        case "tried again" if answer.entry is not None:
            return Claimed("tried again", _holding(db, _renew(db, answer.entry, claim, "intended")))
        case "taken up" if answer.entry is not None and answer.entry.status == "intended":
            return Claimed("taken up", _adopt(db, answer.entry, claim))
        case _:
            return answer


def make_left_out(db: Transaction, claim: Claim, reason: str) -> Entry:
    """Enter a contact that is left out; whatever was entered for the occasion before stays as it is."""
    first = _of_occasion(db, claim)
    if first is not None and (first.status != "intended" or first.sends):
        return first
    left = _insert(db, claim, "refused") if first is None else _renew(db, first, claim, "refused")
    db.run(
        "UPDATE entries SET cause = :cause, reason = :reason WHERE id = :id", cause=LEFT_OUT, reason=reason, id=left.id
    )
    return _again(db, left.id)


def _look_anew(db: Transaction, claim: Claim, first: Entry | None) -> Claimed:
    """Answer a claim for an occasion that has changed nothing so far."""
    if first is not None and _is_answered(first):
        return Claimed("refused before", first)
    not_undone = None if claim.undoes is None else _parked_undo(db, claim.undoes) or why_not_undone(db, claim.undoes)
    if not_undone is not None:
        return not_undone
    holder = _holder(db, claim, besides=first)
    undo = None if holder is None else _bringing_back(db, holder)
    if undo is not None and undo.status != "parked":
        return Claimed("coming back", first, undo)
    if holder is not None:
        return Claimed("period", first, holder)
    return Claimed("begun" if first is None else "tried again", first)


def holder_of_occasion(db: Transaction, entry_id: int) -> Entry | None:
    """Return the entry that the occasion of an entry counts as now; None if it was reopened and may run again."""
    row = db.row(
        f"{ENTRIES} JOIN entries AS one ON one.operation = entries.operation AND one.contact = entries.contact"
        " AND one.occasion = entries.occasion WHERE one.id = :id"
        " AND (entries.reopened = 0 OR entries.status IN ('sending', 'applied'))",
        id=entry_id,
    )
    return None if row is None else entry_of(row)


def has_answered(entry: Entry) -> bool:
    """Tell whether an entry is the last word on its occasion, so that another try would change nothing."""
    return entry.status in {"applied", "undone", "parked"} or _is_answered(entry)


def _bringing_back(db: Transaction, entry: Entry) -> Entry | None:
    return pending(db, entry.id) if entry.status == "undone" else None


def _parked_undo(db: Transaction, undone: int) -> Claimed | None:
    """Find an undo of which only a person can say whether it was applied, though it does not hold its occasion."""
    row = db.row(f"{ENTRIES} WHERE undoes = :id AND status = 'parked'", id=undone)
    return None if row is None else Claimed("parked", entry_of(row))


def _holding(db: Transaction, begun: Entry) -> Entry:
    """Let an undo that begins hold what it would bring back."""
    if begun.undoes is not None:
        taken = take_keys(db, begun)
        assert taken is None  # noqa: S101 - looked for in this very transaction
    return begun


def _is_answered(first: Entry) -> bool:
    return first.status == "refused" and refusal_uses_it_up(first.occasion, cast("Cause", first.cause))


def _of_occasion(db: Transaction, claim: Claim) -> Entry | None:
    row = db.row(
        f"{ENTRIES} WHERE operation = :operation AND contact = :contact AND occasion = :occasion AND reopened = 0",
        operation=claim.operation,
        contact=claim.contact,
        occasion=claim.occasion,
    )
    return None if row is None else entry_of(row)


def _holder(db: Transaction, claim: Claim, besides: Entry | None) -> Entry | None:
    if claim.period is None:
        return None
    row = db.row(
        f"{ENTRIES} WHERE operation = :operation AND contact = :contact AND period = :period AND reopened = 0"
        " AND status IN ('intended', 'sending', 'applied', 'undone', 'parked') AND entries.id <> :besides",
        operation=claim.operation,
        contact=claim.contact,
        period=claim.period,
        besides=0 if besides is None else besides.id,
    )
    return None if row is None else entry_of(row)


def _insert(db: Transaction, claim: Claim, status: str) -> Entry:
    row = db.row(
        "INSERT INTO entries (run, operation, copy, contact, occasion, period, asked, status, cause, note,"
        ' "by", via, undoes, reopens, followups, at)'
        " VALUES (:run, :operation, :copy, :contact, :occasion, :period, :asked, :status, :cause, :note,"
        " :by, :via, :undoes, :reopens, :followups, :at) RETURNING *",
        run=claim.run,
        operation=claim.operation,
        copy=_copy(db, claim.copy),
        contact=claim.contact,
        occasion=claim.occasion,
        period=claim.period,
        asked=claim.asked,
        status=status,
        cause="period" if status == "refused" else None,
        note=claim.origin.note,
        by=claim.origin.by,
        via=claim.origin.via,
        undoes=claim.undoes,
        reopens=int(claim.reopens),
        followups=_tags(db, claim),
        at=stamp(claim.at),
    )
    assert row is not None  # noqa: S101 - RETURNING gives the row that was just inserted
    return entry_of(row, claim.copy)


def _renew(db: Transaction, first: Entry, claim: Claim, status: str) -> Entry:
    """Try a refused or failed entry again, with the operation and the amount as they are asked for now."""
    copy = _copy(db, claim.copy)
    db.run(
        "UPDATE entries SET status = :status, cause = :cause, reason = NULL, ended_at = NULL, copy = :copy, asked = "
        ":asked, period = :period, reopens = :reopens, followups = :followups, released = 0,"
        # A late write of the old operation must not pass for one of the new.
        " sends = CASE WHEN sends > 0 AND copy <> :copy THEN sends + 1 ELSE sends END WHERE id = :id",
        id=first.id,
        status=status,
        cause="period" if status == "refused" else None,
        copy=copy,
        asked=claim.asked,
        period=claim.period,
        reopens=int(claim.reopens),
        followups=_tags(db, claim),
    )
    return _adopt(db, first, claim)


def _adopt(db: Transaction, first: Entry, claim: Claim) -> Entry:
    """Count an entry of which nothing was sent to the run that now takes it up."""
    keep_try(db, first, claim.run)
    db.run(
        'UPDATE entries SET run = :run, "by" = :by, via = :via, note = COALESCE(:note, note) WHERE id = :id',
        id=first.id,
        run=claim.run,
        by=claim.origin.by,
        via=claim.origin.via,
        note=claim.origin.note,
    )
    return _again(db, first.id)


def _again(db: Transaction, entry_id: int) -> Entry:
    found = find_entry(db, entry_id)
    assert found is not None  # noqa: S101 - it was written in this very transaction
    return found


def _tags(db: Transaction, claim: Claim) -> str | None:
    """Return the follow-up tags that come off with an undo, as they stand in the entry that it undoes."""
    undone = None if claim.undoes is None else find_entry(db, claim.undoes)
    if undone is None or undone.undoes is not None or undone.followups is None:
        return None
    return json.dumps(undone.followups)


def _copy(db: Transaction, text: str) -> int:
    row = db.row("SELECT id FROM copies WHERE text = :text", text=text)
    row = row or db.row("INSERT INTO copies (text) VALUES (:text) RETURNING id", text=text)
    assert row is not None  # noqa: S101 - RETURNING gives the row that was just inserted
    number: int = row["id"]
    return number

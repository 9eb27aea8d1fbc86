"""The claim: who may run an operation on a contact for one occasion. One transaction decides."""

import json
from typing import TYPE_CHECKING, cast

from ccops.ledger import chain, keys, tries
from ccops.ledger.model import LEFT_OUT, Claim, Claimed, Entry
from ccops.ledger.rows import ENTRIES, entry_of, find_entry, stamp
from ccops.ledger.sqlite import Transaction
from ccops.operations.occasions import refusal_uses_it_up

if TYPE_CHECKING:
    from ccops.operations.plan import Cause


def look(db: Transaction, claim: Claim) -> Claimed:
    """Say how a claim would be answered, without making it."""
    first = _of_occasion(db, claim)
    if first is None or first.status in {"refused", "failed"}:
        return _look_anew(db, claim, first)
    undo = _bringing_back(db, first)
    if undo is not None:
        return Claimed("parked", undo) if undo.status == "parked" else Claimed("coming back", first, undo)
    if first.asked != claim.asked:
        return Claimed("other", first)
    if first.status in {"applied", "undone"}:
        return Claimed("repeated", first)
    return Claimed("parked" if first.status == "parked" else "taken up", first)


def why_not_undone(db: Transaction, undone: int) -> Claimed | None:
    """Say why an entry can't be undone now; asked in each transaction that begins or sends an undo."""
    entry = find_entry(db, undone)
    if entry is None or entry.status != "applied":
        return Claimed("not undoable", entry)
    taken = keys.taken_for_undo(db, undone)
    return None if taken is None else Claimed("run again", entry, taken)


def make(db: Transaction, claim: Claim) -> Claimed:
    """Answer a claim and enter it: an entry is begun, taken up where it stands, tried again, or found repeated."""
    answer = look(db, claim)
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


def leave_out(db: Transaction, claim: Claim, reason: str) -> Entry:
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
    return chain.pending(db, entry.id) if entry.status == "undone" else None


def _parked_undo(db: Transaction, undone: int) -> Claimed | None:
    """Find an undo of which only a person can say whether it was applied, though it does not hold its occasion."""
    row = db.row(f"{ENTRIES} WHERE undoes = :id AND status = 'parked'", id=undone)
    return None if row is None else Claimed("parked", entry_of(row))


def _holding(db: Transaction, begun: Entry) -> Entry:
    """Let an undo that begins hold what it would bring back."""
    if begun.undoes is not None:
        taken = keys.take(db, begun)
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
    tries.keep(db, first, claim.run)
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

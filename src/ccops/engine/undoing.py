"""Undo: an entry of its own that takes back what another entry really changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ccops.engine.errors import NotUndoable, RunAgain
from ccops.engine.request import Request
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry, Origin
from ccops.operations.copying import from_json
from ccops.operations.model import FieldRules
from ccops.operations.occasions import for_undo
from ccops.operations.plan import FieldChange
from ccops.operations.undoing import undo_operation


@dataclass(frozen=True, slots=True)
class Manner:
    """How to undo: past limits and drift, and whether the occasion may run again."""

    force: bool = False
    reopen: bool = False


def check_undoable(ledger: Ledger, entries: Iterable[int], going_on: int | None = None) -> None:
    """Demand that all entries can be undone, before the first one is. Raises NotUndoable, NoSuchEntry.

    What the run `going_on` has undone before it was broken off is no mistake.
    """
    for number in entries:
        entry = ledger.entries.get(number)
        undo = None if entry.undone_by is None else ledger.entries.get(entry.undone_by)
        if entry.status != "applied" and (undo is None or undo.run != going_on):
            raise NotUndoable(entry)
        again = None if entry.undoes is None else ledger.entries.taken_again(entry.undoes)
        if entry.status == "applied" and entry.undoes is not None and again is not None:
            raise RunAgain(entry.id, entry.undoes, again)


def is_to_reopen(entry: Entry, manner: Manner) -> bool:
    """Tell whether all that is asked of an entry is that its occasion may run again: it was taken back before."""
    return manner.reopen and entry.status == "undone" and entry.undoes is None


def reopen(ledger: Ledger, entry_id: int) -> None:
    """Let the occasion of an entry that was taken back run again; nothing is sent."""
    with ledger.locks.contact(ledger.entries.get(entry_id).contact):
        ledger.entries.reopen(ledger.entries.get(entry_id))


def undo_request(
    ledger: Ledger, entry_id: int, rules: Mapping[str, FieldRules], manner: Manner, run: tuple[int, Origin]
) -> Request:
    """Make the request that undoes an entry, as part of a run. Raises NoSuchEntry."""
    entry = ledger.entries.get(entry_id)
    before, after = entry.before or {}, entry.after or {}
    changes = [FieldChange(key, before[key], after[key] or "") for key in before]
    return Request(
        operation=undo_operation(from_json(entry.copy), changes, rules, force=manner.force),
        who=entry.contact,
        occasion=for_undo(entry.id),
        run=run[0],
        origin=run[1],
        undoes=entry.id,
        reopens=manner.reopen,
        followups=None if entry.undoes else entry.followups,
    )


def undoable(ledger: Ledger, run: int) -> list[Entry]:
    """Return the entries of a run that can be undone, newest first; undos are not among them. Raises NoSuchRun."""
    ledger.runs.get(run)
    return [entry for entry in reversed(ledger.entries.of_run(run)) if entry.status == "applied" and not entry.undoes]

"""Undo: an entry of its own that takes back what another entry really changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ccops.engine.errors import NotUndoable, RunAgain
from ccops.engine.outcomes import Outcome, Request, outcome_of
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry, Origin
from ccops.operations.derived import undo_operation
from ccops.operations.model import FieldRules, from_json
from ccops.operations.occasion import for_undo
from ccops.operations.plan import FieldChange


@dataclass(frozen=True, slots=True)
class UndoOptions:
    """How to undo: past limits and drift, and whether the occasion may run again."""

    force: bool = False
    reopen: bool = False


def check_undoable(ledger: Ledger, entries: Iterable[int], going_on: int | None = None) -> None:
    """Demand that all entries can be undone, before the first one is. Raises NotUndoable, RunAgain, NoSuchEntry.

    This spares people half an undo; the ledger asks the same again in the transactions of each claim and send. What
    the run `going_on` has undone before it was broken off is no mistake.
    """
    for number in entries:
        entry = ledger.entries.get(number)
        undo = None if entry.undone_by is None else ledger.entries.get(entry.undone_by)
        if entry.status != "applied" and (undo is None or undo.run != going_on):
            raise NotUndoable(entry)
        again = ledger.entries.taken_for_undo(entry.id) if entry.status == "applied" else None
        if again is not None:
            raise RunAgain(entry.id, again.id)


def is_to_reopen(entry: Entry, manner: UndoOptions) -> bool:
    """Tell whether all that is asked of an entry is that its occasion may run again: it was taken back before."""
    return manner.reopen and entry.status == "undone" and entry.undoes is None


def reopen(ledger: Ledger, entry_id: int) -> Outcome:
    """Let the occasion of an entry that was undone before run again; nothing is sent.

    Raises BroughtBack, ComingBack, NoSuchEntry.
    """
    with ledger.locks.contact(ledger.entries.get(entry_id).contact):
        return _reopened(ledger, ledger.entries.reopen(entry_id), "may")


def foresee_reopening(ledger: Ledger, entry_id: int) -> Outcome:
    """Say what reopening would do. Raises the same."""
    return _reopened(ledger, ledger.entries.check_reopening(entry_id), "could")


def _reopened(ledger: Ledger, entry: Entry, may: str) -> Outcome:
    """Tell of an occasion that is open now: the undo was done before, and is the entry of the outcome."""
    undo = None if entry.undone_by is None else ledger.entries.get(entry.undone_by)
    person, again = ledger.people.by_id(entry.contact), ledger.entries.taken_by(entry.id)
    then = f"its occasion {may} run again now" if again is None else f"its occasion ran again since, as e{again.id}"
    told = outcome_of(undo or entry, None if person is None else person.email or None)
    return replace(told, status="repeated", reason=f"e{entry.id} was taken back by e{entry.undone_by}; {then}")


def undo_request(
    ledger: Ledger, entry_id: int, rules: Mapping[str, FieldRules], manner: UndoOptions, run: tuple[int, Origin]
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
    )


def undoable(ledger: Ledger, run: int) -> list[Entry]:
    """Return the entries of a run that can be undone, newest first; undos are not among them. Raises NoSuchRun."""
    ledger.runs.get(run)
    return [entry for entry in reversed(ledger.entries.of_run(run)) if entry.status == "applied" and not entry.undoes]

"""Chains of undos: whether an entry counts now, and which entries an undo brings back, at any depth.

An entry whose write has arrived counts unless an undo of it counts, and an undo is an entry like any other. The rows
say so in `status` (`applied` counts, `undone` does not), `undone_by` and `reopened`, so that indexes can hold it.
"""

from ccops.ledger.model import Entry
from ccops.ledger.rows import find_entry
from ccops.ledger.sqlite import Transaction


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

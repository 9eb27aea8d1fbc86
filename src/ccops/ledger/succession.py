"""Going on where a ledger stopped that is lost, or of which this one is an older copy."""

from typing import TYPE_CHECKING, Final, cast

from ccops.ledger import chain
from ccops.ledger.sqlite import Row, Transaction
from ccops.operations.occasions import refusal_uses_it_up

if TYPE_CHECKING:
    from ccops.operations.plan import Cause

_GIVEN_UP: Final = "given up when this ledger took over from another"


def give_up_old_numbers(db: Transaction) -> None:
    """See to it that no entry begun so far is ever sent again: its occasion begins a new entry, of a new number.

    The other ledger may have sent an entry of the same number: with its receipt on the contact, nobody could tell
    afterwards whether ours has arrived.
    """
    rows = db.rows("SELECT * FROM entries WHERE reopened = 0 AND status IN ('intended', 'failed', 'refused')")
    for row in filter(_may_be_sent, rows):
        db.run(
            "UPDATE entries SET reopened = 1, reason = COALESCE(reason, :reason),"
            " status = CASE status WHEN 'intended' THEN 'failed' ELSE status END WHERE id = :id",
            reason=_GIVEN_UP,
            id=row["id"],
        )
        chain.restate(db, row["undoes"])  # an undo holds nothing any more that it would have brought back


def first_new_number(db: Transaction, highest_entry: int) -> int:
    """Let the numbers of entries and runs go on behind those of the other ledger; return the first, which stays unused.

    For people: an "e12" or "r3" in an old mail must not name something new. Unused, so that two take-overs in a row
    don't begin at the same number.
    """
    first = max(highest_entry, db.last_number("entries")) + 1
    db.count_on("entries", first)
    db.count_on("runs", highest_entry)
    return first


def _may_be_sent(row: Row) -> bool:
    return row["status"] != "refused" or not refusal_uses_it_up(row["occasion"], cast("Cause", row["cause"]))

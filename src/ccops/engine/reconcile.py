"""What the CRM shows of one field against what the ledger wrote last to it, contact by contact.

Lists lag, so a row that differs is only a suspect: a read by id tells. Contacts that are as the ledger left them cost
no request of their own.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final, Literal

from ccops.clock import Clock
from ccops.crm.base import Contact, Crm
from ccops.engine.batch import WORKERS, spread
from ccops.engine.losses import Loss, losses_of, with_added
from ccops.engine.outcomes import Adoption, Request
from ccops.engine.prepare import FactFinder, missing, stopping
from ccops.engine.verification import (
    ExpectedReceipt,
    ForeignReceipt,
    LateArrival,
    OddReceipt,
    Receipt,
    UnknownReceipt,
    parse_receipt,
)
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry, Origin
from ccops.operations.derived import adopting, restoring
from ccops.operations.model import from_json
from ccops.operations.occasion import for_adjust, for_run

Value = str | None
DifferenceKind = Literal["by-hand", "lost", "open", "parked", "unclear"]

_PAGE: Final = 1000
"""Rows that the ledger is asked about at once: a page of Kit's lists."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A contact whose field is not as the ledger wrote it last. There may be very many."""

    contact: int
    email: str
    kept: Value
    """What the ledger wrote, and what late writes took of it since."""
    found: Value
    """What the CRM shows, by a read that is not stale."""
    last: int
    """The entry that wrote it."""
    kind: DifferenceKind
    reason: str | None = None
    """What else is odd, or why it is not known whether a hand did it."""
    unsure: int | None = None
    """The entry whose write may have arrived or not."""
    mend: str | None = None
    """The command that gives back what was lost."""


@dataclass(slots=True)
class Counts:
    """How many contacts were looked at, and what they were; those that differ are not among them."""

    same: int = 0
    never: int = 0
    """Never written to by this ledger."""
    gone: int = 0
    """Written to, but not in the CRM's list any more."""
    looks: int = 0
    """Suspects that were read by id."""
    whole: bool = False
    """Whether all contacts were gone through."""


_Fate = Literal["same", "never", "gone"]


class Comparing:
    """Compares one field of all contacts; the ledger may be opened for reading only."""

    def __init__(self, ledger: Ledger, crm: Crm, clock: Clock, field: str) -> None:
        self._ledger = ledger
        self._crm = crm
        self._facts = FactFinder(ledger, crm, clock)
        self._field = field
        # To write a value back needs the fields that a comparison needs.
        self._operation = restoring(field, None, None, "UTC")
        lineage = ledger.identity.lineage
        self._known = lineage.accepted | {name for name, _ in lineage.own}
        self.counts = Counts()

    def differences(
        self, rows: Iterable[Contact], stop: Callable[[], bool], step: Callable[[], None]
    ) -> Iterator[Difference]:
        """Give the contacts that differ, as they are found; `step` is called for each that was looked at.

        Raises FieldGone, ReceiptFieldGone, ReceiptFieldOurs, and at a contact of another ledger what ends a run.
        """
        found, looks = 0, (partial(self._look, row) for row in self._suspects(rows, stop, step))
        for fate in spread(looks, WORKERS, stop):
            self.counts.looks += 1
            if isinstance(fate, Difference):
                found += 1
                yield fate
            else:
                self._count(fate)
        if self.counts.whole:
            written = self._ledger.fields.contacts(self._field)
            self.counts.gone = max(written - self.counts.same - found, 0)

    def _suspects(
        self, rows: Iterable[Contact], stop: Callable[[], bool], step: Callable[[], None]
    ) -> Iterator[Contact]:
        """Give the rows that differ from the ledger, or show a receipt that it does not know; count the others."""
        listed = iter(rows)
        while page := list(islice(listed, _PAGE)):
            self._demand(page[0])
            last = self._ledger.fields.last(self._field, [row.id for row in page])
            highest = self._ledger.entries.highest()
            # Their last value may be right while the sum of their changes is not.
            overwritten = set(self._ledger.fields.overwritten([row.id for row in page]))
            for row in page:
                if stop():
                    return
                step()
                entry = last.get(row.id)
                differs = entry is not None and not self._is_same(entry, row)
                if differs or self._is_unknown(row, highest) or (row.id in overwritten and self._lost(row.id)):
                    yield row
                else:
                    self._count("never" if entry is None else "same")
        self.counts.whole = True

    def _look(self, suspect: Contact) -> Difference | _Fate:
        """Read a suspect by id, and judge it once the ledger did not move meanwhile."""
        stood = self._standing(suspect.id)
        while True:
            contact, before, stood = self._crm.contact(suspect.id), stood, self._standing(suspect.id)
            if contact is None:
                return "gone"
            if stood == before:
                return self._judge(contact, *stood)

    def _standing(self, contact: int) -> tuple[Entry | None, Entry | None]:
        fields = self._ledger.fields
        return fields.last(self._field, [contact]).get(contact), fields.unsure(self._field, contact)

    def _judge(self, contact: Contact, last: Entry | None, unsure: Entry | None) -> Difference | _Fate:
        self._demand(contact)
        verdict = self._facts.receipt_of(contact)
        if isinstance(verdict, ForeignReceipt | UnknownReceipt):
            raise stopping(verdict, contact, self._facts.own)
        if last is None:
            return "never"
        lost = self._lost(contact.id, contact)
        if lost:
            return self._difference_lost(contact, last, lost)
        if self._is_same(last, contact):
            return "same"
        kept, found = (last.after or {}).get(self._field), contact.fields[self._field]
        kind, reason = _explained(verdict, unsure)
        if reason is None and self._is_taken_over(contact):
            reason = "changed by the ledger that was taken over"
        number = None if unsure is None else unsure.id
        return Difference(contact.id, contact.email, kept or None, found or None, last.id, kind, reason, number)

    def _lost(self, contact: int, shown: Contact | None = None) -> list[Loss]:
        """Return what late writes took of the field."""
        return [loss for loss in losses_of(self._ledger, contact, shown) if loss.overwritten(self._field)]

    def _difference_lost(self, contact: Contact, last: Entry, losses: list[Loss]) -> Difference:
        """Compare what the contact has with the sum of what the entries changed."""
        kept, found = (last.after or {}).get(self._field), contact.fields[self._field]
        for loss in losses:
            what = loss.overwritten(self._field)
            if loss.over is not None and what is not None:
                kept = with_added(kept, what.amount)
        reason = "; ".join(f"{loss.text}: {loss.command}" for loss in losses)
        first = losses[0].command
        return Difference(contact.id, contact.email, kept or None, found or None, last.id, "lost", reason, mend=first)

    def _is_same(self, entry: Entry, contact: Contact) -> bool:
        return ((entry.after or {}).get(self._field) or "") == (contact.fields.get(self._field) or "")

    def _is_unknown(self, row: Contact, highest: int) -> bool:
        """Tell whether a row's receipt is one that this ledger can't have written; an older one of its own is no news.

        Each page is there before the ledger is asked for its highest number.
        """
        receipt = parse_receipt(row.fields.get(self._ledger.identity.receipt_field) or "")
        if receipt is None:
            return False
        ledger, number, _ = receipt
        return ledger not in self._known or (ledger == self._ledger.identity.lineage.current and number > highest)

    def _is_taken_over(self, contact: Contact) -> bool:
        """Tell whether a receipt, of which it is known that it fits, is of no entry of this ledger."""
        receipt = parse_receipt(contact.fields[self._ledger.identity.receipt_field] or "")
        if receipt is None:
            return False
        entry = self._ledger.entries.find(receipt[1])
        return entry is None or self._ledger.identity.lineage.of(entry.id) != receipt[0]

    def _demand(self, contact: Contact) -> None:
        error = missing(self._operation, contact, self._ledger.identity.receipt_field)
        if error is not None:
            raise error

    def _count(self, fate: _Fate) -> None:
        if fate == "same":
            self.counts.same += 1
        elif fate == "never":
            self.counts.never += 1


def _explained(verdict: Receipt, unsure: Entry | None) -> tuple[DifferenceKind, str | None]:
    """Say whether a hand changed a contact, as far as its receipt and its open entries can tell."""
    if unsure is not None:
        return ("parked", f"e{unsure.id} needs you") if unsure.status == "parked" else ("open", f"e{unsure.id} is open")
    match verdict:
        case LateArrival(late):
            return "unclear", f"the write of e{late.id}, taken for lost, came late"
        case OddReceipt(reason):
            return "unclear", reason
        case ExpectedReceipt(warning):
            return "by-hand", warning
        case _:
            return "by-hand", None


# ---- the requests by which Kit and ledger agree again about a field: the ledger's value holds, or the hand change
# does


def restore_of(difference: Difference, field: str, timezone: str, run: tuple[int, Origin]) -> Request:
    """Make the request that writes back what the ledger wrote last, as part of a run."""
    operation = restoring(field, difference.kept, difference.found, timezone)
    return Request(operation, difference.contact, for_adjust(field, for_run(run[0])), *run)


def adoption_of(difference: Difference, field: str, timezone: str, run: tuple[int, Origin]) -> Adoption:
    """Make the request that enters a hand change as it is, as part of a run."""
    operation = adopting(field, difference.found, timezone)
    request = Request(operation, difference.contact, for_adjust(field, for_run(run[0])), *run)
    return Adoption(request, difference.email, {field: difference.kept}, {field: difference.found}, difference.last)


def go_on_with(entry: Entry, origin: Origin) -> Request:
    """Make the request again that an entry of a run was begun for."""
    return Request(from_json(entry.copy), entry.contact, entry.occasion, entry.run, origin)

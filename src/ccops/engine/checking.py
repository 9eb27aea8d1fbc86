"""What a read must show before anything is written, and an answer before it is believed."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from ccops.clock import Clock
from ccops.crm.base import Contact
from ccops.engine.errors import ClockWrong, FieldGone, LedgerBehind, OtherLedger, ReceiptFieldGone, ReceiptFieldOurs
from ccops.engine.judgement import (
    Ahead,
    Copied,
    Fits,
    LateArrival,
    Odd,
    Receipt,
    Stranger,
    arrived_whole,
    doubt_of_resend,
    is_accepted,
    judge_receipt,
    judge_rows,
    may_be_newer_copys,
)
from ccops.engine.release import needs_release
from ccops.engine.work import Work
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry, Standing
from ccops.operations.model import Operation
from ccops.operations.plan import fields_read
from ccops.text import clean

DRIFT: Final = timedelta(seconds=60)
"""By which this machine's clock may differ from the CRM's; more is refused, whatever the occasion is taken from.

Occasions are told apart by seconds and periods begin at midnight: a clock that is wrong by a minute counts wrongly for
a minute. One that takes its time from the network is right within a second, and what the way of an answer and its
whole seconds can explain is no difference (`Crm.clock_ahead`): no healthy machine is refused.
"""


class Checker:
    """Checks contacts against one ledger."""

    def __init__(self, ledger: Ledger, clock: Clock, read: Callable[[int], Contact | None]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._read = read
        """Reads a contact by id."""

    def check(self, work: Work, operation: Operation, contact: Contact, standing: Standing) -> None:
        """Demand that all fields exist and that the receipt fits; what does not fit ends the entry, or the run.

        `standing` is the contact's. Raises FieldGone, ReceiptFieldGone, ReceiptFieldOurs, OtherLedger, LedgerBehind:
        then nothing was written.
        """
        self._demand_fields(work, operation, contact)
        entries, receipt_field = self._ledger.entries, self._ledger.identity.receipt_field
        match self._judged(contact, standing):
            case Fits(warning):
                doubt = doubt_of_resend(work.entry, contact.fields, receipt_field, standing)
                work.warnings.extend([warning] if warning else [])
                work.entry = entries.park(work.entry, doubt, self._clock.now()) if doubt else work.entry
            case Odd(reason, late):
                self._park_late(late)
                if self._again(work).status == "intended":
                    work.entry = entries.park(work.entry, reason, self._clock.now())
            case LateArrival(late, known=True) if late.status == "intended" and arrived_whole(late, contact.fields):
                entries.arrive(late, self._clock.now(), released=not needs_release(late))
                self._again(work)
            case LateArrival(late):
                self._park_late(late)
                work.warnings.append(f"the write of e{late.id} arrived late; it needs you: ccops settle")
                self._again(work)
            case Stranger() | Ahead() as verdict:
                error = stopping(verdict, contact, self._ledger)
                if not work.entry.sends:  # else its own write may still have to be settled
                    entries.fail(work.entry, error.reason, self._clock.now())
                raise error

    def check_clock(self, work: Work, ahead: timedelta | None) -> None:
        """Demand that the clock goes with the CRM's, as the read showed. Raises ClockWrong: nothing was written."""
        error = self.clock_fault(ahead)
        if error is not None:
            # Failed holds no period and uses nothing up: the next try counts by the right clock.
            self._ledger.entries.fail(work.entry, error.reason, self._clock.now())
            raise error

    def clock_fault(self, ahead: timedelta | None) -> ClockWrong | None:
        """Return what to say if this machine's clock is wrong; what nobody knows yet is no fault."""
        return ClockWrong(self._clock.now(), ahead) if ahead is not None and abs(ahead) > DRIFT else None

    def receipt_of(self, contact: Contact) -> Receipt:
        """Judge the receipt that a contact shows."""
        return self._judged(contact, self._ledger.entries.standing(contact.id))

    def vouches_for(self, row: Contact, operation: Operation, standing: Standing) -> bool:
        """Tell whether a row of a list, which may be minutes old, is as good as a read.

        It is if nobody but us writes what the operation touches, no write of ours is under way, and the row shows our
        last one to the contact, by its receipt and by its values. Of these, the caller looks for a write under way.
        """
        ours = {change.field for change in operation.changes if change.sole_writer}
        needed = fields_read(operation)
        if not needed <= ours or not needed <= row.fields.keys():
            return False
        identity, last = self._ledger.identity, standing.last
        if last is None or last.status != "applied" or standing.parked or standing.accepted or standing.loose:
            return False
        left = {**(last.after or {}), identity.receipt_field: identity.lineage.receipt(last.id, last.sends)}
        return echoed(left, row.fields)

    def missing(self, operation: Operation, contact: Contact) -> FieldGone | ReceiptFieldGone | ReceiptFieldOurs | None:
        """Return what to say if a field that the operation needs is not among the contact's, or not for operations."""
        receipt_field = self._ledger.identity.receipt_field
        if any(change.field == receipt_field for change in operation.changes):
            return ReceiptFieldOurs(receipt_field, operation.name)
        if receipt_field not in contact.fields:
            return ReceiptFieldGone(receipt_field)
        gone = sorted(key for key in fields_read(operation) if key not in contact.fields)
        known = [key for key in contact.fields if key != receipt_field]
        return FieldGone(gone[0], operation.name, known) if gone else None

    def _judged(self, contact: Contact, standing: Standing) -> Receipt:
        identity = self._ledger.identity
        verdict = self._raw(contact, standing)
        if isinstance(verdict, Copied):
            return self._of_copy(verdict.entry, contact, standing)
        if not isinstance(verdict, Fits) or is_accepted(contact.fields, identity.receipt_field, standing):
            return verdict
        return judge_rows(contact.fields, standing) or verdict

    def _raw(self, contact: Contact, standing: Standing) -> Receipt | Copied:
        identity = self._ledger.identity
        return judge_receipt(contact, identity.receipt_field, standing, identity.lineage, self._ledger.entries.find)

    def _of_copy(self, entry: Entry, contact: Contact, standing: Standing) -> Odd | Ahead:
        """Judge a receipt of another contact's change, by what that contact shows now."""
        owner, field = self._read(entry.contact), self._ledger.identity.receipt_field
        # One that is gone from the CRM was merged, perhaps.
        if owner is not None and field in owner.fields:
            theirs = self._raw(owner, self._ledger.entries.standing(owner.id))
            if isinstance(theirs, Stranger | Ahead):
                return Ahead()
        person = self._ledger.people.by_id(entry.contact)
        name = person.email if person is not None and person.email else f"contact {entry.contact}"
        return Odd(copied_text(entry, name, in_doubt=may_be_newer_copys(entry, standing, contact.fields)))

    def _park_late(self, late: Entry | None) -> None:
        """Let a person look at an entry that had come to nothing, or was to be sent again, when its write arrived."""
        if late is not None and late.status in {"intended", "refused", "failed"}:
            reason = f"it was {late.status}, but its write arrived late: Kit shows it"
            self._ledger.entries.park(late, reason, self._clock.now())

    def _again(self, work: Work) -> Entry:
        """Look the entry in hand up again: what came late may be its own write, or hold its period."""
        work.entry = self._ledger.entries.get(work.entry.id)
        return work.entry

    def _demand_fields(self, work: Work, operation: Operation, contact: Contact) -> None:
        error = self.missing(operation, contact)
        if error is not None:
            # Failed, not intended: the next try takes the operation as it stands in the registry then.
            self._ledger.entries.fail(work.entry, error.reason, self._clock.now())
            raise error


def copied_text(entry: Entry, owner: str, *, in_doubt: bool) -> str:
    """Say that a contact shows the receipt of another one's change."""
    other = ", or a newer copy of this ledger is at work elsewhere" if in_doubt else ""
    found = f"its receipt is that of e{entry.id}, a change of {clean(owner)}"
    return f"{found}; Kit's import or a merge may have copied it{other}"


def stopping(verdict: Stranger | Ahead, contact: Contact, ledger: Ledger) -> OtherLedger | LedgerBehind:
    """Return the error that ends a run at a contact which another ledger has written to."""
    receipt = contact.fields[ledger.identity.receipt_field] or ""
    home = ledger.database.path.parent
    if isinstance(verdict, Ahead):
        return LedgerBehind(contact.id, receipt, home)
    return OtherLedger(contact.id, receipt, ledger.identity.lineage.current, home)


def echoed(sent: Mapping[str, str | None], echo: Mapping[str, str | None]) -> bool:
    """Whether an answer shows every field as it was sent; an emptied one may come back as null."""
    return all(key in echo and (echo[key] or "") == (value or "") for key, value in sent.items())

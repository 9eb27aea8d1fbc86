"""What is to become of one entry, decided from what a contact shows and the ledger knows: the one protocol.

`prepare` is pure and total. `apply` executes its verdict, a dry run shows it and stops, `batch` executes those of many
contacts in one request: nothing is written that it did not allow.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from ccops.clock import Clock
from ccops.crm.base import Contact, Crm
from ccops.engine.errors import (
    ClockWrong,
    FieldGone,
    LedgerBehind,
    OtherLedger,
    ReceiptFieldGone,
    ReceiptFieldOurs,
)
from ccops.engine.outcomes import NO_SUCH_CONTACT
from ccops.engine.verification import (
    CopiedReceipt,
    ExpectedReceipt,
    ForeignReceipt,
    LateArrival,
    OddReceipt,
    Receipt,
    UnknownReceipt,
    arrived_whole,
    copied_text,
    doubt_of_resend,
    echoed,
    is_accepted,
    judge_receipt,
    judge_rows,
    may_be_newer_copys,
    parse_receipt,
)
from ccops.ledger.claims import counted_late, overtaken
from ccops.ledger.identity import Lineage
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry, Standing, Status
from ccops.operations.model import Operation
from ccops.operations.plan import Plan, fields_read, plan
from ccops.operations.refusal import Cause, Refusal

DRIFT: Final = timedelta(seconds=60)
"""By which this machine's clock may differ from the CRM's; more is refused, whatever the occasion is taken from.

Occasions are told apart by seconds and periods begin at midnight: a clock that is wrong by a minute counts wrongly for
a minute. One that takes its time from the network is right within a second, and what the way of an answer and its
whole seconds can explain is no difference (`Crm.clock_ahead`): no healthy machine is refused.
"""

Stopping = ClockWrong | FieldGone | ReceiptFieldGone | ReceiptFieldOurs | OtherLedger | LedgerBehind


@dataclass(frozen=True, slots=True)
class Send:
    """Nothing speaks against it: the planned values go out."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Refuse:
    """A rule of the operation speaks against it."""

    cause: Cause
    reason: str


@dataclass(frozen=True, slots=True)
class Fail:
    """It can't be done for this contact."""

    reason: str


@dataclass(frozen=True, slots=True)
class Park:
    """A person has to look at it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """An earlier write of this very entry has arrived, later than it was waited for."""


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Another entry, whose write came late, holds the occasion or the period; the ledger refuses this one for it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Something is wrong that the other contacts share, perhaps; nothing is written."""

    error: Stopping
    ends: bool
    """Whether the entry comes to nothing; else its own earlier write may still have to be settled."""


Verdict = Send | Refuse | Fail | Park | Arrived | Overtaken | Stop


@dataclass(frozen=True, slots=True)
class LateEntry:
    """What the contact shows of another entry: its write came late."""

    entry: Entry
    become: Literal["applied", "parked"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A verdict, and what has to be committed before it."""

    verdict: Verdict
    late: LateEntry | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that is to be brought to its end, or one that is yet to be claimed."""

    operation: Operation
    occasion: str
    period: str | None = None
    entry: Entry | None = None
    """As it stands, but `intended`; None: it is yet to be claimed."""
    brings_back: tuple[Entry, ...] = ()
    """Of an undo: the entries that would count again."""

    def shared_with(self, other: Entry) -> str | None:
        """Say what only one of this and another entry, both of one contact, can hold; None if they share nothing."""
        if self.operation.name == other.operation and self.occasion == other.occasion:
            return "this occasion"
        if self.operation.name == other.operation and self.period is not None and self.period == other.period:
            return "this period"
        shared = any(
            each.operation == other.operation
            and (each.occasion == other.occasion or (each.period is not None and each.period == other.period))
            for each in self.brings_back
        )
        return "what it would bring back" if shared else None


@dataclass(frozen=True, slots=True)
class Own:
    """What a ledger knows of itself, and writes to contacts by."""

    receipt_field: str
    lineage: Lineage
    home: Path


@dataclass(frozen=True, slots=True)
class Owner:
    """The contact that a copied receipt belongs to."""

    name: str
    contact: Contact | None
    """As the CRM shows it now; None if it is gone: merged, perhaps."""
    standing: Standing
    of_receipt: Entry | None
    """The entry that the owner's own receipt names."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a verdict rests on, beside the candidate itself."""

    contact: Contact | None
    """As it was shown; None if the CRM has no such contact."""
    is_known: bool
    """Whether the ledger has met the contact."""
    standing: Standing
    own: Own
    of_receipt: Entry | None
    """The entry that the contact's receipt names, if the ledger has it."""
    holds: tuple[Entry, ...]
    """That entry, and those that it would bring back if its write had arrived after all."""
    owner: Owner | None
    """Whose receipt the contact shows, if it is another one's."""
    clock_ahead: timedelta | None
    now: datetime


def prepare(candidate: Candidate, facts: Facts) -> Prepared:
    """Decide what is to become of an entry. It asks nobody and changes nothing, and it never fails."""
    contact, entry = facts.contact, candidate.entry
    if contact is None:
        return Prepared(Fail("no longer in Kit" if facts.is_known else NO_SUCH_CONTACT))
    fault = clock_fault(facts.now, facts.clock_ahead) or missing(candidate.operation, contact, facts.own.receipt_field)
    if fault is not None:
        return Prepared(Stop(fault, ends=True))
    if entry is not None and facts.of_receipt is not None and facts.of_receipt.id == entry.id:
        facts = replace(facts, of_receipt=entry)
    return _by_receipt(candidate, contact, facts)


def _by_receipt(candidate: Candidate, contact: Contact, facts: Facts) -> Prepared:
    entry = candidate.entry
    match judge(contact, facts):
        case ExpectedReceipt(warning):
            field = facts.own.receipt_field
            doubt = None if entry is None else doubt_of_resend(entry, contact.fields, field, facts.standing)
            verdict = Park(doubt) if doubt else _planned(candidate.operation, contact, facts.now)
            return Prepared(verdict, warnings=(warning,) if warning else ())
        case OddReceipt(reason, late):
            return _after(None if late is None else _parked(late), Park(reason), candidate, facts)
        case LateArrival(late, known=True) if late.status == "intended" and arrived_whole(late, contact.fields):
            planned = _planned(candidate.operation, contact, facts.now)
            return _after(LateEntry(late, "applied"), planned, candidate, facts)
        case LateArrival(late):
            planned = _planned(candidate.operation, contact, facts.now)
            warning = f"the write of e{late.id} arrived late; it needs you: ccops settle"
            return replace(_after(_parked(late), planned, candidate, facts), warnings=(warning,))
        case ForeignReceipt() | UnknownReceipt() as verdict:
            error = stopping(verdict, contact, facts.own)
            return Prepared(Stop(error, ends=entry is None or not entry.sends))


def _planned(operation: Operation, contact: Contact, now: datetime) -> Send | Refuse:
    planned = plan(operation, contact.fields, now)
    return Refuse(planned.cause, planned.reason) if isinstance(planned, Refusal) else Send(planned)


def _parked(late: Entry) -> LateEntry | None:
    """Let a person look at an entry that had come to nothing, or was to be sent again, when its write arrived."""
    if late.status not in {"intended", "refused", "failed"}:
        return None
    return LateEntry(late, "parked", f"it was {late.status}, but its write arrived late: Kit shows it")


def _after(step: LateEntry | None, verdict: Verdict, candidate: Candidate, facts: Facts) -> Prepared:
    """Return the verdict once a late entry is where it belongs: that may be the candidate, or take its place."""
    if step is None:
        return Prepared(verdict)
    if candidate.entry is not None and step.entry.id == candidate.entry.id:
        return Prepared(Arrived() if step.become == "applied" else Park(step.reason), step)
    for held in facts.holds:
        shared = candidate.shared_with(held)
        if shared is not None:
            return Prepared(Overtaken(overtaken(shared, counted_late(held.id, step.entry.id))), step)
    return Prepared(verdict, step)


# ---- what the contact shows


def judge(contact: Contact, facts: Facts) -> Receipt:
    """Judge the receipt that a contact shows."""
    own, standing = facts.own, facts.standing
    verdict = judge_receipt(contact, own.receipt_field, standing, own.lineage, lambda _: facts.of_receipt)
    if isinstance(verdict, CopiedReceipt):
        return _of_copy(verdict.entry, contact, facts)
    if not isinstance(verdict, ExpectedReceipt) or is_accepted(contact.fields, own.receipt_field, standing):
        return verdict
    return judge_rows(contact.fields, standing) or verdict


def _of_copy(entry: Entry, contact: Contact, facts: Facts) -> OddReceipt | UnknownReceipt:
    """Judge a receipt of another contact's change, by what that contact shows now."""
    own, owner = facts.own, facts.owner
    # One that is gone from the CRM was merged, perhaps.
    if owner is not None and owner.contact is not None and own.receipt_field in owner.contact.fields:
        theirs = judge_receipt(
            owner.contact, own.receipt_field, owner.standing, own.lineage, lambda _: owner.of_receipt
        )
        if isinstance(theirs, ForeignReceipt | UnknownReceipt):
            return UnknownReceipt()
    name = f"contact {entry.contact}" if owner is None else owner.name
    in_doubt = may_be_newer_copys(entry, facts.standing, contact.fields)
    return OddReceipt(copied_text(entry, name, in_doubt=in_doubt))


def clock_fault(now: datetime, ahead: timedelta | None) -> ClockWrong | None:
    """Return what to say if this machine's clock is wrong; what is not known yet is no fault."""
    return ClockWrong(now, ahead) if ahead is not None and abs(ahead) > DRIFT else None


def missing(
    operation: Operation, contact: Contact, receipt_field: str
) -> FieldGone | ReceiptFieldGone | ReceiptFieldOurs | None:
    """Return what to say if a field that the operation needs is not among the contact's, or not for operations."""
    if any(change.field == receipt_field for change in operation.changes):
        return ReceiptFieldOurs(receipt_field, operation.name)
    if receipt_field not in contact.fields:
        return ReceiptFieldGone(receipt_field)
    gone = sorted(key for key in fields_read(operation) if key not in contact.fields)
    known = [key for key in contact.fields if key != receipt_field]
    return FieldGone(gone[0], operation.name, known) if gone else None


def stopping(verdict: ForeignReceipt | UnknownReceipt, contact: Contact, own: Own) -> OtherLedger | LedgerBehind:
    """Return the error that ends a run at a contact which another ledger has written to."""
    receipt = contact.fields[own.receipt_field] or ""
    if isinstance(verdict, UnknownReceipt):
        return LedgerBehind(contact.id, receipt, own.home)
    return OtherLedger(contact.id, receipt, own.lineage.current, own.home)


# ---- where the facts come from


class FactFinder:
    """Gathers what a verdict rests on, from one ledger and, for a receipt of another contact, from the CRM."""

    def __init__(self, ledger: Ledger, crm: Crm, clock: Clock) -> None:
        self._ledger, self._crm, self._clock = ledger, crm, clock

    @property
    def own(self) -> Own:
        """What the ledger knows of itself."""
        identity = self._ledger.identity
        return Own(identity.receipt_field, identity.lineage, self._ledger.database.path.parent)

    def candidate(self, entry: Entry, operation: Operation) -> Candidate:
        """Return an entry as the candidate that it is."""
        back = self._ledger.entries.brought_back_by(entry.undoes)
        return Candidate(operation, entry.occasion, entry.period, replace(entry, status=Status.INTENDED), back)

    def facts(self, number: int, contact: Contact | None, standing: Standing | None = None) -> Facts:
        """Gather what is known of a contact, by its id, that was shown like this; None: the CRM has none."""
        entries, own = self._ledger.entries, self.own
        standing = entries.standing(number) if standing is None else standing
        is_known = contact is not None or self._ledger.people.by_id(number) is not None
        of_receipt = None if contact is None else self._of_receipt(contact, own)
        owner = None
        if contact is not None and of_receipt is not None and of_receipt.contact != number:
            verdict = judge_receipt(contact, own.receipt_field, standing, own.lineage, lambda _: of_receipt)
            owner = self._owner(verdict.entry, own) if isinstance(verdict, CopiedReceipt) else None
        holds = () if of_receipt is None else (of_receipt, *entries.brought_back_by(of_receipt.undoes))
        ahead, now = self._crm.clock_ahead, self._clock.now()
        return Facts(contact, is_known, standing, own, of_receipt, holds, owner, ahead, now)

    def receipt_of(self, contact: Contact) -> Receipt:
        """Judge the receipt that a contact shows, which has the field for it."""
        return judge(contact, self.facts(contact.id, contact))

    def vouches_for(self, row: Contact, operation: Operation, standing: Standing) -> bool:
        """Tell whether a row of a list, which may be minutes old, is as good as a read.

        It is if nobody but us writes what the operation touches, no write of ours is under way, and the row shows our
        last one to the contact, by its receipt and by its values. Of these, the caller looks for a write under way.
        """
        ours = {change.field for change in operation.changes if change.sole_writer}
        needed = fields_read(operation)
        if not needed <= ours or not needed <= row.fields.keys():
            return False
        last = standing.last
        if last is None or last.status != "applied" or standing.parked or standing.accepted or standing.loose:
            return False
        own = self.own
        left = {**(last.after or {}), own.receipt_field: own.lineage.receipt(last.id, last.sends)}
        return echoed(left, row.fields)

    def _of_receipt(self, contact: Contact, own: Own) -> Entry | None:
        receipt = parse_receipt(contact.fields.get(own.receipt_field) or "")
        return None if receipt is None else self._ledger.entries.find(receipt[1])

    def _owner(self, entry: Entry, own: Own) -> Owner:
        person, contact = self._ledger.people.by_id(entry.contact), self._crm.contact(entry.contact)
        name = person.email if person is not None and person.email else f"contact {entry.contact}"
        of_receipt = None if contact is None else self._of_receipt(contact, own)
        return Owner(name, contact, self._ledger.entries.standing(entry.contact), of_receipt)

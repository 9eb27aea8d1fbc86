"""How one change is applied to one contact: claim, read, prepare, send, write, confirm, release, and settle.

Each step is a durable commit made before the act that it names, so that a crash anywhere, and then the same request
again, ends with the operation applied exactly once. Nothing else writes to a contact's fields, but for `batch`, which
executes the same verdicts.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from ccops.clock import Clock
from ccops.crm.base import Contact, Crm, Missing, NotSent, OutcomeUnknown, Rejected
from ccops.engine.errors import KeptFailing
from ccops.engine.outcomes import (
    FRESH,
    Adoption,
    ContactRead,
    Outcome,
    Request,
    WorkItem,
    claim_of,
    left_out_reason,
    moved,
    not_found,
    outcome_of,
    told,
    why_not_undone,
)
from ccops.engine.prepare import (
    FactFinder,
    Fail,
    LateEntry,
    Park,
    Refuse,
    Send,
    Stop,
    Verdict,
    clock_fault,
    prepare,
)
from ccops.engine.tags import TagUpdater, needs_release
from ccops.engine.verification import echoed, judge_settlement
from ccops.errors import CredentialRefused
from ccops.ledger.errors import UndoStopped
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Claimed, Entry, Standing
from ccops.operations.model import Operation, from_json
from ccops.operations.plan import Plan
from ccops.text import same_address

AHEAD: Final = timedelta(seconds=5)
"""A send that is noted for so long after now was noted by a clock that was wrong."""

TRIES: Final = 5
"""How often one call tries to bring an entry to its end while its writes certainly do not arrive."""


class Applier:
    """Applies requests; several threads and processes may use one ledger at once."""

    def __init__(self, ledger: Ledger, crm: Crm, clock: Clock, settle_after: timedelta) -> None:
        self.ledger = ledger
        self.crm = crm
        self.clock = clock
        self._settle_after = settle_after
        self.releaser = TagUpdater(ledger, crm, clock)
        self.facts = FactFinder(ledger, crm, clock)

    def apply(self, request: Request) -> Outcome:
        """Run an operation on a contact for its occasion, or say why not."""
        return (self._on_whom(request) or not_found(request)).to(request)

    def _on_whom(self, request: Request) -> Outcome | None:
        """Work on the contact that is asked for; None if there is none."""
        if isinstance(request.who, int):
            return self._on(request, request.who)
        known = self.ledger.people.by_email(request.who)
        outcome = None if known is None else self._on(request, known.id)
        if outcome is not None:
            return outcome
        row = self.crm.find(request.who)
        outcome = None if row is None else self._on(request, row.id)
        if outcome is not None or (row is None and known is None):
            return outcome
        return self._moved(request, request.who, row)

    def _moved(self, request: Request, email: str, row: Contact | None) -> Outcome | None:
        """Say which address the contact has now that had this one; None if that is not known.

        Nothing is written by an old address: lists lag, so that another contact may have it already.
        """
        if row is not None:
            self.ledger.people.met_before(row.id, row.email)
        person = self.ledger.people.by_email(email)
        return None if person is None or same_address(person.email, email) else moved(request, person)

    def finish(self, entry_id: int) -> Outcome:
        """Bring an entry that was begun to its end, as the command that began it would."""
        contact = self.ledger.entries.get(entry_id).contact
        with self.ledger.locks.contact(contact):
            # Read under the lock: its own command may have ended it meanwhile.
            work = WorkItem(self.ledger.entries.get(entry_id))
            if work.entry.status.is_final:
                work.entry = self.releaser.release(work.entry, work.warnings)
            return self._carry_out(work)

    def read(self, contact: int, known: str | None = None) -> ContactRead:
        """Read a contact by id, once there is allowance for this request and the write after it.

        Its address is remembered, unless it is the one by which the ledger is known to know it.
        """
        self.crm.reserve(2)
        at = self.clock.now()
        found = self.crm.contact(contact)
        if found is not None and found.email != known:
            self.ledger.people.seen(found.id, found.email)
        return ContactRead(found, at)

    # ---- claim

    def _on(self, request: Request, contact: int) -> Outcome | None:
        """Work on one contact, alone; None if an address was asked for that is not the contact's (any more)."""
        with self.ledger.locks.contact(contact):
            done = self._done(request, contact) if isinstance(request.who, str) else None
            if done is not None:
                return self._answer(request, done, None)
            read = None
            if isinstance(request.who, str) or (request.restricts and request.row is None):
                read = self.read(contact)
            if isinstance(request.who, str):
                found = None if read is None else read.contact
                if found is None or not same_address(found.email, request.who):
                    return None
            shown = request.row if read is None else read.contact
            if shown is not None and request.restricts and shown.state not in request.states:
                return self._leave_out(request, shown)
            claimed, known = self._claimed(request, contact)
            if claimed.kind == "coming back" and claimed.holder is not None:
                self._carry_out(WorkItem(claimed.holder))
                read, (claimed, known) = None, self._claimed(request, contact)
            return self._answer(request, claimed, read, known)

    def _claimed(self, request: Request, contact: int) -> tuple[Claimed, str | None]:
        """Claim, and remember in the same commit a contact that only a list has shown so far.

        Also returns by which address such a contact is known.
        """
        claim, row = claim_of(request, contact, self.clock.now()), request.row
        if row is None:
            return self.ledger.entries.claim(claim), None
        with self.ledger.at_once():
            known = self.ledger.people.met(row.id, row.email)
            return self.ledger.entries.claim(claim), known

    def _done(self, request: Request, contact: int) -> Claimed | None:
        """Return the answer if the very run that goes on now has done it: then the address was looked at already."""
        claimed = self.ledger.entries.look(claim_of(request, contact, self.clock.now()))
        mine = claimed.entry is not None and claimed.entry.run == request.run
        return claimed if mine and claimed.kind == "repeated" else None

    def _leave_out(self, request: Request, contact: Contact) -> Outcome:
        """Enter that a contact is left out because of its state; its tag stays, and fires once the state fits."""
        self.ledger.people.met(contact.id, contact.email)
        reason = left_out_reason(request, contact.state)
        entry = self.ledger.entries.leave_out(claim_of(request, contact.id, self.clock.now()), reason)
        if entry.status.has_arrived:
            return self._answer(request, Claimed("repeated", entry), None)
        return outcome_of(entry, self._email(entry))

    def _answer(
        self, request: Request, claimed: Claimed, read: ContactRead | None, known: str | None = None
    ) -> Outcome:
        if claimed.entry is not None and claimed.kind in {"begun", "taken up", "tried again"}:
            return self._carry_out(WorkItem(claimed.entry, read, request.row, known, look=request.look))
        if claimed.kind == "coming back" and claimed.holder is not None:
            return replace(told(request, claimed, self._email(claimed.holder)), due=self.due(claimed.holder))
        warnings: list[str] = []
        if claimed.entry is not None and claimed.kind in {"repeated", "refused before", "period"}:
            self.releaser.release(claimed.entry, warnings, request.look)
        return told(request, claimed, self._email(claimed.entry), tuple(warnings))

    # ---- from the claim to the end

    def _carry_out(self, work: WorkItem) -> Outcome:
        """Bring an entry to its end, after the one of its contact whose write is under way or lost."""
        blocking = self.ledger.entries.sending(work.entry.contact)
        if blocking is not None and blocking.id != work.entry.id:
            first = WorkItem(blocking, work.read)
            self._bring_to_end(first)
            if first.entry.status == "sending":
                return outcome_of(work.entry, self._email(work.entry), due=self.due(first.entry))
            # It may have been overtaken by what has arrived only now.
            work.read, work.entry = None, self.ledger.entries.get(work.entry.id)
        self._bring_to_end(work)
        due = self.due(work.entry) if work.entry.status == "sending" else None
        email = work.email or self._email(work.entry)
        return outcome_of(work.entry, email, tuple(work.warnings), due)

    def _bring_to_end(self, work: WorkItem) -> None:
        """Settle, plan, send; leaves the entry `sending` if its write may still be under way."""
        for _ in range(TRIES):
            if work.entry.status == "sending":
                self._redate(work)
                if self.clock.now() < self.due(work.entry):
                    return
                self._settle(work)
            if work.entry.status == "intended":
                self._attempt(work)
            if not work.entry.status.is_open:
                return
        if work.entry.status == "intended":
            raise KeptFailing(work.entry.contact, work.obstacle)

    def _attempt(self, work: WorkItem) -> None:
        """Read, prepare, and do what was decided."""
        entries, operation = self.ledger.entries, from_json(work.entry.copy)
        standing = entries.standing(work.entry.contact)
        contact = self._shown(work, operation, standing)
        work.email = work.email if contact is None else contact.email
        facts = self.facts.facts(work.entry.contact, contact, standing)
        prepared = prepare(self.facts.candidate(work.entry, operation), facts)
        work.warnings.extend(prepared.warnings)
        if prepared.late is not None:
            self._note_late(prepared.late)
            # It may have been this very entry, or have taken its place.
            work.entry = entries.get(work.entry.id)
        if work.entry.status == "applied":
            self._release(work)
        if work.entry.status == "intended":
            self._execute(work, prepared.verdict, contact)

    def _note_late(self, late: LateEntry) -> None:
        """Commit what a contact shows of an entry whose write came late."""
        now = self.clock.now()
        if late.become == "applied":
            self.ledger.entries.arrive(late.entry, now, released=not needs_release(late.entry))
        else:
            self.ledger.entries.park(late.entry, late.reason, now)

    def _execute(self, work: WorkItem, verdict: Verdict, contact: Contact | None) -> None:
        """Do what was decided about an entry that is still to be brought to its end."""
        entries, now = self.ledger.entries, self.clock.now()
        match verdict:
            case Send(planned) if contact is not None:
                self._write(work, planned, contact)
            case Refuse(cause, reason):
                work.entry = entries.refuse(work.entry, cause, reason, now)
                self._release(work)
            case Fail(reason):
                work.entry = entries.fail(work.entry, reason, now)
            case Park(reason):
                work.entry = entries.park(work.entry, reason, now)
            case Stop(error, ends):
                # Failed, not intended: the next try takes the operation and the clock as they are then.
                if ends:
                    work.entry = entries.fail(work.entry, error.reason, now)
                raise error
            case _:  # what came late did not take its place after all: it is looked at again
                work.obstacle = "a write that came late"

    def _write(self, work: WorkItem, planned: Plan, contact: Contact) -> None:
        """Commit what is about to be sent, send it, and commit how that ended."""
        identity = self.ledger.identity
        before = {change.field: change.before for change in planned.changes}
        after = {change.field: change.after for change in planned.changes}
        seen = contact.fields[identity.receipt_field] or None
        work.read = work.row = None  # whatever happens now, these are used up
        try:
            work.entry = self.ledger.entries.send(work.entry, before, after, seen, planned.note, self.clock.now())
        except UndoStopped as stopped:
            reason = why_not_undone(stopped.claimed)
            work.entry = self.ledger.entries.refuse(work.entry, "overtaken", reason, self.clock.now())
            return
        values = {**after, identity.receipt_field: identity.lineage.receipt(work.entry.id, work.entry.sends)}
        try:
            echo = self.crm.write(work.entry.contact, values)
        except OutcomeUnknown as error:
            work.obstacle = str(error)
        except NotSent as error:
            work.obstacle = str(error)
            work.entry = self.ledger.entries.not_sent(work.entry)
        except CredentialRefused:
            work.entry = self.ledger.entries.not_sent(work.entry)
            raise
        except (Missing, Rejected) as error:
            reason = "no longer in Kit" if isinstance(error, Missing) else str(error)
            intended = self.ledger.entries.not_sent(work.entry)
            work.entry = self.ledger.entries.fail(intended, reason, self.clock.now())
        else:
            self._confirm(work, values, echo)

    def _confirm(self, work: WorkItem, values: Mapping[str, str], echo: Mapping[str, str | None]) -> None:
        """Take the entry as applied if the answer shows all that was sent; anything else is settled later."""
        if not echoed(values, echo):
            work.obstacle = "Kit's answer did not show what was sent"
            return
        self._applied(work)

    def _applied(self, work: WorkItem) -> None:
        """Commit that the write has arrived, and bring the tags in order."""
        released = not needs_release(work.entry)
        work.entry = self.ledger.entries.arrive(work.entry, self.clock.now(), released=released)
        if work.entry.status == "applied":
            self._release(work)

    def _release(self, work: WorkItem) -> None:
        """Bring the tags in order, if there is anything to do about them."""
        if not work.entry.released and needs_release(work.entry):
            work.entry = self.releaser.release(work.entry, work.warnings, work.look)

    def release(self, entry: Entry, warnings: list[str]) -> Entry:
        """Bring the tags of an entry in order that came to its end otherwise; the caller holds its contact."""
        return self.releaser.release(entry, warnings)

    # ---- settle

    def _settle(self, work: WorkItem) -> None:
        """Find out by one read what became of a write, and commit it."""
        entries, identity = self.ledger.entries, self.ledger.identity
        # Only a read that was asked for after the write had its time to arrive can tell.
        if work.read is None or work.read.at < self.due(work.entry):
            work.read = self.read(work.entry.contact)
        fields = None if work.read.contact is None else work.read.contact.fields
        own = identity.lineage.receipt(work.entry.id, work.entry.sends)
        settled = judge_settlement(work.entry, fields, identity.receipt_field, own)
        match settled.how:
            case "applied":
                self._applied(work)
            case "not applied":
                work.entry = entries.unsend(work.entry)
            case "gone":
                work.entry = entries.fail(work.entry, settled.reason, self.clock.now())
            case "unclear":
                work.entry = entries.park(work.entry, settled.reason, self.clock.now())

    def _redate(self, work: WorkItem) -> None:
        """Count from now for a send of the future: the clock was ahead then, and nobody should wait for that moment."""
        now = self.clock.now()
        if work.entry.sent_at is not None and work.entry.sent_at > now + AHEAD:
            work.entry = self.ledger.entries.redate(work.entry, now)

    def due(self, entry: Entry) -> datetime:
        """Return from when on a read tells what became of an entry's write."""
        return (entry.sent_at or entry.at) + self._settle_after

    def _shown(self, work: WorkItem, operation: Operation, standing: Standing) -> Contact | None:
        """Return the contact as the row of a list showed it, if the ledger vouches for that; else as it is now."""
        row = work.row
        # Of two addresses, only a read can tell which one is new.
        is_known = row is not None and row.email == work.known and not work.entry.sends
        if row is not None and is_known and self.facts.vouches_for(row, operation, standing):
            return row
        return self._fresh(work)

    def _fresh(self, work: WorkItem) -> Contact | None:
        """Return the contact as a read showed it that is not old, even if the read itself took long."""
        for _ in range(TRIES):
            if work.read is not None and self.clock.now() - work.read.at <= FRESH:
                return work.read.contact
            work.read = self.read(work.entry.contact, work.known)
        raise KeptFailing(work.entry.contact, "its answers take too long")

    def _email(self, entry: Entry | None) -> str | None:
        person = None if entry is None else self.ledger.people.by_id(entry.contact)
        return person.email or None if person is not None else None


# ---- A change that was made by hand becomes an entry of its own. The contact is as it should be, so nothing is sent
#
# The receipt of the contact stays that of the entry that was sent last: what is adopted leaves none.

NOTE: Final = "made by hand"
_MOVED: Final = "ccops itself has changed it since it was compared; the same command looks again"


def adopt(applier: Applier, adoption: Adoption) -> Outcome:
    """Enter a change, in one commit, unless the ledger has moved on since it was found. Raises ClockWrong."""
    fault = clock_fault(applier.clock.now(), applier.crm.clock_ahead)
    if fault is not None:
        raise fault
    ledger, request, contact = applier.ledger, adoption.request, _contact(adoption)
    with ledger.locks.contact(contact), ledger.at_once():
        if not _is_as_found(ledger, adoption):
            return _moved(adoption)
        now = applier.clock.now()
        claimed = ledger.entries.claim(claim_of(request, contact, now))
        if claimed.entry is None or claimed.kind != "begun":
            return told(request, claimed, adoption.email)
        ledger.people.seen(contact, adoption.email)
        entry = ledger.entries.adopt(claimed.entry, adoption.before, adoption.after, NOTE, now)
    return outcome_of(entry, adoption.email)


def foresee(ledger: Ledger, adoption: Adoption) -> Outcome:
    """Say what adopting would enter."""
    if not _is_as_found(ledger, adoption):
        return _moved(adoption)
    return _outcome(adoption, NOTE)


def _is_as_found(ledger: Ledger, adoption: Adoption) -> bool:
    """Tell whether nothing of ours was written to the field since the change was found, and nothing is under way."""
    contact, (field,) = _contact(adoption), adoption.after
    last = ledger.fields.last(field, [contact]).get(contact)
    return last is not None and last.id == adoption.last and ledger.fields.unsure(field, contact) is None


def _contact(adoption: Adoption) -> int:
    return int(adoption.request.who)


def _moved(adoption: Adoption) -> Outcome:
    request = adoption.request
    return Outcome(
        "refused", request.operation.name, request.occasion, request.who, _contact(adoption), adoption.email,
        reason=_MOVED,
    )  # fmt: skip


def _outcome(adoption: Adoption, reason: str) -> Outcome:
    request = adoption.request
    return Outcome(
        "previewed",
        request.operation.name,
        request.occasion,
        request.who,
        _contact(adoption),
        adoption.email,
        before=adoption.before,
        after=adoption.after,
        reason=reason,
    )

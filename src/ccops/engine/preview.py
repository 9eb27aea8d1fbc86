"""The dry run: what a request would do, with reads only, and the ledger left byte for byte as it was."""

import threading
from dataclasses import replace
from typing import Literal

from ccops.clock import Clock
from ccops.crm.base import Contact, Crm
from ccops.engine.apply import foresee
from ccops.engine.outcomes import (
    Adoption,
    AnyRequest,
    ContactRef,
    Outcome,
    Request,
    claim_of,
    left_out_reason,
    moved,
    not_found,
    outcome_of,
    told,
)
from ccops.engine.prepare import (
    Arrived,
    Candidate,
    FactFinder,
    Fail,
    Overtaken,
    Park,
    Refuse,
    Send,
    Stop,
    prepare,
)
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Person
from ccops.operations.model import from_json
from ccops.operations.occasion import refusal_uses_it_up
from ccops.operations.refusal import Cause
from ccops.text import same_address


def find_contact(ledger: Ledger, crm: Crm, who: ContactRef) -> Contact | None:
    """Read a contact by id: one request if the ledger knows the address, two if it has to be looked up.

    One that had the address before and has another one now is found too, unless somebody else has it by now.
    """
    if isinstance(who, int):
        return _read(crm, who)
    known = ledger.people.by_email(who)
    contact = None if known is None else _read(crm, known.id)
    # The address may have gone over to another contact since it was seen.
    if contact is not None and same_address(contact.email, who):
        return contact
    row = crm.find(who)
    if row is None or (contact is not None and row.id == contact.id):  # a list that lags still shows the old address
        return contact
    return _read(crm, row.id) or contact


def _read(crm: Crm, contact: int) -> Contact | None:
    crm.reserve(1)
    return crm.contact(contact)


# ---- what a dry run would have changed so far, kept in memory: later requests find what earlier ones would leave

ForeseenKind = Literal["applied", "refused", "parked"]


class Foreseen:
    """Values, occasions and periods, as they would be after the requests so far.

    Not for several threads at once.
    """

    def __init__(self) -> None:
        self._values: dict[int, dict[str, str | None]] = {}
        """By contact, the fields that would have been written."""
        self._occasions: dict[tuple[str, int, str], tuple[ForeseenKind, str | None, Outcome]] = {}
        """By operation, contact and occasion: how that would have ended, and with which amount it was asked for."""
        self._periods: dict[tuple[str, int, str], Outcome] = {}
        """By operation, contact and period, what would hold it."""

    def shown(self, contact: Contact) -> Contact:
        """Return a contact as it would be by now."""
        values = self._values.get(contact.id)
        return replace(contact, fields={**contact.fields, **values}) if values else contact

    def note(self, request: Request, kind: ForeseenKind, outcome: Outcome) -> None:
        """Remember how a request would end: its occasion is used up; one that isn't refused also holds its period."""
        assert outcome.contact is not None  # noqa: S101 - it was looked at
        if kind == "applied":
            self._values.setdefault(outcome.contact, {}).update(outcome.after or {})
        self._occasions[request.operation.name, outcome.contact, request.occasion] = kind, request.asked, outcome
        if kind != "refused" and request.period is not None:
            self._periods[request.operation.name, outcome.contact, request.period] = outcome

    def answer(self, request: Request, contact: Contact) -> Outcome | None:
        """Say how a request would be answered because of an earlier one of its occasion; None if there is none."""
        found = self._occasions.get((request.operation.name, contact.id, request.occasion))
        if found is None:
            return None
        kind, asked, first = found
        if kind != "refused" and asked != request.asked:
            amount = "another amount" if asked is None else f"another amount ({asked})"
            return _refused(first, f"this occasion would be used for {amount} by then")
        if kind == "parked":
            return first
        return replace(first, status="repeated", reason=first.reason if kind == "refused" else None)

    def period_taken(self, request: Request, contact: Contact) -> Outcome | None:
        """Say that the period of a request would be taken by an earlier one, if it would."""
        if request.period is None:
            return None
        holder = self._periods.get((request.operation.name, contact.id, request.period))
        if holder is None:
            return None
        kind = request.period.partition(":")[0]
        return replace(_refused(holder, f"this {kind} would be done already by then"), occasion=request.occasion)


def _refused(first: Outcome, reason: str) -> Outcome:
    return replace(first, status="refused", before=None, after=None, reason=reason)


# ---- the dry run: what a request would do, with reads only, and the ledger left byte for byte as it was


class Preview:
    """Looks ahead, for the requests of one dry run; its ledger may be opened for reading only.

    It remembers what each request would change, so that the next one is told as a real run would end it.
    """

    def __init__(self, ledger: Ledger, crm: Crm, clock: Clock) -> None:
        self._ledger = ledger
        self._crm = crm
        self._clock = clock
        self._facts = FactFinder(ledger, crm, clock)
        self._foreseen = Foreseen()
        self._alone = threading.Lock()
        """Held while what is foreseen is looked at and added to; contacts are read by several threads at once."""

    def look(self, request: AnyRequest) -> Outcome:
        """Say how a request would end, after those that were looked at before; `previewed` if it would be applied."""
        if isinstance(request, Adoption):
            return foresee(self._ledger, request)
        contact = self._shown(request)
        if contact is None:
            return not_found(request).to(request)
        return self._look_at(request, contact)

    def _look_at(self, request: Request, contact: Contact) -> Outcome:
        if isinstance(request.who, str) and not same_address(contact.email, request.who):
            return moved(request, Person(contact.id, contact.email)).to(request)
        if request.restricts and contact.state not in request.states:
            reason = left_out_reason(request, contact.state)
            return replace(_blank(request, contact), status="left-out", reason=reason).to(request)
        with self._alone:
            return self._answer(request, self._foreseen.shown(contact)).to(request)

    def _answer(self, request: Request, contact: Contact) -> Outcome:
        earlier = self._foreseen.answer(request, contact)
        if earlier is not None:
            return earlier
        claimed = self._ledger.entries.look(claim_of(request, contact.id, self._clock.now()))
        if claimed.kind not in {"begun", "taken up", "tried again"}:
            return told(request, claimed, contact.email)
        taken = None if claimed.kind == "taken up" else self._foreseen.period_taken(request, contact)
        if taken is not None:
            return self._refused(request, "period", taken)
        sending = self._ledger.entries.sending(contact.id)
        if sending is not None:
            reason = f"e{sending.id} has to be settled first; the real run does it"
            return replace(outcome_of(sending, contact.email), status="open", reason=reason, occasion=request.occasion)
        if claimed.entry is None or claimed.kind == "begun":
            back = self._ledger.entries.brought_back_by(request.undoes)
            candidate = Candidate(request.operation, request.occasion, request.period, None, back)
        else:
            taken_up = claimed.kind == "taken up"
            operation = from_json(claimed.entry.copy) if taken_up else request.operation
            candidate = self._facts.candidate(claimed.entry, operation)
        return self._tell(request, candidate, contact)

    def _shown(self, request: Request) -> Contact | None:
        """Return the contact as its row in a list shows it, where that is as good as a read; else as it is now."""
        row = request.row
        if row is not None and self._facts.vouches_for(row, request.operation, self._ledger.entries.standing(row.id)):
            return row
        return find_contact(self._ledger, self._crm, request.who)

    def _tell(self, request: Request, candidate: Candidate, contact: Contact) -> Outcome:
        """Tell what the real run would do. Raises what would stop it."""
        blank, entry = _blank(request, contact), candidate.entry
        prepared = prepare(candidate, self._facts.facts(contact.id, contact))
        blank = replace(blank, warnings=prepared.warnings)
        if entry is not None:  # as its last write left, or would have left, the contact
            blank = replace(blank, before=entry.before, after=entry.after)
        match prepared.verdict:
            case Send(planned):
                return self._applied(
                    request,
                    replace(
                        blank,
                        before={change.field: change.before for change in planned.changes},
                        after={change.field: change.after for change in planned.changes},
                        reason=planned.note,
                    ),
                )
            case Arrived():
                return replace(blank, reason="its write has arrived, later than it was waited for")
            case Refuse(cause, reason):
                return self._refused(request, cause, replace(blank, status="refused", reason=reason))
            case Overtaken(reason):
                return self._refused(request, "period", replace(blank, status="refused", reason=reason))
            case Park(reason):
                parked = replace(blank, status="parked", reason=reason)
                self._foreseen.note(request, "parked", parked)
                return parked
            case Fail(reason):
                return replace(blank, status="failed", reason=reason)
            case Stop(error, _):
                raise error

    def _applied(self, request: Request, outcome: Outcome) -> Outcome:
        self._foreseen.note(request, "applied", outcome)
        return outcome

    def _refused(self, request: Request, cause: Cause, outcome: Outcome) -> Outcome:
        """Return a refusal, which uses up the occasion of a tag or POST."""
        if refusal_uses_it_up(request.occasion, cause):
            self._foreseen.note(request, "refused", outcome)
        return outcome


def _blank(request: Request, contact: Contact) -> Outcome:
    """Begin an outcome."""
    return Outcome("previewed", request.operation.name, request.occasion, request.who, contact.id, contact.email)

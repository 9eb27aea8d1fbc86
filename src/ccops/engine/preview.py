"""The dry run: what a request would do, with reads only, and the ledger left byte for byte as it was."""

import threading
from dataclasses import replace

from ccops.clock import Clock
from ccops.crm.base import Contact, Crm
from ccops.engine.adopting import foresee
from ccops.engine.checking import Checker, stopping
from ccops.engine.finding import find_contact
from ccops.engine.foreseen import Foreseen
from ccops.engine.judgement import Ahead, Odd, Stranger
from ccops.engine.request import Adoption, Asked, Outcome, Request, claim_of
from ccops.engine.telling import left_out_reason, moved, not_found, outcome_of, told
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Person
from ccops.operations.copying import from_json
from ccops.operations.model import Operation
from ccops.operations.occasions import refusal_uses_it_up
from ccops.operations.plan import Cause, Refusal, plan
from ccops.text import same_address


class Preview:
    """Looks ahead, for the requests of one dry run; its ledger may be opened for reading only.

    It remembers what each request would change, so that the next one is told as a real run would end it.
    """

    def __init__(self, ledger: Ledger, crm: Crm, clock: Clock) -> None:
        self._ledger = ledger
        self._crm = crm
        self._clock = clock
        self._checker = Checker(ledger, clock, crm.contact)
        self._foreseen = Foreseen()
        self._alone = threading.Lock()
        """Held while what is foreseen is looked at and added to; contacts are read by several threads at once."""

    def look(self, request: Asked) -> Outcome:
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
        taken_up = claimed.kind == "taken up" and claimed.entry is not None
        operation = from_json(claimed.entry.copy) if taken_up and claimed.entry is not None else request.operation
        return self._plan(request, operation, contact)

    def _shown(self, request: Request) -> Contact | None:
        """Return the contact as its row in a list shows it, where that is as good as a read; else as it is now."""
        row = request.row
        if row is not None and self._checker.vouches_for(row, request.operation, self._ledger.entries.standing(row.id)):
            return row
        return find_contact(self._ledger, self._crm, request.who)

    def _plan(self, request: Request, operation: Operation, contact: Contact) -> Outcome:
        blank = _blank(request, contact)
        error = self._checker.clock_fault(self._crm.clock_ahead) or self._checker.missing(operation, contact)
        if error is not None:
            raise error
        verdict = self._checker.receipt_of(contact)
        if isinstance(verdict, Stranger | Ahead):
            raise stopping(verdict, contact, self._ledger)
        if isinstance(verdict, Odd):
            parked = replace(blank, status="parked", reason=verdict.reason)
            self._foreseen.note(request, "parked", parked)
            return parked
        planned = plan(operation, contact.fields, self._clock.now())
        if isinstance(planned, Refusal):
            return self._refused(request, planned.cause, replace(blank, status="refused", reason=planned.reason))
        applied = replace(
            blank,
            before={change.field: change.before for change in planned.changes},
            after={change.field: change.after for change in planned.changes},
            reason=planned.note,
        )
        self._foreseen.note(request, "applied", applied)
        return applied

    def _refused(self, request: Request, cause: Cause, outcome: Outcome) -> Outcome:
        """Return a refusal, which uses up the occasion of a tag or POST."""
        if refusal_uses_it_up(request.occasion, cause):
            self._foreseen.note(request, "refused", outcome)
        return outcome


def _blank(request: Request, contact: Contact) -> Outcome:
    """Begin an outcome."""
    return Outcome("previewed", request.operation.name, request.occasion, request.who, contact.id, contact.email)

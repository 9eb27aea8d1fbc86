"""The dry run: what a request would do, with reads only, and the ledger left byte for byte as it was."""

from dataclasses import replace

from ccops.clock import Clock
from ccops.crm.base import Contact, Crm
from ccops.engine.adopting import foresee
from ccops.engine.checking import Checker, stopping
from ccops.engine.finding import find_contact
from ccops.engine.judgement import Ahead, Odd, Stranger
from ccops.engine.request import Adoption, Asked, Outcome, Request, claim_of
from ccops.engine.telling import left_out_reason, not_found, outcome_of, told
from ccops.ledger.ledger import Ledger
from ccops.operations.copying import from_json
from ccops.operations.model import Operation
from ccops.operations.plan import Refusal, plan


class Preview:
    """Looks ahead; its ledger may be opened for reading only."""

    def __init__(self, ledger: Ledger, crm: Crm, clock: Clock) -> None:
        self._ledger = ledger
        self._crm = crm
        self._clock = clock
        self._checker = Checker(ledger, clock)

    def look(self, request: Asked) -> Outcome:
        """Say how a request would end; `previewed` if it would be applied."""
        if isinstance(request, Adoption):
            return foresee(self._ledger, request)
        contact = self._shown(request)
        if contact is None:
            return not_found(request)
        if request.restricts and contact.state not in request.states:
            return replace(_blank(request, contact), status="left-out", reason=left_out_reason(request, contact.state))
        claimed = self._ledger.entries.look(claim_of(request, contact.id, self._clock.now()))
        if claimed.kind not in {"begun", "taken up", "tried again"}:
            return told(request, claimed, contact.email)
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
            return replace(blank, status="parked", reason=verdict.reason)
        planned = plan(operation, contact.fields, self._clock.now())
        if isinstance(planned, Refusal):
            return replace(blank, status="refused", reason=planned.reason)
        return replace(
            blank,
            before={change.field: change.before for change in planned.changes},
            after={change.field: change.after for change in planned.changes},
            reason=planned.note,
        )


def _blank(request: Request, contact: Contact) -> Outcome:
    """Begin an outcome."""
    return Outcome("previewed", request.operation.name, request.occasion, request.who, contact.id, contact.email)

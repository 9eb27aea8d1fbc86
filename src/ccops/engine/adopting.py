"""A change that was made by hand becomes an entry of its own. The contact is as it should be, so nothing is sent.

The receipt of the contact stays that of the entry that was sent last: what is adopted leaves none.
"""

from typing import Final

from ccops.engine.heart import Heart
from ccops.engine.request import Adoption, Outcome, claim_of
from ccops.engine.telling import outcome_of, told
from ccops.ledger.ledger import Ledger

NOTE: Final = "made by hand"
_MOVED: Final = "ccops itself has changed it since it was compared; the same command looks again"


def adopt(heart: Heart, adoption: Adoption) -> Outcome:
    """Enter a change, in one commit, unless the ledger has moved on since it was found. Raises ClockWrong."""
    fault = heart.checker.clock_fault(heart.crm.clock_ahead)
    if fault is not None:
        raise fault
    ledger, request, contact = heart.ledger, adoption.request, _contact(adoption)
    with ledger.locks.contact(contact), ledger.at_once():
        if not _is_as_found(ledger, adoption):
            return _moved(adoption)
        now = heart.clock.now()
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

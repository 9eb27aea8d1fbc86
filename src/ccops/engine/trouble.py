"""Trouble with one contact or operation, told apart from trouble with everything, so that it never stops the others."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Generic, TypeVar

from ccops.crm.base import NotSent, OutcomeUnknown
from ccops.engine.adopting import adopt
from ccops.engine.errors import ClockWrong, ReceiptFieldGone
from ccops.engine.heart import Heart
from ccops.engine.request import Asked, Outcome, Request, claim_of
from ccops.engine.telling import outcome_of
from ccops.errors import CcopsError, CredentialRefused, LedgerUnusable, Misconfigured, ServiceUnreachable
from ccops.ledger.model import Entry

IN_A_ROW: Final = 3
"""So many contacts that fail one after the other, with none between that Kit answers for, mean trouble with all."""

_WITH_ALL: Final = (CredentialRefused, LedgerUnusable, ClockWrong, ReceiptFieldGone)
_PROVES: Final = frozenset({"applied", "failed", "parked"})
"""Outcomes for which Kit was asked and answered."""

T = TypeVar("T")


def is_of_one(error: CcopsError) -> bool:
    """Tell whether an error may be the trouble of one contact or operation alone."""
    if isinstance(error, ServiceUnreachable) and isinstance(error, NotSent | OutcomeUnknown):
        return False  # asked to stop, or sent to another host
    return not isinstance(error, _WITH_ALL)


def attempt(heart: Heart, asked: Asked) -> Outcome:
    """Do what is asked for one contact; trouble that may be its own is in the outcome. Raises what is not."""
    try:
        return heart.apply(asked) if isinstance(asked, Request) else adopt(heart, asked)
    except CcopsError as error:
        if not is_of_one(error):
            raise
        return _troubled(heart, asked if isinstance(asked, Request) else asked.request, error)


def attempt_to_finish(heart: Heart, entry_id: int) -> Outcome:
    """Bring an entry to its end; trouble that may be its contact's own is in the outcome. Raises what is not."""
    try:
        return heart.finish(entry_id)
    except CcopsError as error:
        if not is_of_one(error):
            raise
        entry = heart.ledger.entries.get(entry_id)
        return _stuck(entry, _email(heart, entry.contact), error)


def _troubled(heart: Heart, request: Request, error: CcopsError) -> Outcome:
    who = request.who
    person = heart.ledger.people.by_email(who) if isinstance(who, str) else heart.ledger.people.by_id(who)
    contact = person.id if person is not None else who if isinstance(who, int) else None
    email = (person.email or None) if person is not None else who if isinstance(who, str) else None
    if contact is not None:
        entry = heart.ledger.entries.look(claim_of(request, contact, heart.clock.now())).entry
        if entry is not None:
            return _stuck(entry, email, error).to(request)
    return Outcome(
        "open", request.operation.name, request.occasion, who, contact, email, reason=str(error), error=error
    ).to(request)


def _stuck(entry: Entry, email: str | None, error: CcopsError) -> Outcome:
    status = outcome_of(entry, email).status
    return replace(
        outcome_of(entry, email), status="failed" if status == "failed" else "open", reason=str(error), error=error
    )


def _email(heart: Heart, contact: int) -> str | None:
    person = heart.ledger.people.by_id(contact)
    return person.email or None if person is not None else None


class Failures(Generic[T]):
    """Failures in a row, held back until it is known whether they are the contacts' own trouble.

    `mixed`: the work is of several operations, so that what is wrong with one is not wrong with all.
    """

    def __init__(self, *, mixed: bool) -> None:
        self._mixed = mixed
        self._held: list[tuple[T, Outcome]] = []
        self._given = 0
        self.with_all: CcopsError | None = None
        """What turned out to be trouble with everything."""

    def take(self, task: T, outcome: Outcome) -> Iterator[tuple[T, Outcome]]:
        """Take an outcome, and give those of which it is known now that they stand."""
        error = outcome.error
        if error is None or (isinstance(error, Misconfigured) and self._mixed):
            if error is not None or _proves(outcome):
                yield from self.left()
            self._given += 1
            yield task, outcome
            return
        self._held.append((task, outcome))
        if isinstance(error, Misconfigured):
            self.with_all = self.with_all or error
        elif len(self._held) >= IN_A_ROW:
            self.with_all = self.with_all or self._held[0][1].error

    def rest(self) -> Iterator[tuple[T, Outcome]]:
        """Give what is held back at the end; raises it if nothing else was done, so that nothing speaks against it."""
        error = self.with_all or (self._held[0][1].error if self._held and not self._given else None)
        if error is not None:
            raise error
        yield from self.left()

    def left(self) -> Iterator[tuple[T, Outcome]]:
        """Give what is held back."""
        held, self._held = self._held, []
        self._given += len(held)
        yield from held


def _proves(outcome: Outcome) -> bool:
    refused = outcome.status == "refused" and outcome.entry is not None and outcome.entry.cause != "period"
    return refused or outcome.status in _PROVES

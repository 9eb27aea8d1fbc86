"""Bringing to an end what was left open: by looking again, or by a person's word."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from ccops.crm.base import Contact, Missing
from ccops.engine.checking import stopping
from ccops.engine.errors import NeverSent, NothingToSettle, TagStillOn
from ccops.engine.heart import Heart
from ccops.engine.judgement import Ahead, Odd, Stranger
from ccops.engine.losses import Loss, losses_of
from ccops.engine.many import Manners, work_off
from ccops.engine.release import needs_release
from ccops.engine.request import Outcome
from ccops.engine.telling import outcome_of
from ccops.engine.trouble import attempt_to_finish
from ccops.ledger.errors import NoEventToSettle
from ccops.ledger.events import Ending, Event
from ccops.ledger.ledger import Ledger
from ccops.operations.copying import from_json
from ccops.operations.model import Operation

Word = Literal["applied", "not-applied"]


def finish_open(heart: Heart, manners: Manners) -> Iterator[Outcome]:
    """Bring every entry that was begun to its end, as the command that began it would, and give the outcomes."""
    entries = heart.ledger.entries
    begun = [entry.id for entry in (*entries.unreleased(), *entries.open()) if entry.status != "parked"]
    return work_off((partial(attempt_to_finish, heart, number) for number in begun), manners)


def parked(ledger: Ledger) -> list[Outcome]:
    """Return the entries that need a person."""
    entries = [entry for entry in ledger.entries.open() if entry.status == "parked"]
    people = {entry.contact: ledger.people.by_id(entry.contact) for entry in entries}
    return [outcome_of(entry, person.email if (person := people[entry.contact]) else None) for entry in entries]


@dataclass(frozen=True, slots=True)
class Look:
    """An entry that needs a person, and what the CRM shows of its contact now."""

    outcome: Outcome
    asked: bool
    """Whether the CRM was asked, and answered."""
    contact: Contact | None
    """None, though asked: it is gone."""
    losses: tuple[Loss, ...] = ()
    """What late writes took from the contact, and may be why the entry was stopped."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it is about: those of its last send, else those of its operation."""
        entry = self.outcome.entry
        if entry is None:
            return ()
        return tuple(entry.before or [change.field for change in from_json(entry.copy).changes])

    @property
    def was_sent(self) -> bool:
        """Whether its write ever left; if not, it can't have been applied."""
        return self.outcome.entry is not None and self.outcome.entry.turn is not None


def look_at_parked(heart: Heart, outcomes: Sequence[Outcome], most: int) -> Iterator[Look]:
    """Read the contacts of the first `most` entries that need a person, one request each; the others are not asked for.

    Raises ServiceUnreachable and CredentialRefused.
    """
    for outcome in outcomes[:most]:
        contact = None if outcome.contact is None else heart.crm.contact(outcome.contact)
        losses = () if contact is None else tuple(losses_of(heart.ledger, contact.id, contact))
        yield Look(outcome, asked=True, contact=contact, losses=losses)
    yield from (Look(outcome, asked=False, contact=None) for outcome in outcomes[most:])


def settle_event(heart: Heart, operations: Mapping[str, Operation], number: int, word: Word, by: str) -> Event:
    """End an event of the inbox that needs a person by that person's word; nothing is run for it.

    Its sender hears of success from now on, or may send it again. A hint at a tag that is still on is no matter of
    words: whoever looks for tags next would run it. Raises NoEventToSettle, TagStillOn.
    """
    inbox = heart.ledger.inbox
    event = inbox.find(number)
    if event is None or event.state != "parked":
        raise NoEventToSettle(number)
    operation = operations.get(event.operation)
    if event.is_hint and operation is not None and _has_tag(heart, int(event.who), operation):
        raise TagStillOn(number, event.who, event.operation)
    said = f"{by} said that it was {'applied' if word == 'applied' else 'not applied'}"
    status = "applied" if word == "applied" else event.status or "failed"
    settled = inbox.settle(event, Ending(status, said), heart.clock.now())
    if settled.state != "done":  # its sender has asked for it again meanwhile
        raise NoEventToSettle(number)
    return settled


def _has_tag(heart: Heart, contact: int, operation: Operation) -> bool:
    try:
        held = heart.crm.tags_of(contact) if operation.tag is not None else []
    except Missing:
        return False
    return any(operation.tag is not None and tag.id == operation.tag.id for tag in held)


def settle_as(heart: Heart, entry_id: int, word: Word, by: str) -> Outcome:
    """End a parked entry by a person's word, and go on from what the contact shows now.

    Raises NothingToSettle, NeverSent, and what stops a run at a contact of another ledger.
    """
    ledger = heart.ledger
    contact_id = ledger.entries.get(entry_id).contact
    with ledger.locks.contact(contact_id):
        entry = ledger.entries.get(entry_id)
        if entry.status != "parked":
            raise NothingToSettle(entry)
        if word == "applied" and entry.turn is None:
            raise NeverSent(entry)
        contact = heart.read(contact_id).contact
        field = ledger.identity.receipt_field
        came_last = False
        if contact is not None and field in contact.fields:
            verdict = heart.checker.receipt_of(contact)
            if isinstance(verdict, Stranger | Ahead):
                raise stopping(verdict, contact, ledger)
            came_last = isinstance(verdict, Odd) and verdict.late is not None and verdict.late.id == entry_id
        now = heart.clock.now()
        if word == "applied":
            entry = ledger.entries.confirm(entry, now, released=not needs_release(entry), came_last=came_last)
        else:
            entry = ledger.entries.fail(entry, f"{by} said that it was not applied", now)
        if contact is not None:
            # After the entry's own commit, which forgets what was accepted before.
            ledger.people.accept(contact_id, contact.fields.get(field))
        warnings: list[str] = []
        if word == "applied":
            entry = heart.release(entry, warnings)
        return outcome_of(entry, None if contact is None else contact.email, tuple(warnings))

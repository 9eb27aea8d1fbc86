"""Bringing to an end what was left open: by looking again, or by a person's word."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from ccops.crm.base import Contact, Missing
from ccops.engine.apply import Applier
from ccops.engine.batch import BatchOptions, attempt_to_finish, work_off
from ccops.engine.errors import NeverSent, NothingLost, NothingToSettle, TagStillOn
from ccops.engine.losses import Loss, losses_of
from ccops.engine.outcomes import Outcome, Request, claim_of, outcome_of, told
from ccops.engine.prepare import stopping
from ccops.engine.tags import needs_release
from ccops.engine.verification import ForeignReceipt, OddReceipt, UnknownReceipt
from ccops.ledger.commands import SettleCommand, text_of
from ccops.ledger.errors import NoEventToSettle
from ccops.ledger.inbox import Ending, Event
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Origin
from ccops.operations.derived import adopting_all, giving_back
from ccops.operations.model import Operation, from_json
from ccops.operations.occasion import for_lost

SettleWord = Literal["applied", "not-applied"]


def finish_open(applier: Applier, manners: BatchOptions) -> Iterator[Outcome]:
    """Bring every entry that was begun to its end, as the command that began it would, and give the outcomes."""
    entries = applier.ledger.entries
    begun = [entry.id for entry in (*entries.unreleased(), *entries.open()) if entry.status != "parked"]
    return work_off((partial(attempt_to_finish, applier, number) for number in begun), manners)


def parked(ledger: Ledger) -> list[Outcome]:
    """Return the entries that need a person."""
    entries = [entry for entry in ledger.entries.open() if entry.status == "parked"]
    people = {entry.contact: ledger.people.by_id(entry.contact) for entry in entries}
    return [outcome_of(entry, person.email if (person := people[entry.contact]) else None) for entry in entries]


@dataclass(frozen=True, slots=True)
class EntryLook:
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


def look_at_parked(applier: Applier, outcomes: Sequence[Outcome], most: int) -> Iterator[EntryLook]:
    """Read the contacts of the first `most` entries that need a person, one request each; the others are not asked for.

    Raises ServiceUnreachable and CredentialRefused.
    """
    for outcome in outcomes[:most]:
        contact = None if outcome.contact is None else applier.crm.contact(outcome.contact)
        losses = () if contact is None else tuple(losses_of(applier.ledger, contact.id, contact))
        yield EntryLook(outcome, asked=True, contact=contact, losses=losses)
    yield from (EntryLook(outcome, asked=False, contact=None) for outcome in outcomes[most:])


def settle_event(
    applier: Applier, operations: Mapping[str, Operation], number: int, word: SettleWord, by: str
) -> Event:
    """End an event of the inbox that needs a person by that person's word; nothing is run for it.

    Its sender hears of success from now on, or may send it again. A hint at a tag that is still on is no matter of
    words: whoever looks for tags next would run it. Raises NoEventToSettle, TagStillOn.
    """
    inbox = applier.ledger.inbox
    event = inbox.find(number)
    if event is None or event.state != "parked":
        raise NoEventToSettle(number)
    operation = operations.get(event.operation)
    if event.is_hint and operation is not None and _has_tag(applier, int(event.who), operation):
        raise TagStillOn(number, event.who, event.operation)
    said = f"{by} said that it was {'applied' if word == 'applied' else 'not applied'}"
    status = "applied" if word == "applied" else event.status or "failed"
    settled = inbox.settle(event, Ending(status, said), applier.clock.now())
    if settled.state != "done":  # its sender has asked for it again meanwhile
        raise NoEventToSettle(number)
    return settled


def _has_tag(applier: Applier, contact: int, operation: Operation) -> bool:
    try:
        held = applier.crm.tags_of(contact) if operation.tag is not None else []
    except Missing:
        return False
    return any(operation.tag is not None and tag.id == operation.tag.id for tag in held)


def settle_as(applier: Applier, entry_id: int, word: SettleWord, by: str) -> Outcome:
    """End a parked entry by a person's word, and go on from what the contact shows now.

    Raises NothingToSettle, NeverSent, and what stops a run at a contact of another ledger.
    """
    ledger = applier.ledger
    contact_id = ledger.entries.get(entry_id).contact
    with ledger.locks.contact(contact_id):
        entry = ledger.entries.get(entry_id)
        if entry.status != "parked":
            raise NothingToSettle(entry)
        if word == "applied" and entry.turn is None:
            raise NeverSent(entry)
        contact = applier.read(contact_id).contact
        field = ledger.identity.receipt_field
        came_last = False
        if contact is not None and field in contact.fields:
            verdict = applier.facts.receipt_of(contact)
            if isinstance(verdict, ForeignReceipt | UnknownReceipt):
                raise stopping(verdict, contact, applier.facts.own)
            came_last = isinstance(verdict, OddReceipt) and verdict.late is not None and verdict.late.id == entry_id
        now = applier.clock.now()
        if word == "applied":
            entry = ledger.entries.confirm(entry, now, released=not needs_release(entry), came_last=came_last)
        else:
            entry = ledger.entries.fail(entry, f"{by} said that it was not applied", now)
        if contact is not None:
            # After the entry's own commit, which forgets what was accepted before.
            ledger.people.accept(contact_id, contact.fields.get(field))
        warnings: list[str] = []
        if word == "applied":
            entry = applier.release(entry, warnings)
        return outcome_of(entry, None if contact is None else contact.email, tuple(warnings))


# ---- what a person decides about a loss: what a late write took away is given back, or left as it is

LEFT: Final = "lost to a late write, and left so"


def give_back(applier: Applier, number: int, timezone: str, by: str) -> Outcome:
    """Apply once more what a late write took away of an entry, as an entry of its own.

    The person who asks for it has looked: the late write's receipt is accepted. Raises NothingLost.
    """
    contact, loss = _find(applier, number)
    lost = [(each.field, each.left, each.put, each.amount) for each in loss.fields]
    with _run(applier, number, "lost", by) as run:
        _accept(applier, contact, loss)
        request = _request(giving_back(lost, timezone), contact, loss, run, by)
        return applier.apply(request)


def leave_lost(applier: Applier, number: int, timezone: str, by: str) -> Outcome:
    """Enter that what a late write took away of an entry stays lost; nothing is sent. Raises NothingLost."""
    contact, loss = _find(applier, number)
    ledger = applier.ledger
    with _run(applier, number, "not-applied", by) as run, ledger.locks.contact(contact.id):
        before, after = _kept(applier, contact, loss)
        request = _request(adopting_all(after, timezone), contact, loss, run, by)
        with ledger.at_once():
            claimed = ledger.entries.claim(claim_of(request, contact.id, applier.clock.now()))
            if claimed.entry is None or claimed.kind not in {"begun", "taken up"}:
                return told(request, claimed, contact.email)
            entry = ledger.entries.adopt(claimed.entry, before, after, LEFT, applier.clock.now())
            if loss.over is None:
                ledger.people.accept(contact.id, contact.fields.get(ledger.identity.receipt_field))
        return outcome_of(entry, contact.email)


def _find(applier: Applier, number: int) -> tuple[Contact, Loss]:
    """Read the contact of an entry, and find what was lost of it."""
    entry = applier.ledger.entries.get(number)
    contact = applier.read(entry.contact).contact
    losses = [] if contact is None else losses_of(applier.ledger, entry.contact, contact)
    loss = next((each for each in losses if number in {each.last.id, *(one.id for one in each.entries)}), None)
    if contact is None or loss is None:
        raise NothingLost(entry)
    return contact, loss


def _accept(applier: Applier, contact: Contact, loss: Loss) -> None:
    if loss.over is None:
        with applier.ledger.locks.contact(contact.id):
            applier.ledger.people.accept(contact.id, contact.fields.get(applier.ledger.identity.receipt_field))


def _kept(applier: Applier, contact: Contact, loss: Loss) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """Return how the ledger says that the lost fields were left last, and how they are to count from now on."""
    last = {each.field: applier.ledger.fields.last(each.field, [contact.id])[contact.id] for each in loss.fields}
    before = {key: (entry.after or {}).get(key) for key, entry in last.items()}
    return before, before if loss.over is not None else {key: contact.fields.get(key) for key in before}


def _request(operation: Operation, contact: Contact, loss: Loss, run: int, by: str) -> Request:
    names = " and ".join(f"e{entry.id}" for entry in loss.entries) or f"after e{loss.last.id}"
    note = f"{names}, lost to a late write of e{loss.late.id}"
    return Request(operation, contact.id, for_lost(loss.last.id), run, Origin(by, "settle", note))


@contextmanager
def _run(applier: Applier, number: int, word: str, by: str) -> Iterator[int]:
    """Count what is done to a run of its own; one that died is resumed."""
    runs, title = applier.ledger.runs, f"settle e{number} --as {word}"
    started = runs.start(text_of(SettleCommand(number, word)), title, by, applier.clock.now())
    try:
        yield started.run.id
    finally:
        runs.stop(started, 0, applier.clock.now(), ended=True)

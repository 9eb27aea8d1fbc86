"""What a person decides about a loss: what a late write took away is given back, or left as it is."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ccops.crm.base import Contact
from ccops.engine.errors import NothingLost
from ccops.engine.heart import Heart
from ccops.engine.losses import Loss, losses_of
from ccops.engine.request import Outcome, Request, claim_of
from ccops.engine.telling import outcome_of, told
from ccops.ledger.model import Origin
from ccops.operations.model import Operation
from ccops.operations.occasions import for_lost
from ccops.operations.reconciling import adopting_all, giving_back

LEFT: Final = "lost to a late write, and left so"


def give_back(heart: Heart, number: int, timezone: str, by: str) -> Outcome:
    """Apply once more what a late write took away of an entry, as an entry of its own.

    The person who asks for it has looked: the late write's receipt is accepted. Raises NothingLost.
    """
    contact, loss = _find(heart, number)
    lost = [(each.field, each.left, each.put, each.amount) for each in loss.fields]
    with _run(heart, number, "lost", by) as run:
        _accept(heart, contact, loss)
        request = _request(giving_back(lost, timezone), contact, loss, run, by)
        return heart.apply(request)


def leave_lost(heart: Heart, number: int, timezone: str, by: str) -> Outcome:
    """Enter that what a late write took away of an entry stays lost; nothing is sent. Raises NothingLost."""
    contact, loss = _find(heart, number)
    ledger = heart.ledger
    with _run(heart, number, "not-applied", by) as run, ledger.locks.contact(contact.id):
        before, after = _kept(heart, contact, loss)
        request = _request(adopting_all(after, timezone), contact, loss, run, by)
        with ledger.at_once():
            claimed = ledger.entries.claim(claim_of(request, contact.id, heart.clock.now()))
            if claimed.entry is None or claimed.kind not in {"begun", "taken up"}:
                return told(request, claimed, contact.email)
            entry = ledger.entries.adopt(claimed.entry, before, after, LEFT, heart.clock.now())
            if loss.over is None:
                ledger.people.accept(contact.id, contact.fields.get(ledger.identity.receipt_field))
        return outcome_of(entry, contact.email)


def _find(heart: Heart, number: int) -> tuple[Contact, Loss]:
    """Read the contact of an entry, and find what was lost of it."""
    entry = heart.ledger.entries.get(number)
    contact = heart.read(entry.contact).contact
    losses = [] if contact is None else losses_of(heart.ledger, entry.contact, contact)
    loss = next((each for each in losses if number in {each.last.id, *(one.id for one in each.entries)}), None)
    if contact is None or loss is None:
        raise NothingLost(entry)
    return contact, loss


def _accept(heart: Heart, contact: Contact, loss: Loss) -> None:
    if loss.over is None:
        with heart.ledger.locks.contact(contact.id):
            heart.ledger.people.accept(contact.id, contact.fields.get(heart.ledger.identity.receipt_field))


def _kept(heart: Heart, contact: Contact, loss: Loss) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """Return how the ledger says that the lost fields were left last, and how they are to count from now on."""
    last = {each.field: heart.ledger.fields.last(each.field, [contact.id])[contact.id] for each in loss.fields}
    before = {key: (entry.after or {}).get(key) for key, entry in last.items()}
    return before, before if loss.over is not None else {key: contact.fields.get(key) for key in before}


def _request(operation: Operation, contact: Contact, loss: Loss, run: int, by: str) -> Request:
    names = " and ".join(f"e{entry.id}" for entry in loss.entries) or f"after e{loss.last.id}"
    note = f"{names}, lost to a late write of e{loss.late.id}"
    return Request(operation, contact.id, for_lost(loss.last.id), run, Origin(by, "settle", note))


@contextmanager
def _run(heart: Heart, number: int, word: str, by: str) -> Iterator[int]:
    """Count what is done to a run of its own; one that died is resumed."""
    runs, title = heart.ledger.runs, f"settle e{number} --as {word}"
    started = runs.start(json.dumps(["settle", number, word]), title, by, heart.clock.now())
    try:
        yield started.run.id
    finally:
        runs.stop(started, 0, heart.clock.now(), ended=True)

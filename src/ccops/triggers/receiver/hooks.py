"""Kit's webhooks, the legacy kind and the signed one: hints that a contact was given a trigger tag."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

from ccops.clock import parse_iso
from ccops.ledger.events import Accepted, Arrival, Event
from ccops.triggers.receiver.house import House
from ccops.triggers.receiver.http import Call, Reply
from ccops.triggers.receiver.refusals import NoContact, SignatureWrong, Unreadable
from ccops.triggers.receiver.signature import judge

TAG_ADDED: Final = "subscriber.tag_added"
_MOST_ID: Final = 2**63 - 1
_LONGEST_KEY: Final = 200
_YEARS: Final = range(2013, 2200)


@dataclass(frozen=True, slots=True)
class Tagging:
    """One `tag_added` event of a delivery."""

    key: str
    contact: int
    tag: int
    at: datetime | None
    """None if its time can't be read."""


def legacy(house: House, call: Call, name: str, secret: str) -> Reply:
    """Take a legacy webhook, which tells the contact and nothing else."""
    check(house, name, secret)
    contact = _id(_dig(_object(call.body), "subscriber", "id"))
    if contact is None:
        raise NoContact("subscriber.id")
    now = house.clock.now()
    return _accepted(house, [Arrival("legacy", name, str(contact), at=now, received_at=now)], passed_over=0)


def check(house: House, name: str, secret: str) -> None:
    """Demand that an address of a legacy webhook is right. Raises OperationUnknown and SecretWrong."""
    house.operation(name)
    house.demand_secret(name, [secret])


def signed(house: House, call: Call) -> Reply:
    """Take a delivery of Kit's webhook endpoints: every event in it is on disk before the answer, or none is."""
    now = house.clock.now()
    verdict = judge(call.header("x-kit-signature"), call.body, house.secrets().kit_at(now), now)
    if verdict != "genuine":
        raise SignatureWrong(verdict)
    events = _object(call.body).get("events")
    if not isinstance(events, list):
        raise Unreadable("it has no list of events")
    operations = {each.tag.id: each.name for each in house.registry().operations.values() if each.tag}
    found = [tagging for tagging in map(read_tagging, events) if tagging and tagging.tag in operations]
    arrivals = [
        Arrival("kit", operations[each.tag], str(each.contact), each.at or now, received_at=now, key=each.key)
        for each in found
    ]
    return _accepted(house, arrivals, passed_over=len(events) - len(found))


def read_tagging(event: object) -> Tagging | None:
    """Read one event; None if it is of another kind, or names no contact or tag."""
    if not isinstance(event, dict) or event.get("type") != TAG_ADDED:
        return None
    contact, tag = _id(_dig(event, "data", "subscriber", "id")), _id(_dig(event, "data", "tag", "id"))
    if contact is None or tag is None:
        return None
    return Tagging(_key(event), contact, tag, _moment(event.get("created")))


def _accepted(house: House, arrivals: Sequence[Arrival], passed_over: int) -> Reply:
    accepted: Sequence[Accepted] = house.ledger.inbox.accept(arrivals) if arrivals else ()
    new = sum(each.new or _comes_again(house, each.event) for each in accepted)
    if new:
        house.board.ring()
    told = {"accepted": new, "repeated": len(accepted) - new, "passed_over": passed_over}
    return Reply(HTTPStatus.ACCEPTED if new else HTTPStatus.OK, told)


def _comes_again(house: House, event: Event) -> bool:
    """Tell whether an event that came before is tried again, since what it counted as was reopened."""
    return event.state == "done" and house.ledger.inbox.again(event, house.clock.now()).state == "waiting"


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise Unreadable("it is JSON, but no object")
    return value


def _dig(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _id(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:20])
    return value if type(value) is int and 0 < value <= _MOST_ID else None


def _key(event: Mapping[str, object]) -> str:
    """Return an event's id; one without a usable id is told apart by all that it says."""
    known = str(event.get("id") or "")
    return known if 0 < len(known) <= _LONGEST_KEY else sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()


def _moment(value: object) -> datetime | None:
    """Read a time leniently: Kit's documents do not fix its form. Years before Kit, or far ahead, are none."""
    try:
        if isinstance(value, int | float):
            value = datetime.fromtimestamp(value, UTC).isoformat()
        moment = parse_iso(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment is not None and moment.year in _YEARS else None

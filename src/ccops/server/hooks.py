"""Kit's webhooks, the legacy kind and the signed one: hints that a contact was given a trigger tag."""

import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final, Literal

from ccops.clock import parse_iso
from ccops.ledger.inbox import Accepted, Arrival, Event
from ccops.secret import Secret
from ccops.server.refusal import BodyUnreadable, PostWithoutContact, SignatureWrong
from ccops.server.requests import ServerCall, ServerReply, Services

WINDOW: Final = 300
"""Seconds that a signature holds, before and after its time."""
_PREFIX: Final = "whsec_"
_MOST: Final = 8
"""Signatures of one delivery that are looked at; Kit sends two at most."""
_TIME: Final = re.compile(r"[0-9]{1,12}")

Verdict = Literal["genuine", "missing", "unreadable", "wrong", "too old"]


def judge(header: str, body: bytes, secrets: Sequence[Secret], now: datetime) -> Verdict:
    """Say whether a body is signed with any of the secrets, at a time not far from now."""
    if not header.strip():
        return "missing"
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"][:_MOST]
    if len(times) != 1 or not signatures or not _TIME.fullmatch(times[0]):
        return "unreadable"
    if not _matches(signatures, times[0].encode() + b"." + body, secrets):
        return "wrong"
    return "genuine" if abs(now.timestamp() - int(times[0])) <= WINDOW else "too old"


def sign(body: bytes, secret: Secret, at: datetime) -> str:
    """Return the header that a sender with this secret would send."""
    time = str(int(at.timestamp()))
    return f"t={time},v1={_digest(secret.reveal(), time.encode() + b'.' + body)}"


def _matches(signatures: Sequence[str], message: bytes, secrets: Sequence[Secret]) -> bool:
    """Compare each with each to the end, so that the time taken tells nothing."""
    found = False
    for key in _keys(secrets):
        right = _digest(key, message).encode()
        for given in signatures:
            found |= hmac.compare_digest(right, given.lower().encode("latin-1", "replace"))
    return found


def _keys(secrets: Sequence[Secret]) -> Iterator[str]:
    for secret in secrets:
        yield secret.reveal()
        if secret.reveal().startswith(_PREFIX):
            yield secret.reveal().removeprefix(_PREFIX)


def _digest(key: str, message: bytes) -> str:
    return hmac.new(key.encode(), message, sha256).hexdigest()


# ---- kit's webhooks, the legacy kind and the signed one: hints that a contact was given a trigger tag

TAG_ADDED: Final = "subscriber.tag_added"
_MOST_ID: Final = 2**63 - 1
_LONGEST_KEY: Final = 200
_YEARS: Final = range(2013, 2200)


@dataclass(frozen=True, slots=True)
class TaggingEvent:
    """One `tag_added` event of a delivery."""

    key: str
    contact: int
    tag: int
    at: datetime | None
    """None if its time can't be read."""


def legacy(services: Services, call: ServerCall, name: str, secret: str) -> ServerReply:
    """Take a legacy webhook, which tells the contact and nothing else."""
    check_hook(services, name, secret)
    contact = _id(_dig(_object(call.body), "subscriber", "id"))
    if contact is None:
        raise PostWithoutContact("subscriber.id")
    now = services.clock.now()
    return _accepted(services, [Arrival("legacy", name, str(contact), at=now, received_at=now)], passed_over=0)


def check_hook(services: Services, name: str, secret: str) -> None:
    """Demand that an address of a legacy webhook is right. Raises OperationUnknown and SecretWrong."""
    services.operation(name)
    services.demand_secret(name, [secret])


def signed(services: Services, call: ServerCall) -> ServerReply:
    """Take a delivery of Kit's webhook endpoints: every event in it is on disk before the answer, or none is."""
    now = services.clock.now()
    verdict = judge(call.header("x-kit-signature"), call.body, services.secrets().kit_at(now), now)
    if verdict != "genuine":
        raise SignatureWrong(verdict)
    events = _object(call.body).get("events")
    if not isinstance(events, list):
        raise BodyUnreadable("it has no list of events")
    operations = {each.tag.id: each.name for each in services.registry().operations.values() if each.tag}
    found = [tagging for tagging in map(read_tagging, events) if tagging and tagging.tag in operations]
    arrivals = [
        Arrival("kit", operations[each.tag], str(each.contact), each.at or now, received_at=now, key=each.key)
        for each in found
    ]
    return _accepted(services, arrivals, passed_over=len(events) - len(found))


def read_tagging(event: object) -> TaggingEvent | None:
    """Read one event; None if it is of another kind, or names no contact or tag."""
    if not isinstance(event, dict) or event.get("type") != TAG_ADDED:
        return None
    contact, tag = _id(_dig(event, "data", "subscriber", "id")), _id(_dig(event, "data", "tag", "id"))
    if contact is None or tag is None:
        return None
    return TaggingEvent(_key(event), contact, tag, _moment(event.get("created")))


def _accepted(services: Services, arrivals: Sequence[Arrival], passed_over: int) -> ServerReply:
    accepted: Sequence[Accepted] = services.ledger.inbox.accept(arrivals) if arrivals else ()
    new = sum(each.new or _comes_again(services, each.event) for each in accepted)
    if new:
        services.event_signals.ring()
    told = {"accepted": new, "repeated": len(accepted) - new, "passed_over": passed_over}
    return ServerReply(HTTPStatus.ACCEPTED if new else HTTPStatus.OK, told)


def _comes_again(services: Services, event: Event) -> bool:
    """Tell whether an event that came before is tried again, since what it counted as was reopened."""
    return event.state == "done" and services.ledger.inbox.again(event, services.clock.now()).state == "waiting"


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise BodyUnreadable("it is not JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise BodyUnreadable("it is JSON, but no object")
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

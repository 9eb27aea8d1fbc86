"""The receiver without a socket: a WSGI application that is called directly, and work that is done on demand."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from io import BytesIO
from typing import Any

import pytest

from ccops.cli.outcome_view import entry_object
from ccops.config.webhook_secrets import Secrets
from ccops.ledger.inbox import Event
from ccops.operations.model import Operation, OperationsFile, Tag
from ccops.secret import Secret
from ccops.server.app import Done, Receiver
from ccops.server.hooks import sign
from ccops.server.requests import Services
from ccops.server.worker import EventSignals, EventWorker
from tests.engine.conftest import Bench, increase

# The bench is the engine's: a ledger, a sandbox, and the applier between them.
from tests.engine.conftest import bench as bench  # noqa: PLC0414
from tests.engine.conftest import clock as clock  # noqa: PLC0414
from tests.engine.conftest import kit_clock as kit_clock  # noqa: PLC0414
from tests.engine.conftest import open_bench as open_bench  # noqa: PLC0414

SECRET = "grant-me-credits"
KIT = Secret("whsec_kits-own")
OPERATION = "payment-credit"
TAG = "ccops: payment-credit"


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class Door:
    """The receiver, as somebody outside meets it, and the event_worker behind it."""

    bench: Bench
    operations: dict[str, Operation]
    secrets: Secrets
    app: Receiver
    event_worker: EventWorker
    event_signals: EventSignals
    log: list[Done] = field(default_factory=list)

    def __call__(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answered:
        answers: list[tuple[str, list[tuple[str, str]]]] = []
        path, _, query = path.partition("?")
        environ: dict[str, object] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
        }
        for name, value in (headers or {}).items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        content = b"".join(self.app(environ, lambda line, sent: answers.append((line, sent))))
        line, sent = answers[0]
        return Answered(int(line[:3]), json.loads(content) if content else {}, dict(sent))

    def post(self, body: object = None, operation: str = OPERATION, **headers: str) -> Answered:
        """POST JSON (or bytes as they are) with the right secret."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self("POST", f"/operations/{operation}", content, {"Authorization": f"Bearer {SECRET}"} | given)

    def hook(self, contact: int, operation: str = OPERATION) -> Answered:
        """Deliver a legacy webhook."""
        body = {"subscriber": {"id": contact, "email_address": "ann@example.org"}}
        return self("POST", f"/kit/{operation}/{SECRET}", json.dumps(body).encode())

    def deliver(self, *events: object, at: datetime | None = None, secret: Secret = KIT) -> Answered:
        """Deliver signed events."""
        body = json.dumps({"delivery_id": 81, "events": events}).encode()
        header = sign(body, secret, at or self.bench.clock.now())
        return self("POST", "/kit", body, {"X-Kit-Signature": header})

    def events(self) -> list[Event]:
        found = (self.bench.ledger.inbox.find(number) for number in range(1, 10_000))
        events: list[Event] = []
        for event in found:
            if event is None:
                return events
            events.append(event)
        return events

    def work(self) -> list[str | None]:
        """Work off what is due now; return how all events stand."""
        inbox, clock = self.bench.ledger.inbox, self.bench.clock
        paused = [name for name, each in self.operations.items() if each.paused]
        while batch := inbox.due(clock.now(), paused=paused):
            self.event_worker.work(batch)
        return [event.status if event.state == "done" else event.state for event in self.events()]

    @property
    def tag(self) -> int:
        tag = self.operations[OPERATION].tag
        assert tag is not None
        return tag.id

    def change(self, **more: object) -> None:
        """Edit the operation in the registry."""
        self.operations[OPERATION] = replace(self.operations[OPERATION], **more)  # type: ignore[arg-type]


def tag_added(contact: int, tag: int, number: str = "a1", created: object = "2026-11-22T10:00:00Z") -> dict[str, Any]:
    """Return an event as Kit's webhook endpoints send it."""
    return {
        "id": number,
        "type": "subscriber.tag_added",
        "created": created,
        "data": {"subscriber": {"id": contact, "email_address": "ann@example.org"}, "tag": {"id": tag, "name": TAG}},
    }


@pytest.fixture
def door(bench: Bench) -> Iterator[Door]:
    """A receiver with one operation, that a tag is bound to."""
    number = bench.kit.add_tag(TAG)
    operations = {OPERATION: increase(tag=Tag(number, TAG))}
    secrets = Secrets({OPERATION: (Secret(SECRET),)}, (KIT,))
    event_signals, log = EventSignals(4), list[Done]()

    def registry() -> OperationsFile:
        return OperationsFile("America/New_York", {}, dict(operations))

    services = Services(bench.ledger, registry, lambda: secrets, bench.clock, event_signals, entry_object)
    run = bench.request("serve").run
    event_worker = EventWorker(bench.applier, registry, run, "maria")
    yield Door(bench, operations, secrets, Receiver(services, log.append), event_worker, event_signals, log)
    event_signals.close()

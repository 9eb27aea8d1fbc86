"""A receiver at work on a socket, in this process."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from ccops.cli.outcome_view import entry_object
from ccops.clock import SystemClock
from ccops.config.webhook_secrets import Secrets
from ccops.crm.http.exchange import HttpLimits
from ccops.crm.http.rate_limit import NoRateLimit
from ccops.crm.kit.client import KitCrm
from ccops.engine.apply import Applier
from ccops.engine.outcomes import Outcome
from ccops.operations.model import Operation, OperationsFile, Tag
from ccops.secret import Secret
from ccops.server.app import Done
from ccops.server.hooks import sign
from ccops.server.service import ServedHome, ServeOptions, ServeReports, serving
from tests.engine.conftest import Bench, increase
from tests.server.conftest import KIT, OPERATION, SECRET, TAG, Answered


@dataclass
class Served:
    """The receiver's port, what it was told to be, and what it said."""

    bench: Bench
    operations: dict[str, Operation]
    clock: SystemClock
    stop: threading.Event
    port: int = 0
    told: list[str] = field(default_factory=list)
    log: list[Done] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    ended: Exception | None = None

    @property
    def tag(self) -> int:
        tag = self.operations[OPERATION].tag
        assert tag is not None
        return tag.id

    def call(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answered:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=100)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            content = answer.read()
            kind = answer.headers.get("Content-Type", "")
            is_json = kind == "application/json"
            told: dict[str, Any] = json.loads(content or b"{}") if is_json else {"text": content.decode()}
            return Answered(answer.status, told, dict(answer.headers))
        finally:
            connection.close()

    def post(self, body: object, **headers: str) -> Answered:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        content = json.dumps(body).encode()
        return self.call("POST", f"/operations/{OPERATION}", content, {"X-Ccops-Key": SECRET} | given)

    def hook(self, contact: int) -> Answered:
        return self.call("POST", f"/kit/{OPERATION}/{SECRET}", json.dumps({"subscriber": {"id": contact}}).encode())

    def deliver(self, *events: object) -> Answered:
        body = json.dumps({"delivery_id": 81, "events": events}).encode()
        return self.call("POST", "/kit", body, {"X-Kit-Signature": sign(body, KIT, self.clock.now())})

    def change(self, **more: object) -> None:
        self.operations[OPERATION] = replace(self.operations[OPERATION], **more)  # type: ignore[arg-type]

    def wait_until(self, reached: Callable[[], bool], seconds: float = 100) -> None:
        """Wait for what other threads are about to do."""
        waiting = threading.Event()
        for _ in range(int(seconds * 100)):
            if reached():
                return
            waiting.wait(0.01)
        raise TimeoutError(self.told)

    def idle(self) -> bool:
        return self.bench.ledger.inbox.backlog().waiting == 0

    @property
    def credits(self) -> str | None:
        return self.bench.credits


class Unhurried(SystemClock):
    """The machine's clock, for which nobody has to wait."""

    def sleep(self, seconds: float) -> None:
        """Return at once."""


@contextmanager
def at_work(bench: Bench, poll: timedelta | None = None) -> Iterator[Served]:
    """Serve in the body; the clock is the machine's, for threads and sockets wait by it."""
    stop = threading.Event()
    number = bench.kit.add_tag(TAG)
    served = Served(bench, {OPERATION: increase(tag=Tag(number, TAG))}, SystemClock(stop), stop)
    bench.kit.settings.clock = served.clock.now
    key, limits = Secret(bench.kit.settings.key), HttpLimits(5, 5, 10, patience=5)
    crm = KitCrm(key, api_url=bench.kit.url, pacer=NoRateLimit(), clock=Unhurried(), limits=limits)
    applier = Applier(bench.ledger, crm, served.clock, timedelta(0))
    secrets = Secrets({OPERATION: (Secret(SECRET),)}, (KIT,))
    voices = ServeReports(served.told.append, served.log.append, served.outcomes.append, entry_object)

    def registry() -> OperationsFile:
        return OperationsFile("America/New_York", {}, dict(served.operations))

    plan = ServeOptions("127.0.0.1", 0, "maria", poll)
    with crm, serving(ServedHome(applier, registry, lambda: secrets), plan, voices, stop) as served.port:
        yield served

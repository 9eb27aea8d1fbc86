"""A ledger, a sandbox and an applier between them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ccops.crm.base import Crm
from ccops.crm.http.exchange import HttpLimits
from ccops.crm.http.rate_limit import NoRateLimit
from ccops.crm.kit.client import KitCrm
from ccops.engine.apply import Applier
from ccops.engine.outcomes import ContactRef, Outcome, Request
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Origin
from ccops.operations.model import Change, Operation
from ccops.sandbox.sandbox import Sandbox
from ccops.secret import Secret

RECEIPT = "ccops_receipt"
ORIGIN = Origin("maria", "run")


class StandingClock:
    """Stands still until it is moved; sleeping moves it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 22, 10, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def increase(amount: int = 10, **more: object) -> Operation:
    """Return the operation of most tests."""
    change = Change("credits", "increase", amount=Decimal(amount))
    return replace(Operation("payment-credit", (change,), "America/New_York"), **more)  # type: ignore[arg-type]


@dataclass
class Bench:
    """What a test of the applier works at."""

    kit: Sandbox
    ledger: Ledger
    crm: Crm
    clock: StandingClock
    applier: Applier
    ann: int
    operation: Operation = field(default_factory=increase)

    def run(self, occasion: str = "key:1", who: ContactRef = "ann@example.org", **more: object) -> Outcome:
        return self.applier.apply(self.request(occasion, who, **more))

    def request(self, occasion: str = "key:1", who: ContactRef = "ann@example.org", **more: object) -> Request:
        started = self.ledger.runs.start(occasion, occasion, "maria", self.clock.now(), new=True)
        self.ledger.runs.stop(started, 0, self.clock.now(), ended=True)
        plain = Request(self.operation, who, occasion, started.run.id, ORIGIN)
        return replace(plain, **more)  # type: ignore[arg-type]

    @property
    def credits(self) -> str | None:
        return self.kit.field_values(self.ann)["credits"]


def new_ledger(folder: Path) -> Ledger:
    """Make a ledger of the sandbox's account."""
    folder.mkdir(parents=True, exist_ok=True)
    ledger = Ledger.create(folder / "ledger.sqlite3", folder / "locks")
    ledger.identity.found(9, "Ann's Studio", RECEIPT)
    return ledger


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def kit_clock(clock: StandingClock) -> Callable[[], datetime]:
    """Kit's clock goes with ours, from its example contacts on."""
    return clock.now


@pytest.fixture
def open_bench(kit: Sandbox, tmp_path: Path, clock: StandingClock) -> Iterator[Callable[[str], Bench]]:
    """Open benches over one sandbox: each name is a home of its own."""
    crm = KitCrm(
        Secret(kit.settings.key),
        api_url=kit.url,
        pacer=NoRateLimit(),
        clock=clock,
        limits=HttpLimits(20, 20, 40, patience=5),
    )
    crm.create_field("ccops receipt")
    ann = crm.find("ann@example.org")
    assert ann is not None
    opened: list[Ledger] = []

    def make(name: str) -> Bench:
        ledger = new_ledger(tmp_path / name)
        opened.append(ledger)
        return Bench(kit, ledger, crm, clock, Applier(ledger, crm, clock, timedelta(seconds=60)), ann.id)

    yield make
    for ledger in opened:
        ledger.close()
    crm.close()


@pytest.fixture
def bench(open_bench: Callable[[str], Bench]) -> Bench:
    return open_bench("home")

"""What the owner of the account does at Kit past ccops, moments at which something happens there, and looks at it."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import requests

from ccops.engine.apply import Applier
from ccops.engine.outcomes import Outcome
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import Sandbox
from tests.engine.conftest import RECEIPT, Bench


def rename_field(bench: Bench, key: str, label: str) -> None:
    """Give a field another label; Kit makes another key of it."""
    _ask(bench.kit, "PUT", f"custom_fields/{_field(bench, key)}", label=label)


def delete_field(bench: Bench, key: str) -> None:
    _ask(bench.kit, "DELETE", f"custom_fields/{_field(bench, key)}")


def change_address(bench: Bench, contact: int, email: str) -> None:
    _ask(bench.kit, "PUT", f"subscribers/{contact}", email_address=email)


def once(bench: Bench, phase: str, method: str, act: Callable[[], object]) -> None:
    """Let something happen at Kit before or after the next request of this method for a contact."""

    def observe(seen: str, asked: str, path: str) -> None:
        if (seen, asked) == (phase, method) and path.startswith("/v4/subscribers/"):
            bench.kit.on_request = lambda *_: None
            act()

    bench.kit.on_request = observe


def lost(bench: Bench, fault: Fault | None = None, *, asked: str | None = None, period: str | None = None) -> Outcome:
    """Apply while the answer to the write is lost; unless another fault is named, the write arrives."""
    bench.kit.faults.add(fault or Fault("reset", "PUT", when="after"))
    outcome = bench.run("key:1", asked=asked, period=period)
    assert outcome.status == "open"
    return outcome


def later(bench: Bench) -> None:
    """Let so much time pass that a lost write can be settled."""
    bench.clock.moment += timedelta(seconds=61)


def late_and_sent_again(bench: Bench) -> None:
    """e1 is sent, judged lost and sent again; then e2 follows. What e1 sent first is still under way."""
    lost(bench, Fault("late", "PUT"))
    later(bench)
    assert bench.run().status == "applied"
    assert bench.run("key:2").status == "applied"
    assert bench.credits == "25"


def copy_of(bench: Bench, folder: Path) -> Bench:
    """Copy a home, as a backup or a second laptop has it."""
    folder.mkdir()
    bench.ledger.close()
    shutil.copy(bench.ledger.database.path, folder / "ledger.sqlite3")
    ledger = Ledger.open(folder / "ledger.sqlite3", folder / "locks")
    applier = Applier(ledger, bench.crm, bench.clock, timedelta(seconds=60))
    return Bench(bench.kit, ledger, bench.crm, bench.clock, applier, bench.ann)


def the(outcome: Outcome) -> Entry:
    """Return the entry of an outcome."""
    assert outcome.entry is not None
    return outcome.entry


def receipt(bench: Bench) -> str | None:
    """Return the receipt that Ann shows."""
    return bench.kit.field_values(bench.ann)[RECEIPT]


def receipt_of(bench: Bench, entry: Entry | None) -> str:
    """Return the receipt that the last send of an entry carries."""
    assert entry is not None
    return bench.ledger.identity.lineage.receipt(entry.id, entry.sends)


def requests_made(bench: Bench) -> dict[str, int]:
    """Count the requests since the last `forget`, by method."""
    counted: dict[str, int] = {}
    for (method, _), number in bench.kit.counts.items():
        counted[method] = counted.get(method, 0) + number
    return counted


def _field(bench: Bench, key: str) -> int:
    return next(field.id for field in bench.crm.fields() if field.key == key)


def _ask(kit: Sandbox, method: str, path: str, **body: str) -> None:
    headers = {"X-Kit-Api-Key": kit.settings.key}
    requests.request(method, f"{kit.url}/v4/{path}", json=body or None, headers=headers, timeout=60).raise_for_status()

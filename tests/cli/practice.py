"""A home that is set up by the commands themselves, for tests of what the doctor finds in it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ccops.config.operations_file import load
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Claim, Entry, Origin
from ccops.operations.model import to_json
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.dialogs import KEY, keeps_secrets


@dataclass
class Practice:
    """One home in order, its Kit, and the way to call ccops in it."""

    kit: Sandbox
    home: Path
    environ: dict[str, str]
    ccops: Callable[..., Ended]

    def __call__(self, *words: str, **more: str) -> Ended:
        return keeps_secrets(self.ccops(*words, **self.environ | more))

    def findings(self, *words: str, **more: str) -> dict[str, list[dict[str, Any]]]:
        """Return what the doctor finds, by area."""
        found: dict[str, list[dict[str, Any]]] = {}
        for line in self("doctor", "--json", *words, **more).out.splitlines():
            row = json.loads(line)
            found.setdefault(row["area"], []).append(row)
        return found

    def wrong(self, *words: str, **more: str) -> list[tuple[str, str, str | None]]:
        """Return what the doctor finds to be wrong: area, text and what mends it."""
        rows = [row for rows in self.findings(*words, **more).values() for row in rows]
        return [(row["area"], row["text"], row["mend"]) for row in rows if not row["ok"]]

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        ledger = Ledger.open(self.home / "ledger.sqlite3", self.home / "locks")
        try:
            yield ledger
        finally:
            ledger.close()

    def begin(self, name: str) -> Entry:
        """Begin a payment's entry, as a command does that is killed before it sends anything."""
        operation = load(self.home / "operations.toml").operations["payment-credit"]
        with self.ledger() as ledger:
            now = datetime.now(UTC)
            started = ledger.runs.start(name, name, "maria", now)
            ledger.runs.stop(started, 0, now, ended=True)
            origin = Origin("maria", "run")
            contact = self.kit.contact_id(f"{name}@example.org")
            claim = Claim(operation.name, to_json(operation), contact, "key:1", started.run.id, origin, now)
            entry = ledger.entries.claim(claim).entry
        assert entry is not None
        return entry

    def credits(self, name: str) -> str | None:
        return self.kit.field_values(self.kit.contact_id(f"{name}@example.org"))["credits"]


def open_practice(kit: Sandbox, environ: dict[str, str], ccops: Callable[..., Ended]) -> Practice:
    """Set a home up: a key that cron has, an operation with a tag, one that comes once a month, and a backup."""
    kit.settings.key = KEY
    environ |= {"KIT_API_URL": kit.url, "CCOPS_RATE": "0", "CCOPS_ACTOR": "maria"}
    practice = Practice(kit, Path(environ["CCOPS_HOME"]), environ, ccops)
    practice("init", "--yes", "--save-key", KIT_API_KEY=KEY)
    practice("op", "add", "payment-credit", "--field", "credits", "--increase", "10", "--tag")
    practice("op", "add", "monthly-grant", "--field", "credits", "--increase", "10", "--once-per", "month")
    practice("backup", str(practice.home.with_name("first-backup.tar.gz")))
    return practice

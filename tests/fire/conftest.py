"""Homes that real processes of ccops work in, and the processes."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.ledger.queries import Filter
from ccops.sandbox.sandbox import Sandbox

RECEIPT = "ccops_receipt"
OPERATIONS = """\
timezone = "America/New_York"

[operations.payment-credit]
field = "credits"
action = "increase"
amount = 10

[operations.monthly-grant]
field = "credits"
action = "increase"
amount = 10
once_per = "month"

[operations.unlock-replay]
changes = [
  { field = "credits", action = "decrease", amount = 3, minimum = 0 },
  { field = "replays", action = "increase", amount = 1 },
]
"""
KILLABLE = Path(__file__).with_name("killable.py")


@dataclass
class Place:
    """One home, and the Kit that its processes talk to."""

    kit: Sandbox
    path: Path
    token: bool = False
    """Whether its processes have an access token, with which many contacts are written in one request."""

    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KIT_", "CCOPS_"))}
        return kept | {
            "CCOPS_HOME": str(self.path),
            "KIT_API_URL": self.kit.url,
            **self.credential(),
            "CCOPS_RATE": "0",
            "CCOPS_SETTLE_AFTER": "0",
        }

    def credential(self) -> dict[str, str]:
        """Return the token or the key, unless the home has a login."""
        if self.token:
            return {"KIT_ACCESS_TOKEN": self.kit.settings.token}
        return {} if (self.path / "oauth.json").exists() else {"KIT_API_KEY": self.kit.settings.key}

    def start(self, *words: str, kill_at_commit: int | None = None) -> subprocess.Popen[str]:
        program = ["-m", "ccops"] if kill_at_commit is None else [str(KILLABLE), str(kill_at_commit)]
        return subprocess.Popen(
            [sys.executable, *program, *words],
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str]:
        child = self.start(*words)
        out, err = child.communicate(timeout=250)
        return child.returncode, out + err

    def entries(self, limit: int = 1000) -> list[Entry]:
        """Return the ledger's entries, oldest first."""
        ledger = Ledger.open(self.path / "ledger.sqlite3", self.path / "locks", readonly=True)
        try:
            return [entry for entry, _ in reversed(ledger.history.entries(Filter(limit=limit)))]
        finally:
            ledger.close()

    def receipt(self, entry: Entry) -> str:
        ledger = Ledger.open(self.path / "ledger.sqlite3", self.path / "locks", readonly=True)
        try:
            return ledger.identity.lineage.receipt(entry.id, entry.sends)
        finally:
            ledger.close()


@pytest.fixture
def place(kit: Sandbox, tmp_path: Path) -> Place:
    """A home that is set up."""
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    (path / "operations.toml").write_text(OPERATIONS)
    kit.add_field("ccops receipt")
    kit.add_field("Replays")
    ledger = Ledger.create(path / "ledger.sqlite3", path / "locks")
    ledger.identity.found(9, "Ann's Studio", RECEIPT)
    ledger.close()
    return Place(kit, path)

"""A membership site for tests: its Kit, and the home from which ccops works on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.ledger.queries import Filter
from ccops.sandbox.sandbox import Sandbox

KEY = "kit_0123456789abcdef"
"""The credential, which no output may ever hold."""
RECEIPT = "ccops_receipt"
OPERATIONS = """\
timezone = "America/New_York"

[fields.credits]
minimum = 0
label = "Credits"

[operations.payment-credit]
field = "credits"
action = "increase"
amount = 10
maximum = 1000

[operations.monthly-grant]
field = "credits"
action = "increase"
amount = 10
maximum = 120
beyond = "clamp"
once_per = "month"

[operations.unlock-replay]
changes = [
  { field = "credits", action = "decrease", amount = 3, minimum = 0 },
  { field = "replay_opened_on", action = "stamp" },
]

[operations.mark]
field = "plan"
action = "set"
value = "gold"
"""


@dataclass
class Site:
    """One home that is set up, and the Kit that it is for."""

    kit: Sandbox
    home: Path
    environ: dict[str, str]

    @property
    def ann(self) -> int:
        return self.kit.contact_id("ann@example.org")

    @property
    def registry(self) -> Path:
        return self.home / "operations.toml"

    @property
    def database(self) -> Path:
        return self.home / "ledger.sqlite3"

    @property
    def sent(self) -> int:
        """How many changes of contacts Kit was asked for."""
        return sum(count for (method, _), count in self.kit.counts.items() if method != "GET")

    def credits(self, contact: str = "ann@example.org") -> str | None:
        return self.kit.field_values(self.kit.contact_id(contact)).get("credits")

    def ledger(self, *, readonly: bool = True) -> Ledger:
        """Open the ledger; to be closed by the caller."""
        return Ledger.open(self.database, self.home / "locks", readonly=readonly)

    def entries(self) -> list[Entry]:
        """Return the ledger's entries, oldest first."""
        ledger = self.ledger()
        try:
            return [entry for entry, _ in reversed(ledger.history.entries(Filter(limit=1000)))]
        finally:
            ledger.close()

    def statuses(self) -> list[str]:
        return [entry.status for entry in self.entries()]


def set_up(kit: Sandbox, home: Path, environ: Mapping[str, str]) -> Site:
    """Make a home, as `ccops init` leaves it."""
    kit.settings.key = KEY
    home.mkdir(mode=0o700)
    (home / "operations.toml").write_text(OPERATIONS)
    for label in ("ccops receipt", "Replay opened on", "Plan"):
        kit.add_field(label)
    ledger = Ledger.create(home / "ledger.sqlite3", home / "locks")
    ledger.identity.found(9, "Ann's Studio", RECEIPT)
    ledger.close()
    return Site(kit, home, dict(environ))


def way_to(kit: Sandbox) -> dict[str, str]:
    """Return the environment that leads ccops to a Kit, without waiting for anything."""
    return {"KIT_API_URL": kit.url, "KIT_API_KEY": KEY, "CCOPS_RATE": "0", "CCOPS_SETTLE_AFTER": "0"}

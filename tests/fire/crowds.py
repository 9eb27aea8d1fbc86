"""A crowd of contacts who carry a tag, and whose credits nobody but ccops writes."""

from collections import Counter
from dataclasses import dataclass, field

from ccops.ledger.model import Entry
from tests.fire.conftest import RECEIPT, Place

TAG = "Crowd"
FIRST, STEP = 5, 10
SOLE = """\
[fields.credits]
sole_writer = true

[operations.probe]
field = "credits"
action = "increase"
amount = 1

[operations.payment-credit]"""


@dataclass
class Crowd:
    """So many contacts with 5 credits, to whom ccops has given 10, so that each has a receipt."""

    place: Place
    count: int
    ids: list[int] = field(init=False)
    _read: dict[int, list[Entry]] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        registry = self.place.path / "operations.toml"
        registry.write_text(registry.read_text().replace("[operations.payment-credit]", SOLE))
        kit = self.place.kit
        self.ids = [kit.add_contact(f"crowd{number}@example.org", credits=str(FIRST)) for number in range(self.count)]
        kit.add_tag(TAG)
        for contact in self.ids:
            kit.tag(contact, TAG)
        status, said = self.place.run(*grant("first"))
        assert status == 0, said
        kit.forget()

    def entries(self) -> dict[int, list[Entry]]:
        """Return the entries of each contact, oldest first."""
        found: dict[int, list[Entry]] = {contact: [] for contact in self.ids}
        for entry in self.place.entries(limit=10_000):
            found[entry.contact].append(entry)
        return found

    def entries_of(self, contact: int) -> list[Entry]:
        """Return the entries of one contact, read once for all."""
        if self._read is None:
            self._read = self.entries()
        return self._read[contact]

    def check(self, changes: int) -> None:
        """Demand so many changes of each contact in Kit, and a ledger that tells the same."""
        for contact, entries in self.entries().items():
            values = self.place.kit.field_values(contact)
            assert Counter(entry.status for entry in entries) == {"applied": changes}
            assert values["credits"] == str(FIRST + STEP * changes)
            assert values[RECEIPT] == self.place.receipt(max(entries, key=lambda entry: entry.turn or 0))
            assert len(self.place.kit.writes(contact)) == changes


def grant(key: str) -> tuple[str, ...]:
    """Return the words that give all of the crowd 10 credits, once for a key."""
    return ("run", "payment-credit", "--tagged", TAG, "--key", key)

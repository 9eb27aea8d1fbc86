"""A backup that is made while a real run writes is of one moment: whole, and a beginning of what comes of the run."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccops.backup.contents import unpack
from ccops.backup.pack import pack
from ccops.config.home import Home
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.ledger.queries import Filter
from tests.fire.conftest import Place

pytestmark = pytest.mark.slow

_CONTACTS = 40
_PATIENCE = 60.0


def test_every_backup_during_a_run_is_a_beginning_of_what_came_of_it(place: Place, tmp_path: Path) -> None:
    names = [f"c{number}@example.org" for number in range(_CONTACTS)]
    for name in names:
        place.kit.add_contact(name, credits="1")
    begun, seen, writes = threading.Event(), threading.Event(), []

    def halt(phase: str, method: str, path: str) -> None:
        if (phase, method) == ("before", "PUT"):
            writes.append(path)
            if len(writes) == _CONTACTS // 2:
                begun.set()
                seen.wait(_PATIENCE)

    place.kit.on_request = halt
    child = place.start("run", "payment-credit", *names)
    try:
        assert begun.wait(_PATIENCE)
        saved = [entries(place, tmp_path)]  # with a write under way
        seen.set()
        while child.poll() is None:
            saved.append(entries(place, tmp_path))
    finally:
        seen.set()
        child.communicate(timeout=_PATIENCE)
    assert child.returncode == 0
    saved.append(entries(place, tmp_path))
    final = [claim(entry) for entry in place.entries()]
    assert len(final) == _CONTACTS
    assert saved[0][-1].status == "sending"
    for kept in saved:
        assert [claim(entry) for entry in kept] == final[: len(kept)]


def claim(entry: Entry) -> tuple[int, int, str]:
    return entry.id, entry.contact, entry.occasion


def entries(place: Place, folder: Path) -> list[Entry]:
    """Make a backup and read it: the entries in it, oldest first."""
    file, copy = folder / "saved.tar.gz", folder / "copy.sqlite3"
    ledger = Ledger.open(place.path / "ledger.sqlite3", place.path / "locks")
    try:
        pack(Home(place.path), ledger, file, datetime.now(UTC))
    finally:
        ledger.close()
    unpack(file, {"ledger.sqlite3": copy, "operations.toml": folder / "operations.toml"})
    there = Ledger.open(copy, folder / "locks", readonly=True)
    try:
        assert there.database.integrity() is None
        return [entry for entry, _ in reversed(there.history.entries(Filter(limit=1000)))]
    finally:
        there.close()

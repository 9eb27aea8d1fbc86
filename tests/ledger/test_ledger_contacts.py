"""What the ledger remembers of contacts: what a read showed counts, and a list may lag behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccops.ledger.ledger import Ledger
from tests.engine.conftest import new_ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = new_ledger(tmp_path)
    yield made
    made.close()


def address(ledger: Ledger) -> str | None:
    person = ledger.people.by_id(7)
    return None if person is None else person.email


def test_whom_only_a_list_has_shown_is_known(ledger: Ledger) -> None:
    ledger.people.met(7, "Ann@example.org")
    assert address(ledger) == "Ann@example.org"
    assert ledger.people.by_email("ann@EXAMPLE.org") == ledger.people.by_id(7)


def test_a_list_takes_nothing_back_that_a_read_showed(ledger: Ledger) -> None:
    ledger.people.seen(7, "new@example.org")
    ledger.people.met(7, "old@example.org")
    assert address(ledger) == "new@example.org"
    assert ledger.people.by_email("old@example.org") is None


def test_a_read_corrects_what_a_list_had_shown(ledger: Ledger) -> None:
    ledger.people.met(7, "old@example.org")
    ledger.people.seen(7, "new@example.org")
    assert address(ledger) == "new@example.org"

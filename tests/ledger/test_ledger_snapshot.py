"""A ledger is made whole or not at all, and goes on where another stopped without mixing their numbers up."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccops.errors import LedgerNotWritable, LedgerUnusable
from ccops.ledger.errors import LedgerThere
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Claim, Claimed, Origin
from ccops.ledger.snapshot import new_ledger
from ccops.ledger.store.schema import APPLICATION_ID, MIGRATIONS, VERSION

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


def made(path: Path) -> Ledger:
    with new_ledger(path, path.parent / "locks") as ledger:
        ledger.identity.found(9, "Ann's Studio", "ccops_receipt")
    return Ledger.open(path, path.parent / "locks")


def claim(ledger: Ledger, contact: int, occasion: str = "month:2026-11") -> Claimed:
    started = ledger.runs.start(occasion, "title", "maria", NOW, new=True)
    ledger.runs.stop(started, 0, NOW, ended=True)
    return ledger.entries.claim(Claim("grant", "{}", contact, occasion, started.run.id, Origin("maria", "run"), NOW))


# ---- made whole


def test_a_ledger_is_in_its_place_once_it_is_whole(path: Path) -> None:
    with new_ledger(path, path.parent / "locks") as ledger:
        ledger.identity.found(9, "Ann's Studio", "ccops_receipt")
        assert not path.exists()
    assert sorted(each.name for each in path.parent.iterdir()) == ["ledger.sqlite3", "locks"]


def test_a_ledger_that_was_not_finished_leaves_nothing(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), new_ledger(path, path.parent / "locks"):
        _ = 1 / 0
    assert [each.name for each in path.parent.iterdir()] == ["locks"]


def test_a_ledger_is_never_made_over_another(path: Path) -> None:
    made(path).close()
    before = path.read_bytes()
    with pytest.raises(LedgerThere), new_ledger(path, path.parent / "locks"):
        pytest.fail("there is one already")
    assert path.read_bytes() == before


def test_a_folder_that_is_none_is_said(path: Path) -> None:
    path.parent.joinpath("file").touch()
    with pytest.raises(LedgerNotWritable), new_ledger(path.parent / "file" / "ledger", path.parent / "locks"):
        pytest.fail("it can't be made there")


# ---- an older format


@pytest.mark.parametrize("readonly", [True, False])
def test_an_older_format_is_brought_up_to_date_whoever_looks(path: Path, *, readonly: bool) -> None:
    old = sqlite3.connect(path)
    for statement in MIGRATIONS[0]:
        old.execute(statement)
    old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()
    ledger = Ledger.open(path, path.parent / "locks", readonly=readonly)
    assert ledger.entries.open() == []
    ledger.close()
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)
    database.close()


# ---- taken over


def test_a_new_id_begins_behind_the_numbers_of_the_other_ledger(path: Path) -> None:
    ledger = made(path)
    ledger.identity.take_over(frozenset({"lostlost"}), 4711)
    lineage = ledger.identity.lineage
    assert lineage.accepted == {"lostlost"}
    entry = claim(ledger, 1).entry
    assert entry is not None
    assert (entry.id, entry.run) == (4713, 4712)
    assert lineage.receipt(entry.id) == f"{lineage.current}.4713"
    ledger.close()


def test_two_take_overs_in_a_row_leave_the_newest_id_current(path: Path) -> None:
    ledger = made(path)
    ids = []
    for highest in (50, 7, 50):
        ledger.identity.take_over(frozenset({"lostlost"}), highest)
        ids.append(ledger.identity.lineage.current)
    own = ledger.identity.lineage.own
    assert [name for name, _ in own][1:] == ids
    assert [first for _, first in own] == [1, 51, 52, 53]
    ledger.close()


def test_what_was_begun_under_an_old_number_begins_anew(path: Path) -> None:
    ledger = made(path)
    old = claim(ledger, 1).entry
    assert old is not None
    ledger.identity.take_over(frozenset(), 7)
    claimed = claim(ledger, 1)
    assert claimed.kind == "begun"
    assert claimed.entry is not None
    assert claimed.entry.id > 7
    assert ledger.entries.get(old.id).status == "failed"
    with pytest.raises(LedgerUnusable):
        ledger.entries.send(old, {}, {}, None, None, NOW)
    ledger.close()


def test_what_was_applied_or_answered_stays_counted(path: Path) -> None:
    ledger = made(path)
    applied, refused = claim(ledger, 1).entry, claim(ledger, 2, "tag:5@2026-11-22T10:00:00Z").entry
    assert applied is not None
    assert refused is not None
    ledger.entries.confirm(ledger.entries.send(applied, {}, {}, None, None, NOW), NOW, released=True)
    ledger.entries.refuse(refused, "limit", "at the maximum", NOW)
    ledger.identity.take_over(frozenset(), 7)
    assert claim(ledger, 1).kind == "repeated"
    assert claim(ledger, 2, "tag:5@2026-11-22T10:00:00Z").kind == "refused before"
    ledger.close()

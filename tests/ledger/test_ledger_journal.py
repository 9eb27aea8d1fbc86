"""What a ledger's commits rest on: no WAL mode where SQLite's WAL-reset race is, whoever else has the file open."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from ccops.ledger.errors import LedgerInUse, LedgerInWal
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Claim, Origin
from ccops.ledger.queries import Filter
from ccops.ledger.snapshot import not_in_use
from ccops.ledger.store.connections import SqliteVersion, is_affected
from ccops.locks import Locks, Waits

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
AFFECTED, FIXED = (3, 40, 1), (3, 51, 3)

HOLDS = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    database.execute(statement).fetchall()
print("held", flush=True)
sys.stdin.readline()
"""

DIES = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 1")
database.execute("BEGIN IMMEDIATE")
database.execute("UPDATE entries SET note = hex(randomblob(3000))")
os.kill(os.getpid(), 9)
"""


class Impatient:
    """Time that passes only by waiting, so that half a minute takes none."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        self.seconds += 1
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def made(folder: Path, build: SqliteVersion, count: int = 3) -> None:
    """Make a ledger of some entries with a build of SQLite, and close it."""
    with opened(folder, build, new=True) as ledger:
        ledger.identity.found(9, "Ann's Studio", "ccops_receipt")
        started = ledger.runs.start("fill", "fill", "maria", NOW, new=True)
        ledger.runs.stop(started, 0, NOW, ended=True)
        for number in range(count):
            claim(ledger, f"key:{number}")


@contextmanager
def opened(folder: Path, build: SqliteVersion, *, readonly: bool = False, new: bool = False) -> Iterator[Ledger]:
    path, locks, time = folder / "ledger.sqlite3", folder / "locks", Impatient()
    waits = Waits(None, time.now, time.sleep)
    ledger = (
        Ledger.create(path, locks, build=build)
        if new
        else Ledger.open(path, locks, readonly=readonly, waits=waits, build=build)
    )
    with closing(ledger):
        yield ledger


def claim(ledger: Ledger, occasion: str) -> None:
    ledger.entries.claim(Claim("grant", '{"name": "grant"}', 7, occasion, 1, Origin("maria", "run"), NOW))


def mode_of(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "ledger.sqlite3")) as database:
        return str(database.execute("PRAGMA journal_mode").fetchone()[0])


def digest(folder: Path) -> bytes:
    return sha256((folder / "ledger.sqlite3").read_bytes()).digest()


@contextmanager
def beside(folder: Path, *statements: str) -> Iterator["subprocess.Popen[str]"]:
    """Let another process, which knows nothing of ccops, have the file open."""
    command = [sys.executable, "-c", HOLDS, str(folder / "ledger.sqlite3"), *statements]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield child
        child.kill()


# ---- which versions


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 44, 9), False),
        ((3, 45, 0), True),
        ((3, 49, 2), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
        ((3, 53, 4), False),
        ((4, 0, 0), False),
    ],
)
def test_race_is_in_all_versions_without_its_fix(version: SqliteVersion, *, affected: bool) -> None:
    assert is_affected(version) is affected


# ---- one build


def test_new_ledger_is_in_wal_mode_only_where_that_is_safe(folder: Path) -> None:
    for build, mode in ((AFFECTED, "delete"), (FIXED, "wal")):
        place = folder / mode
        place.mkdir()
        made(place, build)
        assert mode_of(place) == mode


def test_affected_build_switches_a_wal_ledger_when_it_opens_it(folder: Path) -> None:
    made(folder, FIXED)
    with opened(folder, AFFECTED) as ledger:
        assert ledger.entries.highest() == 3
    assert mode_of(folder) == "delete"


def test_fixed_build_leaves_the_mode_as_it_is(folder: Path) -> None:
    made(folder, AFFECTED)
    with opened(folder, FIXED) as ledger:
        claim(ledger, "key:more")
    assert mode_of(folder) == "delete"


@pytest.mark.parametrize("build", [AFFECTED, FIXED])
def test_reader_changes_no_byte_in_either_mode(folder: Path, build: SqliteVersion) -> None:
    made(folder, build)
    before = digest(folder)
    for reading in (AFFECTED, FIXED):
        with opened(folder, reading, readonly=True) as ledger:
            assert len(ledger.history.entries(Filter())) == 3
            with pytest.raises(Exception, match="readonly"):
                claim(ledger, "key:more")
    assert digest(folder) == before


def test_reader_undoes_what_a_crash_left_half_written(folder: Path) -> None:
    made(folder, AFFECTED, 200)
    subprocess.run([sys.executable, "-c", DIES, str(folder / "ledger.sqlite3")], check=False)
    assert (folder / "ledger.sqlite3-journal").stat().st_size > 0
    with opened(folder, AFFECTED, readonly=True) as ledger:
        assert {entry.note for entry, _ in ledger.history.entries(Filter(limit=None))} == {None}
        assert ledger.database.integrity() is None


# ---- others beside it


def test_ledger_that_others_keep_in_wal_mode_is_not_written(folder: Path) -> None:
    made(folder, FIXED)
    with beside(folder, "PRAGMA journal_mode", "SELECT * FROM identity") as other:
        with opened(folder, AFFECTED) as ledger, pytest.raises(LedgerInWal, match=f"by process {other.pid} ") as error:
            claim(ledger, "key:more")
        assert "SQLite 3.40.1" in str(error.value)
        with opened(folder, AFFECTED, readonly=True) as ledger:
            assert ledger.entries.highest() == 3
    with opened(folder, AFFECTED) as ledger:
        claim(ledger, "key:more")
        assert ledger.entries.highest() == 4


def test_ledger_switched_to_wal_under_our_hands_is_not_written(folder: Path) -> None:
    made(folder, AFFECTED)
    with opened(folder, AFFECTED) as ledger:
        claim(ledger, "key:more")
        with beside(folder, "PRAGMA journal_mode = WAL", "SELECT * FROM identity"), pytest.raises(LedgerInWal):
            claim(ledger, "key:lost")
        assert ledger.entries.highest() == 4


def test_two_builds_at_once_never_write_in_wal_mode_together(folder: Path) -> None:
    made(folder, FIXED)
    with opened(folder, FIXED) as fixed:
        claim(fixed, "key:fixed")
        for number in range(3):
            with opened(folder, AFFECTED) as affected:
                claim(affected, f"key:affected {number}")
                claim(fixed, f"key:fixed {number}")
                assert fixed.database.journal[0] is affected.database.journal[0] is False
        assert fixed.entries.highest() == 10


def test_ledger_names_the_builds_that_wrote_to_it(folder: Path) -> None:
    made(folder, FIXED)
    with opened(folder, AFFECTED) as ledger:
        claim(ledger, "key:more")
        wal, build, builds = ledger.database.journal
    assert (wal, build, sorted(builds)) == (False, AFFECTED, [AFFECTED, FIXED])


def test_connections_of_this_process_are_no_obstacle(folder: Path) -> None:
    made(folder, FIXED)
    with opened(folder, AFFECTED, readonly=True) as reader, opened(folder, AFFECTED) as writer:
        assert reader.entries.highest() == 3
        claim(writer, "key:more")
        assert reader.entries.highest() == 4
    assert mode_of(folder) == "delete"


# ---- long looks


@pytest.mark.parametrize("build", [AFFECTED, FIXED])
def test_slow_reader_keeps_no_commit_waiting(folder: Path, build: SqliteVersion) -> None:
    made(folder, build, 30)
    with opened(folder, build, readonly=True) as reader, opened(folder, build) as writer:
        slow = reader.history.each(Filter(limit=None))
        first, _ = next(slow)
        claim(writer, "key:more")
        assert [first.id, *(entry.id for entry, _ in slow)] == list(range(30, 0, -1)), "all of one moment"


@pytest.mark.parametrize("readonly", [True, False])
def test_open_ledger_is_in_use_though_no_transaction_is(folder: Path, *, readonly: bool) -> None:
    made(folder, AFFECTED)
    path, locks = folder / "ledger.sqlite3", Locks(folder / "locks")
    with opened(folder, AFFECTED, readonly=readonly) as ledger:
        assert ledger.entries.highest() == 3
        with pytest.raises(LedgerInUse), not_in_use(path, locks):
            pytest.fail("it is in use")
    with not_in_use(path, locks):
        pass

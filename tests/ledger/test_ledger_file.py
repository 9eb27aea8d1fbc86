"""The ledger's file: what is no ledger, damaged, too new, held, full or not ours to write is told apart, untouched."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest

from ccops.errors import LedgerNotWritable
from ccops.ledger.errors import LedgerBusy, LedgerDamaged, LedgerMissing, LedgerTooNew, NotALedger
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Claim, Origin
from ccops.ledger.store.schema import APPLICATION_ID, VERSION
from ccops.locks import Waits
from tests.engine.conftest import new_ledger

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
ENTRIES = 60


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a ledger of some size, closed."""
    ledger = new_ledger(tmp_path)
    fill(ledger, ENTRIES)
    ledger.close()
    return tmp_path


@pytest.fixture
def opened() -> Iterator[Callable[[Path], Ledger]]:
    ledgers: list[Ledger] = []

    def open_ledger(home: Path) -> Ledger:
        ledgers.append(Ledger.open(home / "ledger.sqlite3", home / "locks"))
        return ledgers[-1]

    yield open_ledger
    for ledger in ledgers:
        ledger.close()


def fill(ledger: Ledger, count: int) -> None:
    """Make entries, one commit each."""
    started = ledger.runs.start("fill", "fill", "maria", NOW, new=True)
    ledger.runs.stop(started, 0, NOW, ended=True)
    highest = ledger.entries.highest()
    for number in range(highest, highest + count):
        claim(ledger, f"key:{number}", started.run.id)


def claim(ledger: Ledger, occasion: str, run: int = 1) -> None:
    ledger.entries.claim(Claim("grant", '{"name": "grant"}', 7, occasion, run, Origin("maria", "run"), NOW))


def use(ledger: Ledger) -> None:
    """Read all and write something."""
    ledger.entries.of_run(1)
    ledger.history.counts()
    claim(ledger, "key:new")


def file_of(home: Path) -> Path:
    return home / "ledger.sqlite3"


def truncated(home: Path) -> None:
    path = file_of(home)
    os.truncate(path, path.stat().st_size // 2)


def cut_within_a_page(home: Path) -> None:
    os.truncate(file_of(home), 4096 * 3 + 17)


def garbage(home: Path) -> None:
    file_of(home).write_bytes(b"no database at all, " * 1000)


def other_header(home: Path) -> None:
    overwrite(home, 0, b"SQLite format 4\0")


def emptied(home: Path) -> None:
    file_of(home).write_bytes(b"")


def zeroed_pages(home: Path) -> None:
    for page in range(1, file_of(home).stat().st_size // 4096):
        overwrite(home, page * 4096, bytes(4096))


def overwrite(home: Path, at: int, content: bytes) -> None:
    with file_of(home).open("r+b") as file:
        file.seek(at)
        file.write(content)


@pytest.mark.parametrize("damage", [truncated, cut_within_a_page, garbage, other_header, emptied, zeroed_pages])
def test_a_damaged_file_is_said_to_be_and_left_as_it_is(
    home: Path, opened: Callable[[Path], Ledger], damage: Callable[[Path], None]
) -> None:
    damage(home)
    before = sha256(file_of(home).read_bytes())
    with pytest.raises(LedgerDamaged, match="Put the newest backup"):
        use(opened(home))
    assert sha256(file_of(home).read_bytes()).digest() == before.digest()


def test_a_flipped_page_is_found_when_it_is_used_or_looked_for(home: Path, opened: Callable[[Path], Ledger]) -> None:
    pages = file_of(home).stat().st_size // 4096
    overwrite(home, (pages - 3) * 4096, bytes(byte ^ 0xFF for byte in range(64)))
    ledger = opened(home)
    try:
        found = ledger.database.integrity()
    except LedgerDamaged as damaged:
        found = str(damaged)
    assert found


def test_a_whole_ledger_has_its_integrity(home: Path, opened: Callable[[Path], Ledger]) -> None:
    assert opened(home).database.integrity() is None


def test_the_database_of_another_program_is_not_touched(home: Path, opened: Callable[[Path], Ledger]) -> None:
    file_of(home).unlink()
    with closing(sqlite3.connect(file_of(home))) as other:
        other.execute("CREATE TABLE songs (name TEXT)")
        other.commit()
    before = file_of(home).read_bytes()
    with pytest.raises(NotALedger, match="not a ledger of ccops"):
        use(opened(home))
    assert file_of(home).read_bytes() == before


def test_a_missing_ledger_is_not_made_by_the_way(home: Path, opened: Callable[[Path], Ledger]) -> None:
    file_of(home).unlink()
    with pytest.raises(LedgerMissing):
        use(opened(home))
    assert not file_of(home).exists()


def test_a_folder_in_its_place_is_said(home: Path, opened: Callable[[Path], Ledger]) -> None:
    file_of(home).unlink()
    file_of(home).mkdir()
    with pytest.raises(LedgerNotWritable):
        use(opened(home))


def test_a_ledger_of_a_newer_ccops_is_not_touched(home: Path, opened: Callable[[Path], Ledger]) -> None:
    with closing(sqlite3.connect(file_of(home))) as newer:
        newer.execute(f"PRAGMA user_version = {VERSION + 1}")
        newer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = file_of(home).read_bytes()
    with pytest.raises(LedgerTooNew, match=f"has format {VERSION + 1}, this ccops knows formats up to {VERSION}"):
        use(opened(home))
    assert file_of(home).read_bytes() == before


def test_a_file_of_format_0_is_brought_forward_once(tmp_path: Path, opened: Callable[[Path], Ledger]) -> None:
    with closing(sqlite3.connect(file_of(tmp_path))) as empty:
        empty.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        empty.execute("PRAGMA journal_mode = WAL")
    both = opened(tmp_path), opened(tmp_path)
    for ledger in both:
        ledger.identity.found(9, "Ann's Studio", "ccops_receipt")
    assert both[0].identity.lineage == both[1].identity.lineage
    with both[1].database.read() as db:
        assert db.rows("PRAGMA user_version")[0][0] == VERSION


def test_a_ledger_held_by_another_process_is_busy(home: Path) -> None:
    told: list[str] = []
    waits = Waits(told.append, count(step=10).__next__)
    ledger = Ledger.open(home / "ledger.sqlite3", home / "locks", waits=waits)
    ledger.database._writer().connection.execute("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(file_of(home), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert ledger.entries.get(1).status == "intended"
        with pytest.raises(LedgerBusy, match="held by another process"):
            claim(ledger, "key:new")
        other.execute("ROLLBACK")
    assert [text.partition(" /")[0] for text in told] == ["waiting for the ledger"]
    claim(ledger, "key:new")
    ledger.close()


def test_what_does_not_fit_any_more_is_refused_whole(home: Path, opened: Callable[[Path], Ledger]) -> None:
    ledger = opened(home)
    (pages,) = ledger.database._writer().connection.execute("PRAGMA page_count").fetchone()
    ledger.database._writer().connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerNotWritable, match="full"):
        fill(ledger, 1000)
    written = ledger.entries.highest()
    ledger.close()
    again = opened(home)
    assert (again.entries.highest(), again.database.integrity()) == (written, None)
    fill(again, 10)


FULL_DISK = """
import resource, sys
from pathlib import Path
from ccops.errors import CcopsError
from tests.ledger.test_ledger_file import fill
from ccops.ledger.ledger import Ledger

home = Path(sys.argv[1])
ledger = Ledger.open(home / "ledger.sqlite3", home / "locks")
fill(ledger, 3)
full = (home / "ledger.sqlite3").stat().st_size + 20_000  # what is there already can be written over
resource.setrlimit(resource.RLIMIT_FSIZE, (full, full))
try:
    fill(ledger, 10_000)
except CcopsError as error:
    print(type(error).__name__, ledger.entries.highest())
"""


def test_on_a_full_disk_nothing_is_half_written(home: Path, opened: Callable[[Path], Ledger]) -> None:
    kind, highest = told(FULL_DISK, home).split()
    assert kind == "LedgerNotWritable"
    ledger = opened(home)
    assert (ledger.entries.highest(), ledger.database.integrity()) == (int(highest), None)
    fill(ledger, 10)


READ_ONLY = """
import os, sys
from pathlib import Path
from ccops.errors import CcopsError
from tests.ledger.test_ledger_file import use
from ccops.ledger.ledger import Ledger

if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
home = Path(sys.argv[1])
ledger = Ledger.open(home / "ledger.sqlite3", home / "locks")
try:
    use(ledger)
except CcopsError as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize("leaf", ["file", "folder"])
def test_a_ledger_that_is_not_ours_to_write_is_said(leaf: str) -> None:
    """As root no file is read-only, so that the child is somebody else then."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        ledger = new_ledger(home)
        fill(ledger, 3)
        ledger.close()
        home.chmod(0o755 if leaf == "file" and os.getuid() == 0 else 0o555)
        file_of(home).chmod(0o444 if leaf == "file" else 0o666)
        assert told(READ_ONLY, home).strip() == "LedgerNotWritable"
        home.chmod(0o700)


def test_a_mistake_of_ours_is_not_called_damage(home: Path, opened: Callable[[Path], Ledger]) -> None:
    with pytest.raises(sqlite3.ProgrammingError), opened(home).database.read() as db:
        db.row("SELECT :missing")


def told(program: str, *words: object) -> str:
    """Run a program in a process of its own and return what it prints."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

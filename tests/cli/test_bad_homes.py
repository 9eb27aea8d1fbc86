"""Homes that can't be worked in: told whole, with exit status 5 where it is the ledger; nothing is sent or lost."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ccops.errors import SET_UP
from tests.cli.calls import Ended, told
from tests.cli.sites import Site

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]

HELD_BACK = Path(__file__).with_name("held_back.py")
ANN = "ann@example.org"
RUN = ("run", "payment-credit", ANN)
COMMANDS = (RUN, (*RUN, "--dry-run"), ("undo", "e1"), ("settle",), ("settle", "e1", "--as", "applied"))
DAMAGED = (
    "the ledger {} is damaged ({}). Nothing was sent. Put the newest backup in its place (with no backup, move "
    "it aside, then: ccops init --take-over):\nccops restore FILE"
)
NOT_WRITABLE = (
    "the ledger {} can't be written to ({}). Nothing is lost: check the free space of the disk, and the owner and mode "
    "of the folder and of all in it; then give the same command again."
)


@pytest.fixture
def held_back(environ: dict[str, str]) -> Callable[..., Ended]:
    """Call ccops as a user like others, with a disk on which no file gets longer than so many bytes (0: any)."""

    def call(disk: int, *words: str) -> Ended:
        done = subprocess.run(
            [sys.executable, str(HELD_BACK), str(disk), *words],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return call


@contextmanager
def mode(path: Path, wanted: int) -> Iterator[None]:
    before = path.stat().st_mode
    path.chmod(wanted)
    try:
        yield
    finally:
        path.chmod(before)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_damaged_ledger_is_told(site: Site, ccops: Call, words: tuple[str, ...]) -> None:
    ccops(*RUN)
    whole = site.database.read_bytes()
    damages = {
        b"": "it is empty",
        whole[: len(whole) // 2]: "database disk image is malformed",
        whole[:50]: "database disk image is malformed",
        b"no ledger, but a letter\n" * 999: "file is not a database",
        whole[:4096] + b"\xff" * (len(whole) - 4096): "database disk image is malformed",
    }
    for content, what in damages.items():
        site.database.write_bytes(content)
        assert ccops(*words) == Ended(5, "", told(DAMAGED.format(site.database, what)))
        assert site.database.read_bytes() == content
    site.database.write_bytes(whole)
    assert (site.sent, site.credits(), site.statuses()) == (1, "15", ["applied"])


@pytest.mark.parametrize("words", COMMANDS)
def test_a_ledger_of_a_newer_ccops_is_left_alone(site: Site, ccops: Call, words: tuple[str, ...]) -> None:
    with closing(sqlite3.connect(site.database)) as database:
        known = database.execute("PRAGMA user_version").fetchone()[0]
        database.execute("PRAGMA user_version = 99")
    error = (
        f"the ledger {site.database} has format 99, this ccops knows formats up to {known}. Nothing was sent. Update "
        "ccops on this machine."
    )
    assert ccops(*words) == Ended(5, "", told(error))
    assert site.sent == 0


def test_another_programs_database_is_left_alone(site: Site, ccops: Call) -> None:
    site.database.unlink()
    with closing(sqlite3.connect(site.database)) as database:
        database.execute("CREATE TABLE notes (text)")
    content = site.database.read_bytes()
    error = f"{site.database} is a database, but not a ledger of ccops. Nothing was sent. Choose another --home."
    assert ccops(*RUN) == Ended(5, "", told(error))
    assert (site.sent, site.database.read_bytes()) == (0, content)


def test_a_ledger_that_was_never_made_and_one_that_is_gone_are_told_apart(site: Site, ccops: Call) -> None:
    site.database.unlink()
    missing = f"there is no ledger at {site.database}. Nothing was sent. Set the home up first.\n{SET_UP}"
    assert ccops(*RUN) == Ended(2, "", told(missing))
    (site.home / "config.toml").write_text("")
    lost = (
        f"the ledger {site.database} is gone, though this home was set up. Nothing was sent. Put the newest backup "
        "back; only if there is none, start a new ledger where the lost one stopped:\nccops restore FILE\n"
        "ccops init --take-over"
    )
    for words in COMMANDS:
        assert ccops(*words) == Ended(5, "", told(lost))
    assert (site.sent, site.database.exists()) == (0, False)


def test_a_home_that_is_a_file_or_not_there_is_told(site: Site, ccops: Call) -> None:
    error = f"{site.registry} is to be the home, but is not a folder.\nChoose a folder with --home or CCOPS_HOME."
    assert ccops(*RUN, CCOPS_HOME=str(site.registry)) == Ended(2, "", told(error))
    assert ccops(*RUN, "--home", str(site.registry)) == Ended(2, "", told(error))
    nowhere = site.home.with_name("nowhere")
    missing = f"there is no registry at {nowhere}/operations.toml.\n{SET_UP}"
    assert ccops(*RUN, CCOPS_HOME=str(nowhere)) == Ended(2, "", told(missing))
    assert (site.sent, nowhere.exists()) == (0, False)


def test_a_home_that_can_not_be_written_to_is_told(site: Site, ccops: Call, held_back: Call) -> None:
    ccops(*RUN)
    error = NOT_WRITABLE.format(site.database, "attempt to write a readonly database")
    with mode(site.home, 0o500):
        assert held_back(0, *RUN) == Ended(5, "", told(error))
    with mode(site.home / "locks", 0o500):
        locks = NOT_WRITABLE.format(site.home / "locks" / "run-2", "Permission denied")
        assert held_back(0, *RUN) == Ended(5, "", told(locks))
    assert (site.sent, site.credits(), site.statuses()) == (1, "15", ["applied"])


def test_a_file_that_can_not_be_read_is_told(site: Site, held_back: Call) -> None:
    with mode(site.registry, 0):
        ended = held_back(0, *RUN)
    error = f"Look at the owner and mode of {site.registry}, and at the room on its disk."
    assert ended == Ended(2, "", told(f"{site.registry} can't be used: Permission denied.\n{error}"))
    assert site.sent == 0


def full_disk(site: Site, ccops: Call, held_back: Call, disk: int, words: tuple[str, ...]) -> set[str]:
    """Run a command while the disk is full, then again when it is not; return the states that the first one left."""
    full = held_back(disk, *words)
    if full.status == 0:
        return set()
    assert (full.status, full.err) == (5, told(NOT_WRITABLE.format(site.database, "disk I/O error")))
    left_behind = {str(entry.status) for entry in site.entries()} - {"applied"}
    assert ccops(*words).status == 0
    return left_behind


def test_wherever_the_disk_gets_full_each_contact_counts_once(site: Site, ccops: Call, held_back: Call) -> None:
    """First no page behind a place can be written, each time a little later; then the file can't grow for a send."""
    left_behind = set[str]()
    for number, disk in enumerate(range(48 * 1024, 256 * 1024, 8 * 1024)):
        email = f"contact{number}@example.org"
        contact = site.kit.add_contact(email, credits="5")
        left_behind |= full_disk(site, ccops, held_back, disk, ("run", "payment-credit", email))
        assert (site.credits(email), len(site.kit.writes(contact))) == ("15", 1)
        if "sending" in left_behind:
            break
    assert ccops("op", "add", "remark", "--field", "remarks", "--append", "x" * 3000, "--create-field").status == 0
    for number in range(3):
        contact = site.kit.add_contact(f"other{number}@example.org", credits="5")
        disk = site.database.stat().st_size
        left_behind |= full_disk(site, ccops, held_back, disk, ("run", "remark", str(contact)))
        assert (site.kit.field_values(contact)["remarks"], len(site.kit.writes(contact))) == ("x" * 3000, 1)
    assert left_behind >= {"intended", "sending"}
    assert set(site.statuses()) == {"applied"}


def test_a_run_that_another_ledger_stopped_has_ended_and_says_why(site: Site, ccops: Call) -> None:
    site.kit.set_field(site.ann, "ccops_receipt", "someones7.12")
    assert ccops(*RUN).status == 5
    (entry,) = site.entries()
    assert (entry.status, entry.reason) == ("failed", "it was last changed by another ledger (someones7)")
    assert '"area": "runs", "ok": true' in ccops("doctor", "--json").out
    assert ccops("init", "--take-over", "--yes").status == 0
    assert ccops(*RUN).err == ""
    assert (site.credits(), [each.status for each in site.entries()]) == ("15", ["failed", "applied"])

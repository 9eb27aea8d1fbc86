"""Asked to end at whatever moment, a command ends with 143 or had done all, and the same command does the rest once."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.calls import Ended
from tests.cli.sites import Site

pytestmark = pytest.mark.slow

TERMINATED = Path(__file__).with_name("terminated.py")
CONTACTS = ("ann@example.org", "bob@example.org", "hal@example.org")
MOMENTS = 10


@pytest.fixture
def terminated(environ: dict[str, str]) -> Callable[..., Ended]:
    """Call ccops as a program that is sent TERM at its n-th call of a function."""

    def call(how: str, nth: int, *words: str) -> Ended:
        command = [sys.executable, str(TERMINATED), how, str(nth), *words]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)
        return Ended(done.returncode, done.stdout, done.stderr)

    return call


@pytest.mark.parametrize("how", ["finalizer", "plainly"])
def test_import_asked_to_end_at_any_moment_says_so_and_counts_once(
    site: Site, terminated: Callable[..., Ended], tmp_path: Path, how: str
) -> None:
    file = tmp_path / "gifts.csv"
    file.write_text("".join(["email,add\n", *(f"{email},10\n" for email in CONTACTS)]))
    words = ("import", str(file), "--field", "credits", "--key")
    given, statuses = 1, set[int]()
    calls = int(terminated(how, 0, *words, "gift-0").err.splitlines()[-1])
    for moment in range(MOMENTS):
        ended = terminated(how, calls * (2 * moment + 1) // (2 * MOMENTS), *words, f"gift-{moment + 1}")
        given += 1
        assert "Traceback" not in ended.err, ended.err
        if ended.status != 143:
            assert (ended.status, ended.out.count("→")) == (0, 3), "all was done when it came"
        again = terminated(how, 0, *words, f"gift-{moment + 1}")
        assert again.status == 0, again.err
        assert [site.credits(email) for email in CONTACTS] == [str(first + 10 * given) for first in (5, 12, 0)]
        statuses.add(ended.status)
    assert 143 in statuses


def test_backup_asked_to_end_in_a_finalizer_ends_with_143(
    site: Site, terminated: Callable[..., Ended], tmp_path: Path
) -> None:
    calls = int(terminated("finalizer", 0, "backup", str(tmp_path / "whole.tar.gz")).err.splitlines()[-1])
    for eighth in (2, 5):
        ended = terminated("finalizer", calls * eighth // 8, "backup", str(tmp_path / f"{eighth}.tar.gz"))
        assert (ended.status, "Traceback" in ended.err) == (143, False), ended.err
    assert site.credits() == "5"


def test_killed_backup_leaves_no_copy_beside_its_target(
    site: Site, terminated: Callable[..., Ended], tmp_path: Path
) -> None:
    target = tmp_path / "backups"
    target.mkdir()
    words = ("backup", str(target / "saved.tar.gz"))
    calls = int(terminated("killed", 0, *words).err.splitlines()[-1])
    (target / "saved.tar.gz").unlink()
    for tenth in range(2, 10):
        assert terminated("killed", calls * tenth // 10, *words).status == -9
        left = {path.name for path in target.iterdir()}
        assert left <= {"saved.tar.gz"}, f"killed after {tenth} tenths"
    assert terminated("killed", 0, *words).status == 0
    assert [path.name for path in target.iterdir()] == ["saved.tar.gz"]
    assert [path.name for path in site.home.iterdir() if ".backup" in path.name] == []


def test_draft_with_a_name_goes_with_the_next_backup(
    site: Site, terminated: Callable[..., Ended], tmp_path: Path
) -> None:
    """Where files can't be without a name, a killed backup leaves its draft until then."""
    (tmp_path / ".ccops-draft-0123456789abcdef").write_text("secrets")
    (site.home / ".ledger.sqlite3.backup").write_text("half a copy")
    assert terminated("plainly", 0, "backup", str(tmp_path / "saved.tar.gz")).status == 0
    assert list(tmp_path.glob(".ccops-draft-*")) == []
    assert list(site.home.glob(".ledger.sqlite3.backup*")) == []

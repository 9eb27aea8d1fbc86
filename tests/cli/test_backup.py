"""`ccops backup`: one file that holds the whole home, says what it is, and is safe to keep."""

import json
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ccops.backup.contents import BackupUnwritable
from ccops.backup.pack import pack
from ccops.clock import SystemClock
from ccops.config.home import Home
from ccops.ledger.ledger import Ledger
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.dialogs import KEY
from tests.cli.practice import Practice, open_practice

ANN = "ann@example.org"


@pytest.fixture
def practice(kit: Sandbox, environ: dict[str, str], ccops: Callable[..., Ended]) -> Practice:
    return open_practice(kit, environ, ccops)


def member(file: Path, name: str) -> str:
    with tarfile.open(file) as archive:
        content = archive.extractfile(name)
        assert content is not None
        return content.read().decode()


def test_it_is_one_private_file_that_says_what_it_is(practice: Practice, tmp_path: Path) -> None:
    practice("run", "payment-credit", ANN)
    file = tmp_path / "saved.tar.gz"
    ended = practice("backup", str(file))
    assert (ended.status, ended.out.startswith(f"Saved to {file}, ")) == (0, True)
    assert ended.out.endswith(": 1 entry of Ann's Studio (9), up to e1, with the keys.\n")
    assert "It holds your keys" in ended.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with tarfile.open(file) as archive:
        assert archive.getnames() == ["manifest.json", "ledger.sqlite3", "config.toml", "operations.toml"]
    told = json.loads(member(file, "manifest.json"))
    assert (told["account"], told["highest"], told["secrets"]) == ({"id": 9, "name": "Ann's Studio"}, 1, True)
    assert KEY in member(file, "config.toml")
    assert list(tmp_path.glob(".ccops-draft-*")) == []


def test_without_secrets_no_key_is_in_it_wherever_it_stood(practice: Practice, tmp_path: Path) -> None:
    config = practice.home / "config.toml"
    config.write_text(f'# the old one: {KEY}\nsettle_after = 5\nactor = "maria"\n{config.read_text()}')
    practice("webhook", "show", "payment-credit", "--url", "https://hooks.example.org")
    file = tmp_path / "saved.tar.gz"
    ended = practice("backup", str(file), "--without-secrets")
    assert (ended.status, "without keys" in ended.out, ended.err) == (0, True, "")
    kept = member(file, "config.toml")
    assert [line for line in kept.splitlines() if line and not line.startswith("#")] == [
        "settle_after = 5",
        'actor = "maria"',
    ]
    assert KEY not in kept


def test_a_folder_gets_a_file_named_by_account_and_time(practice: Practice, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    assert practice("backup", str(folder), "--quiet") == Ended(0, "", "")
    (made,) = folder.iterdir()
    assert made.name.startswith("ccops-9-")
    assert made.name.endswith("Z.tar.gz")


def test_an_older_backup_of_that_name_is_replaced_and_nothing_else_is(practice: Practice, tmp_path: Path) -> None:
    file, letter = tmp_path / "saved.tar.gz", tmp_path / "letter.txt"
    practice("backup", str(file))
    practice("run", "payment-credit", ANN)
    assert "up to e1" in practice("backup", str(file)).out
    letter.write_text("Dear Ann")
    refused = practice("backup", str(letter))
    assert (refused.status, letter.read_text()) == (2, "Dear Ann")
    assert "is there already, and is no backup of ccops" in refused.err


def test_a_file_that_cant_be_written_leaves_nothing_behind(practice: Practice, tmp_path: Path) -> None:
    ended = practice("backup", str(tmp_path / "no" / "such" / "saved.tar.gz"))
    assert (ended.status, "No backup was made." in ended.err) == (2, True)
    assert practice("doctor").status == 0


def test_a_folder_that_takes_no_files_is_named(practice: Practice) -> None:
    ledger = Ledger.open(practice.home / "ledger.sqlite3", practice.home / "locks")
    with pytest.raises(BackupUnwritable):
        pack(Home(practice.home), ledger, Path("/proc/saved.tar.gz"), SystemClock().now())
    ledger.close()


def test_a_backup_within_the_home_is_warned_of(practice: Practice) -> None:
    assert "it lies in the home itself" in practice("backup", str(practice.home / "saved.tar.gz")).err


@pytest.mark.usefixtures("home")
def test_a_home_without_a_ledger_has_nothing_to_save(ccops: Callable[..., Ended], tmp_path: Path) -> None:
    assert ccops("backup", str(tmp_path / "saved.tar.gz")).status == 2
    assert not (tmp_path / "saved.tar.gz").exists()


def test_a_rehearsal_is_saved_without_a_warning(
    ccops: Callable[..., Ended], environ: dict[str, str], tmp_path: Path
) -> None:
    ccops("init", "--sandbox", **environ)
    ended = ccops("backup", str(tmp_path / "rehearsal.tar.gz"), **environ)
    assert (ended.status, "keys" in ended.out + ended.err) == (0, False)

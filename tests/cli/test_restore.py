"""`ccops restore`: a backup comes back whole or not at all, deletes nothing, and an older one is noticed at Kit."""

import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ccops.ledger.store.schema import MIGRATIONS
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.dialogs import KEY, talk
from tests.cli.practice import Practice, open_practice

pytestmark = pytest.mark.slow

ANN, BOB, FAY, GUS = (f"{name}@example.org" for name in ("ann", "bob", "fay", "gus"))


@pytest.fixture
def practice(kit: Sandbox, environ: dict[str, str], ccops: Callable[..., Ended]) -> Practice:
    return open_practice(kit, environ, ccops)


@pytest.fixture
def saved(practice: Practice, tmp_path: Path) -> Path:
    """A backup in which Ann has this month's credits."""
    practice("run", "monthly-grant", ANN)
    file = tmp_path / "saved.tar.gz"
    assert practice("backup", str(file)).status == 0
    return file


def changed(file: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """Write a backup anew, with its parts as `change` returns them; None leaves one out."""
    other = file.with_name("changed.tar.gz")
    with tarfile.open(file) as old, tarfile.open(other, "w:gz") as new:
        for member in old:
            content = old.extractfile(member)
            assert content is not None
            kept = change(member.name, content.read())
            if kept is not None:
                member.size = len(kept)
                new.addfile(member, io.BytesIO(kept))
    return other


def edited(file: Path, **keys: object) -> Path:
    """Write a backup anew, with other words in its manifest."""

    def edit(name: str, content: bytes) -> bytes:
        return json.dumps(json.loads(content) | keys).encode() if name == "manifest.json" else content

    return changed(file, edit)


def contents(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}


# ---- where it goes


def test_an_empty_place_becomes_the_home_that_was_saved(practice: Practice, saved: Path, tmp_path: Path) -> None:
    ended = practice("restore", str(saved), "--home", str(tmp_path / "server"))
    assert (ended.status, ended.out.partition(", as it was on ")[0]) == (0, f"Restored into {tmp_path / 'server'}")
    assert ended.out.endswith(": 1 entry of Ann's Studio (9), up to e1, with the keys.\n")
    assert f"  ccops --home {tmp_path / 'server'} init --take-over" in ended.err
    assert practice("doctor", "--home", str(tmp_path / "server")).status == 0
    again = practice("run", "monthly-grant", ANN, "--home", str(tmp_path / "server"))
    assert again.out.startswith(f"{ANN}\talready done")
    assert "There is nothing to take over" in practice("init", "--take-over", "--home", str(tmp_path / "server")).err


def test_what_is_there_is_moved_aside_once_a_person_agrees(practice: Practice, saved: Path) -> None:
    practice("run", "payment-credit", BOB)
    before = contents(practice.home)
    refused = practice("restore", str(saved))
    assert (refused.status, "Give --yes." in refused.err, contents(practice.home)) == (2, True, before)
    assert "goes up to e2, the backup only up to e1" in refused.err
    assert practice("restore", str(saved), "--yes").status == 0
    aside = {name.partition(".before-restore-")[0]: content for name, content in contents(practice.home).items()}
    kept = {path for path in practice.home.iterdir() if ".before-restore-" in path.name}
    assert {path.name.partition(".before-restore-")[0] for path in kept} == set(aside) - {"locks"}
    assert all(path.stat().st_mode & 0o77 == 0 for path in kept)
    (old,) = practice.home.glob("ledger.sqlite3.before-restore-*")
    with sqlite3.connect(old) as database:
        assert database.execute("SELECT COUNT(*) FROM entries").fetchone() == (2,)
    database.close()
    assert len(practice("history", "--json").out.splitlines()) == 1


def test_at_a_terminal_it_asks(practice: Practice, saved: Path) -> None:
    ended = talk(practice.environ, ["restore", str(saved)], [("[y/N] ", "n")])
    assert (ended.status, "Nothing was changed." in ended.out) == (1, True)
    assert talk(practice.environ, ["restore", str(saved)], [("[y/N] ", "y")]).status == 0


def test_a_lost_or_damaged_ledger_is_replaced(practice: Practice, saved: Path) -> None:
    ledger = practice.home / "ledger.sqlite3"
    for what in (b"", b"no database, surely" * 100):
        ledger.write_bytes(what)
        practice.home.joinpath("ledger.sqlite3-wal").write_bytes(b"of the old one")
        assert practice("restore", str(saved), "--yes").status == 0
        assert practice("doctor").status == 0
        assert practice("run", "monthly-grant", ANN).out.startswith(f"{ANN}\talready done")
    ledger.unlink()
    assert "ccops restore FILE" in practice("history").err
    assert practice("restore", str(saved), "--yes").status == 0


def test_a_backup_without_keys_leaves_the_settings_that_are_there(practice: Practice, saved: Path) -> None:
    practice("backup", str(saved), "--without-secrets")
    config = (practice.home / "config.toml").read_bytes()
    ended = practice("restore", str(saved), "--yes")
    assert (ended.status, "ccops login" in ended.err) == (0, True)
    assert (practice.home / "config.toml").read_bytes() == config


def test_a_login_comes_along_but_never_in_the_place_of_a_newer_one(practice: Practice, tmp_path: Path) -> None:
    tokens, file, server = practice.home / "oauth.json", tmp_path / "saved.tar.gz", tmp_path / "server"
    tokens.write_text("old")
    practice("backup", str(file))
    tokens.write_text("new")
    assert practice("restore", str(file), "--yes").status == 0
    assert tokens.read_text() == "new", "Kit took the old one already"
    assert practice("restore", str(file), "--home", str(server)).status == 0
    assert (server / "oauth.json").read_text() == "old"
    practice("backup", str(file), "--without-secrets")
    with tarfile.open(file) as archive:
        assert "oauth.json" not in archive.getnames()


def test_a_rehearsal_comes_back_with_its_sandbox(
    ccops: Callable[..., Ended], environ: dict[str, str], tmp_path: Path
) -> None:
    ccops("init", "--sandbox", **environ)
    ccops("adjust", ANN, "credits", "--add", "10", **environ)
    assert ccops("backup", str(tmp_path / "saved.tar.gz"), **environ).status == 0
    shutil.rmtree(environ["CCOPS_HOME"])
    assert ccops("restore", str(tmp_path / "saved.tar.gz"), **environ).status == 0
    assert ccops("adjust", ANN, "credits", "--add", "10", "--json", "--yes", **environ).out.count('"25"') == 1
    assert ccops("doctor", **environ).status == 0


def test_a_home_at_work_is_left_alone(practice: Practice, saved: Path) -> None:
    before = contents(practice.home)
    with practice.ledger() as ledger:
        assert ledger.identity.account[0] == 9, "it is open now"
        ended = practice("restore", str(saved), "--yes")
    assert (ended.status, "another ccops is at work" in ended.err) == (5, True)
    assert {name: content for name, content in contents(practice.home).items() if name in before} == before
    assert practice("restore", str(saved), "--yes").status == 0


def test_a_running_serve_is_noticed(practice: Practice, saved: Path) -> None:
    words = [sys.executable, "-m", "ccops", "serve", "--listen", "127.0.0.1:0", "--poll", "0"]
    child = subprocess.Popen(words, env=practice.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline()
        assert practice("restore", str(saved), "--yes").status == 5
    finally:
        child.terminate()
        child.communicate(timeout=60)
    assert practice("restore", str(saved), "--yes").status == 0


# ---- what is refused


def flipped(name: str, content: bytes) -> bytes:
    return content if name != "operations.toml" else content.replace(b"credits", b"debits")


BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "cut off": (lambda file: shortened(file, file.stat().st_size // 2), "is damaged: it is cut off"),
    "another file": (lambda file: changed(file, flipped), "operations.toml is not what was saved"),
    "a part left out": (
        lambda file: changed(file, lambda name, content: None if name == "ledger.sqlite3" else content),
        "ledger.sqlite3 is not in it",
    ),
    "no manifest": (
        lambda file: changed(file, lambda name, content: None if name == "manifest.json" else content),
        "is no backup of ccops",
    ),
    "a manifest that is none": (lambda file: edited(file, files="all"), "its manifest.json can't be read"),
    "of a newer ccops": (lambda file: edited(file, format=2, ccops="9.0"), "was made by ccops 9.0"),
    "of another account": (lambda file: edited(file, account={"id": 7, "name": "Eve's"}), "is not the one that it"),
}


def shortened(file: Path, size: int) -> Path:
    os.truncate(file, size)
    return file


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_not_as_it_was_saved_changes_nothing(practice: Practice, saved: Path, how: str) -> None:
    spoil, said = BROKEN[how]
    before = contents(practice.home)
    ended = practice("restore", str(spoil(saved)), "--yes")
    assert (ended.status, said in ended.err, contents(practice.home) == before) == (2, True, True), ended.err


def test_a_ledger_of_a_newer_ccops_is_refused(practice: Practice, tmp_path: Path) -> None:
    file = tmp_path / "saved.tar.gz"
    practice("backup", str(file))
    newer = tmp_path / "newer.sqlite3"
    with tarfile.open(file) as archive:
        content = archive.extractfile("ledger.sqlite3")
        assert content is not None
        newer.write_bytes(content.read())
    with sqlite3.connect(newer) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    ended = practice("restore", str(with_ledger(file, newer.read_bytes())), "--yes")
    assert (ended.status, "format 99" in ended.err) == (5, True)


def test_a_ledger_of_an_older_ccops_is_brought_up_to_date_when_it_is_used(practice: Practice, saved: Path) -> None:
    older = saved.with_name("older.sqlite3")
    older.write_bytes((practice.home / "ledger.sqlite3").read_bytes())
    with sqlite3.connect(older) as database:
        database.execute("DROP TABLE events")
        database.execute("DROP TABLE tries")
        database.execute("DROP TABLE former_addresses")
        database.execute("DROP TABLE field_keys")
        database.execute("DROP TABLE followup_tags")
        database.execute("DROP INDEX entries_by_end")
        database.execute("DROP INDEX entries_undone")
        database.execute("DROP INDEX entries_loose")
        database.execute("ALTER TABLE entries DROP COLUMN apart")
        for index in ("unreleased_refusals", "undoing"):
            database.execute(f"DROP INDEX entries_{index}")
        for index in ("occasion", "period"):
            database.execute(f"DROP INDEX one_per_{index}")
            database.execute(next(sql for sql in MIGRATIONS[0] if f"INDEX one_per_{index} " in sql))
        database.execute("ALTER TABLE entries DROP COLUMN doubled")
        database.execute("ALTER TABLE runs DROP COLUMN tag")
        database.execute("PRAGMA user_version = 1")
    database.close()
    assert practice("restore", str(with_ledger(saved, older.read_bytes())), "--yes").status == 0
    assert practice("run", "monthly-grant", ANN).out.startswith(f"{ANN}\talready done")
    assert practice.wrong() == []


def with_ledger(file: Path, ledger: bytes) -> Path:
    """Write a backup anew around another ledger, its checksum in order."""
    with tarfile.open(file) as archive:
        content = archive.extractfile("manifest.json")
        assert content is not None
        files = json.loads(content.read())["files"]
    files["ledger.sqlite3"] = {"size": len(ledger), "sha256": hashlib.sha256(ledger).hexdigest()}
    outer = edited(file, files=files)
    shutil.move(outer, file)
    return changed(file, lambda name, content: ledger if name == "ledger.sqlite3" else content)


def test_a_home_of_another_account_is_left_alone(practice: Practice, saved: Path) -> None:
    with sqlite3.connect(practice.home / "ledger.sqlite3") as database:
        database.execute("UPDATE identity SET value = '10' WHERE name = 'account'")
    database.close()
    ended = practice("restore", str(saved), "--yes")
    assert (ended.status, "--home DIR" in ended.err) == (2, True)
    assert list(practice.home.glob("*.before-restore-*")) == []
    assert list(practice.home.glob(".*")) == []


def test_a_file_that_is_not_there_makes_no_home(ccops: Callable[..., Ended], environ: dict[str, str]) -> None:
    assert ccops("restore", "nowhere.tar.gz", **environ).status == 2
    assert not os.path.lexists(environ["CCOPS_HOME"])


# ---- an older ledger than the receipts at Kit


def test_an_older_ledger_stops_before_it_counts_anything_twice(practice: Practice, saved: Path) -> None:
    practice("run", "monthly-grant", BOB)
    practice("run", "payment-credit", GUS)
    practice("restore", str(saved), "--yes")
    stopped = practice("run", "monthly-grant", BOB)
    assert (stopped.status, practice.credits("bob")) == (5, "22")
    assert "This ledger is an older copy of the one that wrote it: use that one." in stopped.err
    assert stopped.err.endswith("ccops init --take-over\n")


def test_the_way_out_lists_whom_the_lost_part_changed_and_grants_again_what_it_says(
    practice: Practice, saved: Path
) -> None:
    practice("run", "monthly-grant", BOB)
    practice("run", "payment-credit", GUS)
    practice("restore", str(saved), "--yes")
    ended = practice("init", "--take-over", "--yes")
    assert ended.status == 0
    assert "2 contacts carry receipts of which this home lacks the entries, up to e3" in ended.err
    assert "- monthly-grant of this period, for all who got it there;" in ended.err
    assert "  ccops init --take-over --grants-done\n" in ended.err
    (listed,) = practice.home.glob("changed-by-a-lost-ledger-*.csv")
    assert {row.split(",")[1] for row in listed.read_text().splitlines()} == {"email", BOB, GUS}
    assert practice("run", "monthly-grant", ANN).out.startswith(f"{ANN}\talready done"), "what is known still counts"
    assert practice("run", "monthly-grant", BOB, FAY).status == 0
    assert [practice.credits(name) for name in ("ann", "bob", "fay")] == ["15", "32", "10"], "bob's again, as was said"


def test_grants_can_be_taken_as_done_for_all_whom_the_lost_part_changed(practice: Practice, saved: Path) -> None:
    practice("run", "monthly-grant", BOB)
    practice("run", "payment-credit", GUS)
    practice("restore", str(saved), "--yes")
    practice.kit.forget()
    ended = practice("init", "--take-over", "--grants-done", "--yes")
    assert (ended.status, {method for method, _ in practice.kit.counts}) == (0, {"GET"}), "nothing is sent"
    assert "Counted monthly-grant of this period as done for 2 of them (e5 to e6)." in ended.out
    granted = practice("run", "monthly-grant", ANN, BOB, FAY, GUS)
    assert granted.out.count("already done") == 3
    assert [practice.credits(name) for name in ("ann", "bob", "fay", "gus")] == ["15", "22", "10", "128"]


def test_who_did_not_get_it_before_the_loss_gets_it_after_all(practice: Practice, saved: Path) -> None:
    practice("run", "payment-credit", BOB)
    practice("restore", str(saved), "--yes")
    practice("init", "--take-over", "--grants-done", "--yes")
    (row,) = [json.loads(line) for line in practice("history", BOB, "--json").out.splitlines()]
    assert (row["status"], row["before"], row["via"]) == ("applied", None, "settle")
    assert "counted as done by a take-over" in row["note"]
    assert practice("undo", row["entry"], "--reopen").out.startswith(f"{BOB}\tno field was changed\te")
    assert practice.credits("bob") == "22", "there was nothing to take back"
    assert practice("run", "monthly-grant", BOB).status == 0
    assert practice("run", "monthly-grant", BOB).out.startswith(f"{BOB}\talready done")
    assert practice.credits("bob") == "32"


def test_grants_are_taken_as_done_in_a_take_over_only(practice: Practice) -> None:
    ended = practice("init", "--grants-done", "--yes")
    assert (ended.status, ended.err.endswith("ccops init --take-over --grants-done\n")) == (2, True)


def test_no_secret_is_told_on_the_way(practice: Practice, saved: Path) -> None:
    practice("restore", str(saved), "--yes")  # `practice` itself looks for it in all that is printed
    assert KEY in (practice.home / "config.toml").read_text()

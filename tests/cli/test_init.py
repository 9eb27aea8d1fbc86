"""`ccops init`: a home from nothing; what was broken off is finished; what is there is left alone."""

import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ccops.config.operations_file import load
from ccops.ledger.ledger import Ledger
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.dialogs import KEY, OTHER_KEY, delete_field, keeps_secrets, piped, talk

Call = Callable[..., Ended]
QUESTION = "Key (it stays hidden): "


@pytest.fixture
def way(kit: Sandbox, environ: dict[str, str]) -> dict[str, str]:
    """An environment that leads to the Kit of the test, without a key."""
    kit.settings.key = KEY
    environ |= {"KIT_API_URL": kit.url, "CCOPS_RATE": "0"}
    return environ


@pytest.fixture
def home(environ: dict[str, str]) -> Path:
    """The place of a home that is not there yet."""
    return Path(environ["CCOPS_HOME"])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def fields_made(kit: Sandbox) -> int:
    return kit.counts["POST", "/v4/custom_fields"]


def opened(home: Path) -> Ledger:
    return Ledger.open(home / "ledger.sqlite3", home / "locks", readonly=True)


# ---- a new home


def test_init_asks_for_the_key_unseen_and_makes_everything(way: dict[str, str], home: Path) -> None:
    ended = keeps_secrets(talk(way, ["init"], [(QUESTION, KEY)]))
    assert ended.status == 0
    assert "Settings, Developer" in ended.out
    assert "Ann's Studio (9)" in ended.out
    assert load(home / "operations.toml").timezone == "America/New_York"
    assert f'api_key = "{KEY}"' in (home / "config.toml").read_text()
    ledger = opened(home)
    assert (ledger.identity.account, ledger.identity.receipt_field) == ((9, "Ann's Studio"), "ccops_receipt")
    ledger.close()


def test_everything_is_the_owners_alone(ccops: Call, way: dict[str, str], home: Path) -> None:
    assert ccops("init", "--yes", KIT_API_KEY=KEY, **way).status == 0
    assert mode(home) == 0o700
    assert {mode(path) for path in home.iterdir() if path.is_file()} == {0o600}


def test_a_key_that_kit_refuses_is_asked_for_again(way: dict[str, str], home: Path) -> None:
    answers = [(QUESTION, OTHER_KEY), (QUESTION, "two words"), (QUESTION, ""), (QUESTION, KEY)]
    ended = keeps_secrets(talk(way, ["init"], answers))
    assert ended.status == 0
    assert "Kit refused the API key" in ended.out
    assert "has blanks" in ended.out
    assert OTHER_KEY not in (home / "config.toml").read_text()


def test_without_a_terminal_a_key_is_needed(ccops: Call, way: dict[str, str], home: Path) -> None:
    for words in (["init"], ["init", "--yes"]):
        ended = ccops(*words, **way)
        assert ended.status == 3
        assert "there is no API key" in ended.err
    assert not (home / "ledger.sqlite3").exists()
    assert not (home / "config.toml").exists()


def test_a_wrong_key_makes_nothing_but_the_folder(kit: Sandbox, ccops: Call, way: dict[str, str], home: Path) -> None:
    ended = keeps_secrets(ccops("init", "--yes", "--save-key", KIT_API_KEY=OTHER_KEY, **way))
    assert ended.status == 3
    assert "Kit refused the API key" in ended.err
    assert not [path for path in home.iterdir() if path.is_file()]
    assert fields_made(kit) == 0


def test_a_key_of_the_environment_is_stored_only_if_asked_to(ccops: Call, way: dict[str, str], home: Path) -> None:
    ended = keeps_secrets(ccops("init", "--yes", KIT_API_KEY=KEY, **way))
    assert "cron lacks it" in ended.err
    assert KEY not in (home / "config.toml").read_text()
    keeps_secrets(ccops("init", "--yes", "--save-key", KIT_API_KEY=KEY, **way))
    assert f'api_key = "{KEY}"' in (home / "config.toml").read_text()


def test_an_access_token_is_not_stored(ccops: Call, way: dict[str, str], home: Path) -> None:
    ended = keeps_secrets(ccops("init", "--yes", "--save-key", KIT_ACCESS_TOKEN=KEY, **way))
    assert ended.status == 2
    assert "KIT_ACCESS_TOKEN" in ended.err
    assert not home.exists()


def test_a_key_command_is_asked_and_nothing_stored(ccops: Call, way: dict[str, str], home: Path) -> None:
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text(f'api_key_command = "echo {KEY}"\n')
    assert ccops("init", "--yes", **way).status == 0
    assert (home / "config.toml").read_text() == f'api_key_command = "echo {KEY}"\n'


def test_the_next_command_does_not_ask_for_the_account_again(kit: Sandbox, ccops: Call, way: dict[str, str]) -> None:
    ccops("init", "--yes", "--save-key", KIT_API_KEY=KEY, **way)
    ccops("op", "add", "payment-credit", "--field", "credits", "--increase", "10", **way)
    kit.forget()
    assert ccops("run", "payment-credit", "ann@example.org", **way).status == 0
    assert ("GET", "/v4/account") not in kit.counts


def test_an_existing_receipt_field_is_used(kit: Sandbox, ccops: Call, way: dict[str, str], home: Path) -> None:
    kit.add_field("Something else")
    key = kit.add_field("CCOPS Receipt")
    assert ccops("init", "--yes", KIT_API_KEY=KEY, **way).status == 0
    assert fields_made(kit) == 0
    ledger = opened(home)
    assert ledger.identity.receipt_field == key
    ledger.close()


def test_an_unreachable_kit_is_said_with_status_4(ccops: Call, way: dict[str, str]) -> None:
    ended = keeps_secrets(ccops("init", "--yes", **way | {"KIT_API_KEY": KEY, "KIT_API_URL": "http://127.0.0.1:9"}))
    assert ended.status == 4
    assert "no connection" in ended.err


def test_plain_http_to_another_machine_is_refused(ccops: Call, way: dict[str, str], home: Path) -> None:
    ended = keeps_secrets(ccops("init", "--yes", **way | {"KIT_API_KEY": KEY, "KIT_API_URL": "http://kit.example.org"}))
    assert ended.status == 2
    assert not home.exists()


def test_a_home_that_is_a_file_is_refused(ccops: Call, way: dict[str, str], home: Path) -> None:
    home.write_text("")
    ended = ccops("init", "--yes", KIT_API_KEY=KEY, **way)
    assert ended.status == 2
    assert str(home) in ended.err


def test_a_folder_that_cannot_be_written_to_is_said(way: dict[str, str], home: Path) -> None:
    home.mkdir()
    (home / "mine").touch()
    home.chmod(0o500)
    ended = keeps_secrets(piped(way | {"KIT_API_KEY": KEY}, ["init", "--yes"], as_anybody=True))
    home.chmod(0o700)
    assert ended.status == 5
    assert f"{home}/locks" in ended.err
    assert [path.name for path in home.iterdir()] == ["mine"]


# ---- again, and after something was broken off


def test_a_second_init_changes_nothing(kit: Sandbox, ccops: Call, way: dict[str, str], home: Path) -> None:
    ccops("init", "--yes", "--save-key", KIT_API_KEY=KEY, **way)
    before = {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}
    kit.forget()
    ended = ccops("init", **way)
    assert ended == Ended(0, f"Everything is in place for Ann's Studio (9) in {home}; nothing was changed.\n", "")
    assert {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()} == before
    assert {method for method, _ in kit.counts} == {"GET"}


def test_edited_files_are_never_overwritten(ccops: Call, way: dict[str, str], home: Path) -> None:
    ccops("init", "--yes", "--save-key", KIT_API_KEY=KEY, **way)
    (home / "operations.toml").write_text('timezone = "Europe/Berlin"  # mine\n')
    config = (home / "config.toml").read_text() + '\nactor = "maria"  # mine too\n'
    (home / "config.toml").write_text(config)
    assert ccops("init", "--yes", **way).status == 0
    assert (home / "operations.toml").read_text() == 'timezone = "Europe/Berlin"  # mine\n'
    assert (home / "config.toml").read_text() == config


@pytest.mark.parametrize("missing", ["operations.toml", "config.toml"])
def test_a_missing_file_is_made_again(ccops: Call, way: dict[str, str], home: Path, missing: str) -> None:
    ccops("init", "--yes", KIT_API_KEY=KEY, **way)
    (home / missing).unlink()
    ended = ccops("init", "--yes", KIT_API_KEY=KEY, **way)
    assert ended.status == 0
    assert f"made {missing}" in ended.out
    assert "ledger.sqlite3" not in ended.out
    assert (home / missing).exists()


def test_a_receipt_field_deleted_in_kit_is_made_again(kit: Sandbox, ccops: Call, way: dict[str, str]) -> None:
    ccops("init", "--yes", "--save-key", KIT_API_KEY=KEY, **way)
    ccops("op", "add", "payment-credit", "--field", "credits", "--increase", "10", **way)
    delete_field(kit, "ccops receipt")
    assert ccops("run", "payment-credit", "ann@example.org", **way).status == 2
    ended = ccops("init", "--yes", **way)
    assert 'made the field "ccops receipt" in Kit' in ended.out
    assert ccops("run", "payment-credit", "ann@example.org", **way).status == 0


@pytest.mark.parametrize(
    "left", [["folder"], ["folder", "draft"], ["folder", "ledger"], ["folder", "ledger", "registry"]]
)
def test_a_half_made_home_is_finished_by_the_same_command(
    ccops: Call, way: dict[str, str], tmp_path: Path, left: list[str]
) -> None:
    whole, half = tmp_path / "whole", Path(way["CCOPS_HOME"])
    ccops("init", "--yes", "--home", str(whole), KIT_API_KEY=KEY, **way)
    half.mkdir(mode=0o700)
    if "draft" in left:
        (half / "ledger.sqlite3.new").write_bytes((whole / "ledger.sqlite3").read_bytes()[:5000])
        (half / "ledger.sqlite3.new-wal").write_bytes(b"half a commit")
    if "ledger" in left:
        (whole / "ledger.sqlite3").rename(half / "ledger.sqlite3")
    if "registry" in left:
        (whole / "operations.toml").rename(half / "operations.toml")
    ended = ccops("init", "--yes", "--save-key", KIT_API_KEY=KEY, **way)
    assert ended.status == 0, ended.err
    files = {path.name for path in half.iterdir() if path.is_file()}
    assert files == {"config.toml", "operations.toml", "ledger.sqlite3"}
    assert ccops("init", **way).out.startswith("Everything is in place")


def test_a_journal_of_a_lost_ledger_never_gets_into_the_new_one(ccops: Call, way: dict[str, str], home: Path) -> None:
    ccops("init", "--yes", "--save-key", KIT_API_KEY=KEY, **way)
    with sqlite3.connect(home / "ledger.sqlite3") as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("INSERT INTO credentials VALUES ('of the lost one')")
        writer.commit()
        journal = (home / "ledger.sqlite3-wal").read_bytes()
    writer.close()
    (home / "ledger.sqlite3").unlink()
    (home / "ledger.sqlite3-wal").write_bytes(journal)
    assert ccops("init", "--yes", "--take-over", **way).status == 0
    ledger = opened(home)
    assert not ledger.identity.knows("of the lost one")
    ledger.close()
    assert (home / "ledger.sqlite3-wal.old").read_bytes() == journal


# ---- whose home it is


def test_a_home_of_another_account_is_refused(ccops: Call, way: dict[str, str], home: Path) -> None:
    home.mkdir(mode=0o700)
    ledger = Ledger.create(home / "ledger.sqlite3", home / "locks")
    ledger.identity.found(10, "Bob's Barn", "ccops_receipt")
    ledger.close()
    ended = keeps_secrets(ccops("init", "--yes", "--save-key", KIT_API_KEY=KEY, **way))
    assert ended.status == 5
    assert "Bob's Barn (10)" in ended.err
    assert "Ann's Studio (9)" in ended.err
    assert not (home / "config.toml").exists()


def test_a_rehearsal_needs_no_account(ccops: Call, environ: dict[str, str], home: Path) -> None:
    ended = ccops("init", "--sandbox", "--yes", **environ)
    assert ended.status == 0
    assert ended.out.startswith("[sandbox]\n")
    assert "\nsandbox = true\n" in (home / "config.toml").read_text()
    ccops("op", "add", "payment-credit", "--field", "credits", "--increase", "10", **environ)
    assert ccops("run", "payment-credit", "ann@example.org", **environ).out.startswith(
        "[sandbox] ann@example.org\tcredits 5 → 15"
    )
    assert "Everything is in place" in ccops("init", **environ).out


def test_a_rehearsal_keeps_to_a_pace_that_is_set(ccops: Call, environ: dict[str, str]) -> None:
    ccops("init", "--sandbox", "--yes", **environ)
    told = [ccops("doctor", **environ, **rate).out for rate in ({}, {"CCOPS_RATE": "600"})]
    assert ["without a limit" in told[0], "600 a minute" in told[1]] == [True, True]


def test_a_rehearsal_needs_no_login_and_says_how_to_rehearse_one(ccops: Call, environ: dict[str, str]) -> None:
    ccops("init", "--sandbox", "--yes", **environ)
    assert "Choose another --home." in ccops("login", **environ).err
    ended = ccops("login", "--oauth", **environ)
    assert (ended.status, [line.strip() for line in ended.err.splitlines()[-2:]]) == (
        2,
        ["ccops sandbox", "unset KIT_API_KEY; ccops login --oauth --client-id sandbox-app"],
    )


def test_a_real_home_never_becomes_a_rehearsal(ccops: Call, way: dict[str, str]) -> None:
    ccops("init", "--yes", "--save-key", KIT_API_KEY=KEY, **way)
    ended = ccops("init", "--sandbox", **way)
    assert ended.status == 2
    assert "ccops init --sandbox --home rehearsal" in ended.err

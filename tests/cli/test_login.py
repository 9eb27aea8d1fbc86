"""`ccops login` and `logout`: a key is tried before it is stored, stored before it counts, and never shown."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ccops.ledger.ledger import Ledger
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.dialogs import KEY, OTHER_KEY, keeps_secrets, piped, talk

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]
QUESTION = "Key (it stays hidden): "
OLD = '# mine\napi_key = "kit_old"  # of 2025\nactor = "maria"\n'


@pytest.fixture
def way(kit: Sandbox, environ: dict[str, str]) -> dict[str, str]:
    kit.settings.key = KEY
    environ |= {"KIT_API_URL": kit.url, "CCOPS_RATE": "0"}
    return environ


@pytest.fixture
def config(way: dict[str, str], ccops: Call) -> Path:
    """The settings of a home that is set up, with a key that Kit no longer takes."""
    ccops("init", "--yes", KIT_API_KEY=KEY, **way)
    path = Path(way["CCOPS_HOME"]) / "config.toml"
    path.write_text(OLD)
    return path


def test_a_typed_key_takes_the_place_of_the_old_one(way: dict[str, str], config: Path) -> None:
    ended = keeps_secrets(talk(way, ["login"], [(QUESTION, KEY)]))
    assert ended.status == 0
    assert "Ann's Studio (9)" in ended.out
    assert config.read_text() == OLD.replace("kit_old", KEY)
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


def test_a_piped_key_is_read_like_gh_does(way: dict[str, str], config: Path) -> None:
    ended = keeps_secrets(piped(way, ["login", "--with-key"], f"  {KEY}\r\nmore lines\n"))
    assert ended.status == 0
    assert KEY in config.read_text()


def test_without_a_terminal_the_option_is_named(ccops: Call, way: dict[str, str], config: Path) -> None:
    ended = ccops("login", **way)
    assert ended.status == 2
    assert "--with-key" in ended.err
    assert config.read_text() == OLD


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("", 2, "there was no key on standard input"),
        ("\n", 2, "there was no key on standard input"),
        ("two words\n", 2, "has blanks"),
        ("schlüssel\n", 2, "letters outside ASCII"),
        (f"{OTHER_KEY}\n", 3, "Kit refused the API key"),
    ],
)
def test_a_key_that_is_none_leaves_the_old_one(
    way: dict[str, str], config: Path, text: str, status: int, said: str
) -> None:
    ended = keeps_secrets(piped(way, ["login", "--with-key"], text))
    assert (ended.status, ended.out) == (status, "")
    assert said in ended.err
    assert config.read_text() == OLD


def test_a_key_of_another_account_is_refused(way: dict[str, str], config: Path) -> None:
    home = config.parent
    (home / "ledger.sqlite3").unlink()
    ledger = Ledger.create(home / "ledger.sqlite3", home / "locks")
    ledger.identity.found(10, "Bob's Barn", "ccops_receipt")
    ledger.close()
    ended = keeps_secrets(piped(way, ["login", "--with-key"], KEY))
    assert ended.status == 5
    assert "Bob's Barn (10)" in ended.err
    assert config.read_text() == OLD


def test_an_unreachable_kit_leaves_the_old_key(way: dict[str, str], config: Path) -> None:
    ended = keeps_secrets(piped(way | {"KIT_API_URL": "http://127.0.0.1:9"}, ["login", "--with-key"], KEY))
    assert ended.status == 4
    assert config.read_text() == OLD


def test_a_key_in_the_environment_is_said_to_win(way: dict[str, str], config: Path) -> None:
    ended = keeps_secrets(piped(way | {"KIT_API_KEY": OTHER_KEY}, ["login", "--with-key"], KEY))
    assert ended.status == 0
    assert "KIT_API_KEY is set in this shell and wins" in ended.err
    ended = piped(way | {"KIT_API_KEY": KEY}, ["login", "--with-key"], KEY)
    assert "wins" not in ended.err
    assert KEY in config.read_text()


def test_the_account_is_not_asked_for_again_after_a_login(
    kit: Sandbox, ccops: Call, way: dict[str, str], config: Path
) -> None:
    kit.settings.key = OTHER_KEY
    assert piped(way, ["login", "--with-key"], OTHER_KEY).status == 0
    assert config.exists()
    ccops("op", "add", "payment-credit", "--field", "credits", "--increase", "10", **way)
    kit.forget()
    assert ccops("run", "payment-credit", "ann@example.org", **way).status == 0
    assert ("GET", "/v4/account") not in kit.counts


def test_a_login_before_init_is_no_lost_ledger(ccops: Call, way: dict[str, str]) -> None:
    ended = keeps_secrets(piped(way, ["login", "--with-key"], KEY))
    assert ended.status == 0
    assert "Next: ccops init" in ended.err
    assert ccops("init", "--yes", **way).status == 0


def test_a_rehearsal_needs_no_key(ccops: Call, environ: dict[str, str]) -> None:
    ccops("init", "--sandbox", **environ)
    ended = keeps_secrets(piped(environ, ["login", "--with-key"], KEY))
    assert ended.status == 2
    assert "rehearsals" in ended.err


def test_logout_forgets_the_key_and_nothing_else(ccops: Call, way: dict[str, str], config: Path) -> None:
    ended = ccops("logout", **way)
    assert (ended.status, ended.out) == (0, "The key is out of config.toml.\n")
    assert "api_key" not in config.read_text()
    assert 'actor = "maria"' in config.read_text()
    assert ccops("logout", **way).out == "There was no key in config.toml.\n"


def test_logout_says_which_key_is_left(ccops: Call, way: dict[str, str], config: Path) -> None:
    config.write_text(f'{OLD}api_key_command = "pass show kit"\n')
    ended = keeps_secrets(ccops("logout", KIT_API_KEY=KEY, **way))
    assert "KIT_API_KEY still gives one" in ended.err
    assert "api_key_command in config.toml still gives one" in ended.err

"""Files with the byte order mark that Windows' editors write: every command reads and edits them as it does others."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from ccops.config.operations_file import put_field
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.dialogs import KEY, OTHER_KEY, piped
from tests.cli.practice import Practice, open_practice
from tests.cli.sites import Site
from tests.cli.test_op_in_kit import editor

Call = Callable[..., Ended]

BOM = b"\xef\xbb\xbf"
PLAIN = (
    b'timezone = "America/New_York"\r\n\r\n# mine\r\n'
    b'[operations.a]\r\nfield = "credits"\r\naction = "increase"\r\namount = 1\r\n'
)
DOTTED = (
    b'operations.a.field = "credits"\noperations.a.action = "increase"\noperations.a.amount = 1\ntimezone = "UTC"\n'
)


@pytest.fixture
def practice(kit: Sandbox, environ: dict[str, str], ccops: Call) -> Practice:
    return open_practice(kit, environ, ccops)


def marked(path: Path) -> bytes:
    """Put the mark before a file; return what stood there."""
    text = path.read_bytes()
    path.write_bytes(BOM + text)
    return text


@pytest.mark.parametrize(
    "words",
    [
        ("op", "edit", "a", "--increase", "2"),
        ("op", "edit", "a", "--maximum", "9"),
        ("op", "edit", "a", "--change", "credits decrease 3"),
        ("op", "add", "b", "--field", "credits", "--increase", "1"),
        ("op", "pause", "a"),
        ("op", "resume", "a"),
        ("op", "remove", "a", "--yes"),
    ],
)
@pytest.mark.parametrize("text", [PLAIN, b"# mine\n" + PLAIN.replace(b"\r", b""), DOTTED])
def test_an_edit_leaves_the_mark_and_does_what_it_does_without(
    ccops: Call, home: Path, words: tuple[str, ...], text: bytes
) -> None:
    path = home / "operations.toml"
    path.write_bytes(text)
    bare = ccops(*words)
    without = path.read_bytes()
    path.write_bytes(BOM + text)
    assert ccops(*words) == bare
    assert path.read_bytes() == BOM + without
    assert bare.status == 0, bare.err


def test_rules_of_a_field_go_above_what_begins_the_file(tmp_path: Path) -> None:
    path = tmp_path / "operations.toml"
    path.write_bytes(BOM + DOTTED)
    put_field(path, "credits", {"maximum": 3})
    text = path.read_bytes()
    assert text.startswith(BOM)
    assert tomllib.loads(text.decode("utf-8-sig"))["fields"] == {"credits": {"maximum": 3}}


def test_the_editor_gets_the_file_as_it_is(ccops: Call, terminal: Call, home: Path, tmp_path: Path) -> None:
    path = home / "operations.toml"
    path.write_bytes(BOM + PLAIN)
    nothing = terminal("op", "edit", "a", EDITOR="true", VISUAL="")
    assert (nothing.status, path.read_bytes()) == (0, BOM + PLAIN)
    assert "Nothing was changed." in nothing.out
    program = editor(tmp_path / "ed", "s/amount = 1/amount = 7/")
    assert terminal("op", "edit", "a", EDITOR=program, VISUAL="").status == 0
    assert path.read_bytes() == BOM + PLAIN.replace(b"amount = 1", b"amount = 7")
    assert ccops("op", "show", "a").status == 0


@pytest.mark.parametrize(
    "words",
    [
        ("op", "show", "payment-credit"),
        ("run", "payment-credit", "ann@example.org"),
        ("tag", "create", "payment-credit"),
        ("tag", "bind", "mark", "Member: Gold", "--run-carriers", "--yes"),
        ("op", "edit", "mark", "--create-field"),
        ("schedule", "monthly-grant", "--all", "--monthly"),
        ("doctor", "--fix"),
        ("report",),
        ("backup", "BACKUP"),
    ],
)
def test_commands_with_kit_read_it_too(site: Site, ccops: Call, tmp_path: Path, words: tuple[str, ...]) -> None:
    text = marked(site.registry)
    ended = ccops(*(str(tmp_path / "b.tar.gz") if word == "BACKUP" else word for word in words))
    assert ended.status in {0, 1}, ended.err
    assert site.registry.read_bytes().startswith(BOM + text[:40])


def test_a_tag_comes_and_goes_under_the_mark(site: Site, ccops: Call) -> None:
    text = marked(site.registry)
    assert ccops("tag", "create", "payment-credit").status == 0
    assert ccops("tag", "unbind", "payment-credit").status == 0
    assert site.registry.read_bytes() == BOM + text


def test_the_settings_keep_it_through_login_and_logout(practice: Practice) -> None:
    config = practice.home / "config.toml"
    config.write_bytes(BOM + b'api_key = "kit_old"\nactor = "ann"\n')
    assert piped(practice.environ, ["login", "--with-key"], f"{KEY}\n").status == 0
    assert config.read_bytes() == BOM + f'api_key = "{KEY}"\nactor = "ann"\n'.encode()
    assert practice("logout", "--yes").status in {0, 2}
    practice("logout")
    assert config.read_bytes() == BOM + b'actor = "ann"\n'
    practice.kit.settings.key = OTHER_KEY
    assert piped(practice.environ, ["login", "--with-key"], f"{OTHER_KEY}\n").status == 0
    text = config.read_bytes()
    assert text.startswith(BOM)
    assert f'api_key = "{OTHER_KEY}"\n' in text.decode()


def test_a_webhook_and_its_secrets_are_written_under_it(practice: Practice) -> None:
    config = practice.home / "config.toml"
    marked(config)
    assert practice("webhook", "create", "--url", "https://hooks.example.org").status == 0
    assert practice("webhook", "show", "payment-credit").status == 0
    assert practice("webhook", "rotate", "payment-credit").status == 0
    text = config.read_bytes()
    said = tomllib.loads(text.decode("utf-8-sig"))
    assert text.startswith(BOM)
    assert said["public_url"] == "https://hooks.example.org"
    assert said["secrets"]["payment-credit"]

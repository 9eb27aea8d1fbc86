"""Values that no one can mean, in every place of the command line that takes one: status 2 and the reason."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.calls import Ended
from tests.cli.sites import OPERATIONS, Site
from tests.cli.walk import BASES, commands, places

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]
PLACES = list(places())
COMMANDS = sorted({place.command for place in PLACES})
ROWS = "email,add,key\nann@example.org,1,k\n"
CONTRACT = {0, 1, 2, 3, 4, 5}
NO_TEXT = ("a\udcff", "a\0b", "x" * 100_000)
"""Text that could not be kept; for a path, the first is one."""
NO_PATH = ("", "a\0b", "~nosuchuser/x", "n" * 300, "/d" * 3000)
NO_COUNT = ("inf", "-inf", "nan", "1e999", "9" * 30, "9" * 5000, str(2**63))
ODD = ("", "-5", "9" * 30, "inf", "\x1b[31m\n", "9999-12-31", "0001-01-01", "0")
LONG = frozenset({"op add", "op edit"})
"""They have so many options that each gets only some of the values."""
STAY = frozenset({"demo", "serve", "sandbox"})
"""What these do with a value that can be meant takes long, or until they are stopped."""


def test_the_walk_knows_every_command() -> None:
    assert {words for words, _ in commands()} == set(BASES)


@pytest.fixture
def ready(site: Site, ccops: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(ROWS)
    ccops("run", "payment-credit", "ann@example.org")
    return site


def check(ended: Ended, line: list[str], allowed: set[int]) -> None:
    shown = [word[:60] for word in line]
    assert ended.status in allowed, (shown, ended)
    assert "Traceback" not in ended.err + ended.out, shown
    assert "internal error" not in ended.err, (shown, ended.err)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_value_is_an_internal_error(ready: Site, ccops: Call, command: str) -> None:
    for number, place in enumerate(place for place in PLACES if place.command == command):
        before = ready.sent
        never = NO_PATH if place.is_path else (*NO_TEXT, *(NO_COUNT if place.is_count else ()))
        for value in never[: 1 if command in LONG else None]:
            line = place.line(value)
            check(ccops(*line), line, {2})
        assert ready.sent == before, place
        odd = () if place.is_path or command in STAY else ODD
        for value in odd[number % 4 :: 4] if command in LONG else odd:
            line = place.line(value)
            check(ccops(*line), line, CONTRACT)
            ready.registry.write_text(OPERATIONS)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_file_is_an_internal_error(ready: Site, ccops: Call, tmp_path: Path, command: str) -> None:
    folder, foreign = tmp_path / "folder", tmp_path / "a\udcff"
    folder.mkdir()
    foreign.write_text(ROWS)
    values = [str(folder), "/dev/null", "/dev/full", str(tmp_path / "no" / "such")]
    values += [] if command in STAY else [str(foreign), "a\nb\x1b"]
    for place in (place for place in PLACES if place.command == command and place.is_path and command != "demo"):
        for value in values:
            if value == "/dev/full" and place.name in {"--file", "FILE"} and command != "backup":
                continue  # to be read, it never ends
            line = place.line(value)
            check(ccops(*line), line, CONTRACT)
    assert ready.registry.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((b"serve", b"--listen", b"127.0.0.1:" + b"9" * 5000), "--listen"),
        ((b"run", b"payment-credit", b"ann@example.org", b"--reason", b"J\xfcrgen"), "--reason is not UTF-8 text."),
        ((b"history", b"--op", b"J\xfcrgen"), "--op is not UTF-8 text."),
        ((b"why", b"ann@example.org", b"J\xfcrgen"), "OPERATION is not UTF-8 text."),
        ((b"--home", b"~nosuchuser/x", b"op", b"list"), "--home begins with ~nosuchuser, and this machine has no such"),
        ((b"poll", b"--watch", b"inf"), "--watch takes a number up to 1,000,000,000."),
        ((b"J\xfcrgen",), 'ccops has no command "J\\udcfcrgen".'),
        ((b"run", b"--J\xfcrgen"), 'ccops run has no option "--J\\udcfcrgen".'),
    ],
)
def test_bytes_that_are_no_text_are_said_by_the_real_program(
    site: Site, environ: dict[str, str], words: tuple[bytes, ...], said: str
) -> None:
    done = subprocess.run([sys.executable, "-m", "ccops", *words], env=environ, capture_output=True, check=False)
    assert (done.returncode, said in done.stderr.decode(), site.sent) == (2, True, 0)


ENVIRONMENT = {
    "CCOPS_HOME": (*NO_PATH[1:], "a\udcff", "/dev/null"),
    "CCOPS_RATE": ("inf", "nan", "-1", "9" * 30, "a\udcff", "1e3"),
    "CCOPS_SETTLE_AFTER": ("inf", "nan", "-1", "9" * 5000, "1e999", "a\udcff"),
    "CCOPS_ACTOR": ("a\udcff", "\x1b[31m\n", "x" * 100_000),
    "KIT_API_KEY": ("a\udcff", "a\nb", "\x1b[31m"),
    "KIT_ACCESS_TOKEN": ("a\udcff", "a\nb"),
    "KIT_API_URL": ("a\udcff", "http://[", "https://a\nb", "x" * 100_000, "https://host:99999999"),
    "COLUMNS": ("a\udcff", "-5", "9" * 30, "²"),
    "SUDO_USER": ("a\udcff", "\x1b[31m"),
    "HTTPS_PROXY": ("a\udcff", "http://[", "x://y"),
    "HTTP_PROXY": ("a\udcff", "http://[", "x://y"),
    "REQUESTS_CA_BUNDLE": ("a\udcff", "/no/such", "/dev/null"),
    "TZ": ("a\udcff", "No/Where"),
}


@pytest.mark.parametrize("name", ENVIRONMENT)
@pytest.mark.parametrize("words", [("run", "payment-credit", "ann@example.org"), ("schedule", "--poll")])
@pytest.mark.usefixtures("ready")
def test_no_variable_is_an_internal_error(ccops: Call, words: tuple[str, ...], name: str) -> None:
    for value in ENVIRONMENT[name]:
        if "\0" not in value:
            check(ccops(*words, **{name: value}), [name, value], CONTRACT)


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("op", "--help"), ("--version",), ()])
def test_help_that_cant_be_written_is_said_in_a_sentence(environ: dict[str, str], words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "ccops", *words]
        done = subprocess.run(command, env=environ, stdout=full, stderr=subprocess.PIPE, check=False)
    said = "error: the answer could not be written: No space left on device\n"
    assert (done.returncode, done.stderr.decode()) == (1, said)


def test_completion_that_cant_be_installed_is_said(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / ".bashrc").mkdir()
    command = [sys.executable, "-m", "ccops", "--install-completion"]
    shell = f"{' '.join(command)}; echo $?"
    more = {"HOME": str(tmp_path), "SHELL": "/bin/bash"}
    done = subprocess.run(["bash", "-c", shell], env=environ | more, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("2\n"), done
    assert f"{tmp_path / '.bashrc'} can't be used: Is a directory" in done.stderr


@pytest.mark.parametrize(
    "given",
    [
        {"COMP_WORDS": "ccops run '", "COMP_CWORD": "2"},
        {"COMP_WORDS": "ccops run ", "COMP_CWORD": "two"},
        {"COMP_WORDS": "ccops run a\udcff", "COMP_CWORD": "2"},
        {"COMP_CWORD": "2"},
        {},
    ],
)
@pytest.mark.parametrize(
    "instruction", ["complete_bash", "complete_zsh", "complete", "nonsense_bash", "source_nothing"]
)
@pytest.mark.usefixtures("site")
def test_the_tab_key_never_shows_an_internal_error(ccops: Call, given: dict[str, str], instruction: str) -> None:
    check(ccops(_CCOPS_COMPLETE=instruction, **given), [instruction, str(given)], CONTRACT)


@pytest.mark.parametrize("given", [b"\xff\xfe\n", b"\0\n", b"x" * 100_000])
@pytest.mark.parametrize(
    "words",
    [
        ("run", "monthly-grant", "--file", "-"),
        ("import", "-", "--field", "credits", "--key", "k"),
        ("login", "--with-key"),
        ("init",),
    ],
)
def test_nothing_on_stdin_is_an_internal_error(
    site: Site, environ: dict[str, str], words: tuple[str, ...], given: bytes
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ccops", *words], env=environ, input=given, capture_output=True, check=False
    )
    ended = Ended(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))
    check(ended, [*words, repr(given[:20])], CONTRACT)
    assert site.sent == 0

"""The pages of `docs/` are followed line by line, in a home for rehearsals; what they show is what comes.

What they have for `operations.toml` is put there; a POST has to be answered as shown, else with 200.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from docs.commands import listed_commands

from ccops.config.operations_file import parse
from tests.test_readme import ANY, TOP, at_terminal, fits, user
from tests.test_readme import environ as environ  # noqa: PLC0414 - a user who has ccops and nothing else of it

DOCS = TOP / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
LANGUAGES = {"console", "sh", "cron", "text", "ini", "toml", "dockerfile", "caddy", "nginx"}
PUBLIC = "https://hooks.example.org"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

OPTIONS = {
    " ".join(path[1:]): {name for param in command.params for name in (*param.opts, *param.secondary_opts, "--help")}
    for path, command in listed_commands()
}
"""Of each command, those within another one with both words."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(DOCS).as_posix() for page in PAGES]),
]


@dataclass(frozen=True)
class Step:
    """A command and the lines that are shown beneath it, or lines for the registry."""

    command: str = ""
    shown: tuple[str, ...] = (ANY,)
    registry: str = ""

    @property
    def answer(self) -> str:
        """How the answer to a POST has to begin."""
        return self.shown[0] if self.shown[0].startswith("HTTP/") else "HTTP/1.1 200 "


def blocks(page: Path, *languages: str) -> list[str]:
    return [text for language, text in BLOCK.findall(page.read_text(encoding="utf-8")) if language in languages]


def steps(page: Path) -> Iterator[Step]:
    """Return what can be done here: all that is typed into ccops or put into the registry, and every POST."""
    for language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, *shown = part.rstrip("\n").replace("\\\n", "").split("\n")
                yield Step(command, tuple(shown) or (ANY,))
        elif language == "sh" and text.startswith("curl"):
            yield Step(text)
        elif language == "toml" and re.match(r"\[(fields|operations)\.", text):
            yield Step(registry=text)


@contextmanager
def serving(environ: Mapping[str, str]) -> Iterator[str]:
    """Let `ccops serve` run; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "ccops", "serve", "--listen", f"127.0.0.1:{port}", "--poll", "0"]
    child = subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.communicate(timeout=120)


def secret(command: str, environ: Mapping[str, str]) -> str:
    """Return the secret of the operation that a POST names."""
    named = re.search(r"/operations/([a-z-]+)", command)
    if named is None:
        return ""
    words = [sys.executable, "-m", "ccops", "webhook", "show", named[1], "--url", PUBLIC, "--json"]
    return str(json.loads(subprocess.check_output(words, env=environ, text=True))["secret"])


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Mapping[bool, Path]:
    """Users with a home for rehearsals, without and with the operation that most pages take for granted."""
    users = {has_operation: tmp_path_factory.mktemp("user") for has_operation in (False, True)}
    for has_operation, folder in users.items():
        environ = user(folder)
        assert at_terminal("ccops init --sandbox --yes", environ)[0] == 0
        if has_operation:
            assert at_terminal("ccops op add payment-credit --field credits --increase 10 --tag", environ)[0] == 0
    return users


def set_up(page: Path, environ: Mapping[str, str], prepared: Mapping[bool, Path]) -> None:
    """Give a user the home that a page takes for granted."""
    has_operation = "op add payment-credit" not in page.read_text(encoding="utf-8")
    there = shutil.ignore_patterns("bin")  # where ccops is: this user has it already
    shutil.copytree(prepared[has_operation], environ["HOME"], ignore=there, dirs_exist_ok=True)


def test_its_commands_do_what_it_shows(page: Path, environ: dict[str, str], prepared: Mapping[bool, Path]) -> None:
    todo = list(steps(page))
    if todo:
        set_up(page, environ, prepared)
    for step in todo:
        if step.registry:
            with registry_of(environ).open("a", encoding="utf-8") as file:
                file.write(f"\n{step.registry}")
        elif step.command.startswith("export "):
            name, _, value = step.command.removeprefix("export ").partition("=")
            environ[name] = value.replace("~", environ["HOME"])
        elif "curl" in step.command:
            post(step, environ)
        else:
            status, printed = at_terminal(step.command, environ)
            said = "\n".join([f"$ {step.command}", *printed])
            assert status == 0, said
            assert fits(step.shown, printed), said


def registry_of(environ: Mapping[str, str]) -> Path:
    return next(Path(environ["HOME"]).rglob("operations.toml"))


def post(step: Step, environ: Mapping[str, str]) -> None:
    assert shutil.which("curl")
    with serving(environ) as address:
        command = step.command.replace(PUBLIC, address).replace("SECRET", secret(step.command, environ))
        _, printed = at_terminal(command.replace("wait=10", "wait=30"), environ)  # for a busy machine
    head = next(line for line in printed if line.startswith("HTTP/"))
    assert head.startswith(step.answer), printed
    if "Prefer: wait" in command and " 200 " in step.answer:
        assert '"status": "applied"' in "".join(printed)


def test_its_other_lines_are_sound(
    page: Path, environ: dict[str, str], prepared: Mapping[bool, Path], tmp_path: Path
) -> None:
    for block in blocks(page, "sh"):
        subprocess.run(["/bin/sh", "-n", "-c", block], check=True)
    lines = [line.split(maxsplit=5)[5] for block in blocks(page, "cron") for line in block.splitlines()]
    if lines:
        set_up(page, environ, prepared)
    assert all(at_terminal(line, environ | {"PATH": "/usr/bin:/bin"}) == (0, []) for line in lines)
    for whole in blocks(page, "toml"):
        if whole.startswith("timezone"):
            assert parse(whole).operations
    for unit in blocks(page, "ini"):
        words = re.search(r"^ExecStart=\S*/ccops (.*)$", unit, re.MULTILINE)
        assert words is not None
        assert words[1] == "serve"
        if shutil.which("systemd-analyze"):
            file = tmp_path / "ccops.service"
            # The program and the user of the page are not on this machine.
            here = re.sub(r"^User=.*$", f"User={os.getuid()}", unit, flags=re.MULTILINE)
            file.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", here))
            subprocess.run(["systemd-analyze", "verify", str(file)], check=True, capture_output=True)


def test_every_command_in_its_text_is_one(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for line in re.findall(r"`ccops ([a-z][^`]*)`", text):
        words = line.split()
        first, second = words[0], " ".join(words[:2])
        assert {first, second} & set(OPTIONS), line
        for option in re.findall(r" (--[a-z-]+)", line):
            assert option in OPTIONS.get(second, OPTIONS.get(first, ())), line


def test_it_is_whole(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert {language for language, _ in BLOCK.findall(text)} <= LANGUAGES
    assert text.count("```") == 2 * len(BLOCK.findall(text))
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert target.startswith("https://") or (page.parent / target).exists(), target

"""The pages of `docs/` are followed line by line, in a home for rehearsals; what they show is what comes."""

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

from ccops.cli.catalog import CATALOG
from tests.test_readme import TOP, at_terminal, fits
from tests.test_readme import environ as environ  # noqa: PLC0414 - a user who has ccops and nothing else of it

PAGES = sorted((TOP / "docs").glob("*.md"))
LANGUAGES = {"console", "sh", "cron", "text", "ini", "toml", "dockerfile", "caddy", "nginx"}
PUBLIC = "https://hooks.example.org"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])


@dataclass(frozen=True)
class Step:
    """A command and the lines that are shown beneath it."""

    command: str
    shown: tuple[str, ...] = ("…",)


def blocks(page: Path, *languages: str) -> list[str]:
    return [text for language, text in BLOCK.findall(page.read_text(encoding="utf-8")) if language in languages]


def steps(page: Path) -> Iterator[Step]:
    """Return what can be run here: all that is typed into ccops, and every POST."""
    for language, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, *shown = part.rstrip("\n").split("\n")
                yield Step(command, tuple(shown) or ("…",))
        elif language == "sh" and text.startswith("curl"):
            yield Step(text)


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


def set_up(page: Path, environ: Mapping[str, str]) -> None:
    """Make the home, and the operation that a page takes for granted."""
    commands = ["ccops init --sandbox --yes"]
    if "op add payment-credit" not in page.read_text(encoding="utf-8"):
        commands.append("ccops op add payment-credit --field credits --increase 10 --tag")
    for command in commands:
        assert at_terminal(command, environ)[0] == 0


def test_its_commands_do_what_it_shows(page: Path, environ: dict[str, str]) -> None:
    set_up(page, environ)
    for step in steps(page):
        if "curl" in step.command:
            assert shutil.which("curl")
            with serving(environ) as address:
                command = step.command.replace(PUBLIC, address).replace("SECRET", secret(step.command, environ))
                _, printed = at_terminal(command, environ)
                assert re.match(r"HTTP/1.1 200 ", printed[0]), printed
                if "Prefer: wait" in command:
                    assert '"status": "applied"' in "".join(printed)
        else:
            status, printed = at_terminal(step.command, environ)
            said = "\n".join([f"$ {step.command}", *printed])
            assert status == 0, said
            assert fits(step.shown, printed), said


def test_its_other_lines_are_sound(page: Path, environ: dict[str, str], tmp_path: Path) -> None:
    for block in blocks(page, "sh"):
        subprocess.run(["/bin/sh", "-n", "-c", block], check=True)
    set_up(page, environ)
    lines = [line.split(maxsplit=5)[5] for block in blocks(page, "cron") for line in block.splitlines()]
    assert all(at_terminal(line, environ | {"PATH": "/usr/bin:/bin"}) == (0, []) for line in lines)
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


def test_every_command_in_its_text_is_one(page: Path, environ: dict[str, str]) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`ccops ([a-z]+)((?: [a-z]+)?)[^`]*`", text)
    groups = {listed.name: {each.name for each in listed.load().registered_commands} for listed in CATALOG}
    assert {name for name, _ in named} <= set(groups)
    for name, second in named:
        if len(groups[name]) > 1:
            assert second.strip() in groups[name], f"{name}{second}"
    for options in re.findall(r"`(ccops [^`]* --[^`]*)`", text):
        words = options.split()
        known = at_terminal(f"ccops {' '.join(words[1 : 3 if len(groups[words[1]]) > 1 else 2])} --help", environ)[1]
        for option in re.findall(r" (--[a-z-]+)", options):
            assert option in "\n".join(known), options


def test_it_is_whole(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert {language for language, _ in BLOCK.findall(text)} <= LANGUAGES
    assert text.count("```") == 2 * len(BLOCK.findall(text))
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / target).exists(), target

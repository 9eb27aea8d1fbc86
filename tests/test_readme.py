"""The README is run: its commands in order, in one home, at a terminal of 80 columns; and what it shows is what comes.

In a block, `…` on a line of its own stands for any lines. Moments are not compared.
"""

import os
import pty
import re
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ccops.cli.help import CATALOG

pytestmark = pytest.mark.slow

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text(encoding="utf-8")
MONTH = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
MOMENT = re.compile(rf"\b\d?\d {MONTH} \d\d:\d\d\b|\b{MONTH}[a-z]* 2\d{{3}}\b")
MARK = re.compile(r"^\[sandbox\] ?\n?", re.MULTILINE)
ANY = "…"


@dataclass(frozen=True)
class Step:
    """A command of the README, and the lines that it shows beneath it."""

    command: str
    shown: tuple[str, ...]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def steps() -> Iterator[Step]:
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            yield Step(command, tuple(shown))


def at_terminal(command: str, environ: Mapping[str, str]) -> tuple[int, list[str]]:
    """Run a command line with a terminal to print to, where nobody answers; return its status and its lines."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        ["/bin/sh", "-c", command], env=environ, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    text = b"".join(iter(lambda: read(ours), b"")).decode().replace("\r\n", "\n")
    os.close(ours)
    return child.wait(), MARK.sub("", text).splitlines()


def read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # how Linux says that the last writer is gone
        return b""


def fits(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Say whether what was printed is what the README shows."""
    if ANY not in shown:
        return [*map(timeless, shown)] == [*map(timeless, printed)]
    at = shown.index(ANY)
    before, after = shown[:at], shown[at + 1 :]
    return fits(before, printed[:at]) and fits(after, printed[len(printed) - len(after) :])


def timeless(line: str) -> str:
    """Return a line without its moments, and without the blanks that their width moves."""
    return " ".join(MOMENT.sub("@", line).split())


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return user(tmp_path)


def user(home: Path) -> dict[str, str]:
    """A user who has ccops where pipx puts it, and nothing else of it."""
    programs = home / ".local" / "bin"
    programs.mkdir(parents=True)
    (programs / "ccops").symlink_to(Path(sys.executable).with_name("ccops"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KIT_", "CCOPS_", "XDG_"))}
    path = os.pathsep.join([str(programs), kept.get("PATH", os.defpath)])
    return kept | {"HOME": str(home), "PATH": path, "COLUMNS": "80", "NO_COLOR": "1", "CCOPS_ACTOR": "maria"}


def test_its_commands_do_what_it_shows_and_its_cron_lines_run(environ: dict[str, str]) -> None:
    for step in steps():
        if step.command.startswith("export "):
            name, _, value = step.command.removeprefix("export ").partition("=")
            environ[name] = value.replace("~", environ["HOME"])
            continue
        status, printed = at_terminal(step.command, environ)
        said = "\n".join([f"$ {step.command}", *printed])
        assert status == 0, said
        assert not step.shown or fits(step.shown, printed), said
    lines = [line.split(maxsplit=5)[5] for block in blocks("cron") for line in block.splitlines()]
    assert [at_terminal(line, environ | {"PATH": "/usr/bin:/bin"}) for line in lines] == [(0, [])]


def test_its_other_lines_are_sound() -> None:
    """What would install or build is not run here: make's targets have to exist, and the rest to be shell."""
    for block in blocks("sh"):
        subprocess.run(["/bin/sh", "-n", "-c", block], check=True)
        for target in re.findall(r"^make (\w+)", block, re.MULTILINE):
            assert shutil.which("make")
            subprocess.run(["make", "--dry-run", target], cwd=TOP, check=True, capture_output=True)


def test_every_block_is_one_that_is_looked_at() -> None:
    assert set(re.findall(r"^```(\w+)$", README, re.MULTILINE)) <= {"console", "cron", "sh"}
    assert README.count("```") == 2 * len(re.findall(r"^```\w+$", README, re.MULTILINE))


def test_it_names_only_commands_that_exist() -> None:
    named = set(re.findall(r"`ccops ([a-z]+)", README))
    assert named <= {listed.name for listed in CATALOG}


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (TOP / target).exists(), target


def test_its_picture_is_there_and_is_one() -> None:
    picture = re.search(r"!\[[^\]]+\]\(([^)]+\.svg)\)", README)
    assert picture is not None
    drawing = ET.parse(TOP / picture[1]).getroot()
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert "payment-credit" in "".join(drawing.itertext())


def test_what_it_says_of_the_package_holds() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11"
    assert "Python 3.11" in README
    assert (TOP / "LICENSE").read_text(encoding="utf-8").startswith("MIT")

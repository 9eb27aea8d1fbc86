"""Draws `terminal.svg`, the picture in the README, from a real run: `make picture`."""

import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from ccops.cli.commands.demo import stage_environ
from ccops.sandbox.sandbox import Sandbox

PICTURE: Final = Path(__file__).with_name("terminal.svg")
WIDTH: Final = 80
BEHIND_THE_SCENES: Final = (
    ("init", "--yes", "--save-key"),
    ("op", "add", "payment-credit", "--field", "credits", "--increase", "10"),
)
SHOWN: Final = (
    "ccops run payment-credit ann@example.org --key invoice-1042",
    "ccops run payment-credit ann@example.org --key invoice-1042",
    'ccops adjust bob@example.org credits --take 3 --reason "Paid back"',
    "ccops history",
    'ccops undo e1 --reason "invoice cancelled"',
    "ccops balance ann@example.org",
    "ccops run paiment-credit ann@example.org",
)
_FONT: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> None:
    """Run the commands at a terminal and draw what it showed."""
    with Sandbox() as kit, tempfile.TemporaryDirectory() as folder:
        environ = stage_environ(os.environ, Path(folder) / "home", kit)
        environ |= {"CCOPS_ACTOR": "maria", "COLUMNS": str(WIDTH), "TERM": "xterm-256color", "PATH": _path(environ)}
        for words in BEHIND_THE_SCENES:
            subprocess.run([sys.executable, "-m", "ccops", *words], env=environ, check=True, capture_output=True)
        shown = "\n".join(f"\x1b[1m$\x1b[0m {command}\n{at_terminal(command, environ)}" for command in SHOWN)
    PICTURE.write_text(drawn(shown), encoding="utf-8")


def at_terminal(command: str, environ: Mapping[str, str]) -> str:
    """Run a command line at a terminal and return all that it showed, colours and all."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(["/bin/sh", "-c", command], env=environ, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    chunks: list[bytes] = []
    while chunk := _read(ours):
        chunks.append(chunk)
    os.close(ours)
    child.wait()
    return b"".join(chunks).decode().replace("\r\n", "\n")


def drawn(shown: str) -> str:
    """Draw a terminal; its font is the reader's own, so that the picture asks nobody for one."""
    console = Console(record=True, width=WIDTH, file=StringIO())
    console.print(Text.from_ansi(shown.rstrip("\n")))
    return _FONT.sub("", console.export_svg(title="ccops"))


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # how Linux says that the last writer is gone
        return b""


def _path(environ: Mapping[str, str]) -> str:
    """Put the folder of this Python first, where `ccops` is."""
    return os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", "")])


if __name__ == "__main__":
    main()

"""How the tests call ccops: in this process, as a program of its own, and at a terminal."""

import os
import pty
import random
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccops.cli.app import app
from ccops.clock import Clock
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.sites import Site, set_up, way_to

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment without credentials, with a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KIT_", "CCOPS_"))}
    path = os.pathsep.join(filter(None, (str(SOURCE), os.environ.get("PYTHONPATH"))))
    return kept | {"CCOPS_HOME": str(tmp_path / "home"), "PYTHONPATH": path, "COLUMNS": "80"}


@pytest.fixture
def home(environ: dict[str, str]) -> Path:
    """A home with an empty registry."""
    folder = Path(environ["CCOPS_HOME"])
    folder.mkdir(mode=0o700)
    (folder / "operations.toml").write_text('# My site\ntimezone = "America/New_York"\n')
    return folder


@pytest.fixture
def site(kit: Sandbox, environ: dict[str, str]) -> Site:
    """A home that is set up; all ways to call ccops lead to it and to its Kit."""
    environ |= way_to(kit)
    return set_up(kit, Path(environ["CCOPS_HOME"]), environ)


@pytest.fixture
def lucky_dice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the dice that spread repeated requests in time always fall on "at once"."""
    monkeypatch.setattr(random, "random", lambda: 0.0)


@pytest.fixture
def clock() -> Clock | None:
    """The clock of what is called in this process; None: the machine's. A test about months takes `in_mid_month`."""
    return None


@pytest.fixture
def ccops(environ: dict[str, str], clock: Clock | None) -> Callable[..., Ended]:
    """Call ccops in this process, where no terminal is."""
    hidden = {name: None for name in os.environ if name.startswith(("KIT_", "CCOPS_"))}

    def call(*words: str, **more: str) -> Ended:
        result = CliRunner().invoke(app, list(words), env={**hidden, **environ, **more}, clock=clock)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # at its end, a command heeds no signal any more
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        return Ended(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def program(environ: dict[str, str]) -> Callable[..., Ended]:
    """Call ccops as a program of its own, where no terminal is."""

    def call(*words: str, **more: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "ccops", *words],
            env=environ | more,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def terminal(environ: dict[str, str]) -> Callable[..., Ended]:
    """Call ccops at a terminal of 80 columns and answer its questions; `out` is all that the screen showed."""

    def call(*words: str, answers: Sequence[str] = (), **more: str) -> Ended:
        main, side = pty.openpty()
        child = subprocess.Popen(
            [sys.executable, "-m", "ccops", *words], env=environ | more, stdin=side, stdout=side, stderr=side
        )
        os.close(side)
        for answer in answers:
            os.write(main, f"{answer}\n".encode())
        shown = read_all(main)
        os.close(main)
        return Ended(child.wait(120), shown.replace("\r\n", "\n"), "")

    return call


def read_all(descriptor: int) -> str:
    """Read until the other side closes the terminal."""
    chunks = []
    while select.select([descriptor], [], [], 120)[0]:
        try:
            chunk = os.read(descriptor, 4096)
        except OSError:  # how Linux says that the last writer is gone
            break
        if not chunk:
            break
        chunks.append(chunk)
    return b"".join(chunks).decode()

"""Where the demo plays: a home that is thrown away, a sandbox as Kit, and real commands."""

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self

from ccops.cli.console import Console
from ccops.cli.styles import Styled
from ccops.sandbox import Sandbox

SETTLE_AFTER: Final = 2
"""Seconds that the demo waits before it looks whether a lost write has arrived; 60 in real life."""
_PATIENCE: Final = 60.0
"""Seconds after which the story goes on in any case."""


class Stage:
    """Shows commands as a person would type them, and runs them; as a context manager it clears up behind itself."""

    def __init__(self, console: Console, environ: Mapping[str, str]) -> None:
        self._console = console
        self._open = ExitStack()
        self._child: subprocess.Popen[bytes] | None = None
        self.kit = self._open.enter_context(Sandbox())
        folder = self._open.enter_context(TemporaryDirectory(prefix="ccops-demo-"))
        self._environ = stage_environ(environ, Path(folder) / "home", self.kit)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def heading(self, text: str) -> None:
        """Begin a scene."""
        self._console.say()
        self._console.say(Styled(text, "bold"))

    def tell(self, *lines: str) -> None:
        """Tell what happens."""
        for line in lines:
            self._console.say(line)

    def type(self, *words: str) -> int:
        """Show a command, run it, and return its exit status."""
        self._show(*words)
        with subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "ccops", *words], env=self._environ, stdin=subprocess.DEVNULL
        ) as self._child:
            return self._child.wait()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Let `ccops serve` run beside the body; give its address, and show in the end what Kit told it."""
        self._show("serve", "--listen", "127.0.0.1:0")
        with subprocess.Popen(
            [sys.executable, "-m", "ccops", "serve", "--listen", "127.0.0.1:0"],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        ) as child:
            first = child.stdout.readline() if child.stdout else ""
            self.tell(first.rstrip())
            found = re.search(r"127\.0\.0\.1:\d+", first)
            try:
                yield f"http://{found[0]}" if found else ""
            finally:
                child.terminate()
                wrote, _ = child.communicate()
        self.tell("Meanwhile, ccops serve wrote:", *(f"  {line}" for line in wrote.splitlines() if " POST " in line))

    def await_calls(self, reached: Callable[[], bool]) -> None:
        """Wait until Kit has called all webhooks, and until that has led to something."""
        self.kit.await_deliveries()
        pause = threading.Event()
        for _ in range(int(_PATIENCE * 50)):
            if reached():
                return
            pause.wait(0.02)

    def type_and_crash(self, *words: str) -> None:
        """Show a command and run it; its process dies once Kit has made the change, before the answer leaves Kit."""
        self.kit.on_request = self._kill_after_write
        self.type(*words)
        self.kit.on_request = lambda _phase, _method, _path: None

    def _show(self, *words: str) -> None:
        self._console.say(Styled("$ ", "dim"), " ".join(["ccops", *map(_as_typed, words)]))

    def _kill_after_write(self, phase: str, method: str, _path: str) -> None:
        if (phase, method) == ("after", "PUT") and self._child is not None:
            self._child.kill()
            self._child.wait()


def stage_environ(given: Mapping[str, str], home: Path, kit: Sandbox) -> dict[str, str]:
    """Return the environment of the demo's commands: nothing of the user's own settings is left in it."""
    kept = {name: value for name, value in given.items() if not name.startswith(("KIT_", "CCOPS_"))}
    return kept | {
        "CCOPS_HOME": str(home),
        "CCOPS_RATE": "0",
        "CCOPS_SETTLE_AFTER": str(SETTLE_AFTER),
        "KIT_API_KEY": kit.settings.key,
        "KIT_API_URL": kit.url,
    }


def _as_typed(word: str) -> str:
    return f'"{word}"' if " " in word else word

"""Where the demo plays: a home that is thrown away, a sandbox as Kit, and real commands."""

import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self

from ccops.cli.console import Console
from ccops.cli.styles import Styled
from ccops.sandbox import Sandbox

SETTLE_AFTER: Final = 2
"""Seconds that the demo waits before it looks whether a lost write has arrived; 60 in real life."""


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
        self._console.say(Styled("$ ", "dim"), " ".join(["ccops", *map(_as_typed, words)]))
        with subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "ccops", *words], env=self._environ, stdin=subprocess.DEVNULL
        ) as self._child:
            return self._child.wait()

    def type_and_crash(self, *words: str) -> None:
        """Show a command and run it; its process dies once Kit has made the change, before the answer leaves Kit."""
        self.kit.on_request = self._kill_after_write
        self.type(*words)
        self.kit.on_request = lambda _phase, _method, _path: None

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

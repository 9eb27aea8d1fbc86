"""`ccops demo`: the command line."""

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self

import typer

from ccops.cli.command_line import command, new_app
from ccops.cli.context import session_of
from ccops.cli.output import Console, Styled
from ccops.sandbox.sandbox import Sandbox

app = new_app()


@command(app, "demo", "ccops demo")
def demo(ctx: typer.Context) -> int:
    """See the whole story in a throw-away home.

    An operation, its tag, a payment told three ways, a crash, the history, an undo: each by the real commands, on a
    stand-in for Kit that runs on this machine only. Nothing is sent to Kit, and nothing is left behind.
    """
    session = session_of(ctx)
    with Stage(session.console, session.environ) as stage:
        return tell(stage)


# ---- where the demo plays: a home that is thrown away, a sandbox as Kit, and real commands

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


# ---- what the demo tells, scene by scene; each returns the exit status of what it ran

ANN: Final = "ann@example.org"
CREDIT: Final = "payment-credit"
TAG: Final = f"ccops: {CREDIT}"


def tell(stage: "Stage") -> int:
    """Tell the whole story; it ends early, with that status, where a command does not do what it should."""
    stage.tell(
        'A membership site keeps credits in the field "credits" of its contacts in Kit;',
        "each payment adds 10. Here, Kit is a stand-in that runs on this machine only.",
        "The commands and what they print are real.",
    )
    return _set_up(stage) or _define(stage) or _payment(stage) or _crash(stage) or _look_back(stage) or _farewell(stage)


def _set_up(stage: "Stage") -> int:
    stage.heading("1. A home for settings, operations and the ledger")
    return stage.type("init", "--yes", "--save-key")


def _define(stage: "Stage") -> int:
    stage.heading("2. An operation, and a tag of its own that starts it")
    return stage.type("op", "add", CREDIT, "--field", "credits", "--increase", "10", "--tag")


def _payment(stage: "Stage") -> int:
    stage.heading("3. Ann pays, and the automation in Kit gives her the tag")
    kit = stage.kit
    ann = kit.contact_id(ANN)
    with stage.serving() as address:
        status = stage.type("webhook", "create", "--url", address)
        kit.tag(ann, TAG)  # what a Kit automation does after a payment
        stage.await_calls(lambda: TAG not in kit.tags_of(ann))
        kit.deliver_again()
        stage.await_calls(lambda: True)
        stage.tell("Kit has called ccops serve, and again, as it does when an answer is lost.")
        stage.tell("And this looks for the tag itself:")
        status = status or stage.type("poll")
    tags = ", ".join(f'"{name}"' for name in kit.tags_of(ann))
    stage.tell(
        f"Her credits now: {kit.field_values(ann)['credits']}, told three ways and counted once.",
        f"Her tags now: {tags}. Her next payment can add the other again.",
    )
    return status


def _crash(stage: "Stage") -> int:
    words = ("run", CREDIT, ANN, "--key", "invoice-1042")
    stage.heading("4. The power fails just after Kit took a change, before ccops heard of it")
    stage.type_and_crash(*words)
    stage.tell(f"(killed)  The same again: it waits ({SETTLE_AFTER} s here, else 60), looks, and counts once.")
    status = stage.type(*words)
    stage.tell("And once more, by mistake:")
    return status or stage.type(*words)


def _look_back(stage: "Stage") -> int:
    stage.heading("5. Every change can be explained, and taken back")
    return (
        stage.type("history", ANN)
        or stage.type("undo", "e2", "--reason", "invoice cancelled")
        or stage.type("balance", ANN)
    )


def _farewell(stage: "Stage") -> int:
    stage.heading("That was all; its home is gone again. Your turn, once ccops is installed:")
    stage.tell(
        "  ccops init --sandbox   set up a home for rehearsals, without an account",
        "  ccops init             set up your own home; asks for the key of your account",
        "  ccops op add           define an operation; asks what it is to do",
    )
    return 0

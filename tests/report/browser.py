"""A real browser that opens a page from the disk, and says what went wrong in it.

Spoken to in Chromium's own protocol (https://chromedevtools.github.io/devtools-protocol/) over two pipes. Where there
is no Chromium, its tests are left out, loudly; but not where `CCOPS_CHROMIUM` names one, as `.ci/run` does.
"""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROGRAM = os.environ.get("CCOPS_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
QUIET = (
    "--headless",
    "--no-sandbox",  # the gate runs as root, which Chromium's own sandbox refuses
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-pipe",
)
# Chromium reads from 3 and writes to 4, whatever numbers the pipes have here.
AT_3_AND_4 = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execvp(sys.argv[3], sys.argv[3:])"
)


class Browser:
    """One page, and what was said in its console or kept from it."""

    def __init__(self, to: int, answers: int) -> None:
        self._to = to
        self._answers = os.fdopen(answers, "rb")
        self._numbers = count(1)
        self._session: str | None = None
        self._events: list[dict[str, Any]] = []

    def open_tab(self) -> Self:
        """Open a tab, and listen to it."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{part}.enable")
        return self

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Ask for something, and wait for the answer."""
        number = next(self._numbers)
        session = {"sessionId": self._session} if self._session else {}
        asked = {"id": number, "method": method, "params": parameters} | session
        os.write(self._to, json.dumps(asked).encode() + b"\0")
        return self._until(lambda told: told.get("id") == number)["result"]  # type: ignore[no-any-return]

    def open(self, page: Path, width: int = 1280, height: int = 900, *, dark: bool = False) -> None:
        """Open a page, and wait until all of it is loaded."""
        self._events.clear()
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)
        self.call("Page.navigate", url=page.absolute().as_uri())
        self._until(lambda told: told.get("method") == "Page.loadEventFired")

    def ask(self, script: str) -> Any:
        """Evaluate an expression in the page."""
        told = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key."""
        codes = {"Tab": 9, "Enter": 13}
        more = {"text": "\r"} if key == "Enter" else {}
        named = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        self.call("Input.dispatchKeyEvent", type="keyDown", **named, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    def picture(self) -> bytes:
        """Return a picture of what is seen (PNG)."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    @property
    def said(self) -> list[object]:
        """All that the console got since the page was opened, and all errors."""
        kinds = {
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Log.entryAdded",
            "Page.javascriptDialogOpening",
        }
        return [told["params"] for told in self._events if told.get("method") in kinds]

    @property
    def requests(self) -> list[str]:
        """What was asked for since the page was opened."""
        sent = [told["params"] for told in self._events if told.get("method") == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in sent]

    def end(self) -> None:
        """Let go of the pipes; Chromium ends with them."""
        os.close(self._to)
        self._answers.close()

    def _until(self, wanted: Any) -> dict[str, Any]:
        while True:
            told: dict[str, Any] = json.loads(self._line())
            self._events.append(told)
            assert "error" not in told, told
            if wanted(told):
                return told

    def _line(self) -> bytes:
        read = bytearray()
        while (octet := self._answers.read(1)) != b"\0":
            assert octet, "Chromium ended"
            read += octet
        return bytes(read)


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start Chromium with a profile of its own, and end it."""
    assert PROGRAM is not None
    assert shutil.which(PROGRAM), f"CCOPS_CHROMIUM names {PROGRAM}, which is not there; on Debian: apt install chromium"
    theirs_in, to = os.pipe()
    answers, theirs_out = os.pipe()
    above = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out)]
    words = [sys.executable, "-c", AT_3_AND_4, *map(str, above), PROGRAM, *QUIET, f"--user-data-dir={folder}"]
    child = subprocess.Popen(words, pass_fds=above, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for end in (theirs_in, theirs_out, *above):
        os.close(end)
    shown = Browser(to, answers)
    try:
        yield shown.open_tab()
    finally:
        shown.end()
        child.kill()
        child.wait()

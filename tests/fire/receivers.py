"""A real `ccops serve` that is killed and started again, and shops that keep posting to it meanwhile."""

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fire.conftest import Place

SECRET = "0123456789abcdef"
KIT_SECRET = "whsec_0123456789abcdef"
OPERATION = "payment-credit"
HEADERS = {"X-Ccops-Key": SECRET, "Content-Type": "application/json"}


def free_port() -> int:
    """Find a port that a receiver can have again after it was killed."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


class Receiver:
    """One `ccops serve` after the other at the same address."""

    def __init__(self, place: Place, *words: str) -> None:
        (place.path / "config.toml").write_text(
            f'[secrets]\n{OPERATION} = "{SECRET}"\n\n'
            f'[kit_webhook]\nid = 1\nurl = "https://example.org/kit"\nsecrets = ["{KIT_SECRET}"]\n'
        )
        self.place = place
        self.port = free_port()
        self.words = ("serve", "--listen", f"127.0.0.1:{self.port}", *(words or ("--poll", "0")))
        self.log = place.path / "serve.log"
        self.kills = 0
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "ccops", *self.words],
                env=self.place.environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """Kill it without a warning, and start it again."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1
        self.process = self._start()

    def stop(self) -> int:
        """Ask it to stop; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)

    def memory(self) -> int:
        """Return the KiB that it holds in memory."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:  # noqa: PTH123
            found = re.search(r"VmRSS:\s*(\d+)", status.read())
        return int(found[1]) if found else 0

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """Ask until there is an answer, over a new connection each time."""
        for _ in patience():
            line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            try:
                line.request(method, path, body, headers or HEADERS)
                answer = line.getresponse()
                return answer.status, json.loads(answer.read())
            except (OSError, http.client.HTTPException):
                continue
            finally:
                line.close()
        raise TimeoutError(path)

    def await_idle(self) -> None:
        """Wait until nothing waits in the inbox."""
        for _ in patience(600):
            status, told = self.ask("GET", "/healthz")
            if status == 200 and told["waiting"] == 0:
                return
        raise TimeoutError(told)


def patience(seconds: float = 60) -> Iterator[None]:
    """Give turns, a little apart, for so long."""
    pause = threading.Event()
    for _ in range(int(seconds * 20)):
        yield
        pause.wait(0.05)


@dataclass
class Shop:
    """Posts for contacts, one after the other over one connection; half of the shops repeat what was not accepted."""

    receiver: Receiver
    name: str
    emails: Sequence[str]
    posts: int
    repeats: bool
    sent: Counter[str] = field(default_factory=Counter)
    """By address: every post that may have arrived."""
    accepted: Counter[str] = field(default_factory=Counter)
    odd: list[int] = field(default_factory=list)

    def run(self) -> None:
        line = self._line()
        for number in range(self.posts):
            email = self.emails[number % len(self.emails)]
            body = json.dumps({"email": email, "event_id": f"{self.name}-{number}"})
            self.sent[email] += 1
            for _ in patience():
                try:
                    line.request("POST", f"/operations/{OPERATION}", body, HEADERS)
                    answer = line.getresponse()
                    answer.read()
                except (OSError, http.client.HTTPException) as error:
                    line.close()
                    line = self._line()
                    # What was refused has not arrived; anything else may have, and is not repeated by everybody.
                    if self.repeats or isinstance(error, ConnectionRefusedError):
                        continue
                    break
                if answer.status in {200, 202}:
                    self.accepted[email] += 1
                else:
                    self.odd.append(answer.status)
                break
        line.close()

    def _line(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.receiver.port, timeout=20)

"""How many POSTs `ccops serve` takes, how soon it answers, and what it holds in memory: `python benchmarks/serve.py`.

A real receiver and a real sandbox, each in a process of its own; the shops that post share this one. Everything runs on
one machine, so that all of them compete for its cores: what a server of its own does is more.
"""

import argparse
import http.client
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ccops import __version__

POSTS: Final = 10_000
CONNECTIONS: Final = 20
CONTACTS: Final = ("ann", "bob", "di", "ed", "fay", "gus", "hal")
"""Example contacts of the sandbox; each is worked on by one thread at a time."""
SECRET: Final = "benchmark-benchmark"
OPERATION: Final = "payment-credit"
CCOPS: Final = (sys.executable, "-m", "ccops")


@dataclass(frozen=True)
class Taken:
    """What one measurement came to."""

    name: str
    posts: int
    seconds: float
    answers: Sequence[float]
    """Seconds from a request to its answer, sorted."""
    memory: int
    """MiB that the receiver holds afterwards."""

    def row(self) -> str:
        """Write a line of the table."""
        middle, late = statistics.median(self.answers) * 1000, self.answers[int(len(self.answers) * 0.99)] * 1000
        return f"| {self.name} | {self.posts / self.seconds:.0f} | {middle:.1f} | {late:.1f} | {self.memory} |"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=POSTS, help=f"how many are sent each time ({POSTS})")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help=f"over how many at once ({CONNECTIONS})")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sandbox() as kit:
        home = Path(folder) / "home"
        environ = set_up(home, kit)
        with receiver(environ) as (port, pid):
            rest = memory(pid)
            measured = [
                measure("the operation is paused", home, (port, pid), options.posts, options.connections),
                measure("while they are worked off", home, (port, pid), options.posts, options.connections),
            ]
            worked_off = time_to_work_off(port)
            after = memory(pid)
    print(f"ccops {__version__}, {machine()}, {datetime.now(UTC):%d %b %Y}: ", end="")
    print(f"{options.posts} POSTs over {options.connections} connections\n")
    print("| | POSTs a second | answer, median ms | p99 ms | MiB |\n| --- | ---: | ---: | ---: | ---: |")
    print("\n".join(taken.row() for taken in measured))
    print(f"\n{rest} MiB at the start, {after} MiB when all {2 * options.posts} were worked off, ", end="")
    print(f"{worked_off:.0f} s after the last was accepted (no pacing; Kit itself allows 2 or 10 requests a second).")


@contextmanager
def sandbox() -> Iterator[str]:
    """Run a stand-in for Kit, and give its address."""
    with subprocess.Popen([*CCOPS, "sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield found(process, r"http://127\.0\.0\.1:\d+")
        finally:
            process.terminate()


@contextmanager
def receiver(environ: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """Run the receiver, and give its port and process id."""
    words = [*CCOPS, "serve", "--listen", "127.0.0.1:0", "--poll", "0"]
    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield int(found(process, r"(?<=127\.0\.0\.1:)\d+")), process.pid
        finally:
            process.terminate()


def found(process: "subprocess.Popen[str]", pattern: str) -> str:
    """Return what a process says in its first line."""
    assert process.stdout is not None
    match = re.search(pattern, process.stdout.readline())
    if match is None:
        sys.exit("it did not say where it listens")
    return match[0]


def set_up(home: Path, kit: str) -> dict[str, str]:
    """Set up a home at a Kit, and return the environment that leads to it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KIT_", "CCOPS_"))}
    environ = kept | {"CCOPS_HOME": str(home), "KIT_API_URL": kit, "KIT_API_KEY": "sandbox-key", "CCOPS_RATE": "0"}
    for words in (("init", "--yes"), ("op", "add", OPERATION, "--field", "credits", "--increase", "1")):
        subprocess.run([*CCOPS, *words], env=environ, check=True, capture_output=True)
    with (home / "config.toml").open("a") as config:
        config.write(f'\n[secrets]\n{OPERATION} = "{SECRET}"\n')
    subprocess.run([*CCOPS, "op", "pause", OPERATION], env=environ, check=True, capture_output=True)
    return environ


def measure(name: str, home: Path, where: tuple[int, int], posts: int, connections: int) -> Taken:
    """Post from several connections at once; from the second time on, the operation is not paused any more."""
    registry = home / "operations.toml"
    if name != "the operation is paused":
        registry.write_text(registry.read_text().replace("paused = true", "paused = false"))
    answers: list[float] = []
    shops = [
        threading.Thread(target=post, args=(where[0], f"{name} {number}", posts // connections, answers))
        for number in range(connections)
    ]
    started = time.perf_counter()
    for shop in shops:
        shop.start()
    for shop in shops:
        shop.join()
    return Taken(name, len(answers), time.perf_counter() - started, sorted(answers), memory(where[1]))


def post(port: int, name: str, posts: int, answers: list[float]) -> None:
    """Post over one connection, one after the other."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
    for number in range(posts):
        body = json.dumps({"email": f"{CONTACTS[number % len(CONTACTS)]}@example.org", "event_id": f"{name} {number}"})
        before = time.perf_counter()
        line.request("POST", f"/operations/{OPERATION}", body, headers)
        answer = line.getresponse()
        answer.read()
        answers.append(time.perf_counter() - before)
        if answer.status != http.HTTPStatus.ACCEPTED:
            sys.exit(f"a POST was answered {answer.status}")
    line.close()


def time_to_work_off(port: int) -> float:
    """Wait until nothing waits in the inbox; return the seconds that took."""
    started = time.perf_counter()
    while health(port)["waiting"]:
        time.sleep(0.5)
    return time.perf_counter() - started


def health(port: int) -> dict[str, Any]:
    """Ask how the receiver is."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("GET", "/healthz")
    told: dict[str, Any] = json.loads(line.getresponse().read())
    line.close()
    return told


def memory(pid: int) -> int:
    """Return the MiB that a process holds, as `ps` tells."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], check=True, capture_output=True, text=True)
    return int(told.stdout) // 1024


def machine() -> str:
    """Name what it is measured on."""
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()

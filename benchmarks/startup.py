"""How long ccops takes to start, against what its command-line library costs alone: `python benchmarks/startup.py`.

The commands take turns, so that whatever else the machine does meanwhile strikes all of them alike; medians are shown.
"""

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from ccops import __version__
from ccops.cli.commands.demo import stage_environ
from ccops.sandbox.sandbox import Sandbox

ROUNDS: Final = 21
BASE: Final = "python -c 'import typer'"
CCOPS: Final = (sys.executable, "-m", "ccops")
MEASURED: Final[Mapping[str, Sequence[str]]] = {
    BASE: (sys.executable, "-c", "import typer"),
    "ccops --version": (*CCOPS, "--version"),
    "ccops --help": (*CCOPS, "--help"),
    "ccops op list": (*CCOPS, "op", "list"),
    "ccops run … --dry-run": (*CCOPS, "run", "payment-credit", "ann@example.org", "--dry-run"),
}


class Spent(NamedTuple):
    """Seconds by the clock, and of the processor; the latter hardly depend on what else the machine does."""

    clock: float
    processor: float


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each is started ({ROUNDS})")
    rounds: int = parser.parse_args().rounds
    with Sandbox() as kit, tempfile.TemporaryDirectory() as folder:
        environ = rehearsal(Path(folder) / "home", kit)
        medians = measure(environ, rounds)
    print(f"ccops {__version__}, {machine()}, {datetime.now(UTC):%d %b %Y}: medians of {rounds} starts each\n")
    print("| started | ms | ms of processor | times `import typer` |\n| --- | ---: | ---: | ---: |")
    for name, spent in medians.items():
        times = spent.processor / medians[BASE].processor
        print(f"| `{name}` | {spent.clock * 1000:.0f} | {spent.processor * 1000:.0f} | {times:.2f} |")


def rehearsal(home: Path, kit: Sandbox) -> dict[str, str]:
    """Set up a home for a stand-in of Kit that runs in this process, and return the environment that leads to both."""
    environ = stage_environ(os.environ, home, kit)
    started(("init", "--yes", "--save-key"), environ)
    started(("op", "add", "payment-credit", "--field", "credits", "--increase", "10"), environ)
    return environ


def started(words: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run a command of ccops."""
    subprocess.run([*CCOPS, *words], env=environ, check=True, capture_output=True)


def measure(environ: Mapping[str, str], rounds: int) -> dict[str, Spent]:
    """Return the medians of what each command spends from its start to its end."""
    spent: dict[str, list[Spent]] = {name: [] for name in MEASURED}
    for _ in range(rounds + 1):
        for name, words in MEASURED.items():
            before = now()
            subprocess.run(words, env=environ, check=True, capture_output=True)
            spent[name].append(Spent(*(end - start for start, end in zip(before, now(), strict=True))))
    # The first round only fills the disk's cache.
    return {name: Spent(*map(statistics.median, zip(*each[1:], strict=True))) for name, each in spent.items()}


def now() -> Spent:
    """Return what the clock shows, and what all children together have used of the processor."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Spent(time.perf_counter(), used.ru_utime + used.ru_stime)


def machine() -> str:
    """Name what it is measured on."""
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()

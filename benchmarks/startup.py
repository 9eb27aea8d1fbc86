"""How long ccops takes to start, against what its command-line library costs alone: `python benchmarks/startup.py`.

The commands take turns, so that whatever else the machine does meanwhile strikes all of them alike; medians are shown.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ccops import __version__
from ccops.cli.demo.stage import stage_environ
from ccops.sandbox import Sandbox

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


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each is started ({ROUNDS})")
    rounds: int = parser.parse_args().rounds
    with Sandbox() as kit, tempfile.TemporaryDirectory() as folder:
        environ = rehearsal(Path(folder) / "home", kit)
        medians = measure(environ, rounds)
    print(f"ccops {__version__}, {machine()}, {datetime.now(UTC):%d %b %Y}: medians of {rounds} starts each\n")
    print("| started | ms | times `import typer` |\n| --- | ---: | ---: |")
    for name, seconds in medians.items():
        print(f"| `{name}` | {seconds * 1000:.0f} | {seconds / medians[BASE]:.2f} |")


def rehearsal(home: Path, kit: Sandbox) -> dict[str, str]:
    """Set up a home for a stand-in of Kit that runs in this process, and return the environment that leads to both."""
    environ = stage_environ(os.environ, home, kit)
    started(("init", "--yes", "--save-key"), environ)
    started(("op", "add", "payment-credit", "--field", "credits", "--increase", "10"), environ)
    return environ


def started(words: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run a command of ccops."""
    subprocess.run([*CCOPS, *words], env=environ, check=True, capture_output=True)


def measure(environ: Mapping[str, str], rounds: int) -> dict[str, float]:
    """Return the median of each command's seconds from its start to its end."""
    times: dict[str, list[float]] = {name: [] for name in MEASURED}
    for _ in range(rounds + 1):
        for name, words in MEASURED.items():
            before = time.perf_counter()
            subprocess.run(words, env=environ, check=True, capture_output=True)
            times[name].append(time.perf_counter() - before)
    return {name: statistics.median(seconds[1:]) for name, seconds in times.items()}  # the first fills the disk's cache


def machine() -> str:
    """Name what it is measured on."""
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()

"""Prints the files that one run passes through: `python -m benchmarks.files_of_a_run`.

The run is `ccops run payment-credit ann@example.org`, which the ledger has met. A file counts once a function of it is
called, in the order in which that happens first; the stand-in for Kit has threads of its own and is left out.
"""

import os
import sys
import tempfile
import threading
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import CodeType, FrameType

import ccops
from ccops.cli.app import main as program
from ccops.sandbox import Sandbox

_ROOT = Path(ccops.__file__).parent
_KEY = "sandbox-key"


def main() -> None:
    """Set up a home, then follow one run in it."""
    with Sandbox(key=_KEY) as kit, tempfile.TemporaryDirectory() as folder:
        os.environ |= {"CCOPS_HOME": folder, "KIT_API_URL": kit.url, "KIT_API_KEY": _KEY, "NO_COLOR": "1"}
        with (Path(folder) / "shown").open("w") as shown, redirect_stdout(shown), redirect_stderr(shown):
            _call("init", "--yes")
            _call("op", "add", "payment-credit", "--field", "credits", "--increase", "10")
            _call("run", "payment-credit", "ann@example.org", "--key", "1")
            met = _followed("run", "payment-credit", "ann@example.org", "--key", "2")
    for number, name in enumerate(met, 1):
        print(f"{number:3} {name}")


def _call(*words: str) -> None:
    sys.argv = ["ccops", *words]
    try:
        program()
    except SystemExit as ended:
        if ended.code:
            raise


def _followed(*words: str) -> list[str]:
    """Return the files that a command passes through, with all its threads."""
    met, seen = list[str](), set[CodeType]()

    def look(frame: FrameType, event: str, _argument: object) -> None:
        if event != "call" or frame.f_code in seen:
            return
        seen.add(frame.f_code)
        path = Path(frame.f_code.co_filename)
        if frame.f_code.co_name != "<module>" and path.is_relative_to(_ROOT):
            name = str(path.relative_to(_ROOT))
            if not name.startswith("sandbox/") and name not in met:
                met.append(name)

    threading.setprofile(look)
    sys.setprofile(look)
    try:
        _call(*words)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return met


if __name__ == "__main__":
    main()

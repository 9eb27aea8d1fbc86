"""The folder: there, private, writable, with room on its disk and nothing left over in it."""

import os
import shlex
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from ccops.errors import SET_UP
from ccops.registry.home import Home, LooseMode, loose_modes, names, told
from ccops.report.doctor.finding import Finding, well, wrong
from ccops.report.doctor.wording import size
from ccops.text import clean

LEFT_AFTER: Final = timedelta(minutes=1)
"""The age from which on a draft is nobody's: files are replaced within a moment."""
_ROOM: Final = 20 * 1024 * 1024


def no_home(home: Home) -> Finding:
    """Say that there is no home."""
    return wrong("home", f"there is no home at {clean(str(home.path))}", SET_UP)


def look(home: Home, now: datetime) -> Iterator[Finding]:
    """Look at the folder and at what lies in it. Raises FileUnusable."""
    found = [*_loose(home), *_writable(home), *_left(home, now)]
    yield from found or [well("home", f"{home.path}, nobody else can read it")]


def _loose(home: Home) -> Iterator[Finding]:
    for loose in open_to_others(home):
        name = "the folder" if loose.path == home.path else loose.path.name
        yield wrong("home", f"{name} is open to other users (mode {loose.mode:o})", "ccops doctor --fix")


def _writable(home: Home) -> Iterator[Finding]:
    for path in (home.path, home.config, home.registry, home.ledger):
        if path.exists() and not os.access(path, os.W_OK):
            yield wrong("home", f"{clean(path.name)} can't be written to by this user", _to_write(path))
    with told(home.path):
        free = shutil.disk_usage(home.path).free
    if free < _ROOM:
        yield wrong("home", f"its disk has only {size(free)} left", f"make room on the disk of {clean(str(home.path))}")


def _to_write(path: Path) -> str:
    """Write the command that lets this user write to a file or folder."""
    quoted = clean(shlex.quote(str(path)))
    return f"chmod u+w {quoted}" if path.stat().st_uid == os.getuid() else f'sudo chown "$USER" {quoted}'


def _left(home: Home, now: datetime) -> Iterator[Finding]:
    for path in drafts(home, now):
        text = f"{clean(path.name)} is left from a write that was broken off, and may hold the key"
        yield wrong("home", text, "ccops doctor --fix")


def open_to_others(home: Home) -> list[LooseMode]:
    """List what others than its owner can get at. Raises FileUnusable."""
    with told(home.path):
        return loose_modes(home)


def drafts(home: Home, now: datetime) -> list[Path]:
    """List the drafts of files that a crash left behind. Raises FileUnusable."""
    with told(home.path):
        found = [path for name in names(home) for path in home.path.glob(f".{name}.*")]
        return sorted(path for path in found if path.stat().st_mtime < (now - LEFT_AFTER).timestamp())

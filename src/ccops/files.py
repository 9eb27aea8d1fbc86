"""Writing to a name that a person chose: a regular file is replaced as a whole, a device or pipe is only written to."""

import errno
import fcntl
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ccops.text import clean

PRIVATE_FILE: Final = 0o600
STDOUT: Final = 1
_STANDARD: Final = (STDOUT, 2)
_MOST_LINKS: Final = 40
_DESCRIPTOR: Final = re.compile(r"/(?:dev|proc/self|proc/thread-self)/fd/([0-9]{1,6})")
_OTHERS: Final = {stat.S_IFDIR: "it is a folder", stat.S_IFBLK: "it is a disk", stat.S_IFSOCK: "it is a socket"}
_DRAFT: Final = ".ccops-draft-"
"""What names of drafts begin with; most have one for a moment only."""
_LONGEST_NAME: Final = 255
_LONGEST_PATH: Final = 4000
"""Bytes; Linux takes 4,095, and drafts and the files of a home come behind what was given."""


class Unfit(OSError):  # noqa: N818 - reads as a state
    """The name stands for something that must not be written to; `strerror` says what it is."""

    def __init__(self, what: str) -> None:
        super().__init__(errno.EINVAL, clean(what))


@dataclass(frozen=True, slots=True)
class Target:
    """What a name stands for, and how it is written."""

    path: Path
    file: Path | None
    """The regular file, past all links, which is replaced as a whole; None: a device or pipe."""
    descriptor: int | None = None
    """The device or pipe, if this process was started with it (`/dev/stdout`, `>(…)`)."""

    @property
    def is_stdout(self) -> bool:
        """Whether it is where answers go, so that nothing else may be printed there."""
        return self.descriptor == STDOUT

    def open_stream(self) -> int:
        """Open the device or pipe as it is; waits for a named pipe's reader. Raises OSError."""
        if self.descriptor is not None:
            return os.dup(self.descriptor)
        return os.open(self.path, os.O_WRONLY | os.O_NOCTTY)


class DraftFile:
    """Takes the new content of a target; `written` puts it in its place."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self.abandoned = False
        """Set to leave a regular file as it was."""

    def write(self, text: str) -> int:
        """Write text, and pass it on at once, so that a full disk is known now. Raises OSError."""
        octets = memoryview(text.encode())
        while octets:
            octets = octets[os.write(self.handle, octets) :]
        return len(text)


def path_fault(text: str) -> str | None:
    """Say why a text can't be a path, in words that follow its name; None if it can."""
    if not text.strip():
        return "is empty"
    if "\0" in text:
        return "has a zero byte in it"
    owner = text.partition("/")[0]
    if owner.startswith("~") and os.path.expanduser(owner) == owner:  # noqa: PTH111 - Path's own raises
        return f"begins with {clean(owner[:40])}, and this machine has no such user"
    try:
        whole = os.fsencode(os.path.abspath(os.path.expanduser(text)))  # noqa: PTH100, PTH111
    except UnicodeEncodeError:
        return "is not UTF-8 text"
    longest = max(map(len, whole.split(b"/")))
    if longest > _LONGEST_NAME:
        return f"can't be a path: one of its names has {longest:,} bytes, of {_LONGEST_NAME} at most"
    return f"is too long for a path: {len(whole):,} bytes" if len(whole) > _LONGEST_PATH else None


def target_of(path: Path) -> Target:
    """Return what a name stands for. Raises Unfit for a folder, a disk or a link to nothing, and OSError."""
    number = _own_descriptor(path)
    if number is not None:
        return Target(path, None, number)
    try:
        found = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise Unfit(f"it is a link to {path.readlink()}, which is not there") from None
        return Target(path, Path(os.path.realpath(path)))
    if stat.S_ISREG(found.st_mode):
        ours = next((number for number in _STANDARD if _is_ours(number) and _is_open_on(number, found)), None)
        return Target(path, None if ours else Path(os.path.realpath(path)), ours)
    if stat.S_ISCHR(found.st_mode) or stat.S_ISFIFO(found.st_mode):
        return Target(path, None)
    raise Unfit(_OTHERS.get(stat.S_IFMT(found.st_mode), "it is no file"))


def regular_file(path: Path) -> Path:
    """Return the regular file that a name stands for, past all links; there may be none yet. Raises Unfit, OSError."""
    target = target_of(path)
    if target.file is None:
        raise Unfit("it is a device or a pipe, not a file")
    return target.file


@contextmanager
def written(path: Path, mode: int = PRIVATE_FILE, *, streams: bool = True) -> Iterator[DraftFile]:
    """Give a draft that takes the place of a file when the body ends well, durably; other targets are written at once.

    `streams`: devices and pipes are allowed. Raises Unfit and OSError.
    """
    target = target_of(path) if streams else Target(path, regular_file(path))
    if target.file is None:
        with _closing(target.open_stream()) as handle:
            yield DraftFile(handle)
        return
    with replaced(target.file, mode) as draft:
        yield draft


@contextmanager
def replaced(file: Path, mode: int = PRIVATE_FILE) -> Iterator[DraftFile]:
    """Give a draft that takes the place of a regular file when the body ends well, durably.

    It has no name until it is whole, so that a process that is killed leaves nothing of it behind. Raises OSError.
    """
    _sweep(file.parent)
    name = file.with_name(f"{_DRAFT}{secrets.token_hex(8)}")
    handle = _nameless(file.parent)
    has_name = handle is None
    if handle is None:
        handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
    with _closing(handle):
        fcntl.flock(handle, fcntl.LOCK_EX)  # so that no sweep takes it for a leftover
        try:
            draft = DraftFile(handle)
            yield draft
            if not draft.abandoned:
                os.fchmod(handle, mode)
                os.fsync(handle)
                if not has_name:
                    _give_name(handle, name)
                name.replace(regular_file(file))  # looked at once more: what came there meanwhile stays
                sync_folder(file.parent)
        finally:
            name.unlink(missing_ok=True)


def _nameless(folder: Path) -> int | None:
    """Open a file without a name (open(2), O_TMPFILE); None where the system or the disk has no such files."""
    kind = getattr(os, "O_TMPFILE", 0)
    if not kind or not Path("/proc/self/fd").exists():
        return None
    try:
        return os.open(folder, kind | os.O_RDWR | os.O_CLOEXEC, PRIVATE_FILE)
    except OSError:
        return None


def _give_name(handle: int, path: Path) -> None:
    with _closing(os.open(path.parent, os.O_RDONLY)) as folder:
        # With a folder given, Python lets the system follow the link that /proc has for the open file.
        os.link(f"/proc/self/fd/{handle}", path.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)


def _sweep(folder: Path) -> None:
    """Remove the drafts of processes that were killed: nothing has them locked."""
    for path in folder.glob(f"{_DRAFT}*"):
        with suppress(OSError), _closing(os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)) as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def sync_folder(folder: Path) -> None:
    """Put on disk which files a folder has."""
    with _closing(os.open(folder, os.O_RDONLY)) as handle:
        os.fsync(handle)


@contextmanager
def _closing(handle: int) -> Iterator[int]:
    try:
        yield handle
    finally:
        os.close(handle)


def _own_descriptor(path: Path) -> int | None:
    """Return the descriptor that a name stands for, such as /dev/stdout or /dev/fd/63. Raises OSError.

    Opened by its name, a file behind it would be written from its beginning; replaced, it would be lost to whoever
    started this process.
    """
    name = os.path.abspath(path)  # noqa: PTH100 - Path's own keeps the dots
    for _ in range(_MOST_LINKS):
        found = _DESCRIPTOR.fullmatch(name)
        if found is not None:
            number = int(found[1])
            if not _is_ours(number):
                raise Unfit("it is not open")
            return number
        if not os.path.islink(name):  # noqa: PTH114
            return None
        name = os.path.normpath(os.path.join(os.path.dirname(name), os.readlink(name)))  # noqa: PTH115, PTH118, PTH120
    return None


def _is_ours(number: int) -> bool:
    """Tell whether this process was started with a descriptor; those that it opened itself are inherited by nobody."""
    streams = {1: sys.__stdout__, 2: sys.__stderr__}
    try:
        return streams.get(number, sys) is not None and os.get_inheritable(number)
    except OSError:
        return False


def _is_open_on(number: int, found: os.stat_result) -> bool:
    return os.path.samestat(os.fstat(number), found)

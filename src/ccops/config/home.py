"""The home folder: where it is, what lies in it, and how files are put there."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ccops.config.errors import FileUnusable, HomeMalformed
from ccops.files import PRIVATE_FILE, path_fault, written
from ccops.locks import lock_file

PRIVATE_FOLDER: Final = 0o700


@dataclass(frozen=True, slots=True)
class Home:
    """One home folder and the places in it."""

    path: Path

    @property
    def config(self) -> Path:
        """The settings."""
        return self.path / "config.toml"

    @property
    def registry(self) -> Path:
        """The operations."""
        return self.path / "operations.toml"

    @property
    def ledger(self) -> Path:
        """The ledger's database."""
        return self.path / "ledger.sqlite3"

    @property
    def grant(self) -> Path:
        """The tokens of a login with OAuth."""
        return self.path / "oauth.json"

    @property
    def sandbox(self) -> Path:
        """The state of the stand-in for Kit, in a home for rehearsals."""
        return self.path / "sandbox.sqlite3"

    @property
    def locks(self) -> Path:
        """The folder of the locks that processes share."""
        return self.path / "locks"

    @property
    def exists(self) -> bool:
        """Whether the folder is there."""
        return self.path.is_dir()

    @property
    def was_set_up(self) -> bool:
        """Whether settings and registry are there: `init` writes them last, so there was a ledger too."""
        return self.config.exists() and self.registry.exists()

    def make(self) -> None:
        """Make the folder for its owner alone; one that is there and in use stays as it is. Raises FileUnusable."""
        with told(self.path):
            self.path.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
            if not any(self.path.iterdir()):
                self.path.chmod(PRIVATE_FOLDER)


@dataclass(frozen=True, slots=True)
class LooseMode:
    """A file or folder that others than its owner can read or write."""

    path: Path
    mode: int
    wanted: int

    def tighten(self) -> None:
        """Take the rights of all others away. Raises FileUnusable."""
        with told(self.path):
            self.path.chmod(self.mode & self.wanted)


def find_home(option: Path | None, environ: Mapping[str, str]) -> Path:
    """Return the home folder: `--home`, else `CCOPS_HOME`, else the user's data folder. Raises HomeMalformed."""
    if chosen := option or environ.get("CCOPS_HOME"):
        if fault := path_fault(str(chosen)):
            raise HomeMalformed("--home" if option else "CCOPS_HOME", fault)
        return Path(os.path.expanduser(chosen)).absolute()  # noqa: PTH111 - Path's own raises on an unknown ~user
    from platformdirs import user_data_dir

    return Path(user_data_dir("ccops", appauthor=False))


def loose_modes(home: Home) -> list[LooseMode]:
    """List what in a home others than its owner can get at; symbolic links are followed."""
    found: list[LooseMode] = []
    for path in _places(home):
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = PRIVATE_FOLDER if path.is_dir() else PRIVATE_FILE
        if mode & ~PRIVATE_FOLDER:
            found.append(LooseMode(path, mode, wanted))
    return found


def names(home: Home) -> tuple[str, ...]:
    """Return the names of all files that a home is made of."""
    return home.config.name, home.registry.name, home.ledger.name, home.grant.name, home.sandbox.name


def _places(home: Home) -> list[Path]:
    # What was moved aside by `restore` too, and what SQLite keeps beside a database.
    files = sorted(path for name in names(home) for path in home.path.glob(f"{name}*"))
    places = [home.path, *files, home.locks]
    return [place for place in places if place.exists()]


def read_text(path: Path) -> str:
    """Return a file's text, its line ends as they are. Raises FileUnusable and UnicodeDecodeError."""
    with told(path):
        return path.read_bytes().decode()


def write_private(path: Path, text: str, mode: int = PRIVATE_FILE) -> None:
    """Replace a file as a whole or not at all, durably; line ends are kept. Raises FileUnusable."""
    with told(path), written(path, mode, streams=False) as draft:
        draft.write(text)


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Keep other ccops processes from replacing files in a folder meanwhile; the lock dies with its holder."""
    with told(folder):
        handle = os.open(folder, os.O_RDONLY)
    try:
        with told(folder):
            lock_file(handle, f"the folder {folder}")
        yield
    finally:
        os.close(handle)


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold the lock that a small file stands for, alone among threads and processes; it dies with its holder."""
    with told(path):
        path.parent.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        with told(path):
            lock_file(handle, f"the lock {path}")
        yield
    finally:
        os.close(handle)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals into ones that name the path."""
    try:
        yield
    except OSError as error:
        raise FileUnusable(path, error) from error

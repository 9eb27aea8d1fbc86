"""The list that a backup begins with: what it is a copy of, when it was made, and what its files must be."""

import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field

from ccops.clock import iso, parse_iso
from ccops.config.home import Home
from ccops.errors import Misconfigured
from ccops.text import clean

NAME: Final = "manifest.json"
FORMAT: Final = 1
MOST_OCTETS: Final = 1024 * 1024
"""Of a manifest that is read at all."""


class Packed(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(strict=True, frozen=True)

    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class OfAccount(BaseModel):
    """Whose home it is."""

    model_config = ConfigDict(strict=True, frozen=True)

    id: int
    name: str


class Manifest(BaseModel):
    """What a backup says of itself; keys that a later ccops adds are passed over."""

    model_config = ConfigDict(strict=True, frozen=True)

    format: int
    ccops: str
    """The version that made it."""
    schema_version: int
    """Of the ledger."""
    ledger: str
    """The id that the ledger's receipts carry."""
    account: OfAccount
    made: str
    entries: int
    highest: int
    """The number of the newest entry; 0 if there is none."""
    secrets: bool
    """Whether the keys are in it."""
    files: dict[str, Packed]

    @property
    def made_at(self) -> datetime:
        """When it was made."""
        return parse_iso(self.made)

    @property
    def of(self) -> tuple[int, str]:
        """The account's id and name."""
        return self.account.id, self.account.name

    def text(self) -> str:
        """Write it, for the file and for people who open that."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Read it. Raises ValueError."""
        found = cls.model_validate_json(text)
        parse_iso(found.made)
        return found


def moment(at: datetime) -> str:
    """Write when a backup is made."""
    return iso(at)


# ---- why a backup can't be made or put back, and what to do about it


def shown(path: Path) -> str:
    """Write a path for people."""
    return clean(str(path))


class BackupUnwritable(Misconfigured):
    """The backup's file or folder can't be written to."""

    def __init__(self, file: Path, what: str) -> None:
        self.mend = f"look at the owner and mode of {shown(file.parent)}, and at the room on its disk"
        super().__init__(f"{shown(file)} can't be written ({clean(what)}). No backup was made.")


class FileInTheWay(Misconfigured):
    """There is a file of that name, and it is no backup of this home."""

    def __init__(self, file: Path, what: str) -> None:
        super().__init__(
            f"{shown(file)} is there already, and is {clean(what)}. No backup was made. Choose a new name."
        )


class BackupMissing(Misconfigured):
    """There is no such file."""

    def __init__(self, file: Path, what: str) -> None:
        super().__init__(f"{shown(file)} can't be read ({clean(what)}). Nothing was changed.")


class NotABackup(Misconfigured):
    """The file was not made by `ccops backup`."""

    def __init__(self, file: Path, what: str) -> None:
        super().__init__(f"{shown(file)} is no backup of ccops ({clean(what)}). Nothing was changed.")


class BackupDamaged(Misconfigured):
    """The file was made by `ccops backup`, but is not as it was made."""

    mend = "take an older backup"

    def __init__(self, file: Path, what: str) -> None:
        super().__init__(f"the backup {shown(file)} is damaged: {clean(what)}. Nothing was changed.")


class BackupTooNew(Misconfigured):
    """A newer ccops has made the file."""

    def __init__(self, file: Path, version: str) -> None:
        super().__init__(
            f"the backup {shown(file)} was made by ccops {clean(version)}, and this one does not know its format. "
            "Nothing was changed. Update ccops on this machine."
        )


class BackupOfAnother(Misconfigured):
    """The backup is of another account than the home."""

    def __init__(self, theirs: tuple[int, str], ours: tuple[int, str], home: Path) -> None:
        self.mend = "ccops restore FILE --home DIR"
        super().__init__(
            f"the backup is of the account {clean(theirs[1])} ({theirs[0]}), but {shown(home)} belongs to "
            f"{clean(ours[1])} ({ours[0]}). Nothing was changed. Put it into a home of its own:"
        )


# ---- which files of a home a backup holds, and how they are called in it


def databases(home: Home) -> list[Path]:
    """Return the files that are copied while they are in use; a rehearsal's ledger is of no use without its sandbox."""
    return [path for path in (home.ledger, home.sandbox) if path.exists()]


def texts(home: Home, *, secrets: bool) -> list[Path]:
    """Return the files that are taken as they are; each is only ever replaced as a whole."""
    found = (home.config, home.registry, *((home.grant,) if secrets else ()))
    return [path for path in found if path.exists()]


def known(home: Home) -> dict[str, Path]:
    """Return the places of all files that a backup may hold, by their names in it."""
    return {path.name: path for path in (home.ledger, home.sandbox, home.grant, home.config, home.registry)}


def stays(home: Home, place: Path, *, secrets: bool) -> bool:
    """Tell whether a file that is there is kept: tokens, for older ones are used up, and keys that a backup lacks."""
    return place.exists() and (place == home.grant or (place == home.config and not secrets))


# ---- reading a backup: its manifest, and its files as far as they are what that says

_SLICE: Final = 1024 * 1024


def manifest_of(file: Path) -> Manifest:
    """Read what a backup says of itself. Raises BackupMissing, NotABackup, BackupDamaged and BackupTooNew."""
    with _opened(file) as archive:
        return _manifest(archive, file)


def unpack(file: Path, places: Mapping[str, Path]) -> Manifest:
    """Write the files of a backup to the places of their names, each of mode 0600, and each held against its checksum.

    Raises as `manifest_of`. After an error, what was written is to be thrown away.
    """
    with _opened(file) as archive:
        manifest = _manifest(archive, file)
        strange = [name for name in manifest.files if name not in places]
        if strange:
            raise BackupTooNew(file, manifest.ccops)
        missing = set(manifest.files)
        for member in archive:
            packed = manifest.files.get(member.name)
            if packed is None or not member.isfile():
                continue
            content = archive.extractfile(member)
            if content is None or member.name not in missing:
                continue
            _write(content, places[member.name], packed, (file, member.name))
            missing.discard(member.name)
    if missing:
        raise BackupDamaged(file, f"{min(missing)} is not in it")
    return manifest


def _manifest(archive: tarfile.TarFile, file: Path) -> Manifest:
    first = archive.next()
    content = archive.extractfile(first) if first and first.name == NAME and first.isfile() else None
    if content is None:
        raise NotABackup(file, f"it does not begin with {NAME}")
    try:
        manifest = Manifest.read(content.read(MOST_OCTETS))
    except ValueError:
        raise NotABackup(file, f"its {NAME} can't be read") from None
    if manifest.format > FORMAT:
        raise BackupTooNew(file, manifest.ccops)
    return manifest


def _write(content: IO[bytes], place: Path, packed: Packed, whose: tuple[Path, str]) -> None:
    checksum, size = hashlib.sha256(), 0
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as target:
        while octets := content.read(_SLICE):
            size += len(octets)
            checksum.update(octets)
            target.write(octets)
        target.flush()
        os.fsync(handle)
    if (size, checksum.hexdigest()) != (packed.size, packed.sha256):
        raise BackupDamaged(whose[0], f"{whose[1]} is not what was saved")


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        source = file.open("rb")
    except OSError as error:
        raise BackupMissing(file, error.strerror or type(error).__name__) from error
    opened = False
    with source:
        try:
            with tarfile.open(fileobj=source, mode="r:gz") as archive:
                opened = True
                yield archive
        except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
            if opened:
                raise BackupDamaged(file, "it is cut off, or was changed") from error
            raise NotABackup(file, "no tar.gz") from error

"""Reading a backup: its manifest, and its files as far as they are what that says."""

import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from ccops.backup.errors import BackupDamaged, BackupMissing, BackupTooNew, NotABackup
from ccops.backup.manifest import FORMAT, MOST_OCTETS, NAME, Manifest, Packed

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

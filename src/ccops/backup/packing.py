"""Making a backup: a consistent copy of a home that is in use, as one file that is there whole or not at all."""

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from ccops import __version__
from ccops.backup.errors import BackupUnwritable, FileInTheWay
from ccops.backup.manifest import FORMAT, NAME, Manifest, OfAccount, Packed, moment
from ccops.backup.places import databases, texts
from ccops.backup.reading import manifest_of
from ccops.errors import CcopsError
from ccops.ledger.copying import copy_database, look_at, note_backup
from ccops.ledger.errors import LedgerNotWritable
from ccops.ledger.ledger import Ledger
from ccops.registry.config import without_secrets
from ccops.registry.home import Home, sync_folder


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made."""

    file: Path
    size: int
    manifest: Manifest


def pack(home: Home, ledger: Ledger, file: Path, now: datetime, *, secrets: bool = True) -> Made:
    """Write a backup of a home to a file of mode 0600, in a folder under a name of its own; an older one is replaced.

    Raises BackupUnwritable, FileInTheWay, and what reading the home raises.
    """
    file = _named(file, ledger, now)
    _demand_place(file, ledger)
    with _told(file), tempfile.TemporaryDirectory(prefix=".ccops-backup-", dir=file.parent) as folder:
        parts = _copies(home, ledger, Path(folder), now)
        for path in texts(home, secrets=secrets):
            kept = without_secrets(home) if path == home.config and not secrets else path.read_bytes()
            parts[path.name] = Path(folder) / path.name
            parts[path.name].write_bytes(kept)
        manifest = _manifest(parts, parts[home.ledger.name], now, secrets=secrets)
        draft = Path(folder) / "backup"
        _write(draft, manifest, parts)
        size = draft.stat().st_size
        draft.replace(file)
        sync_folder(file.parent)
    return Made(file, size, manifest)


def _named(file: Path, ledger: Ledger, now: datetime) -> Path:
    """Return where the backup goes: into a folder, under the account's number and the moment."""
    if not file.is_dir():
        return file
    return file / f"ccops-{ledger.identity.account[0]}-{now:%Y-%m-%dT%H%M%SZ}.tar.gz"


def _demand_place(file: Path, ledger: Ledger) -> None:
    """Demand that nothing but an older backup of the same account is replaced. Raises FileInTheWay."""
    if not os.path.lexists(file):
        return
    try:
        there = manifest_of(file)
    except CcopsError:
        raise FileInTheWay(file, "no backup of ccops") from None
    if there.account.id != ledger.identity.account[0]:
        raise FileInTheWay(file, f"a backup of another account ({there.account.name}, {there.account.id})")


def _copies(home: Home, ledger: Ledger, folder: Path, now: datetime) -> dict[str, Path]:
    """Copy the databases; two of them while nothing is committed to the ledger, so that they fit each other."""
    found = databases(home)
    copies = {path.name: folder / path.name for path in found}
    try:
        with ledger.database.write() if len(found) > 1 else nullcontext():
            for path in found:
                copy_database(path, copies[path.name])
        note_backup(copies[home.ledger.name], now)
    except LedgerNotWritable as error:
        raise BackupUnwritable(folder, str(error.__cause__ or error)) from error
    return copies


def _manifest(parts: Mapping[str, Path], ledger: Path, now: datetime, *, secrets: bool) -> Manifest:
    known = look_at(ledger)  # reads the copy through: a backup that was made can be used
    return Manifest(
        format=FORMAT,
        ccops=__version__,
        schema_version=known.schema,
        ledger=known.lineage,
        account=OfAccount(id=known.account[0], name=known.account[1]),
        made=moment(now),
        entries=known.entries,
        highest=known.highest,
        secrets=secrets,
        files={name: Packed(size=path.stat().st_size, sha256=_checksum(path)) for name, path in parts.items()},
    )


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(draft: Path, manifest: Manifest, parts: Mapping[str, Path]) -> None:
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
            text = manifest.text().encode()
            _add(archive, NAME, len(text), io.BytesIO(text), manifest)
            for name, path in parts.items():
                with path.open("rb") as part:
                    _add(archive, name, path.stat().st_size, part, manifest)
        file.flush()
        os.fsync(handle)


def _add(archive: tarfile.TarFile, name: str, size: int, content: BinaryIO, manifest: Manifest) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(manifest.made_at.timestamp())
    archive.addfile(member, content)


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupUnwritable(file, error.strerror or type(error).__name__) from error

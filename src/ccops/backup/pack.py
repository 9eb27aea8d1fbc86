"""Making a backup: a consistent copy of a home that is in use, as one file that is there whole or not at all."""

import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from ccops import __version__
from ccops.backup.contents import (
    FORMAT,
    NAME,
    BackupUnwritable,
    FileInTheWay,
    Manifest,
    OfAccount,
    Packed,
    databases,
    manifest_of,
    moment,
    texts,
)
from ccops.config.home import Home, file_lock
from ccops.config.settings import without_secrets
from ccops.errors import CcopsError, LedgerNotWritable
from ccops.files import Target, replaced, target_of
from ccops.ledger.ledger import Ledger
from ccops.ledger.snapshot import BESIDE, copy_database, look_at, note_backup

BackupPart = Path | bytes
"""A file that is copied, or what it holds: what has secrets in it stays in memory."""
_LOCK: Final = "backup"


@dataclass(frozen=True, slots=True)
class BackupMade:
    """A backup that was made."""

    file: Path
    size: int
    manifest: Manifest
    on_stdout: bool = False
    """Whether the file is the program's own output."""


def pack(home: Home, ledger: Ledger, file: Path, now: datetime, *, secrets: bool = True) -> BackupMade:
    """Write a backup of a home to a file of mode 0600, in a folder under a name of its own; an older one is replaced.

    Raises BackupUnwritable, FileInTheWay, and what reading the home raises.
    """
    file = _named(file, ledger, now)
    with _told(file):
        target = target_of(file)
    _demand_place(target, ledger)
    with _told(file), file_lock(home.locks / _LOCK), _copies(home, ledger, now) as copies:
        parts: dict[str, BackupPart] = dict(copies)
        for path in texts(home, secrets=secrets):
            parts[path.name] = without_secrets(home) if path == home.config and not secrets else path.read_bytes()
        manifest = _manifest(parts, copies[home.ledger.name], now, secrets=secrets)
        with _place(target, home) as content:
            _write(content, manifest, parts)
            size = content.tell()
    return BackupMade(file, size, manifest, target.is_stdout)


@contextmanager
def _place(target: Target, home: Home) -> Iterator[BinaryIO]:
    """Give a file to write the backup to; it takes the target's place, or is copied to a device or pipe, when whole."""
    if target.file is not None:
        with replaced(target.file) as draft, os.fdopen(os.dup(draft.handle), "wb") as content:
            yield content
        return
    with tempfile.TemporaryFile(dir=home.path) as content:
        yield content
        content.seek(0)
        with os.fdopen(target.open_stream(), "wb") as stream:
            shutil.copyfileobj(content, stream)


def _named(file: Path, ledger: Ledger, now: datetime) -> Path:
    """Return where the backup goes: into a folder, under the account's number and the moment."""
    if not file.is_dir():
        return file
    return file / f"ccops-{ledger.identity.account[0]}-{now:%Y-%m-%dT%H%M%SZ}.tar.gz"


def _demand_place(target: Target, ledger: Ledger) -> None:
    """Demand that nothing but an older backup of the same account is replaced. Raises FileInTheWay."""
    file = target.file
    if file is None or not file.exists():
        return
    try:
        there = manifest_of(file)
    except CcopsError:
        raise FileInTheWay(file, "no backup of ccops") from None
    if there.account.id != ledger.identity.account[0]:
        raise FileInTheWay(file, f"a backup of another account ({there.account.name}, {there.account.id})")


@contextmanager
def _copies(home: Home, ledger: Ledger, now: datetime) -> Iterator[dict[str, Path]]:
    """Copy the databases; two of them while nothing is committed to the ledger, so that they fit each other.

    The copies lie in the home, where a copy is no more than what is there. Those of a backup that was killed go first.
    """
    found = databases(home)
    copies = {path.name: path.with_name(f".{path.name}.backup") for path in found}
    _discard(copies)
    try:
        with ledger.database.write() if len(found) > 1 else nullcontext():
            for path in found:
                copy_database(path, copies[path.name])
        note_backup(copies[home.ledger.name], now)
        yield copies
    except LedgerNotWritable as error:
        raise BackupUnwritable(home.path, str(error.__cause__ or error)) from error
    finally:
        _discard(copies)


def _discard(copies: Mapping[str, Path]) -> None:
    for copy in copies.values():
        for suffix in ("", *BESIDE):
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)


def _manifest(parts: Mapping[str, BackupPart], ledger: Path, now: datetime, *, secrets: bool) -> Manifest:
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
        files={name: Packed(size=_size(part), sha256=_checksum(part)) for name, part in parts.items()},
    )


def _checksum(part: BackupPart) -> str:
    if isinstance(part, bytes):
        return hashlib.sha256(part).hexdigest()
    with part.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(part: BackupPart) -> int:
    return len(part) if isinstance(part, bytes) else part.stat().st_size


def _write(draft: BinaryIO, manifest: Manifest, parts: Mapping[str, BackupPart]) -> None:
    with tarfile.open(fileobj=draft, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        text = manifest.text().encode()
        _add(archive, NAME, len(text), io.BytesIO(text), manifest)
        for name, part in parts.items():
            with io.BytesIO(part) if isinstance(part, bytes) else part.open("rb") as content:
                _add(archive, name, _size(part), content, manifest)
    draft.flush()


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

"""Putting a backup back: everything is checked beside the home first, then takes its place; nothing is deleted."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from ccops.backup.contents import BackupDamaged, BackupOfAnother, Manifest, known, stays, unpack
from ccops.config.home import Home, folder_lock, told
from ccops.files import sync_folder
from ccops.ledger.snapshot import BESIDE, account_of, alone_with, look_at, not_in_use
from ccops.locks import Locks

_DRAFT: Final = ".restore"
_LEDGERS: Final = (".sqlite3",)


@dataclass(frozen=True, slots=True)
class Restored:
    """A home that a backup was put back into."""

    manifest: Manifest
    aside: tuple[Path, ...]
    """What was there before, under its new names."""


def in_place(home: Home) -> list[Path]:
    """Return the files that a backup would take the place of."""
    return [path for path in known(home).values() if path.exists()]


def restore_home(home: Home, file: Path, now: datetime) -> Restored:
    """Put a backup into a home; what is there is moved aside, but a login stays, and so do keys that a backup lacks.

    Raises BackupMissing, NotABackup, BackupDamaged, BackupTooNew, BackupOfAnother, FileUnusable, a LedgerUnusable.
    """
    home.make()
    with Locks(home.locks).wait("found"), folder_lock(home.path), _drafts(home) as drafts, told(home.path):
        manifest = unpack(file, drafts)
        _demand_ledger(drafts[home.ledger.name], file, manifest)
        ours = account_of(home.ledger) if home.ledger.exists() else None
        if ours is not None and ours[0] != manifest.account.id:
            raise BackupOfAnother(manifest.of, ours, home.path)
        return Restored(manifest, tuple(_swap(home, drafts, manifest, now)))


def _demand_ledger(draft: Path, file: Path, manifest: Manifest) -> None:
    """Demand that the ledger is whole, of a format that is known, and the one that the manifest names."""
    if not draft.exists():
        raise BackupDamaged(file, "there is no ledger in it")
    found = look_at(draft)
    if (found.account[0], found.lineage) != (manifest.account.id, manifest.ledger):
        raise BackupDamaged(file, "its ledger is not the one that it names")


def _swap(home: Home, drafts: Mapping[str, Path], manifest: Manifest, now: datetime) -> Iterator[Path]:
    """Move aside what is in the way, then put the new files in its place: the ledger, without which nothing is sent."""
    places = known(home)
    with ExitStack() as alone:
        alone.enter_context(not_in_use(home.ledger, Locks(home.locks)))
        for place in places.values():
            if place.suffix in _LEDGERS:
                alone.enter_context(alone_with(place))
        for name, place in places.items():
            if stays(home, place, secrets=manifest.secrets):
                continue
            yield from _move_aside(place, now)
            if drafts[name].exists():
                drafts[name].replace(place)
    sync_folder(home.path)


def _move_aside(place: Path, now: datetime) -> Iterator[Path]:
    for suffix in ("", *BESIDE):
        there = place.with_name(place.name + suffix)
        if os.path.lexists(there):
            aside = _free(there.with_name(f"{place.name}.before-restore-{now:%Y%m%dT%H%M%SZ}{suffix}"))
            there.rename(aside)
            if not suffix:
                yield aside


def _free(path: Path) -> Path:
    """Return a name that no file has: what was moved aside is never replaced."""
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


@contextmanager
def _drafts(home: Home) -> Iterator[dict[str, Path]]:
    """Give a place beside each file of a home; whatever is left there at the end goes."""
    drafts = {name: path.with_name(f".{name}{_DRAFT}") for name, path in known(home).items()}
    _discard(drafts)
    try:
        yield drafts
    finally:
        _discard(drafts)


def _discard(drafts: Mapping[str, Path]) -> None:
    for draft in drafts.values():
        for suffix in ("", *BESIDE):
            with suppress(OSError):
                draft.with_name(draft.name + suffix).unlink(missing_ok=True)

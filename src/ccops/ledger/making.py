"""A new ledger comes into being as a whole or not at all: it is made under another name, then put in its place."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ccops.ledger.copying import BESIDE
from ccops.ledger.errors import LedgerNotWritable, LedgerThere
from ccops.ledger.ledger import Ledger
from ccops.ledger.locks import Locks


@contextmanager
def new_ledger(path: Path, locks: Path) -> Iterator[Ledger]:
    """Give the body a new ledger to fill in; when it is done, the ledger is in its place, closed.

    Raises LedgerThere and LedgerNotWritable. A crash leaves nothing but a draft, which the next try throws away.
    """
    draft = path.with_name(f"{path.name}.new")
    with Locks(locks).wait("found"):
        if path.exists():
            raise LedgerThere(path)
        with _told(path):
            _discard(draft)
            ledger = Ledger.create(draft, locks)
        try:
            yield ledger
            ledger.close()
            with _told(path):
                _put_in_place(draft, path)
        finally:
            ledger.close()
            _discard(draft)


def _put_in_place(draft: Path, path: Path) -> None:
    for suffix in BESIDE:
        left = path.with_name(path.name + suffix)
        if left.exists():  # of the ledger that was lost: SQLite would take it for a part of the new one
            left.rename(left.with_name(f"{left.name}.old"))
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _discard(draft: Path) -> None:
    for suffix in ("", *BESIDE):
        draft.with_name(draft.name + suffix).unlink(missing_ok=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LedgerNotWritable(path, error.strerror or type(error).__name__) from error

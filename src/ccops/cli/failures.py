"""A file of the contacts that need somebody, in the form in which it can be given back."""

import csv
import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from ccops.errors import Misconfigured
from ccops.text import clean, csv_safe

if TYPE_CHECKING:
    from ccops.engine.request import Outcome

_TOLD: Final = frozenset({"refused", "failed", "parked", "open"})


class FileNotWritable(Misconfigured):
    """The file for the contacts that need somebody can't be written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{clean(str(path))} can't be written: {clean(reason)}. Nothing was sent.")


class Failures:
    """Takes down outcomes; the file is complete once `failures_to` ends."""

    columns: Sequence[str] = ("id", "email", "status", "reason")

    def __init__(self, stream: TextIO, *, refused_ok: bool, delimiter: str = ",") -> None:
        self._rows = csv.writer(stream, delimiter=delimiter)
        self._rows.writerow(self.columns)
        self._told = _TOLD - {"refused"} if refused_ok else _TOLD
        self.count = 0
        """How many were taken down."""
        self.is_whole = False
        """Whether all contacts were gone through."""

    def add(self, outcome: "Outcome") -> None:
        """Take an outcome down if it needs somebody."""
        if outcome.status in self._told:
            self._rows.writerow(self.row(outcome))
            self.count += 1

    def row(self, outcome: "Outcome") -> Sequence[object]:
        """Return what stands in the file for an outcome."""
        named = outcome.who if isinstance(outcome.who, str) else ""
        contact = outcome.contact or (outcome.who if isinstance(outcome.who, int) else "")
        return (contact, csv_safe(outcome.email or named), outcome.status, csv_safe(outcome.reason or ""))


@contextmanager
def failures_to(
    path: Path | None, *, refused_ok: bool, made: Callable[..., Failures] = Failures
) -> Iterator[Failures | None]:
    """Collect failures in the body; the file is there afterwards if `is_whole` was set, and is as it was before if not.

    A run that was broken off goes through all its contacts again, so nothing is lost; and `path` may be the very file
    that is read meanwhile. Raises FileNotWritable.
    """
    if path is None:
        yield None
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise FileNotWritable(path, error.strerror or type(error).__name__) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            failures = made(stream, refused_ok=refused_ok)
            yield failures
        if failures.is_whole:
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)

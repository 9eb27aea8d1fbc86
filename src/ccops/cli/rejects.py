"""A file of the contacts that need somebody, in the form in which it can be given back."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ccops.cli.exit_status import NEEDS_A_PERSON, worst
from ccops.errors import Misconfigured
from ccops.files import DraftFile, written
from ccops.text import clean, csv_safe

if TYPE_CHECKING:
    from ccops.cli.context import Session
    from ccops.engine.outcomes import Outcome

_TOLD: Final = frozenset({"refused", "failed", "parked", "open"})


class FileNotWritable(Misconfigured):
    """The file for the contacts that need somebody can't be written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{clean(str(path))} can't be written: {clean(reason)}. Nothing was sent.")


class RejectsFile:
    """Takes down outcomes; the file is complete once `failures_to` ends."""

    columns: Sequence[str] = ("id", "email", "status", "reason")

    def __init__(self, draft: DraftFile, *, refused_ok: bool, delimiter: str = ",") -> None:
        self._rows = csv.writer(draft, delimiter=delimiter)
        self._rows.writerow(self.columns)
        self._told = _TOLD - {"refused"} if refused_ok else _TOLD
        self.count = 0
        """How many were taken down."""
        self.is_whole = False
        """Whether all contacts were gone through."""
        self.failure = ""
        """Why the file could not be written any more; empty if it could."""

    def add(self, outcome: "Outcome") -> None:
        """Take an outcome down if it needs somebody."""
        if outcome.status not in self._told or self.failure:
            return
        try:
            self._rows.writerow(self.row(outcome))
        except OSError as error:  # a full disk, a reader that left: the contacts themselves go on
            self.failure = reason_of(error)
        self.count += 1

    def row(self, outcome: "Outcome") -> Sequence[object]:
        """Return what stands in the file for an outcome."""
        named = outcome.who if isinstance(outcome.who, str) else ""
        contact = outcome.contact or (outcome.who if isinstance(outcome.who, int) else "")
        return (contact, csv_safe(outcome.email or named), outcome.status, csv_safe(outcome.reason or ""))


@contextmanager
def failures_to(
    path: Path | None, *, refused_ok: bool, made: Callable[..., RejectsFile] = RejectsFile
) -> Iterator[RejectsFile | None]:
    """Collect failures in the body; a file is there afterwards if `is_whole` was set, and is as it was before if not.

    A run that was broken off goes through all its contacts again, so nothing is lost; and `path` may be the very file
    that is read meanwhile. A device or pipe gets each row at once. Raises FileNotWritable.
    """
    if path is None:
        yield None
        return
    with ExitStack() as opened:
        try:
            draft = opened.enter_context(written(path))
            failures = made(draft, refused_ok=refused_ok)
        except OSError as error:
            raise FileNotWritable(path, reason_of(error)) from error
        yield failures
        draft.abandoned = not failures.is_whole or bool(failures.failure)
        try:
            opened.close()
        except OSError as error:
            failures.failure = reason_of(error)


def status_with(session: "Session", path: Path | None, failures: RejectsFile | None, status: int) -> int:
    """Say so if the failures could not be written after all, and return the exit status that it makes."""
    if failures is None or not failures.failure:
        return status
    session.console.warn(
        f"{clean(str(path))} could not be written: {clean(failures.failure)}. What needs attention is in the history: "
        "ccops history --runs"
    )
    return worst([status, NEEDS_A_PERSON])


def reason_of(error: OSError) -> str:
    """Say why a file can't be used."""
    return error.strerror or type(error).__name__

"""Why a ledger can't be used, and what to do about it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ccops.errors import SET_UP, LedgerUnusable, Misconfigured
from ccops.text import clean

if TYPE_CHECKING:
    from ccops.ledger.model import Claimed, Entry


class LedgerMissing(Misconfigured):
    """There is no ledger where one should be."""

    mend = SET_UP

    def __init__(self, path: Path) -> None:
        super().__init__(f"there is no ledger at {path}. Nothing was sent. Set the home up first.")


class LedgerLost(LedgerUnusable):
    """The home is set up, but its ledger is gone: a new one would grant everything again."""

    mend = "ccops restore FILE\nccops init --take-over"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"the ledger {path} is gone, though this home was set up. Nothing was sent. Put the newest backup back; "
            "only if there is none, start a new ledger where the lost one stopped:"
        )


class LedgerThere(LedgerUnusable):
    """A ledger is to be made where there is one: another process was quicker."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"a ledger was made at {path} meanwhile. Nothing was changed. Give the same command again.")


class LedgerDamaged(LedgerUnusable):
    """The file is no SQLite database, or a broken one."""

    mend = "ccops restore FILE"

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"the ledger {path} is damaged ({clean(what)}). Nothing was sent. Put the newest backup in its place (with "
            "no backup, move it aside, then: ccops init --take-over):"
        )


class NotALedger(LedgerUnusable):
    """The file is a database of some other program."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is a database, but not a ledger of ccops. Nothing was sent. Choose another --home.")


class LedgerTooNew(LedgerUnusable):
    """A newer ccops has written the file."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(
            f"the ledger {path} has format {found}, this ccops knows formats up to {known}. Nothing was sent. "
            "Update ccops on this machine."
        )


class LedgerBusy(LedgerUnusable):
    """Another process has held the file for too long, perhaps while a write was under way."""

    def __init__(self, path: Path, holder: str | None = None) -> None:
        who = "another process" if holder is None else clean(holder)
        super().__init__(
            f"the ledger {path} is held by {who}. Nothing is lost: give the same command again when that has ended."
        )


class LedgerInWal(LedgerUnusable):
    """Another program keeps the file in WAL mode, in which this build of SQLite can lose commits."""

    def __init__(self, path: Path, build: Sequence[int], holder: str | None) -> None:
        who = "another program" if holder is None else clean(holder)
        super().__init__(
            f"the ledger {path} is kept in WAL mode by {who}. In that mode, SQLite {'.'.join(map(str, build))}, which "
            "this Python has, can lose what was written. Nothing was sent. Stop that program (an older ccops, or "
            "Litestream), then give the same command again: it leaves WAL mode by itself."
        )


class LedgerInUse(LedgerUnusable):
    """A file of the home is to be replaced while another process works with it."""

    def __init__(self, path: Path, holder: str | None = None) -> None:
        who = "serve, poll --watch or a run" if holder is None else clean(holder)
        super().__init__(
            f"another ccops is at work with {clean(str(path))}: {who}. Nothing was changed. "
            "Stop it, then give the same command again."
        )


class WrongAccount(LedgerUnusable):
    """The credential opens another account than the ledger belongs to."""

    def __init__(self, ours: tuple[int, str], theirs: tuple[int, str]) -> None:
        super().__init__(
            f"this ledger belongs to the account {clean(ours[1])} ({ours[0]}), but the credential opens "
            f"{clean(theirs[1])} ({theirs[0]}). Nothing was sent. Use the first account's key (ccops login), or "
            "another --home for the second account."
        )


class EntryMoved(LedgerUnusable):
    """An entry was not in the state that the step needs: something else works on it without the contact's lock."""

    def __init__(self, entry: int, step: str) -> None:
        super().__init__(
            f"entry e{entry} was changed by something else while it was to be marked {step}. Is a copy of this home at "
            "work elsewhere? The same command again is safe."
        )


class UndoStopped(Misconfigured):
    """An undo was overtaken between its claim and its send; `claimed` says by what."""

    def __init__(self, undo: int, claimed: "Claimed") -> None:
        self.claimed = claimed
        super().__init__(f"e{undo} can't be sent any more. Nothing was sent.")


class OccasionTaken(Misconfigured):
    """An entry can't count, since another one was done for the same occasion or period meanwhile."""

    def __init__(self, entry: "Entry", taken: "Entry") -> None:
        name, other = f"e{entry.id}", f"e{taken.id}"
        self.reason = f"its write arrived, but {other} holds the same occasion or period, and only one may count"
        first = f"ccops undo {other} --reopen" if taken.status == "applied" else f"ccops history {other}"
        self.mend = f"ccops settle {name} --as not-applied\nor, if Kit shows both changes, first: {first}"
        super().__init__(
            f"{name} can't count beside {other}, which holds the same occasion or period. Nothing was changed. If Kit "
            "shows only one of the two changes:"
        )


class ComingBack(Misconfigured):
    """An occasion can't be opened while an undo that brings its entry back has not come to its end."""

    def __init__(self, entry: int, undo: "Entry") -> None:
        name = f"e{undo.id}"
        words = f"ccops settle {name} --as applied\nccops settle {name} --as not-applied"
        self.mend = words if undo.status == "parked" else "ccops settle"
        super().__init__(f"{name} brings e{entry} back, and has not come to its end yet. Nothing was changed.")


class BroughtBack(Misconfigured):
    """The occasion of an entry is to run again, but the entry counts: its undo was undone."""

    def __init__(self, entry: int) -> None:
        self.mend = f"ccops undo e{entry} --reopen"
        super().__init__(f"e{entry} is not undone: it was brought back meanwhile. Nothing was changed.")


class NoSuchEntry(Misconfigured):
    """The ledger has no such entry."""

    mend = "ccops history"

    def __init__(self, entry: int) -> None:
        super().__init__(f"the ledger has no entry e{entry}. Nothing was sent.")


class NoSuchRun(Misconfigured):
    """The ledger has no such run."""

    mend = "ccops history --runs"

    def __init__(self, run: int) -> None:
        super().__init__(f"the ledger has no run r{run}. Nothing was sent.")


class TagMoved(Misconfigured):
    """A tag has been run under another operation's name; renaming an operation would grant everything again."""

    def __init__(self, tag: str, then: str, now: str) -> None:
        super().__init__(
            f'the tag "{clean(tag)}" is bound to "{now}", but the ledger has counted it as "{then}". Nothing was '
            f'sent. An operation\'s name is what is counted by: name it "{then}" again in operations.toml. If it '
            f"really is another operation, unbind the tag (ccops tag unbind {now}) and bind it again (ccops tag bind)."
        )


class NoEventToSettle(Misconfigured):
    """The inbox has no such event, or none that needs a person."""

    mend = "ccops doctor"

    def __init__(self, event: int) -> None:
        super().__init__(f"the inbox has no event i{event} that needs a person. Nothing was changed.")

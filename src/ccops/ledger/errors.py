"""Why a ledger can't be used, and what to do about it."""

from pathlib import Path

from ccops.errors import SET_UP, LedgerUnusable, Misconfigured
from ccops.text import clean


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

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"the ledger {path} is held by another process. Nothing is lost: give the same command again when that has "
            "ended."
        )


class LedgerInUse(LedgerUnusable):
    """A file of the home is to be replaced while another process works with it."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"another ccops is at work with {clean(str(path))}: serve, poll --watch or a run. Nothing was changed. "
            "Stop it, then give the same command again."
        )


class LedgerNotWritable(LedgerUnusable):
    """The file, its folder or the disk can't be written to, perhaps from the midst of a write on."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"the ledger {path} can't be written to ({clean(what)}). Nothing is lost: check the free space of the "
            "disk, and the owner and mode of the folder and of all in it; then give the same command again."
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

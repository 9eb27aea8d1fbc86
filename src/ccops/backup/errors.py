"""Why a backup can't be made or put back, and what to do about it."""

from pathlib import Path

from ccops.errors import Misconfigured
from ccops.text import clean


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

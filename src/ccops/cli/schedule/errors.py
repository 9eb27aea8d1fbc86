"""What can't be scheduled as it was asked for."""

from pathlib import Path
from typing import Final

from ccops.errors import Misconfigured
from ccops.text import clean

SELECTIONS: Final = "contacts, --tagged, --file or --all"
RHYTHMS: Final = "--daily, --weekly, --monthly, --quarterly or --yearly"


class NotOneRhythm(Misconfigured):
    """The command line says nothing, or too much, about when."""

    mend = 'ccops schedule OPERATION --tagged "TAG" --monthly\nccops schedule --poll'

    def __init__(self, *, several: bool) -> None:
        what = "says more than one thing" if several else "says nothing"
        super().__init__(
            f"the command line {what} about what is to be started when. For an operation, name one of {RHYTHMS}; else "
            "--poll or --serve."
        )


class NotOneSelection(Misconfigured):
    """The command line names no contacts, or names them in two ways."""

    def __init__(self, operation: str) -> None:
        self.mend = f'ccops schedule {operation} --tagged "TAG" --monthly'
        super().__init__(f"for whom is {operation} to be run? Name one of: {SELECTIONS}.")


class NothingToSelect(Misconfigured):
    """What does not go with --poll and --serve was given all the same, or the operation is missing."""

    def __init__(self, what: str) -> None:
        self.mend = "ccops schedule --help"
        super().__init__(what)


class OwnTag(Misconfigured):
    """The operation's own trigger tag is no selection: poll works it off."""

    mend = "ccops schedule --poll"

    def __init__(self, operation: str, tag: str) -> None:
        super().__init__(f'"{tag}" is the tag that starts {operation} itself, so that poll looks for it.')


class CountsOftener(Misconfigured):
    """Several tries in a period are harmless only if the operation counts no more than once in it."""

    def __init__(self, operation: str, once_per: str, rhythm: str) -> None:
        self.mend = f"ccops op edit {operation} --once-per {rhythm}"
        super().__init__(
            f"{operation} counts once per {once_per} (once_per in operations.toml), so lines for several days of a "
            f"{rhythm} would count it several times. Nothing was printed."
        )


class NoTime(Misconfigured):
    """--at is no time of day."""

    mend = "write it like --at 06:00"

    def __init__(self) -> None:
        super().__init__("--at takes a time of day, hours and minutes. Nothing was printed.")


class NoStdin(Misconfigured):
    """Cron has no stdin to read contacts from."""

    mend = "name a file that stays where it is: --file members.csv"

    def __init__(self) -> None:
        super().__init__("--file - reads what is typed or piped in, and where cron starts things there is nothing.")


class NotLasting(Misconfigured):
    """The file can't be read again and again, as a schedule does."""

    mend = NoStdin.mend

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"--file {clean(str(path))} can't be read each time it runs: {reason}. Nothing was printed.")

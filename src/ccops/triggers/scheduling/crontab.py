"""Lines for a crontab: five fields, and a command for /bin/sh."""

import shlex
from typing import Final

from ccops.errors import Misconfigured
from ccops.triggers.scheduling.line import Command

_LONGEST: Final = 990
"""Characters of a command; Vixie's cron and its children refuse one of more than 998."""


class LineTooLong(Misconfigured):
    """Cron takes no lines of this length."""

    mend = "put the contacts into a file, one a line, and name it with --file, or give them a tag (--tagged)"

    def __init__(self, length: int) -> None:
        super().__init__(f"the line would have {length:,} characters, more than cron takes. Nothing was printed.")


def cron_command(command: Command) -> str:
    """Write a command as a crontab has it, where a % ends the line unless it is escaped. Raises LineTooLong."""
    assigned = [f"{name}={shlex.quote(value)}" for name, value in command.environment.items()]
    written = " ".join([*assigned, *map(shlex.quote, command.words)]).replace("%", r"\%")
    if len(written) > _LONGEST:
        raise LineTooLong(len(written))
    return written

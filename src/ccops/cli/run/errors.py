"""Why a run can't be begun."""

import shlex
from collections.abc import Sequence

from ccops.errors import Misconfigured
from ccops.text import clean, folded, shorten


class OneChoice(Misconfigured):
    """Contacts are named, or chosen in exactly one way."""

    def __init__(self, operation: str) -> None:
        self.mend = f"ccops run {operation} --help"
        super().__init__("name contacts, or choose them by one of --tagged, --file and --all. Nothing was sent.")


class StateOfNamed(Misconfigured):
    """`--state` chooses among many; who is named is meant in any state."""

    def __init__(self) -> None:
        super().__init__("--state goes with --tagged, --file and --all; who is named is meant in any state.")


class ColumnOfNoFile(Misconfigured):
    """`--column` says something about a file, and none is given."""

    def __init__(self) -> None:
        super().__init__("--column goes with --file: it says which column has the contacts. Nothing was sent.")


class NoTag(Misconfigured):
    """Kit has no tag of this name."""

    def __init__(self, word: str, known: Sequence[str]) -> None:
        from ccops.registry.faults import nearest

        guess = nearest(word, known) or next((name for name in known if folded(word) in folded(name)), None)
        meant = f" Did you mean {shorten(guess)}?" if guess else ""
        super().__init__(f"Kit has no tag {shorten(word)}. Nothing was sent.{meant}")


class PausedRun(Misconfigured):
    """The operation is paused, and nobody is there who could mean to run it all the same."""

    def __init__(self, operation: str) -> None:
        self.mend = f"ccops op resume {operation}"
        super().__init__(
            f"{operation} is paused: its tags, its POSTs and lines from cron wait. Nothing was sent. A person at a "
            "terminal can run it all the same. To go on with it:"
        )


class OwnTag(Misconfigured):
    """The tag is the operation's trigger tag: each tagging is an occasion of its own."""

    def __init__(self, operation: str, tag: str) -> None:
        self.mend = f"ccops poll {operation}"
        super().__init__(
            f"the tag {shorten(tag)} starts {operation}, and whoever carries it is run once for each tagging, which is "
            "what poll does. Nothing was sent."
        )


class OccasionUnsaid(Misconfigured):
    """Many contacts, and nothing says what counts once."""

    def __init__(self, words: str) -> None:
        self.mend = f"{words} --once-per month\n{words} --key NAME"
        super().__init__(
            "nothing says how often this may count, so the same line twice would count twice. Nothing was sent. Say "
            "it, here or as once_per in operations.toml:"
        )


class AllUnasked(Misconfigured):
    """All contacts of the account, and nobody is there to be asked."""

    def __init__(self, words: str) -> None:
        self.mend = f"{words} --yes"
        super().__init__("--all is every contact of the account, and nobody is here to be asked. Nothing was sent.")


def words_of(operation: str, *options: str | None) -> str:
    """Write the beginning of a run that can be copied; empty options are left out."""
    parts = ["ccops", "run", operation, *(option for option in options if option)]
    return clean(" ".join(shlex.quote(part) for part in parts))

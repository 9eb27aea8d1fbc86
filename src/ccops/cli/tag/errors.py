"""Why a tag can't start an operation."""

import shlex
from collections.abc import Sequence

from ccops.errors import Misconfigured
from ccops.text import shorten


class NoSuchTag(Misconfigured):
    """Kit has no tag of this name or id."""

    def __init__(self, operation: str, word: str, known: Sequence[str]) -> None:
        from ccops.registry.faults import nearest

        guess = nearest(word, known)
        if guess:
            lead, self.mend = "Did you mean:", f"ccops tag bind {operation} {shlex.quote(guess)}"
        else:
            named = "" if word.isdigit() else f" --name {shlex.quote(word)}"
            lead, self.mend = "To make one:", f"ccops tag create {operation}{named}"
        super().__init__(f"Kit has no tag {shorten(word)}. Nothing was changed. {lead}")


class TagTaken(Misconfigured):
    """The tag is another operation's already."""

    def __init__(self, tag: str, operation: str, *, starts: bool) -> None:
        self.mend = f"ccops tag unbind {operation}" if starts else f"ccops op show {operation}"
        how = "starts" if starts else "is put on contacts by"
        super().__init__(
            f"the tag {shorten(tag)} {how} {operation} already, and a tag that starts an operation is for nothing "
            "else. Nothing was changed. Take another tag, or take it from there first:"
        )


class TagCounted(Misconfigured):
    """The ledger has counted the tag by another operation's name."""

    def __init__(self, tag: str, operation: str) -> None:
        self.mend = f"ccops tag unbind {operation}"
        super().__init__(
            f"the ledger has counted the tag {shorten(tag)} by the name of {operation}. Nothing was changed. If that "
            "operation is only called otherwise now, give it its old name again in operations.toml, or everything "
            f"would count once more. If it really is another one, let go of {operation} first:"
        )


class TagCarried(Misconfigured):
    """Contacts carry the tag already."""

    def __init__(self, tag: str, operation: str, emails: Sequence[str]) -> None:
        self.mend = f"ccops tag bind {operation} {shlex.quote(tag)} --run-carriers --dry-run"
        who = f"{shorten(emails[0], 100)} carries" if len(emails) == 1 else f"{_some(emails)} carry"
        super().__init__(
            f"{who} the tag {shorten(tag)}, and nobody can tell whether they got {operation} for it. Nothing was "
            "changed. Take the tag off them in Kit (its lists may lag by some minutes), or run the operation for them; "
            "to see that first:"
        )


class PausedHere(Misconfigured):
    """The operation is paused, so that it can't be run for those who carry its tag."""

    def __init__(self, operation: str) -> None:
        self.mend = f"ccops op resume {operation}"
        super().__init__(f"{operation} is paused: whoever carries its tag has to wait. Nothing was changed. To go on:")


def _some(emails: Sequence[str]) -> str:
    return f"{len(emails)} contacts (such as {shorten(emails[0], 100)})"

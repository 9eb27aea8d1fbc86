"""Why the receiver can't begin."""

from ccops.errors import LedgerUnusable, Misconfigured
from ccops.operations.model import Operation
from ccops.text import clean, shorten


class TriggerTagGone(Misconfigured):
    """An operation's trigger tag is no longer in Kit."""

    def __init__(self, operation: Operation) -> None:
        tag = "" if operation.tag is None else f"{clean(operation.tag.name)} ({operation.tag.id})"
        self.mend = f"ccops tag unbind {operation.name}\nccops tag create {operation.name}"
        super().__init__(f"its trigger tag {tag} is no longer in Kit. Nothing was lost: give it another one.")


class ServeAtWork(LedgerUnusable):
    """Another receiver works off the inbox of this home."""

    def __init__(self, holder: str | None) -> None:
        who = "" if holder is None else f": {clean(holder)}"
        super().__init__(
            f"another ccops serve is at work on this home{who}; one is enough, and two would be in each other's way"
        )


class CantListen(Misconfigured):
    """The address can't be listened on."""

    mend = "ccops serve --listen 127.0.0.1:8751   (another port)"

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(f"can't listen on {clean(host)}:{port}: {clean(why)}")


class ListenMalformed(Misconfigured):
    """`--listen` is no host and port."""

    mend = "ccops serve --listen 127.0.0.1:8750"

    def __init__(self, text: str) -> None:
        super().__init__(f"--listen {shorten(text)} is not HOST:PORT")

"""Why the receiver can't begin."""

from ccops.errors import LedgerUnusable, Misconfigured
from ccops.text import clean, shorten


class ServeAtWork(LedgerUnusable):
    """Another receiver works off the inbox of this home."""

    def __init__(self) -> None:
        super().__init__(
            "another ccops serve is at work on this home; one is enough, and two would be in each other's way"
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

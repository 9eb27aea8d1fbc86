"""What can go wrong when ccops logs in at Kit with OAuth, and when it renews a login."""

from collections.abc import Sequence

from ccops.crm.base import NotSent
from ccops.errors import CredentialRefused, Misconfigured, ServiceUnreachable
from ccops.text import shorten


class CodeRefused(CredentialRefused):
    """Kit does not swap the code for tokens."""

    mend = "ccops login --oauth"

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        super().__init__(
            f"Kit did not take the code: {_said(texts)}. A code counts once, for a few minutes, and for the login that "
            "asked for it. Nothing was stored."
        )


class ClientRefused(CredentialRefused):
    """Kit does not know the app, or not with this secret."""

    mend = "check the app's client id and secret in Kit; then: ccops login --oauth"

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        super().__init__(f"Kit did not accept the app that ccops logs in as: {_said(texts)}.")


class LoginEnded(CredentialRefused):
    """The login can't be renewed any more."""

    mend = "ccops login --oauth"

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        super().__init__(
            f"Kit did not renew the login: {_said(texts)}. It was ended in Kit, or ccops was killed, or its connection "
            "cut, while Kit sent the next token; only the latest counts. Log in again; nothing else is lost."
        )


class LoggedOut(CredentialRefused):
    """Somebody logged out while the command was at work."""

    mend = "ccops login --oauth"

    def __init__(self) -> None:
        super().__init__("The login was ended by ccops logout meanwhile.")


class NotRenewed(NotSent, ServiceUnreachable):
    """Kit could not be asked for the next token, or it could not be kept."""

    def __init__(self, why: str, mend: str) -> None:
        self.why, self.mend = why, mend
        super().__init__(f"The login could not be renewed. {why}")


class Aged(NotSent):
    """A write was refused for its token, and the values in it grew old while the login was renewed."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"renewing the login took {seconds:.0f} s, and a write does not wait that long for its turn")


class NobodyCame(Misconfigured):
    """The browser was not sent back in time."""

    mend = "ccops login --oauth --no-browser"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"nobody came back from Kit within {seconds / 60:.0f} minutes. Nothing was stored.")


def _said(texts: Sequence[str]) -> str:
    return "; ".join(shorten(text, 200).rstrip(".") for text in texts) or "no reason given"

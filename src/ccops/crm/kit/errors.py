"""What can go wrong with Kit, said to people."""

from collections.abc import Sequence

from ccops.crm.base import Missing, NotSent, OutcomeUnknown
from ccops.errors import CredentialRefused, Misconfigured, ServiceUnreachable
from ccops.text import clean, shorten


class KeyRefused(CredentialRefused):
    """Kit does not accept the API key or the access token (401, or 403 about the credential)."""

    def __init__(self, texts: Sequence[str], *, oauth: bool) -> None:
        self.texts = tuple(texts)
        self.mend = "ccops login --oauth" if oauth else "ccops login"
        said = "; ".join(shorten(text, 200) for text in texts) or "no reason given"
        what = "access token" if oauth else "API key"
        super().__init__(
            f"Kit refused the {what}: {said}. It may be mistyped, expired, deleted or made for Kit's old API v3, "
            "or the account's plan has no API."
        )


class KeyMalformed(CredentialRefused):
    """The credential can't be one: it is empty, or holds a blank, a line break or a letter that no key has."""

    def __init__(self, *, oauth: bool) -> None:
        self.mend = "ccops login --oauth" if oauth else "ccops login"
        what = "access token" if oauth else "API key"
        super().__init__(f"The {what} is empty, or holds a blank, a line break or an unusual letter. Nothing was sent.")


class KitUnreachable(ServiceUnreachable):
    """Kit could not be reached, or kept failing, and repeating the request has not helped."""

    mend = "ccops doctor"

    def __init__(self, host: str, what: str, attempts: int) -> None:
        self.host, self.what, self.attempts = host, what, attempts
        tried = "tried once" if attempts == 1 else f"tried {attempts} times"
        super().__init__(f"{_kit(host)}: {what} ({tried}). Nothing is lost: the same command later goes on.")


class RedirectRefused(OutcomeUnknown, ServiceUnreachable):
    """The host sent us elsewhere; following would hand the credential to another host."""

    mend = "check api_url in config.toml and KIT_API_URL"

    def __init__(self, host: str, status: int, place: str) -> None:
        self.host, self.status = host, status
        to = f" to {shorten(place, 100)}" if place else ""
        super().__init__(
            f"{_kit(host)} answered with a redirect ({status}){to}. It was not followed, as the key would go along."
        )


class FieldsUnread(NotSent):
    """The fields' ids, which a write of many contacts needs, could not be read; nothing was written."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the list of fields, by whose ids many contacts are written, was not to be had: {reason}")


class NoSuch(Missing):
    """Kit answers 404 for what the request names."""

    def __init__(self, names: str) -> None:
        self.names = names
        super().__init__(f"Kit has no {names}.")


def _kit(host: str) -> str:
    return f"Kit ({clean(host)})"


# ---- what can go wrong when ccops logs in at Kit with OAuth, and when it renews a login


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

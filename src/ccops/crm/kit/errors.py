"""What can go wrong with Kit, said to people."""

from collections.abc import Sequence
from pathlib import Path

from ccops.crm.base import Missing, NotSent, OutcomeUnknown
from ccops.errors import CredentialRefused, LedgerUnusable, ServiceUnreachable
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


class Interrupted(NotSent, ServiceUnreachable):
    """The program was asked to stop while a request waited for its turn."""

    def __init__(self) -> None:
        super().__init__("Asked to stop while a request waited for its place in Kit's rate limit.")


class HeldBack(NotSent):
    """A request that must not wait for long would have had to."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(
            f"the pace is held back for {max(seconds, 0):.0f} s more, and a write does not wait that long for its turn"
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


class PaceUnusable(LedgerUnusable):
    """The file with which all ccops processes share the rate limit can't be used."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(
            f"The file {clean(str(path))}, which shares Kit's rate limit among all ccops processes, can't be used: "
            f"{clean(reason)}. Nothing was sent."
        )


def _kit(host: str) -> str:
    return f"Kit ({clean(host)})"

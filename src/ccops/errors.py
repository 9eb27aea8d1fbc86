"""The kinds of trouble a user can be told about; each room derives its own, which take facts and speak themselves."""

from typing import Final

SET_UP: Final = "ccops init\nor, if it is elsewhere: --home DIR, or CCOPS_HOME\nor, from a backup: ccops restore FILE"
"""What mends that there is no home: it was never made, is elsewhere, or was lost."""


class CcopsError(Exception):
    """Base of all trouble that is nobody's bug: `str()` says what happened, `mend` what to type or do about it."""

    mend: str = ""


def as_onlooker(error: CcopsError) -> str:
    """Say what happened to somebody who only looks: that nothing was sent goes without saying, and may alarm."""
    return str(error).replace(" Nothing was sent.", "")


class Misconfigured(CcopsError):  # noqa: N818 - reads as a state, like its siblings
    """The command line, the registry or the settings are wrong; nothing was sent."""


class CredentialRefused(CcopsError):  # noqa: N818
    """The CRM refused the credential, or there is none."""


class ServiceUnreachable(CcopsError):  # noqa: N818
    """The CRM could not be reached, or kept failing."""


class LedgerUnusable(CcopsError):  # noqa: N818
    """The ledger can't be used, or another ledger is at work; nothing was sent."""

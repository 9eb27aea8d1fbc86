"""The kinds of trouble a user can be told about; each room derives its own, which take facts and speak themselves."""

from pathlib import Path
from typing import Final

from ccops.text import clean

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


class LedgerNotWritable(LedgerUnusable):
    """The file, its folder or the disk can't be written to, perhaps from the midst of a write on."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"the ledger {path} can't be written to ({clean(what)}). Nothing is lost: check the free space of the "
            "disk, and the owner and mode of the folder and of all in it; then give the same command again."
        )

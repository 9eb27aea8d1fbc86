"""The one place that maps how things ended to the exit status that scripts and cron lines see."""

from collections.abc import Iterable
from typing import Final

from ccops.crm.base import NotSent, OutcomeUnknown
from ccops.errors import CcopsError, CredentialRefused, LedgerUnusable, Misconfigured, ServiceUnreachable

FINE: Final = 0
"""All applied, done before, left out, or nothing to do."""
NEEDS_A_PERSON: Final = 1
"""A contact was refused (unless `--refused-ok`), failed or needs you; `doctor` or `reconcile` found something."""
MISCONFIGURED: Final = 2
"""The command line, the registry or the settings are wrong; nothing was sent."""
CREDENTIAL_REFUSED: Final = 3
"""Kit refused the key or the login."""
UNREACHABLE: Final = 4
"""Kit could not be reached, or kept failing: the same command later goes on, nothing is lost."""
LEDGER_UNUSABLE: Final = 5
"""The ledger can't be used, or another one is at work; nothing more was sent."""
BUG: Final = 70
"""A mistake of ccops itself (EX_SOFTWARE of sysexits.h), told apart from all that a person can mend."""
INTERRUPTED: Final = 130
"""Interrupted by Ctrl-C: the contact in hand was finished, the same command goes on."""
TERMINATED: Final = 143
"""Ended by the machine: the contact in hand was finished, the same command goes on."""

_BY_KIND: Final[tuple[tuple[type[CcopsError], int], ...]] = (
    (LedgerUnusable, LEDGER_UNUSABLE),
    (CredentialRefused, CREDENTIAL_REFUSED),
    (ServiceUnreachable, UNREACHABLE),
    (NotSent, UNREACHABLE),
    (OutcomeUnknown, UNREACHABLE),
    (Misconfigured, MISCONFIGURED),
)
_WORST_FIRST: Final = (
    BUG,
    TERMINATED,
    INTERRUPTED,
    LEDGER_UNUSABLE,
    CREDENTIAL_REFUSED,
    UNREACHABLE,
    MISCONFIGURED,
    NEEDS_A_PERSON,
)


def status_of(error: CcopsError) -> int:
    """Return the exit status of an error; one of no particular kind needs a person."""
    return next((status for kind, status in _BY_KIND if isinstance(error, kind)), NEEDS_A_PERSON)


def worst(statuses: Iterable[int]) -> int:
    """Return the status that speaks for several: 5, 3, 4, 2, 1 in this order, 0 if there is none."""
    present = set(statuses)
    return next((status for status in _WORST_FIRST if status in present), FINE)

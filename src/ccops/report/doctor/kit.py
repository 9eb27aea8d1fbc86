"""The CRM: whose account the key opens, whether cron will have it, and what its clock says."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from ccops.engine.checking import DRIFT
from ccops.engine.errors import ClockWrong
from ccops.errors import CcopsError
from ccops.registry.config import read_config
from ccops.registry.grant import GrantFile
from ccops.report.doctor.finding import Finding, well, wrong
from ccops.report.doctor.patient import Patient, Visit
from ccops.report.doctor.wording import moment, span
from ccops.text import clean

_OF_SHELL: Final = ("KIT_API_KEY", "KIT_ACCESS_TOKEN")


def look(patient: Patient, visit: Visit) -> Iterator[Finding]:
    """Look at the credential and at the account that it opens. Raises ConfigFaults and FileUnusable."""
    yield from _account(patient, visit)
    yield _clock(visit)


def _account(patient: Patient, visit: Visit) -> Iterator[Finding]:
    theirs = f"{clean(visit.account.name)} ({visit.account.id})"
    if not isinstance(patient.ledger, CcopsError):
        ours = patient.ledger.identity.account
        if ours[0] != visit.account.id:
            text = f"the key opens {theirs}, but this home is of {clean(ours[1])} ({ours[0]})"
            yield wrong("Kit", text, f"unset {visit.source}" if _is_of_shell(visit) else "ccops login")
            return
    pace = f"{visit.rate} a minute" if visit.rate else "without a limit"
    from_where, cron_has_it = _key(patient, visit.source)
    text = f"{theirs}, {from_where}, {pace}"
    # Only a key can be stored; an access token ends after some hours.
    mend = "ccops login --oauth" if visit.source == _OF_SHELL[1] else "ccops init --save-key"
    yield well("Kit", text) if cron_has_it else wrong("Kit", text, mend)


def _is_of_shell(visit: Visit) -> bool:
    return visit.source in _OF_SHELL


def _key(patient: Patient, source: str) -> tuple[str, bool]:
    """Say where the key is from, and whether a cron line, which lacks this shell's environment, has one."""
    home = patient.home
    file, login = read_config(home), GrantFile(home).read()
    if file.sandbox:
        return "the embedded sandbox", True
    if login is not None and source == home.grant.name:
        until = moment(login.tokens.expires, patient.timezone, patient.now)
        return f"login from {source}, token until {until} (renews itself, cron has it)", True
    if source == home.config.name:
        return f"key from {source} (cron has it)", True
    if source.startswith("api_key_command"):
        return "key from api_key_command (cron runs it too)", True
    if login is not None or file.api_key or file.api_key_command:
        instead = f"the login of {home.grant.name}" if login else f"that of {home.config.name}"
        return f"key from {source} (cron takes {instead})", True
    return f"key from {source} in this shell alone (cron lacks it)", False


def _clock(visit: Visit) -> Finding:
    if abs(visit.ahead) <= DRIFT:
        return well("clock", "agrees with Kit's")
    side = "ahead of" if visit.ahead > timedelta() else "behind"
    return wrong("clock", f"this machine's clock is {span(visit.ahead)} {side} Kit's", ClockWrong.mend)

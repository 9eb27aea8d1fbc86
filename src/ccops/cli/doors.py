"""The one place that knows which CRM and which database are behind the house's protocols."""

from typing import TYPE_CHECKING, Final

from ccops.errors import CredentialRefused

if TYPE_CHECKING:
    from pathlib import Path

    from ccops.cli.session import Session
    from ccops.crm.kit.client import KitCrm
    from ccops.ledger.ledger import Ledger
    from ccops.operations.model import Registry
    from ccops.registry.credential import Credential

SANDBOX_STATE: Final = "sandbox.sqlite3"
_WINDOW: Final = 60.0
"""Seconds of Kit's rolling rate limit."""


class NoCredential(CredentialRefused):
    """There is no key to open Kit with."""

    mend = "ccops login"

    def __init__(self) -> None:
        super().__init__(
            "there is no API key for Kit, in the environment (KIT_API_KEY) or in config.toml. Nothing was sent"
        )


def open_ledger(session: "Session", *, readonly: bool = False) -> "Ledger":
    """Open the home's ledger. Raises LedgerMissing, or LedgerLost if the home was set up and its ledger is gone."""
    from ccops.ledger.errors import LedgerLost, LedgerMissing
    from ccops.ledger.ledger import Ledger

    home = session.home
    if not home.ledger.exists():
        raise LedgerLost(home.ledger) if home.config.exists() else LedgerMissing(home.ledger)
    ledger = Ledger.open(home.ledger, home.locks, readonly=readonly)
    session.resources.callback(ledger.close)
    return ledger


def open_crm(session: "Session", credential: "Credential | None" = None) -> "KitCrm":
    """Open Kit with a credential, else with that of the settings; in a home for rehearsals, the embedded sandbox."""
    from ccops.crm.kit.client import KitCrm
    from ccops.crm.kit.pacing import SharedPacer, Unpaced

    settings = session.settings
    url, rate = settings.api_url, None
    if settings.sandbox:
        url, credential = embedded_sandbox(session)
        rate = 0
    credential = credential or settings.credential()
    if credential is None:
        raise NoCredential
    rate = settings.rate_for(credential.kind) if rate is None else rate
    pace = _pace_file(session, credential)
    pacer = SharedPacer(pace, rate, _WINDOW, session.clock) if rate else Unpaced()
    crm = KitCrm(credential.secret, oauth=credential.kind == "oauth", api_url=url, pacer=pacer, clock=session.clock)
    session.resources.callback(crm.close)
    check_account(session, crm, credential)
    return crm


def embedded_sandbox(session: "Session") -> "tuple[str, Credential]":
    """Start the sandbox inside this process, over the state file of the home."""
    from ccops.registry.credential import Credential
    from ccops.sandbox import Sandbox
    from ccops.secret import Secret

    sandbox = Sandbox(session.home.path / SANDBOX_STATE).start()
    session.resources.callback(sandbox.close)
    return sandbox.url, Credential("key", Secret(sandbox.settings.key), "the sandbox")


def check_account(session: "Session", crm: "KitCrm", credential: "Credential") -> None:
    """Demand that a credential opens the account of the home's ledger, if it has one; asked of Kit once per credential.

    Raises WrongAccount.
    """
    from ccops.crm.kit.credential import credential_hash

    if not session.home.ledger.exists():
        return
    ledger = session.ledger_to_read if session.looks_only else session.ledger
    known = credential_hash(credential.secret, ledger.identity.salt)
    if not ledger.identity.knows(known):
        account = crm.account()
        ledger.identity.check_account(account.id, account.name)
        if not session.looks_only:
            ledger.identity.remember(known)


def check_tags(ledger: "Ledger", registry: "Registry") -> None:
    """Demand that no tag was counted under another operation's name. Raises TagMoved."""
    for operation in registry.operations.values():
        if operation.tag is not None:
            ledger.identity.check_tag(operation.tag.id, operation.tag.name, operation.name)


def _pace_file(session: "Session", credential: "Credential") -> "Path":
    """Kit counts requests by credential, so all processes with the same one share a file."""
    from ccops.crm.kit.credential import credential_hash

    return session.home.locks / f"pace-{credential_hash(credential.secret, 'pace')[:16]}"

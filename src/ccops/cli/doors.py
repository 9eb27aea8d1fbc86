"""The one place that knows which CRM and which database are behind the house's protocols."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ccops.clock import SystemClock
from ccops.errors import CredentialRefused

if TYPE_CHECKING:
    from pathlib import Path

    from ccops.cli.session import Session
    from ccops.crm.base import Account
    from ccops.crm.kit.access import Access
    from ccops.crm.kit.client import KitCrm
    from ccops.crm.kit.issuer import Issuer
    from ccops.crm.kit.limits import Limits
    from ccops.crm.kit.redirect import Redirect
    from ccops.crm.oauth import Attempt
    from ccops.ledger.ledger import Ledger
    from ccops.operations.model import Registry
    from ccops.registry.credential import Credential

_WINDOW: Final = 60.0
"""Seconds of Kit's rolling rate limit."""
HASTE: Final = 3.0
"""Seconds after which a first question to Kit is not repeated any more."""


class NoCredential(CredentialRefused):
    """There is no key to open Kit with."""

    mend = "ccops login"

    def __init__(self) -> None:
        super().__init__(
            "there is no API key for Kit, in the environment (KIT_API_KEY) or in config.toml. Nothing was sent."
        )


def open_ledger(session: "Session", *, readonly: bool = False) -> "Ledger":
    """Open the home's ledger. Raises LedgerMissing, or LedgerLost if the home was set up and its ledger is gone."""
    from ccops.ledger.errors import LedgerLost, LedgerMissing
    from ccops.ledger.ledger import Ledger

    home = session.home
    if not home.ledger.exists():
        raise LedgerLost(home.ledger) if home.was_set_up else LedgerMissing(home.ledger)
    ledger = Ledger.open(home.ledger, home.locks, readonly=readonly)
    session.resources.callback(ledger.close)
    return ledger


@dataclass(frozen=True, slots=True)
class Way:
    """How Kit is reached: where, with which credential, and at which pace."""

    url: str
    credential: "Credential"
    rate: int
    """Requests in rolling 60 seconds; 0 is no limit."""


@dataclass(frozen=True, slots=True)
class Kit:
    """Kit opened, once it has said whose account it is."""

    crm: "KitCrm"
    way: Way
    account: "Account"
    ahead: timedelta
    """By how much this machine's clock is ahead of Kit's."""


def open_crm(session: "Session", patience: float | None = None) -> "KitCrm":
    """Open Kit with the credential of the settings; in a home for rehearsals, the embedded sandbox.

    `patience` is for how many seconds at most reads are repeated. Raises NoCredential and WrongAccount.
    """
    from ccops.crm.kit.limits import Limits

    way = _way(session, None)
    crm = _kit_by(session, way, None if patience is None else Limits(patience=patience))
    check_account(session, crm, way.credential)
    return crm


def meet(session: "Session", credential: "Credential | None" = None) -> Kit:
    """Open Kit, and ask with little patience whose account it is: a person waits for the answer.

    It may be another account than the ledger's. Raises NoCredential, and what asking for the account raises.
    """
    from ccops.crm.kit.limits import Limits

    way = _way(session, credential)
    hasty = _kit_by(session, way, Limits(patience=HASTE))
    account = hasty.account()
    return Kit(_kit_by(session, way), way, account, hasty.clock_ahead or timedelta())


def remember(session: "Session", credential: "Credential") -> None:
    """Remember in the home's ledger that a credential opens its account, so that this is not asked again."""
    from ccops.crm.kit.credential import credential_hash

    identity = session.ledger.identity
    identity.remember(credential_hash(credential.known_by, identity.salt))


def _way(session: "Session", credential: "Credential | None") -> Way:
    settings = session.settings
    if settings.sandbox:
        url, credential = embedded_sandbox(session)
        return Way(url, credential, settings.rate or 0)
    credential = credential or session.credential
    if credential is None:
        raise NoCredential
    return Way(settings.api_url, credential, settings.rate_for(credential.kind))


def _kit_by(session: "Session", way: Way, limits: "Limits | None" = None) -> "KitCrm":
    from ccops.crm.kit.client import KitCrm
    from ccops.crm.kit.limits import DEFAULT_LIMITS
    from ccops.crm.kit.pacing import SharedPacer, Unpaced

    limits = limits or DEFAULT_LIMITS
    pace = _pace_file(session, way.credential)
    crm = KitCrm(
        _access(session, way, limits),
        api_url=way.url,
        # A clock that no stop cuts short: asked to stop, the contact in hand still gets its turn.
        pacer=SharedPacer(pace, way.rate, _WINDOW, SystemClock()) if way.rate else Unpaced(),
        clock=session.clock,
        limits=limits,
    )
    session.resources.callback(crm.close)
    return crm


def _access(session: "Session", way: Way, limits: "Limits") -> "Access":
    from ccops.crm.kit.access import Fixed

    credential = way.credential
    if credential.grants is None:
        return Fixed(credential.secret, oauth=credential.kind == "oauth")
    from ccops.crm.kit.issuer import Issuer
    from ccops.crm.kit.renewing import Renewing

    issuer = Issuer(api_url=way.url, clock=session.clock, limits=limits)
    return Renewing(credential.grants, issuer, session.clock)


def open_issuer(session: "Session") -> "Issuer":
    """Open the place where Kit gives tokens out, for a login with OAuth."""
    from ccops.crm.kit.issuer import Issuer
    from ccops.crm.kit.limits import DEFAULT_LIMITS

    return Issuer(api_url=session.settings.api_url, clock=session.clock, limits=DEFAULT_LIMITS)


def await_browser(attempt: "Attempt") -> "Redirect":
    """Listen for the browser that Kit sends back after a login. Raises RedirectTaken."""
    from ccops.crm.kit.redirect import Redirect

    return Redirect(attempt)


def embedded_sandbox(session: "Session") -> "tuple[str, Credential]":
    """Start the sandbox inside this process, over the state file of the home."""
    from ccops.registry.credential import Credential
    from ccops.sandbox import Sandbox
    from ccops.secret import Secret

    sandbox = Sandbox(session.home.sandbox).start()
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
    known = credential_hash(credential.known_by, ledger.identity.salt)
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
    """Kit counts requests by credential, so all processes with the same one share a file, whoever renews its token."""
    from ccops.crm.kit.credential import credential_hash

    return session.home.locks / f"pace-{credential_hash(credential.known_by, 'pace')[:16]}"

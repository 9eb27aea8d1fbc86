"""What one command works with; each part is made when it is first asked for."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ccops.cli.errors import corrected
from ccops.cli.output import Console, standard_console
from ccops.cli.prompts import Prompts
from ccops.cli.signals import StopRequest
from ccops.clock import Clock, SystemClock
from ccops.config.errors import HomeNoFolder, nearest
from ccops.errors import CcopsError, CredentialRefused, Misconfigured
from ccops.locks import PROCESS, be_silent
from ccops.text import LONGEST_QUOTE, clean, shorten

if TYPE_CHECKING:
    from pathlib import Path

    import typer

    from ccops.config.credentials import Credential
    from ccops.config.home import Home
    from ccops.config.settings import Settings
    from ccops.crm.base import Account
    from ccops.crm.http.exchange import HttpLimits
    from ccops.crm.kit.client import KitCrm
    from ccops.crm.kit.credential import Access
    from ccops.crm.kit.oauth import Issuer, Redirect
    from ccops.crm.login import LoginAttempt
    from ccops.engine.apply import Applier
    from ccops.engine.preview import Preview
    from ccops.ledger.ledger import Ledger
    from ccops.operations.model import Operation, OperationsFile

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
class CrmConnection:
    """How Kit is reached: where, with which credential, and at which pace."""

    url: str
    credential: "Credential"
    rate: int
    """Requests in rolling 60 seconds; 0 is no limit."""


@dataclass(frozen=True, slots=True)
class OpenedCrm:
    """Kit opened, once it has said whose account it is."""

    crm: "KitCrm"
    way: CrmConnection
    account: "Account"
    ahead: timedelta
    """By how much this machine's clock is ahead of Kit's."""


def open_crm(session: "Session", patience: float | None = None) -> "KitCrm":
    """Open Kit with the credential of the settings; in a home for rehearsals, the embedded sandbox.

    `patience` is for how many seconds at most reads are repeated. Raises NoCredential and WrongAccount.
    """
    from ccops.crm.http.exchange import HttpLimits

    way = _way(session, None)
    crm = _kit_by(session, way, None if patience is None else HttpLimits(patience=patience))
    check_account(session, crm, way.credential)
    return crm


def meet(session: "Session", credential: "Credential | None" = None) -> OpenedCrm:
    """Open Kit, and ask with little patience whose account it is: a person waits for the answer.

    It may be another account than the ledger's. Raises NoCredential, and what asking for the account raises.
    """
    from ccops.crm.http.exchange import HttpLimits

    way = _way(session, credential)
    hasty = _kit_by(session, way, HttpLimits(patience=HASTE))
    account = hasty.account()
    return OpenedCrm(_kit_by(session, way), way, account, hasty.clock_ahead or timedelta())


def remember(session: "Session", credential: "Credential") -> None:
    """Remember in the home's ledger that a credential opens its account, so that this is not asked again."""
    from ccops.crm.kit.credential import credential_hash

    identity = session.ledger.identity
    identity.remember(credential_hash(credential.known_by, identity.salt))


def _way(session: "Session", credential: "Credential | None") -> CrmConnection:
    settings = session.settings
    if settings.sandbox:
        url, credential = embedded_sandbox(session)
        return CrmConnection(url, credential, settings.rate or 0)
    credential = credential or session.credential
    if credential is None:
        raise NoCredential
    return CrmConnection(settings.api_url, credential, settings.rate_for(credential.kind))


def _kit_by(session: "Session", way: CrmConnection, limits: "HttpLimits | None" = None) -> "KitCrm":
    from ccops.crm.http.exchange import DEFAULT_LIMITS
    from ccops.crm.http.rate_limit import NoRateLimit, SharedRateLimiter
    from ccops.crm.kit.client import KitCrm

    limits = limits or DEFAULT_LIMITS
    pace = _pace_file(session, way.credential)
    crm = KitCrm(
        _access(session, way, limits),
        api_url=way.url,
        # A clock that no stop cuts short: asked to stop, the contact in hand still gets its turn.
        pacer=SharedRateLimiter(pace, way.rate, _WINDOW, SystemClock()) if way.rate else NoRateLimit(),
        clock=session.clock,
        limits=limits,
    )
    session.resources.callback(crm.close)
    return crm


def _access(session: "Session", way: CrmConnection, limits: "HttpLimits") -> "Access":
    from ccops.crm.kit.credential import Fixed

    credential = way.credential
    if credential.grants is None:
        return Fixed(credential.secret, oauth=credential.kind == "oauth")
    from ccops.crm.kit.oauth import Issuer, RenewedTokens

    issuer = Issuer(api_url=way.url, clock=session.clock, limits=limits)
    return RenewedTokens(credential.grants, issuer, session.clock)


def open_issuer(session: "Session") -> "Issuer":
    """Open the place where Kit gives tokens out, for a login with OAuth."""
    from ccops.crm.http.exchange import DEFAULT_LIMITS
    from ccops.crm.kit.oauth import Issuer

    return Issuer(api_url=session.settings.api_url, clock=session.clock, limits=DEFAULT_LIMITS)


def await_browser(attempt: "LoginAttempt") -> "Redirect":
    """Listen for the browser that Kit sends back after a login. Raises RedirectTaken."""
    from ccops.crm.kit.oauth import Redirect

    return Redirect(attempt)


def embedded_sandbox(session: "Session") -> "tuple[str, Credential]":
    """Start the sandbox inside this process, over the state file of the home."""
    from ccops.config.credentials import Credential
    from ccops.sandbox.sandbox import Sandbox
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


def check_tags(ledger: "Ledger", registry: "OperationsFile") -> None:
    """Demand that no tag was counted under another operation's name. Raises TagMoved."""
    for operation in registry.operations.values():
        if operation.tag is not None:
            ledger.identity.check_tag(operation.tag.id, operation.tag.name, operation.name)


def _pace_file(session: "Session", credential: "Credential") -> "Path":
    """Kit counts requests by credential, so all processes with the same one share a file, whoever renews its token."""
    from ccops.crm.kit.credential import credential_hash

    return session.home.locks / f"pace-{credential_hash(credential.known_by, 'pace')[:16]}"


# ---- what one command works with; each part is made when it is first asked for

_SHORTEST_SECRET: Final = 8
"""What is shorter is no credential of Kit's, and may be a part of many words."""


class NoSuchOperation(Misconfigured):
    """No operation of the registry has this name."""

    def __init__(self, name: str, known: Sequence[str], argv: Sequence[str]) -> None:
        self.name = name
        meant = nearest(name, known)
        lead, self.mend = "", "ccops op list" if known else "ccops op add"
        if meant:
            lead, self.mend = " Did you mean:", corrected(argv, name, meant) or meant
        super().__init__(f"no operation is called {shorten(name)}. Nothing was sent.{lead}")


class RegistryTellsCredential(Misconfigured):
    """The credential stands in the registry, whose names and texts are shown and stored; it is not shown."""

    def __init__(self, path: "Path", line: int) -> None:
        self.mend = f"Correct {clean(str(path))} and give the same command again."
        super().__init__(
            f"{path.name}:{line} holds your API key, and what stands there is shown and stored. Nothing was sent. Take "
            "it out; keys belong in config.toml or the environment."
        )


class Session:
    """One invocation of ccops: its command line, its home, and the doors to everything else."""

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str], clock: Clock | None = None) -> None:
        self.argv = tuple(argv)
        self.environ = environ
        self.home_option: Path | None = None
        """The folder of `--home`."""
        self.debug = False
        self.looks_only = False
        """Set for a dry run: nothing may be written, not even to the ledger."""
        self.only_shows = False
        """Set for a command that could send nothing, so that it need not say so; a dry run says it all the same."""
        self.stop = StopRequest()
        """Whether the program was asked to stop; `finishing(session.stop)` makes the body of a `with` heed it."""
        self.clock: Clock = clock or SystemClock(self.stop.event)
        self.resources = ExitStack()
        """What has to be closed at the end of the command, whatever happens."""
        PROCESS.tell = self._tell_wait
        self.resources.callback(be_silent)

    @cached_property
    def console(self) -> Console:
        """The two outputs."""
        console = standard_console(self.environ, self._in_sandbox)
        console.spell = self.spell
        return console

    def spell(self, command: str) -> str:
        """Return a proposed command so that it acts on this home: with `--home` if this command line named it so."""
        if self.home_option is None or not command.startswith("ccops ") or " --home" in command:
            return command
        return shlex.join(["ccops", "--home", str(self.home_option)]) + command.removeprefix("ccops")

    @cached_property
    def questions(self) -> Prompts:
        """Questions to the person at the terminal."""
        return Prompts(self.console, sys.stdin)

    @cached_property
    def home(self) -> "Home":
        """The home folder. Raises HomeNoFolder."""
        from ccops.config.home import Home, find_home

        home = Home(find_home(self.home_option, self.environ))
        if home.path.exists() and not home.exists:
            raise HomeNoFolder(home.path)
        return home

    @cached_property
    def settings(self) -> "Settings":
        """The settings of `config.toml` and the environment."""
        from ccops.config.settings import load_settings

        return load_settings(self.home, self.environ)

    @cached_property
    def credential(self) -> "Credential | None":
        """The credential of the settings; `api_key_command` is run for it once. Raises what the settings raise."""
        return self.settings.credential()

    @property
    def registry(self) -> "OperationsFile":
        """The registry as it is in its file now. Raises RegistryTellsCredential, and what reading it raises."""
        from ccops.config.operations_file import parse, read

        text = read(self.home.registry)
        found = min((text.find(secret) for secret in self._secrets() if secret in text), default=None)
        if found is not None:
            raise RegistryTellsCredential(self.home.registry, text.count("\n", 0, found) + 1)
        return parse(text, self.home.registry)

    def operation(self, name: str) -> "Operation":
        """Return the operation of this name. Raises NoSuchOperation."""
        known = self.registry.operations
        if name not in known:
            raise NoSuchOperation(name, list(known), self.argv)
        return known[name]

    @cached_property
    def ledger(self) -> "Ledger":
        """The home's ledger."""
        return open_ledger(self)

    @cached_property
    def ledger_to_read(self) -> "Ledger":
        """The home's ledger, opened so that not a byte of it can change."""
        return open_ledger(self, readonly=True)

    @cached_property
    def crm(self) -> "KitCrm":
        """The CRM that the settings' credential opens; in a home for rehearsals, the embedded sandbox.

        It has to be the account of the home's ledger.
        """
        return open_crm(self)

    @property
    def has_sent(self) -> bool:
        """Whether anything was sent that changes something in the CRM, so that nobody is told the opposite."""
        crm: KitCrm | None = self.__dict__.get("crm")
        return crm is not None and crm.has_written

    @cached_property
    def applier(self) -> "Applier":
        """What applies operations. The ledger is opened first: without it, nothing may be sent."""
        from ccops.engine.apply import Applier

        ledger = self.ledger
        check_tags(ledger, self.registry)
        return Applier(ledger, self.crm, self.clock, timedelta(seconds=self.settings.settle_after))

    def preview(self) -> "Preview":
        """Return what shows ahead what the applier would do; each one is a dry run of its own."""
        from ccops.engine.preview import Preview

        return Preview(self.ledger_to_read, self.crm, self.clock)

    def hide(self, text: str) -> str:
        """Put *** for the credential, should a person have typed it where it does not belong."""
        for secret in self._secrets():
            # The second: how errors quote a long one.
            text = text.replace(secret, "***").replace(secret[:LONGEST_QUOTE], "***")
        return text

    def _secrets(self) -> tuple[str, ...]:
        """Return the texts of the credential, as far as it is known without running a command for it."""
        try:
            known = self.__dict__.get("credential") or self.settings.known()
        except CcopsError:
            return ()
        return tuple(secret for secret in known.secrets if len(secret) >= _SHORTEST_SECRET) if known else ()

    def _tell_wait(self, text: str) -> None:
        self.console.warn(self.hide(text))

    def _in_sandbox(self) -> bool:
        """Tell whether the home is one for rehearsals; broken settings are another command's error."""
        try:
            return self.settings.sandbox
        except CcopsError:
            return False


def session_of(ctx: "typer.Context") -> Session:
    """Return the session of the command that is being run."""
    session = ctx.obj
    assert isinstance(session, Session)  # noqa: S101 - the root group puts it there
    return session

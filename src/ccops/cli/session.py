"""What one command works with; each part is made when it is first asked for."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ccops import waits
from ccops.cli import doors
from ccops.cli.console import Console, standard_console
from ccops.cli.correction import corrected
from ccops.cli.questions import Questions
from ccops.cli.signals import Stop
from ccops.clock import Clock, SystemClock
from ccops.errors import CcopsError, Misconfigured
from ccops.registry.faults import HomeNoFolder, nearest
from ccops.text import LONGEST_QUOTE, clean, shorten

if TYPE_CHECKING:
    from pathlib import Path

    import typer

    from ccops.crm.kit.client import KitCrm
    from ccops.engine.heart import Heart
    from ccops.engine.preview import Preview
    from ccops.ledger.ledger import Ledger
    from ccops.operations.model import Operation, Registry
    from ccops.registry.credential import Credential
    from ccops.registry.home import Home
    from ccops.registry.settings import Settings


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
        self.stop = Stop()
        """Whether the program was asked to stop; `finishing(session.stop)` makes the body of a `with` heed it."""
        self.clock: Clock = clock or SystemClock(self.stop.event)
        self.resources = ExitStack()
        """What has to be closed at the end of the command, whatever happens."""
        waits.PROCESS.tell = self._tell_wait
        self.resources.callback(waits.be_silent)

    @cached_property
    def console(self) -> Console:
        """The two outputs."""
        return standard_console(self.environ, self._in_sandbox)

    @cached_property
    def questions(self) -> Questions:
        """Questions to the person at the terminal."""
        return Questions(self.console, sys.stdin)

    @cached_property
    def home(self) -> "Home":
        """The home folder. Raises HomeNoFolder."""
        from ccops.registry.home import Home, find_home

        home = Home(find_home(self.home_option, self.environ))
        if home.path.exists() and not home.exists:
            raise HomeNoFolder(home.path)
        return home

    @cached_property
    def settings(self) -> "Settings":
        """The settings of `config.toml` and the environment."""
        from ccops.registry.settings import load_settings

        return load_settings(self.home, self.environ)

    @cached_property
    def credential(self) -> "Credential | None":
        """The credential of the settings; `api_key_command` is run for it once. Raises what the settings raise."""
        return self.settings.credential()

    @property
    def registry(self) -> "Registry":
        """The registry as it is in its file now. Raises RegistryTellsCredential, and what reading it raises."""
        from ccops.registry.load import parse, read

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
        return doors.open_ledger(self)

    @cached_property
    def ledger_to_read(self) -> "Ledger":
        """The home's ledger, opened so that not a byte of it can change."""
        return doors.open_ledger(self, readonly=True)

    @cached_property
    def crm(self) -> "KitCrm":
        """The CRM that the settings' credential opens; in a home for rehearsals, the embedded sandbox.

        It has to be the account of the home's ledger.
        """
        return doors.open_crm(self)

    @property
    def has_sent(self) -> bool:
        """Whether anything was sent that changes something in the CRM, so that nobody is told the opposite."""
        crm: KitCrm | None = self.__dict__.get("crm")
        return crm is not None and crm.has_written

    @cached_property
    def heart(self) -> "Heart":
        """What applies operations. The ledger is opened first: without it, nothing may be sent."""
        from ccops.engine.heart import Heart

        ledger = self.ledger
        doors.check_tags(ledger, self.registry)
        return Heart(ledger, self.crm, self.clock, timedelta(seconds=self.settings.settle_after))

    def preview(self) -> "Preview":
        """Return what shows ahead what the heart would do; each one is a dry run of its own."""
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

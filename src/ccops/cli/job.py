"""What a command that changes contacts asks for, and the options that all such commands have."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ccops.cli.choosing import Chosen
from ccops.cli.options import DryRun, Json, New, Quiet, Reason, RefusedOk, Yes
from ccops.ledger.model import Origin, Via

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ccops.cli.failures import Failures
    from ccops.engine.request import Asked


@dataclass(frozen=True, slots=True)
class Writing:
    """The options of every command that writes to contacts."""

    dry_run: DryRun = False
    json: Json = False
    quiet: Quiet = False
    reason: Reason = None
    yes: Yes = False
    refused_ok: RefusedOk = False
    new: New = False


@dataclass(frozen=True, slots=True)
class Job:
    """What a command asks for, before it is known which run it is."""

    words: str
    """The command in canonical form."""
    title: str
    via: Via
    requests: "Callable[[int, Origin], Iterable[Asked]]"
    """Makes the requests of a run."""
    contacts: Chosen
    timezone: str
    first: "Callable[[int, Origin], Iterable[Asked]] | None" = None
    """Makes that of the first contact, where all would have to be asked for anew."""
    subject: str = ""
    """What it is about, for the summary of several contacts; else the title: "monthly-grant, November 2026"."""
    what: str = ""
    """What it does to a contact: "credits +10"."""
    occasion: str | None = None
    """What is counted once, however often the command is given; None: each run is an occasion of its own."""
    as_of: "Callable[[datetime], Job] | None" = None
    """Makes the job as it is meant at another moment: a run that goes on in December is still November's."""
    failures: "Failures | None" = None
    """Takes down the contacts that need somebody."""

    def at(self, moment: datetime) -> "Job":
        """Return the job as it is meant at a moment."""
        return self if self.as_of is None else self.as_of(moment)

    @property
    def about(self) -> str:
        """What it is about."""
        return self.subject or self.title

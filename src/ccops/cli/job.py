"""What a command that changes contacts asks for, and the options that all such commands have."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from ccops.cli.options import DryRun, JsonOption, New, Quiet, ReasonOption, RefusedOk, YesOption
from ccops.ledger.commands import Command
from ccops.ledger.model import Origin, Via

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ccops.cli.rejects import RejectsFile
    from ccops.engine.outcomes import AnyRequest


class JobContacts(Protocol):
    """The contacts of a job, as far as it is known before they are gone through."""

    @property
    def count(self) -> int | None:
        """How many there are; None if that is not known. May ask the CRM."""
        ...

    @property
    def widest(self) -> int:
        """Cells of the longest name; 0 if that is not known before."""
        ...

    @property
    def shows_each(self) -> bool:
        """Whether a person at a terminal wants a line for each of them, and not the progress of all."""
        ...

    @property
    def in_order(self) -> bool:
        """Whether one has to come after the other."""
        ...


@dataclass(frozen=True, slots=True)
class NamedContacts:
    """Contacts that a person named, or that belong to entries that were named."""

    names: tuple[str, ...]
    in_order: bool = False

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.names)

    @property
    def widest(self) -> int:
        """Cells of the longest name."""
        return max(map(len, self.names), default=0)

    @property
    def shows_each(self) -> bool:
        """Each is shown: whoever names contacts wants to see them."""
        return True


# ---- what a command that changes contacts asks for, and the options that all such commands have


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """The options of every command that writes to contacts."""

    dry_run: DryRun = False
    json: JsonOption = False
    quiet: Quiet = False
    reason: ReasonOption = None
    yes: YesOption = False
    refused_ok: RefusedOk = False
    new: New = False


@dataclass(frozen=True, slots=True)
class Job:
    """What a command asks for, before it is known which run it is."""

    command: Command
    """By which the run is known again."""
    title: str
    via: Via
    requests: "Callable[[int, Origin], Iterable[AnyRequest]]"
    """Makes the requests of a run."""
    contacts: JobContacts
    timezone: str
    first: "Callable[[int, Origin], Iterable[AnyRequest]] | None" = None
    """Makes that of the first contact, where all would have to be asked for anew."""
    subject: str = ""
    """What it is about, for the summary of several contacts; else the title: "monthly-grant, November 2026"."""
    what: str = ""
    """What it does to a contact: "credits +10"."""
    occasion: str | None = None
    """What is counted once, however often the command is given; None: each run is an occasion of its own."""
    as_of: "Callable[[datetime], Job] | None" = None
    """Makes the job as it is meant at another moment: a run that goes on in December is still November's."""
    tag: str | None = None
    """The name of the tag by which its contacts are selected."""
    failures: "RejectsFile | None" = None
    """Takes down the contacts that need somebody."""

    def at(self, moment: datetime) -> "Job":
        """Return the job as it is meant at a moment."""
        return self if self.as_of is None else self.as_of(moment)

    @property
    def about(self) -> str:
        """What it is about."""
        return self.subject or self.title

"""What a check found."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ccops.config.errors import FileFaults
from ccops.config.home import Home
from ccops.config.settings import SETTLE_AFTER, Settings
from ccops.crm.base import Account, Crm, Webhooks
from ccops.errors import CcopsError, as_onlooker
from ccops.ledger.ledger import Ledger
from ccops.operations.dates import local
from ccops.operations.model import OperationsFile
from ccops.operations.periods import MONTHS


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's: what was looked at, whether it is in order, and the command that mends it."""

    area: str
    ok: bool
    text: str
    mend: str = ""


def well(area: str, text: str) -> Finding:
    """Make a finding of something in order."""
    return Finding(area, ok=True, text=text)


def wrong(area: str, text: str, mend: str) -> Finding:
    """Make a finding of something that needs a person."""
    return Finding(area, ok=False, text=text, mend=mend)


def told(area: str, error: CcopsError) -> list[Finding]:
    """Make findings of an error: one each of the faults of a file, else one."""
    if isinstance(error, FileFaults):
        return [wrong(area, fault.said(error.file), f"correct {error.place}") for fault in error.faults]
    return [wrong(area, as_onlooker(error), error.mend)]


def guarded(area: str, findings: Iterable[Finding], but: tuple[type[CcopsError], ...] = ()) -> Iterator[Finding]:
    """Give findings; an error on the way becomes one more, unless it is of a kind that ends other checks too."""
    try:
        yield from findings
    except but:
        raise
    except CcopsError as error:
        yield from told(area, error)


# ---- what the doctor looks at; a part that could not be opened is the error that said so


@dataclass(frozen=True, slots=True)
class CrmVisit:
    """The CRM, opened, and what its first answer told."""

    crm: Crm
    account: Account
    ahead: timedelta
    """By how much this machine's clock is ahead of the CRM's."""
    source: str
    """Where the credential came from."""
    rate: int
    """Requests in 60 seconds; 0 is no limit."""
    webhooks: Webhooks


@dataclass(frozen=True, slots=True)
class Examined:
    """One home with all that belongs to it."""

    home: Home
    now: datetime
    settings: Settings | CcopsError
    registry: OperationsFile | CcopsError
    ledger: Ledger | CcopsError
    visit: CrmVisit | CcopsError | None
    """None: the settings are needed for it, and they have faults."""

    @property
    def timezone(self) -> str:
        """The zone in which days are named."""
        return "UTC" if isinstance(self.registry, CcopsError) else self.registry.timezone

    @property
    def settle_after(self) -> timedelta:
        """From which age on the outcome of a lost request can be told."""
        return timedelta(seconds=SETTLE_AFTER if isinstance(self.settings, CcopsError) else self.settings.settle_after)


# ---- numbers, days and sizes as the doctor says them

_KILO: Final = 1024
_MINUTE: Final = 60


def count(number: int, thing: str, things: str = "") -> str:
    """Write how many there are: "1 contact", "1,200 contacts"."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"


def day(moment: datetime, timezone: str, now: datetime) -> str:
    """Name the day of a moment: "20 Nov", with the year if it is another one than now; the time if it is today."""
    there, here = local(moment, timezone), local(now, timezone)
    if there.date() == here.date():
        return f"{there:%H:%M}"
    year = "" if there.year == here.year else f" {there.year}"
    return f"{there.day} {MONTHS[there.month - 1][:3]}{year}"


def moment(then: datetime, timezone: str, now: datetime) -> str:
    """Name a moment by its time, and by its day too unless that is today: "14:20", "20 Nov 14:20"."""
    named, time = day(then, timezone, now), f"{local(then, timezone):%H:%M}"
    return time if named == time else f"{named} {time}"


def size(octets: int) -> str:
    """Write the size of a file."""
    kilo = octets / _KILO
    return f"{kilo:.0f} kB" if kilo < _KILO else f"{kilo / _KILO:,.1f} MB"


def span(time: timedelta) -> str:
    """Write a span of time: "42 s", "5 min", "3 h"."""
    seconds = abs(time.total_seconds())
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    minutes = seconds / _MINUTE
    return f"{minutes:.0f} min" if minutes < 2 * _MINUTE else f"{minutes / _MINUTE:.0f} h"

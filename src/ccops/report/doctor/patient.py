"""What the doctor looks at; a part that could not be opened is the error that said so."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ccops.crm.base import Account, Crm
from ccops.crm.webhooks import Webhooks
from ccops.errors import CcopsError
from ccops.ledger.ledger import Ledger
from ccops.operations.model import Registry
from ccops.registry.home import Home
from ccops.registry.settings import SETTLE_AFTER, Settings


@dataclass(frozen=True, slots=True)
class Visit:
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
class Patient:
    """One home with all that belongs to it."""

    home: Home
    now: datetime
    settings: Settings | CcopsError
    registry: Registry | CcopsError
    ledger: Ledger | CcopsError
    visit: Visit | CcopsError | None
    """None: the settings are needed for it, and they have faults."""

    @property
    def timezone(self) -> str:
        """The zone in which days are named."""
        return "UTC" if isinstance(self.registry, CcopsError) else self.registry.timezone

    @property
    def settle_after(self) -> timedelta:
        """From which age on the outcome of a lost request can be told."""
        return timedelta(seconds=SETTLE_AFTER if isinstance(self.settings, CcopsError) else self.settings.settle_after)

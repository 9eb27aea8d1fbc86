"""What all work on webhooks needs, and how it can go wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ccops.clock import Clock
from ccops.crm.webhooks import Webhooks
from ccops.engine.hooks import Kind
from ccops.errors import Misconfigured, ServiceUnreachable
from ccops.ledger.locks import Locks
from ccops.registry.home import Home


@dataclass(frozen=True, slots=True)
class Bench:
    """A home, and the webhooks of its account."""

    home: Home
    webhooks: Webhooks
    clock: Clock

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from this home's webhooks meanwhile: what one has just made must not look left over."""
        with Locks(self.home.locks).wait("webhooks"):
            yield


class WebhookUnconfirmed(ServiceUnreachable):
    """Whether the CRM made a webhook is not known: its answer was lost, and its list does not show one."""

    def __init__(self, kind: Kind, what: str, command: str) -> None:
        self.kind = kind
        self.mend = command
        super().__init__(
            f"whether Kit has made the webhook is not known ({what}); it shows none so far. Nothing is lost: the same "
            "command in a few minutes looks for it first, and makes no second one."
        )


class RotationUnconfirmed(ServiceUnreachable):
    """Whether the CRM made a new signing secret is not known: its answer was lost."""

    def __init__(self, what: str, command: str) -> None:
        self.mend = command
        super().__init__(
            f"whether Kit has made a new secret to sign with is not known ({what}). If so, it signs with the old one "
            "too for a day, so that nothing is lost if you give the same command again today."
        )


class EndpointGone(Misconfigured):
    """The signed webhook that this home knows is no longer there."""

    mend = "ccops webhook create"

    def __init__(self, endpoint_id: int) -> None:
        super().__init__(f"Kit's signed webhook {endpoint_id} is gone: it was removed at Kit. To make it again:")

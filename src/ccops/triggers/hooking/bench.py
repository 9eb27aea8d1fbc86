"""What all work on webhooks needs, and how it can go wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ccops.clock import Clock
from ccops.crm.webhooks import Hook, Webhooks
from ccops.engine.hooks import Place, Wanted, place_of
from ccops.errors import Misconfigured, ServiceUnreachable
from ccops.ledger.locks import Locks
from ccops.registry.home import Home
from ccops.registry.secrets import Secrets, load_secrets, new_secret, put_secret
from ccops.secret import Secret


@contextmanager
def alone(home: Home) -> Iterator[Secrets]:
    """Keep other processes from a home's webhooks meanwhile, and give its secrets.

    What another one has made and not yet stored would look left over.
    """
    with Locks(home.locks).wait("webhooks"):
        yield load_secrets(home)


def ensure_secret(home: Home, operation: str, secrets: Secrets) -> Secret:
    """Return an operation's secret, made and stored if there is none; to be called `alone`."""
    secret = secrets.of(operation)
    if secret is None:
        secret = new_secret()
        put_secret(home, operation, secret)
    return secret


@dataclass(frozen=True, slots=True)
class Bench:
    """A home, and the webhooks of its account."""

    home: Home
    webhooks: Webhooks
    clock: Clock

    def hooks_of(self, operation: str, secrets: Secrets, base: str | None = None) -> dict[int, tuple[Hook, Place]]:
        """Return the listed unsigned webhooks of an operation that have its secret, or send to this base with any."""
        wanted = Wanted({}, secrets, base)
        return {
            hook.id: (hook, place)
            for hook in self.webhooks.hooks()
            if (place := place_of(hook))
            and place.operation == operation
            and (wanted.opens(place) or place.base == base)
        }


class WebhookUnconfirmed(ServiceUnreachable):
    """Whether the CRM made a webhook is not known: its answer was lost, and its list does not show one."""

    def __init__(self, what: str, command: str) -> None:
        self.mend = command
        super().__init__(
            f"whether Kit has made the webhook is not known ({what}); it shows none so far. Nothing is lost: the same "
            "command in a few minutes looks for it first."
        )


class RotationUnconfirmed(ServiceUnreachable):
    """Whether the CRM made a new signing secret is not known: its answer was lost."""

    mend = "ccops webhook create"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"whether Kit has made a new secret to sign with is not known ({what}). If so, it signs with the old one "
            "too for a day. So that nothing is lost, get one that is known, today:"
        )


class EndpointGone(Misconfigured):
    """The signed webhook that this home knows is no longer there."""

    mend = "ccops webhook create"

    def __init__(self, endpoint_id: int) -> None:
        super().__init__(f"Kit's signed webhook {endpoint_id} is gone: somebody removed it there. To make it again:")

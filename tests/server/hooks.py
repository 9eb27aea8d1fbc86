"""A home, its webhooks at a Kit, and a way to die in the middle of work on them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from ccops.app.webhooks import HookStatus, Wanted, WebhookContext, compare_hooks, place_of
from ccops.config.home import Home
from ccops.config.webhook_secrets import Secrets, load_secrets
from ccops.crm.base import Hook, SignedEndpoint, Webhooks
from ccops.crm.kit.client import KitCrm
from ccops.operations.model import Change, Operation, Tag
from ccops.sandbox.sandbox import Sandbox
from tests.kit.conftest import FakeClock

BASE = "https://hooks.example.org"


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Dying:
    """Webhooks whose caller is killed before or after one of its calls; what Kit told is noted."""

    webhooks: Webhooks
    dies_at: int = 0
    """Number of the call, from 1; 0: never."""
    after: bool = False
    calls: int = 0
    told: list[str] = field(default_factory=list)
    """The signing secrets that Kit told, oldest first, whether or not they were heard."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.webhooks, name)

        def call(*words: Any, **named: Any) -> Any:
            self.calls += 1
            if self.calls == self.dies_at and not self.after:
                raise Killed
            found = method(*words, **named)
            if isinstance(found, SignedEndpoint):
                self.told.append(found.secret.reveal())
            if self.calls == self.dies_at:
                raise Killed
            return found

        return call


@dataclass
class Works:
    """One home at one Kit."""

    kit: Sandbox
    home: Home
    crm: KitCrm
    clock: FakeClock
    operation: Operation
    tag: Tag

    @property
    def bench(self) -> WebhookContext:
        return self.bench_with(self.crm.webhooks)

    @property
    def secrets(self) -> Secrets:
        return load_secrets(self.home)

    def bench_with(self, webhooks: object) -> WebhookContext:
        return WebhookContext(self.home, cast("Webhooks", webhooks), self.clock)

    def at_kit(self) -> list[Hook]:
        """Return the unsigned webhooks that Kit really has, however late its lists are."""
        lag, self.kit.settings.lag = self.kit.settings.lag, 0
        try:
            return self.crm.webhooks.hooks()
        finally:
            self.kit.settings.lag = lag

    def signed_at_kit(self) -> list[tuple[int, str]]:
        """Return the signed webhooks that Kit really has: ids and URLs."""
        lag, self.kit.settings.lag = self.kit.settings.lag, 0
        try:
            return [(each.id, each.url) for each in self.crm.webhooks.endpoints() or []]
        finally:
            self.kit.settings.lag = lag

    def rows(self, base: str | None = BASE, *operations: Operation) -> list[HookStatus]:
        known = {each.name: each for each in (operations or (self.operation,))}
        return compare_hooks(self.crm.webhooks, Wanted(known, self.secrets, base), self.clock.now())

    def states(self) -> list[tuple[str, str | None, str]]:
        return [(row.kind, row.operation, row.state) for row in self.rows()]

    def opened(self) -> list[bool]:
        """Say of each unsigned webhook at Kit whether what it sends is accepted."""
        wanted = Wanted({}, self.secrets, BASE)
        return [wanted.opens(place) for hook in self.at_kit() if (place := place_of(hook))]


def operation_with(tag: Tag | None, name: str = "pay") -> Operation:
    return Operation(name, (Change("credits", "increase"),), "UTC", tag=tag)

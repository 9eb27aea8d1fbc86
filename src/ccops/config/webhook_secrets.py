"""The secrets of the receiver, kept in `config.toml`: one in each operation's URLs, and Kit's for its signatures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_urlsafe
from typing import Final

from ccops.clock import iso, parse_iso
from ccops.config.home import Home
from ccops.config.settings import KitWebhookTable, drop_from_config, edit_config, read_config
from ccops.config.toml_edit import TomlDraft
from ccops.secret import Secret

_RANDOM_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class KitHook:
    """An operation's unsigned webhook at Kit, and when it was made: Kit's lists don't show it at once."""

    id: int
    base: str
    """Where it reaches `serve`."""
    made: datetime


@dataclass(frozen=True, slots=True)
class Secrets:
    """All secrets of a home, and the webhooks that they are for."""

    operations: Mapping[str, tuple[Secret, ...]] = field(default_factory=dict)
    """By operation, newest first; two while a rotation is under way, and both are accepted."""
    kit: tuple[Secret, ...] = ()
    """Those that Kit signs with, newest first."""
    kit_webhook_id: int | None = None
    kit_webhook_url: str | None = None
    kit_until: datetime | None = None
    """Until when Kit signs with the second one too; None: not told."""
    kit_hooks: Mapping[str, KitHook] = field(default_factory=dict)
    """By operation."""

    def of(self, operation: str) -> Secret | None:
        """Return the newest secret of an operation's URLs."""
        return next(iter(self.accepted(operation)), None)

    def accepted(self, operation: str) -> tuple[Secret, ...]:
        """Return every secret that opens an operation's URLs now."""
        return self.operations.get(operation, ())

    def kit_at(self, now: datetime) -> tuple[Secret, ...]:
        """Return the secrets that Kit's signatures may be made with at a moment."""
        return self.kit[:1] if self.kit_until and self.kit_until <= now else self.kit


def new_secret() -> Secret:
    """Make a secret that can stand in a URL and can't be guessed."""
    return Secret(token_urlsafe(_RANDOM_BYTES))


def load_secrets(home: Home) -> Secrets:
    """Read all secrets of a home. Raises ConfigFaults and FileUnusable."""
    config = read_config(home)
    kit = config.kit_webhook
    return Secrets(
        operations={name: _held(value) for name, value in config.secrets.items()},
        kit=_held(kit.secrets) if kit else (),
        kit_webhook_id=kit.id if kit else None,
        kit_webhook_url=kit.url if kit else None,
        kit_until=_until(kit),
        kit_hooks={name: KitHook(hook.id, hook.base, parse_iso(hook.made)) for name, hook in config.kit_hooks.items()},
    )


def put_secret(home: Home, operation: str, secret: Secret, older: Secret | None = None) -> None:
    """Keep an operation's secret, and an `older` one that is accepted beside it; both take the place of all before.

    Raises ConfigFaults and FileUnusable.
    """
    shown = secret.reveal()
    value = [shown, older.reveal()] if older else shown
    edit_config(home, lambda draft: draft.put(("secrets",), operation, value))


def forget_secret(home: Home, operation: str) -> bool:
    """Drop an operation's secrets; False if there were none. Raises ConfigFaults and FileUnusable."""
    return drop_from_config(home, ("secrets", operation))


def put_kit_hook(home: Home, operation: str, hook: KitHook) -> None:
    """Keep an operation's unsigned webhook. Raises ConfigFaults and FileUnusable."""
    value: Mapping[str, int | str] = {"id": hook.id, "base": hook.base, "made": iso(hook.made)}
    edit_config(home, lambda draft: draft.put(("kit_hooks",), operation, value))


def forget_kit_hook(home: Home, operation: str) -> bool:
    """Drop an operation's unsigned webhook; False if there was none. Raises ConfigFaults and FileUnusable."""
    return drop_from_config(home, ("kit_hooks", operation))


def put_kit_webhook(
    home: Home,
    id: int,  # noqa: A002 - the key's name in the file
    url: str,
    secrets: Sequence[Secret],
    until: datetime | None = None,
) -> None:
    """Keep Kit's signed webhook endpoint and its secrets, newest first. Raises ConfigFaults and FileUnusable."""

    def change(draft: TomlDraft) -> None:
        draft.put(("kit_webhook",), "id", id)
        draft.put(("kit_webhook",), "url", url)
        draft.put(("kit_webhook",), "secrets", [secret.reveal() for secret in secrets])
        if until:
            draft.put(("kit_webhook",), "until", iso(until))
        else:
            draft.drop(("kit_webhook", "until"))

    edit_config(home, change)


def forget_kit_webhook(home: Home) -> bool:
    """Drop what is known of Kit's signed endpoint; False if nothing was. Raises ConfigFaults and FileUnusable."""
    return drop_from_config(home, ("kit_webhook",))


def _held(value: str | Sequence[str]) -> tuple[Secret, ...]:
    return tuple(map(Secret, [value] if isinstance(value, str) else value))


def _until(kit: KitWebhookTable | None) -> datetime | None:
    return parse_iso(kit.until) if kit and kit.until else None

"""How a sandbox behaves."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Observer = Callable[[str, str, str], None]


@dataclass(slots=True)
class Settings:
    """How a sandbox behaves; may be changed while it runs."""

    key: str
    token: str
    rate: int
    window: float
    lag: float
    clock: Callable[[], datetime]
    observer: Observer
    webhook_endpoints: Literal["on", 401, 404] = "on"
    """Some accounts are answered 401 (recorded live) or 404 (Kit's documentation) to all calls of webhook endpoints."""
    patience: float = 5.0
    """Seconds of silence after which a receiver of webhooks is given up; Kit's own patience is not known."""
    retry_scale: float = 0.0
    """How long the waits between tries of a delivery are, in parts of Kit's (30 s to 24 h); 0: no more unless asked."""
    client_id: str = "sandbox-app"
    """The app that may log in with OAuth."""
    client_secret: str = ""
    """Its secret; empty: it has none."""
    approves: bool = True
    """Whether the owner lets the app in."""
    token_seconds: float = 7200.0
    """How long an access token lasts."""
    most_fields: int = 140
    """How many custom fields the account may have; people who add one in the app are not held to it."""
    most_tags: int | None = None
    """How many tags it may have; None: as many as it likes."""

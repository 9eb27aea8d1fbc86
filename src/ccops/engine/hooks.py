"""The CRM's webhooks compared with what the registry wants; nothing is changed here."""

import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from ccops.crm.webhooks import TAG_ADD, TAG_ADDED, Endpoint, Hook, Webhooks
from ccops.operations.model import Operation
from ccops.registry.secrets import Secrets
from ccops.secret import Secret

Kind = Literal["signed", "legacy"]
State = Literal["ok", "missing", "broken", "left-over", "elsewhere", "foreign"]
"""`broken`: nothing that we could accept is sent. `elsewhere`: ours, but sent to another address than it should.
`foreign`: another home's, or of one that is lost."""

NAME: Final = "ccops"
"""What our signed webhooks are called at Kit."""
LAG: Final = timedelta(minutes=5)
"""By which the CRM's lists may be late; Kit names 30 s as a rule, and 5 minutes at worst."""
_OURS: Final = re.compile(r"(https?://[^\s?#]+)/kit/([a-z0-9][a-z0-9_-]{0,63})/([A-Za-z0-9_-]{16,200})")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an unsigned webhook sends, if `serve` is there: below the base, to an operation, with a secret."""

    base: str
    operation: str
    secret: Secret

    @property
    def url(self) -> Secret:
        """The whole URL."""
        return Secret(f"{self.base}/kit/{self.operation}/{self.secret.reveal()}")

    @property
    def shown(self) -> str:
        """The URL without its secret."""
        return f"{self.base}/kit/{self.operation}/…"


def place_of(hook: Hook) -> Place | None:
    """Return where an unsigned webhook sends; None if it can't be one of ccops."""
    found = _OURS.fullmatch(hook.url.reveal()) if hook.event == TAG_ADD else None
    return Place(found[1], found[2], Secret(found[3])) if found else None


def signed_url(base: str) -> str:
    """Return where Kit sends signed events of all tags."""
    return f"{base}/kit"


def post_url(base: str, operation: str) -> str:
    """Return where any other system asks for an operation."""
    return f"{base}/operations/{operation}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the CRM ought to have."""

    operations: Mapping[str, Operation]
    secrets: Secrets
    base: str | None
    """Where the world reaches `serve`; None: not known."""

    def opens(self, place: Place) -> bool:
        """Tell whether the secret of a URL is its operation's."""
        return any(secret.equals(place.secret.reveal()) for secret in self.secrets.accepted(place.operation))

    def is_known(self, row: "Row") -> bool:
        """Tell whether an unsigned webhook is the one that was made last for its operation."""
        known = self.secrets.kit_hooks.get(row.operation or "")
        return known is not None and known.id == row.id

    def is_here(self, base: str) -> bool:
        """Tell whether something sends to where it should."""
        return self.base is None or base == self.base


@dataclass(frozen=True, slots=True)
class Row:
    """A webhook that is there, or that should be."""

    kind: Kind
    state: State
    operation: str | None
    """None: it is for all of them."""
    id: int | None = None
    url: str | None = None
    """Without secrets."""
    why: str = ""
    """What is wrong with it."""
    mend: str = ""
    """The command that mends it."""


def look(webhooks: Webhooks, wanted: Wanted, now: datetime) -> list[Row]:
    """Compare all webhooks of the account, three requests at most, with what is wanted."""
    hooks, endpoints, own = webhooks.hooks(), webhooks.endpoints(), wanted.secrets.kit_webhook_id
    if endpoints is not None and own is not None:  # by id it is read as it is now; lists lag
        mine = webhooks.endpoint(own)
        endpoints = [*([mine] if mine else []), *(endpoint for endpoint in endpoints if endpoint.id != own)]
    return compare(wanted, hooks, endpoints, now)


def compare(wanted: Wanted, hooks: Iterable[Hook], endpoints: Iterable[Endpoint] | None, now: datetime) -> list[Row]:
    """Judge all webhooks that are ours, and name the operations that lack one.

    `endpoints` is None if the account has no signed ones. What other programs have is passed over.
    """
    signed = list(_signed(wanted, endpoints or []))
    legacy = list(_legacy(wanted, hooks))
    legacy += _unlisted(wanted, {row.id for row in legacy}, now)
    kind: Kind = "legacy" if endpoints is None else "signed"
    served = any(row.id == wanted.secrets.kit_webhook_id for row in signed)
    by_name = {row.operation for row in legacy if row.state in {"ok", "elsewhere"}}
    lacking = [
        Row(kind, "missing", name, why="Kit tells nobody when its tag is added", mend=f"ccops webhook create {name}")
        for name, operation in wanted.operations.items()
        if operation.tag is not None and not served and name not in by_name
    ]
    return [*signed, *legacy, *lacking]


def _unlisted(wanted: Wanted, listed: Collection[int | None], now: datetime) -> Iterator[Row]:
    """Take a webhook that was made a moment ago for there, though the list does not show it yet."""
    for name, known in wanted.secrets.kit_hooks.items():
        operation = wanted.operations.get(name)
        fresh = now - known.made < LAG and known.id not in listed
        if fresh and operation is not None and operation.tag is not None and wanted.is_here(known.base):
            shown = Place(known.base, name, Secret("")).shown
            yield Row("legacy", "ok", name, known.id, shown, "made a moment ago; Kit's list does not show it yet")


def _signed(wanted: Wanted, endpoints: Iterable[Endpoint]) -> Iterator[Row]:
    for endpoint in endpoints:
        if endpoint.id == wanted.secrets.kit_webhook_id:
            yield _own(wanted, endpoint)
        elif wanted.base and endpoint.url == signed_url(wanted.base):
            why = "its secret is not known here, so that nothing it sends is accepted"
            yield _row(endpoint, "left-over", why, _REMOVE)
        elif endpoint.name == NAME and endpoint.url.endswith("/kit"):
            yield _row(endpoint, "foreign", _FOREIGN, _remove_at(endpoint.url.removesuffix("/kit")))


def _own(wanted: Wanted, endpoint: Endpoint) -> Row:
    secrets = wanted.secrets
    url = signed_url(wanted.base) if wanted.base else secrets.kit_webhook_url
    if endpoint.url != url:
        return _row(endpoint, "elsewhere", f"it should send to {url}", "ccops webhook create")
    if not endpoint.active or TAG_ADDED not in endpoint.events:
        why = "it does not tell of tags" if endpoint.active else "Kit has switched it off"
        return _row(endpoint, "broken", why, "ccops webhook create")
    if endpoint.previous_until not in {None, secrets.kit_until}:
        why = "Kit signs with a new secret that is not known here"
        return _row(endpoint, "broken", why, "ccops webhook create")
    return _row(endpoint, "ok")


def _row(endpoint: Endpoint, state: State, why: str = "", mend: str = "") -> Row:
    return Row("signed", state, None, endpoint.id, endpoint.url, why, mend)


_REMOVE: Final = "ccops webhook remove --all-left-over"
_FOREIGN: Final = "of another home of ccops; if of none that is in use, it can be removed"


def _remove_at(base: str) -> str:
    return f"{_REMOVE} --url {shlex.quote(base)}"


def _legacy(wanted: Wanted, hooks: Iterable[Hook]) -> Iterator[Row]:
    """Judge the unsigned ones; of several that would do, the one that was made last is meant, or the first."""
    rows = [_judged(wanted, hook, place) for hook in hooks if (place := place_of(hook))]
    meant: dict[str | None, Row] = {}
    for row in rows:
        if row.state == "ok" and (row.operation not in meant or wanted.is_known(row)):
            meant[row.operation] = row
    for row in rows:
        if row.state == "ok" and row is not meant[row.operation]:
            yield replace(row, state="left-over", why="there is another one like it", mend=_REMOVE)
        else:
            yield row


def _judged(wanted: Wanted, hook: Hook, place: Place) -> Row:
    row = Row("legacy", "left-over", place.operation, hook.id, place.shown, mend=_REMOVE)
    operation = wanted.operations.get(place.operation)
    if not wanted.opens(place):
        if place.base != wanted.base:
            return replace(row, state="foreign", why=_FOREIGN, mend=_remove_at(place.base))
        return replace(row, why="its secret is not the operation's, so that nothing it sends is accepted")
    if operation is None:
        return replace(row, why="there is no operation of this name")
    if operation.tag is None or operation.tag.id != hook.tag_id:
        return replace(row, why="it is for a tag that does not start the operation")
    if not wanted.is_here(place.base):
        mend = f"ccops webhook create {place.operation}"
        return replace(row, state="elsewhere", why=f"it should send to {wanted.base}", mend=mend)
    return replace(row, state="ok", mend="")

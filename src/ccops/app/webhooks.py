"""The CRM's webhooks compared with what the registry wants; nothing is changed here."""

import re
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, Literal, TypeVar

from ccops.clock import Clock
from ccops.config.home import Home
from ccops.config.webhook_secrets import (
    KitHook,
    Secrets,
    forget_kit_hook,
    forget_kit_webhook,
    load_secrets,
    new_secret,
    put_kit_hook,
    put_kit_webhook,
    put_secret,
)
from ccops.crm.base import (
    TAG_ADD,
    TAG_ADDED,
    Hook,
    Missing,
    OutcomeUnknown,
    Rejected,
    SignedEndpoint,
    WebhookEndpoint,
    Webhooks,
)
from ccops.errors import Misconfigured, ServiceUnreachable
from ccops.locks import Locks
from ccops.operations.model import Operation, Tag
from ccops.secret import Secret

HookKind = Literal["signed", "legacy"]
HookState = Literal["ok", "missing", "broken", "left-over", "elsewhere", "foreign"]
"""`broken`: nothing that we could accept is sent. `elsewhere`: ours, but sent to another address than it should.
`foreign`: another home's, or of one that is lost."""

NAME: Final = "ccops"
"""What our signed webhooks are called at Kit."""
LAG: Final = timedelta(minutes=5)
"""By which the CRM's lists may be late; Kit names 30 s as a rule, and 5 minutes at worst."""
_OURS: Final = re.compile(r"(https?://[^\s?#]+)/kit/([a-z0-9][a-z0-9_-]{0,63})/([A-Za-z0-9_-]{16,200})")


@dataclass(frozen=True, slots=True)
class HookTarget:
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


def place_of(hook: Hook) -> HookTarget | None:
    """Return where an unsigned webhook sends; None if it can't be one of ccops."""
    found = _OURS.fullmatch(hook.url.reveal()) if hook.event == TAG_ADD else None
    return HookTarget(found[1], found[2], Secret(found[3])) if found else None


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

    def opens(self, place: HookTarget) -> bool:
        """Tell whether the secret of a URL is its operation's."""
        return any(secret.equals(place.secret.reveal()) for secret in self.secrets.accepted(place.operation))

    def is_known(self, row: "HookStatus") -> bool:
        """Tell whether an unsigned webhook is the one that was made last for its operation."""
        known = self.secrets.kit_hooks.get(row.operation or "")
        return known is not None and known.id == row.id

    def is_here(self, base: str) -> bool:
        """Tell whether something sends to where it should."""
        return self.base is None or base == self.base


@dataclass(frozen=True, slots=True)
class HookStatus:
    """A webhook that is there, or that should be."""

    kind: HookKind
    state: HookState
    operation: str | None
    """None: it is for all of them."""
    id: int | None = None
    url: str | None = None
    """Without secrets."""
    why: str = ""
    """What is wrong with it."""
    mend: str = ""
    """The command that mends it."""


def compare_hooks(webhooks: Webhooks, wanted: Wanted, now: datetime) -> list[HookStatus]:
    """Compare all webhooks of the account, three requests at most, with what is wanted."""
    hooks, endpoints, own = webhooks.hooks(), webhooks.endpoints(), wanted.secrets.kit_webhook_id
    if endpoints is not None and own is not None:  # by id it is read as it is now; lists lag
        mine = webhooks.endpoint(own)
        endpoints = [*([mine] if mine else []), *(endpoint for endpoint in endpoints if endpoint.id != own)]
    return compare(wanted, hooks, endpoints, now)


def compare(
    wanted: Wanted, hooks: Iterable[Hook], endpoints: Iterable[WebhookEndpoint] | None, now: datetime
) -> list[HookStatus]:
    """Judge all webhooks that are ours, and name the operations that lack one.

    `endpoints` is None if the account has no signed ones. What other programs have is passed over.
    """
    signed = list(_signed(wanted, endpoints or []))
    legacy = list(_legacy(wanted, hooks))
    legacy += _unlisted(wanted, {row.id for row in legacy}, now)
    kind: HookKind = "legacy" if endpoints is None else "signed"
    served = any(row.id == wanted.secrets.kit_webhook_id for row in signed)
    by_name = {row.operation for row in legacy if row.state in {"ok", "elsewhere"}}
    lacking = [
        HookStatus(
            kind, "missing", name, why="Kit tells nobody when its tag is added", mend=f"ccops webhook create {name}"
        )
        for name, operation in wanted.operations.items()
        if operation.tag is not None and not served and name not in by_name
    ]
    return [*signed, *legacy, *lacking]


def _unlisted(wanted: Wanted, listed: Collection[int | None], now: datetime) -> Iterator[HookStatus]:
    """Take a webhook that was made a moment ago for there, though the list does not show it yet."""
    for name, known in wanted.secrets.kit_hooks.items():
        operation = wanted.operations.get(name)
        fresh = now - known.made < LAG and known.id not in listed
        if fresh and operation is not None and operation.tag is not None and wanted.is_here(known.base):
            shown = HookTarget(known.base, name, Secret("")).shown
            yield HookStatus(
                "legacy", "ok", name, known.id, shown, "made a moment ago; Kit's list does not show it yet"
            )


def _signed(wanted: Wanted, endpoints: Iterable[WebhookEndpoint]) -> Iterator[HookStatus]:
    for endpoint in endpoints:
        if endpoint.id == wanted.secrets.kit_webhook_id:
            yield _own(wanted, endpoint)
        elif wanted.base and endpoint.url == signed_url(wanted.base):
            why = "its secret is not known here, so that nothing it sends is accepted"
            yield _row(endpoint, "left-over", why, _REMOVE)
        elif endpoint.name == NAME and endpoint.url.endswith("/kit"):
            yield _row(endpoint, "foreign", _FOREIGN, _remove_at(endpoint.url.removesuffix("/kit")))


def _own(wanted: Wanted, endpoint: WebhookEndpoint) -> HookStatus:
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


def _row(endpoint: WebhookEndpoint, state: HookState, why: str = "", mend: str = "") -> HookStatus:
    return HookStatus("signed", state, None, endpoint.id, endpoint.url, why, mend)


_REMOVE: Final = "ccops webhook remove --all-left-over"
_FOREIGN: Final = "of another home of ccops; if of none that is in use, it can be removed"


def _remove_at(base: str) -> str:
    return f"{_REMOVE} --url {shlex.quote(base)}"


def _legacy(wanted: Wanted, hooks: Iterable[Hook]) -> Iterator[HookStatus]:
    """Judge the unsigned ones; of several that would do, the one that was made last is meant, or the first."""
    rows = [_judged(wanted, hook, place) for hook in hooks if (place := place_of(hook))]
    meant: dict[str | None, HookStatus] = {}
    for row in rows:
        if row.state == "ok" and (row.operation not in meant or wanted.is_known(row)):
            meant[row.operation] = row
    for row in rows:
        if row.state == "ok" and row is not meant[row.operation]:
            yield replace(row, state="left-over", why="there is another one like it", mend=_REMOVE)
        else:
            yield row


def _judged(wanted: Wanted, hook: Hook, place: HookTarget) -> HookStatus:
    row = HookStatus("legacy", "left-over", place.operation, hook.id, place.shown, mend=_REMOVE)
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


# ---- what all work on webhooks needs, and how it can go wrong


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
class WebhookContext:
    """A home, and the webhooks of its account."""

    home: Home
    webhooks: Webhooks
    clock: Clock

    def hooks_of(self, operation: str, secrets: Secrets, base: str | None = None) -> dict[int, tuple[Hook, HookTarget]]:
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


# ---- one webhook made, never two: the CRM would make a second one like it without a word

HookT = TypeVar("HookT", Hook, WebhookEndpoint)
ListedHook = tuple[Hook, HookTarget]

LOOKS: Final = (0, 2, 8, 25)
"""Seconds before each look for what may have been made: Kit's lists lag writes by 30 s as a rule."""


def make_endpoint(context: WebhookContext, url: str) -> SignedEndpoint | None:
    """Make a signed webhook; None if the account has no such kind.

    One whose answer was lost, and its secret with it, is removed, and another one made. Raises WebhookUnconfirmed.
    """
    try:
        return context.webhooks.create_endpoint(url, NAME)
    except OutcomeUnknown as error:
        lost = _look(context, lambda: endpoints_at(context, url))
        if not lost:
            raise WebhookUnconfirmed(error.what, "ccops webhook create") from error
    for endpoint in lost:
        context.webhooks.delete_endpoint(endpoint.id)
    try:
        return context.webhooks.create_endpoint(url, NAME)
    except OutcomeUnknown as error:
        raise WebhookUnconfirmed(error.what, "ccops webhook create") from error


def endpoints_at(context: WebhookContext, url: str) -> list[WebhookEndpoint]:
    """Return the listed signed webhooks that send to a URL."""
    return [endpoint for endpoint in context.webhooks.endpoints() or [] if endpoint.url == url]


@dataclass(frozen=True, slots=True)
class LegacyHookExists:
    """An operation has the one unsigned webhook that it should have."""

    made: bool
    removed: int
    """How many others are gone."""


def hold_one_hook(
    context: WebhookContext, place: HookTarget, tag: Tag, secrets: Secrets, listed: Mapping[int, ListedHook]
) -> LegacyHookExists:
    """See that an operation has one unsigned webhook, for this place and tag; the others go, once it is there.

    Lists lag: one that is listed and not known here may be gone, and one that is known and not listed may be there.
    Both make room for another one. Raises WebhookUnconfirmed.
    """
    known = secrets.kit_hooks.get(place.operation)
    ids = {*listed, known.id} if known else set(listed)
    there = known is not None and known.id in listed and _sends(listed[known.id][0], place, tag)
    if known is None or not there:
        known = KitHook(_make_hook(context, place, tag, ids), place.base, context.clock.now())
        put_kit_hook(context.home, place.operation, known)
    others = sorted(ids - {known.id})
    for hook_id in others:
        context.webhooks.delete_hook(hook_id)
    return LegacyHookExists(not there, len(others))


def _make_hook(context: WebhookContext, place: HookTarget, tag: Tag, others: Collection[int]) -> int:
    """Make an unsigned webhook and return its id; one whose answer was lost is known by its URL."""
    try:
        return context.webhooks.create_hook(place.url, tag.id).id
    except OutcomeUnknown as error:
        found = _look(context, lambda: [each for each in context.webhooks.hooks() if _sends(each, place, tag)])
        new = [hook.id for hook in found if hook.id not in others]
        if not new:
            raise WebhookUnconfirmed(error.what, f"ccops webhook create {place.operation} --legacy") from error
        return new[0]


def _sends(hook: Hook, place: HookTarget, tag: Tag) -> bool:
    return place_of(hook) is not None and hook.tag_id == tag.id and hook.url.equals(place.url.reveal())


def _look(context: WebhookContext, look: Callable[[], list[HookT]]) -> list[HookT]:
    for seconds in LOOKS:
        context.clock.sleep(seconds)
        if found := look():
            return found
    return []


# ---- `webhook remove`: webhooks gone from the CRM


def remove_legacy(context: WebhookContext, operation: str, base: str | None) -> int:
    """Remove an operation's unsigned webhooks; return how many there were. Its secret stays: POSTs may need it."""
    with alone(context.home) as secrets:
        return drop_hooks(context, operation, secrets, context.hooks_of(operation, secrets, base))


def drop_hooks(context: WebhookContext, operation: str, secrets: Secrets, listed: Iterable[int]) -> int:
    """Remove the listed ones and the one that is known, listed or not; return how many."""
    known = secrets.kit_hooks.get(operation)
    ids = {*listed, known.id} if known else set(listed)
    for hook_id in sorted(ids):
        context.webhooks.delete_hook(hook_id)
    forget_kit_hook(context.home, operation)
    return len(ids)


def remove_signed(context: WebhookContext) -> bool:
    """Remove the signed webhook of all operations; False if there is none."""
    with alone(context.home) as secrets:
        if secrets.kit_webhook_id is None:
            return False
        context.webhooks.delete_endpoint(secrets.kit_webhook_id)
        return forget_kit_webhook(context.home)


def survey(context: WebhookContext, operations: Mapping[str, Operation], base: str | None) -> list[HookStatus]:
    """Compare all webhooks at the CRM with what this home wants."""
    with alone(context.home) as secrets:
        return compare_hooks(context.webhooks, Wanted(operations, secrets, base), context.clock.now())


def remove_rows(context: WebhookContext, rows: Iterable[HookStatus]) -> int:
    """Remove these webhooks; return how many."""
    with alone(context.home) as secrets:
        own = {known.id: name for name, known in secrets.kit_hooks.items()}
        ids = [(row.kind, row.id) for row in rows if row.id is not None]
        for kind, row_id in ids:
            if kind == "signed":
                context.webhooks.delete_endpoint(row_id)
                continue
            context.webhooks.delete_hook(row_id)
            if row_id in own:
                forget_kit_hook(context.home, own[row_id])
    return len(ids)


# ---- `webhook rotate`: new secrets, such that whatever was sent with an old one before is still accepted


@dataclass(frozen=True, slots=True)
class RotatedSigned:
    """The signed webhook has a new secret."""

    until: datetime | None
    """Until when the old one is accepted too; None: no longer."""


def rotate_operation(context: WebhookContext, operation: str, tag: Tag | None) -> bool:
    """Give an operation's URLs a new secret; its unsigned webhook is made anew before the old one goes.

    Both secrets are accepted from the first step to the last; broken off between, the same goes on with the same new
    one. Return whether there was a webhook. Raises WebhookUnconfirmed.
    """
    with alone(context.home) as secrets:
        listed, known = context.hooks_of(operation, secrets), secrets.kit_hooks.get(operation)
        new, old = _pair(secrets, operation)
        put_secret(context.home, operation, new, older=old)
        bases = [known.base] if known else [place.base for _, place in listed.values()]
        if bases and tag:
            hold_one_hook(context, HookTarget(bases[0], operation, new), tag, secrets, listed)
        elif bases:
            drop_hooks(context, operation, secrets, listed)
        put_secret(context.home, operation, new)
    return bool(bases and tag)


def _pair(secrets: Secrets, operation: str) -> tuple[Secret, Secret | None]:
    """Return the new secret and the old one; those of a rotation that was broken off are taken up again."""
    accepted = secrets.accepted(operation)
    if len(accepted) > 1:
        return accepted[0], accepted[1]
    return new_secret(), next(iter(accepted), None)


def rotate_signed(context: WebhookContext, *, at_once: bool) -> RotatedSigned | None:
    """Give the signed webhook a new secret; the old one is accepted for as long as the CRM signs with it too.

    None if there is no signed webhook. With `at_once` the old one ends now. Raises RotationUnconfirmed, EndpointGone.
    """
    with alone(context.home) as secrets:
        endpoint_id, url = secrets.kit_webhook_id, secrets.kit_webhook_url
        if endpoint_id is None or url is None:
            return None
        made = new_signing_secret(context, endpoint_id, url, secrets)
        if at_once:
            context.webhooks.revoke_previous_secret(endpoint_id)
            put_kit_webhook(context.home, endpoint_id, url, [made.secret])
        return RotatedSigned(None if at_once else made.endpoint.previous_until)


def new_signing_secret(context: WebhookContext, endpoint_id: int, url: str, secrets: Secrets) -> SignedEndpoint:
    """Make a new signing secret and keep it beside the one before. Raises RotationUnconfirmed and EndpointGone."""
    try:
        made = _rotated(context, endpoint_id)
    except OutcomeUnknown as error:
        raise RotationUnconfirmed(error.what) from error
    except Missing:
        raise EndpointGone(endpoint_id) from None
    put_kit_webhook(context.home, endpoint_id, url, [made.secret, *secrets.kit[:1]], made.endpoint.previous_until)
    return made


def _rotated(context: WebhookContext, endpoint_id: int) -> SignedEndpoint:
    try:
        return context.webhooks.rotate_secret(endpoint_id)
    except Rejected as refusal:
        if refusal.status != HTTPStatus.CONFLICT:
            raise
    return context.webhooks.rotate_secret(
        endpoint_id, force=True
    )  # the one before the last ends early; nothing needs it


# ---- `webhook create`: what is there is found and set right, what is left over goes, what is missing is made

How = Literal["made", "changed", "there"]


@dataclass(frozen=True, slots=True)
class WebhookMade:
    """A webhook that is there now."""

    kind: HookKind
    operation: str | None
    """None: it is for all operations with a trigger tag."""
    how: How
    removed: int = 0
    """How many are gone that were left over, or that it takes the place of."""


def create_signed(context: WebhookContext, base: str) -> WebhookMade | None:
    """Let the CRM send signed events of all tags; None if the account has no such webhooks.

    One that is there but unknown here was left by a crash before its secret was stored: nobody can know that any more.
    Raises WebhookUnconfirmed and RotationUnconfirmed.
    """
    url = signed_url(base)
    with alone(context.home) as secrets:
        endpoints = context.webhooks.endpoints()
        if endpoints is None:
            return None
        unknown = [each.id for each in endpoints if each.url == url and each.id != secrets.kit_webhook_id]
        for endpoint_id in unknown:
            context.webhooks.delete_endpoint(endpoint_id)
        how = _set_right(context, secrets, url) or _make(context, url)
        return how and WebhookMade("signed", None, how, len(unknown))


def _make(context: WebhookContext, url: str) -> How | None:
    made = make_endpoint(context, url)
    if made is None:
        return None
    put_kit_webhook(context.home, made.endpoint.id, url, [made.secret])
    return "made"


def _set_right(context: WebhookContext, secrets: Secrets, url: str) -> How | None:
    """Let the known endpoint send what it should to where it should, with a known secret; None if there is none."""
    endpoint = context.webhooks.endpoint(secrets.kit_webhook_id) if secrets.kit_webhook_id else None
    if endpoint is None:
        return None
    wrong = endpoint.url != url or not endpoint.active or TAG_ADDED not in endpoint.events
    if wrong:
        try:
            context.webhooks.change_endpoint(endpoint.id, url)
        except Missing:  # removed in this very moment
            return None
    if secrets.kit_webhook_url != url:
        put_kit_webhook(context.home, endpoint.id, url, secrets.kit, secrets.kit_until)
    if lost := endpoint.previous_until not in {None, secrets.kit_until}:
        new_signing_secret(context, endpoint.id, url, secrets)
    return "changed" if wrong or lost else "there"


def create_legacy(context: WebhookContext, operation: str, tag: Tag, base: str) -> WebhookMade:
    """Let the CRM tell of an operation's tag, unsigned; all others of the operation that are this home's go.

    The operation's secret is stored before the CRM gets to know it. Raises WebhookUnconfirmed.
    """
    with alone(context.home) as secrets:
        listed = context.hooks_of(operation, secrets, base)
        secret = ensure_secret(context.home, operation, secrets)
        outcome = hold_one_hook(context, HookTarget(base, operation, secret), tag, secrets, listed)
        if len(secrets.accepted(operation)) > 1:  # a rotation that was broken off has come to its end with this
            put_secret(context.home, operation, secret)
    how: How = "changed" if outcome.removed else "made" if outcome.made else "there"
    return WebhookMade("legacy", operation, how, outcome.removed)

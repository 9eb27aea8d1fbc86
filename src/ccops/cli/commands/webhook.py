"""`ccops webhook …`: the command lines, each handed on to one function."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccops.cli.command_line import command, new_app
from ccops.cli.context import session_of
from ccops.cli.options import JsonOption, YesOption, complete_operation
from ccops.cli.output import Styled, StyledPart, TableColumn
from ccops.errors import Misconfigured
from ccops.text import tidy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccops.app.webhooks import HookState, HookStatus, WebhookContext, WebhookMade
    from ccops.cli.context import Session
    from ccops.cli.output import Style
    from ccops.operations.model import Tag

app = new_app(
    "Let Kit and other systems reach ccops serve.",
    """
    ccops webhook create --url https://hooks.example.org
    ccops webhook list
    ccops webhook show payment-credit
    ccops webhook rotate payment-credit
    """,
)

OperationArgument = Annotated[
    str, typer.Argument(metavar="OPERATION", autocompletion=complete_operation, parser=tidy, show_default=False)
]
OneOrAll = Annotated[
    str | None,
    typer.Argument(
        metavar="OPERATION", autocompletion=complete_operation, parser=tidy, help="Only this one; else all."
    ),
]
Url = Annotated[
    str | None,
    typer.Option("--url", metavar="BASE", help="Where the world reaches ccops serve, instead of public_url."),
]
Legacy = Annotated[bool, typer.Option("--legacy", help="Kit's older webhooks, which are not signed: one an operation.")]
AtOnce = Annotated[bool, typer.Option("--at-once", help="The old secret has leaked: accept it no longer.")]
AllLeftOver = Annotated[bool, typer.Option("--all-left-over", help="Those that nothing here needs any more.")]


@command(
    app,
    "create",
    """
    ccops webhook create --url https://hooks.example.org
    ccops webhook create payment-credit
    ccops webhook create payment-credit --legacy
    """,
)
def create(ctx: typer.Context, operation: OneOrAll = None, url: Url = None, legacy: Legacy = False) -> None:
    """Let Kit tell ccops serve when a trigger tag is added.

    Kit's signed webhooks are taken if the account has them: one serves all operations. The same again is safe.
    """
    create_webhooks(session_of(ctx), operation, url, legacy=legacy)


@command(
    app,
    "list",
    """
    ccops webhook list
    ccops webhook list --json
    """,
    looks=True,
)
def list_(ctx: typer.Context, url: Url = None, json: JsonOption = False) -> None:
    """Compare Kit's webhooks with your operations."""
    list_webhooks(session_of(ctx), url, json=json)


@command(
    app,
    "show",
    """
    ccops webhook show payment-credit
    ccops webhook show payment-credit --json
    """,
)
def show(ctx: typer.Context, operation: OperationArgument, url: Url = None, json: JsonOption = False) -> None:
    """Show the address and the secret to paste into another system.

    Whoever has them can start the operation. The secret is made if there is none yet.
    """
    show_webhook(session_of(ctx), operation, url, json=json)


@command(
    app,
    "rotate",
    """
    ccops webhook rotate payment-credit
    ccops webhook rotate payment-credit --at-once
    """,
)
def rotate(ctx: typer.Context, operation: OperationArgument, at_once: AtOnce = False) -> None:
    """Give an operation new secrets.

    Kit gets to know the new address before the old one ends. If Kit signs its webhooks, it gets a new secret for that
    too, for all operations; for a day it signs with both, unless the old one is to end at once.
    """
    rotate_secrets(session_of(ctx), operation, at_once=at_once)


@command(
    app,
    "remove",
    """
    ccops webhook remove payment-credit
    ccops webhook remove --all-left-over
    ccops webhook remove --yes
    """,
)
def remove(
    ctx: typer.Context,
    operation: OneOrAll = None,
    all_left_over: AllLeftOver = False,
    url: Url = None,
    yes: YesOption = False,
) -> None:
    """Remove webhooks from Kit.

    Addresses that other systems post to stay as they are.
    """
    remove_webhooks(session_of(ctx), operation, url, all_left_over=all_left_over, yes=yes)


# ---- where the world reaches `serve`, and with what webhooks are worked on


class NoAddress(Misconfigured):
    """Where the world reaches `serve` was neither set nor given."""

    def __init__(self, command: str) -> None:
        self.mend = f"ccops {command} --url https://hooks.example.org"
        super().__init__(
            "it is not known where the world reaches ccops serve. Nothing was changed. Name it, here or as public_url "
            "in config.toml:"
        )


class NoTriggerTag(Misconfigured):
    """An operation has no tag that Kit could tell of."""

    def __init__(self, operation: str) -> None:
        self.mend = f"ccops tag create {operation}"
        super().__init__(f"{operation} has no trigger tag, so Kit has nothing to tell of. Nothing was changed. First:")


class NoTriggerTags(Misconfigured):
    """No operation has a tag that Kit could tell of."""

    mend = "ccops tag create OPERATION"

    def __init__(self) -> None:
        super().__init__("no operation has a trigger tag, so Kit has nothing to tell of. Nothing was changed. First:")


class TooMuchNamed(Misconfigured):
    """An operation was named beside the option for those that are nobody's."""

    mend = "ccops webhook remove --all-left-over"

    def __init__(self) -> None:
        super().__init__("--all-left-over is for those of no operation in use; give it alone. Nothing was changed:")


def bench_of(session: "Session") -> "WebhookContext":
    """Return what webhooks are worked on with; the account has to be the ledger's."""
    from ccops.app.webhooks import WebhookContext

    return WebhookContext(session.home, session.crm.webhooks, session.clock)


def known_base(session: "Session", url: str | None) -> str | None:
    """Return where the world reaches `serve`, if that is known. Raises PlainHttp and AddressMalformed."""
    from ccops.config.settings import address_of

    return address_of(url, "--url") if url is not None else session.settings.public_url


def demand_base(session: "Session", url: str | None, command: str) -> str:
    """Return where the world reaches `serve`. Raises NoAddress, PlainHttp and AddressMalformed."""
    base = known_base(session, url)
    if base is None:
        raise NoAddress(command)
    return base


# ---- `webhook create`: Kit tells `serve` when a trigger tag is added

_SAID = {"made": "now tells", "changed": "again tells", "there": "already tells"}


def create_webhooks(session: "Session", name: str | None, url: str | None, *, legacy: bool) -> None:
    """Make what is missing: the signed webhook of all operations, or else one for each."""
    tags = _tags(session, name)
    base = demand_base(session, url, "webhook create" if name is None else f"webhook create {name}")
    if not (legacy or _signed(session, base)):
        session.console.advise("Kit has no signed webhooks for this account; the older kind is used, one an operation.")
        legacy = True
    for operation, tag in tags.items() if legacy else ():
        _legacy(session, operation, tag, base)
    _keep_base(session, base)
    session.console.note("Next: keep ccops serve running, where that address leads to.")


def _tags(session: "Session", name: str | None) -> "dict[str, Tag]":
    """Return the trigger tags by operation: of one, or of all that have any. Raises NoTriggerTag and NoTriggerTags."""
    if name is not None:
        tag = session.operation(name).tag
        if tag is None:
            raise NoTriggerTag(name)
        return {name: tag}
    tags = {each.name: each.tag for each in session.registry.operations.values() if each.tag}
    if not tags:
        raise NoTriggerTags
    return tags


def _signed(session: "Session", base: str) -> bool:
    from ccops.app.webhooks import create_signed, signed_url

    made = create_signed(bench_of(session), base)
    if made is None:
        return False
    session.console.say(f"Kit {_SAID[made.how]} ccops of all trigger tags, signed: {signed_url(base)}")
    _say_removed(session, made)
    return True


def _legacy(session: "Session", operation: str, tag: "Tag", base: str) -> None:
    from ccops.app.webhooks import create_legacy

    made = create_legacy(bench_of(session), operation, tag, base)
    session.console.say(f'Kit {_SAID[made.how]} ccops of the tag "{tag.name}": {base}/kit/{operation}/…')
    _say_removed(session, made)


def _say_removed(session: "Session", made: "WebhookMade") -> None:
    if made.removed:
        webhooks = "1 webhook that was" if made.removed == 1 else f"{made.removed} webhooks that were"
        session.console.note(f"Removed {webhooks} left over from before.")


def _keep_base(session: "Session", base: str) -> None:
    """Remember the address if none is set, since whatever looks at the webhooks later compares with it."""
    from ccops.config.settings import store_public_url

    known = session.settings.public_url
    if known is None:
        store_public_url(session.home, base)
        session.console.note(f'Remembered public_url = "{base}" in config.toml.')
    elif known != base:
        session.console.warn(f"public_url in config.toml is {known}; ccops doctor expects Kit to send there")


# ---- `webhook list`: Kit's webhooks beside what the operations need

_COLUMNS: Final = (
    TableColumn("OPERATION"),
    TableColumn("KIND"),
    TableColumn("STATE"),
    TableColumn("SENDS TO", wraps=True),
)
_STYLES: "Final[Mapping[HookState, Style]]" = {"ok": "good", "foreign": "doubt"}
_WORDS: "Final[Mapping[HookState, str]]" = {
    "ok": "ok",
    "missing": "missing",
    "broken": "broken",
    "left-over": "left over",
    "elsewhere": "points elsewhere",
    "foreign": "of another home",
}


def list_webhooks(session: "Session", url: str | None, *, json: bool) -> None:
    """Print a line for each webhook that is there or should be, and what mends those that are not right."""
    from ccops.app.webhooks import survey

    console = session.console
    rows = survey(bench_of(session), session.registry.operations, known_base(session, url))
    if json:
        for row in rows:
            console.json_line(row_object(row))
        return
    if not rows:
        console.note("Kit has no webhooks of ccops, and no operation has a trigger tag.")
    console.table(_COLUMNS, [_cells(row) for row in rows])
    for row in rows:
        if row.why:
            console.advise(f"{row.operation or 'All operations'}: {row.why}.")
    for fix in dict.fromkeys(row.mend for row in rows if row.mend):
        console.note(f"  {fix}")


def row_object(row: "HookStatus") -> "Mapping[str, object]":
    """Return the object that `--json` prints for a webhook."""
    return {
        "operation": row.operation,
        "kind": row.kind,
        "state": row.state,
        "id": row.id,
        "url": row.url,
        "reason": row.why or None,
        "mend": row.mend or None,
    }


def _cells(row: "HookStatus") -> "tuple[StyledPart, ...]":
    state = Styled(_WORDS[row.state], _STYLES.get(row.state, "bad"))
    return row.operation or "(all)", row.kind, state, row.url or "-"


# ---- `webhook show`: what to paste elsewhere. The only command that prints a secret


def show_webhook(session: "Session", name: str, url: str | None, *, json: bool) -> None:
    """Print the addresses of an operation with its secret, which is made if there is none."""
    operation, console = session.operation(name), session.console
    facts = _facts(session, name, demand_base(session, url, f"webhook show {name}"))
    if json:
        console.json_line(facts)
        return
    console.say(f"POST to       {facts['post_url']}")
    console.say(f"with header   Authorization: Bearer {facts['secret']}")
    console.say(f"or in one     {facts['post_url']}?key={facts['secret']}")
    if operation.tag is not None:
        console.say(f"Kit sends to  {facts['kit_url']}")
        console.advise("Unless Kit signs its webhooks, this gives that address to Kit:")
        console.note(f"  ccops webhook create {name}")
    console.advise(f"Whoever has the secret can start {name}. To make a new one:")
    console.note(f"  ccops webhook rotate {name}")


def _facts(session: "Session", name: str, base: str) -> "Mapping[str, str]":
    from ccops.app.webhooks import HookTarget, alone, ensure_secret, post_url

    with alone(session.home) as secrets:
        secret = ensure_secret(session.home, name, secrets)
    return {
        "operation": name,
        "kit_url": HookTarget(base, name, secret).url.reveal(),
        "post_url": post_url(base, name),
        "secret": secret.reveal(),
    }


# ---- `webhook rotate`: new secrets for an operation's addresses, and for Kit's signatures


def rotate_secrets(session: "Session", name: str, *, at_once: bool) -> None:
    """Make new secrets, and say until when the old ones are accepted."""
    from ccops.app.webhooks import rotate_operation

    operation, context, console = session.operation(name), bench_of(session), session.console
    had_webhook = rotate_operation(context, name, operation.tag)
    console.say(f"{name} has a new secret; the old one is not accepted any more.")
    if had_webhook:
        console.say("Kit has the new address.")
    console.advise(f"Other systems that post to it need the new one: ccops webhook show {name}")
    if operation.tag is not None:
        _rotate_signed(session, at_once=at_once)


def _rotate_signed(session: "Session", *, at_once: bool) -> None:
    from ccops.app.webhooks import rotate_signed
    from ccops.operations.dates import local

    rotated = rotate_signed(bench_of(session), at_once=at_once)
    if rotated is None:
        return
    zone = session.registry.timezone
    if rotated.until is None:
        session.console.say("Kit signs with a new secret; the old one is not accepted any more.")
    else:
        until = f"{local(rotated.until, zone):%Y-%m-%d %H:%M} ({zone})"
        session.console.tell(f"Kit signs with a new secret; the old one is accepted too until {until}.")


# ---- `webhook remove`: webhooks gone from Kit


def remove_webhooks(session: "Session", name: str | None, url: str | None, *, all_left_over: bool, yes: bool) -> None:
    """Remove those of one operation, those that are left over, or all of this home."""
    if name is not None and all_left_over:
        raise TooMuchNamed
    base = known_base(session, url)
    if name is not None:
        _remove_of(session, name, base)
    elif all_left_over:
        _remove_left_over(session, base, yes=yes)
    else:
        _remove_all(session, base, yes=yes)


def _remove_of(session: "Session", name: str, base: str | None) -> None:
    """Remove an operation's own webhooks; the signed one too if no other operation needs it."""
    from ccops.app.webhooks import remove_legacy, remove_signed

    session.operation(name)
    context, console = bench_of(session), session.console
    removed = remove_legacy(context, name, base)
    others = [each.name for each in session.registry.operations.values() if each.tag and each.name != name]
    if not others and remove_signed(context):
        removed += 1
    console.say(f"Removed {_count(removed)} of {name} from Kit." if removed else f"Kit has no webhook of {name} alone.")
    if others and _is_signed(session):
        console.advise("Kit's signed webhook stays: it is for all operations. To let this one wait:")
        console.note(f"  ccops op pause {name}")


def _is_signed(session: "Session") -> bool:
    from ccops.config.webhook_secrets import load_secrets

    return load_secrets(session.home).kit_webhook_id is not None


def _remove_left_over(session: "Session", base: str | None, *, yes: bool) -> None:
    from ccops.app.webhooks import remove_rows, survey

    context = bench_of(session)
    rows = [row for row in survey(context, session.registry.operations, base) if row.state == "left-over"]
    if not rows:
        session.console.say("No webhook is left over.")
    elif _confirmed(session, rows, yes=yes):
        session.console.say(f"Removed {_count(remove_rows(context, rows))} from Kit.")


def _remove_all(session: "Session", base: str | None, *, yes: bool) -> None:
    from ccops.app.webhooks import remove_legacy, remove_signed, survey
    from ccops.config.webhook_secrets import load_secrets

    context, operations = bench_of(session), session.registry.operations
    rows = [row for row in survey(context, operations, base) if row.id is not None and row.state != "foreign"]
    if not rows:
        session.console.say("Kit has no webhooks of this home.")
    elif _confirmed(session, rows, yes=yes):
        names = {*operations, *load_secrets(session.home).kit_hooks, *(row.operation for row in rows if row.operation)}
        removed = sum(remove_legacy(context, name, base) for name in sorted(names)) + remove_signed(context)
        session.console.say(f"Removed {_count(removed)} from Kit.")


def _confirmed(session: "Session", rows: "list[HookStatus]", *, yes: bool) -> bool:
    if yes:
        return True
    for row in rows:
        session.console.note(f"  {row.operation or '(all)'}  {row.kind}  {row.url}")
    if session.questions.confirm(f"Remove {_count(len(rows))} from Kit?"):
        return True
    session.console.note("Nothing was changed.")
    return False


def _count(webhooks: int) -> str:
    return "1 webhook" if webhooks == 1 else f"{webhooks} webhooks"

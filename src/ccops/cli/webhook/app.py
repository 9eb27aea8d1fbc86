"""`ccops webhook …`: the command lines, each handed on to one function."""

from typing import Annotated

import typer

from ccops.cli.making import command, new_app
from ccops.cli.options import Json, Yes, complete_operation
from ccops.cli.session import session_of
from ccops.text import tidy

app = new_app(
    "Let Kit and other systems reach ccops serve.",
    """
    ccops webhook create --url https://hooks.example.org
    ccops webhook list
    ccops webhook show payment-credit
    ccops webhook rotate payment-credit
    """,
)

Operation = Annotated[
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
    from ccops.cli.webhook.creating import create_webhooks

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
def list_(ctx: typer.Context, url: Url = None, json: Json = False) -> None:
    """Compare Kit's webhooks with your operations."""
    from ccops.cli.webhook.listing import list_webhooks

    list_webhooks(session_of(ctx), url, json=json)


@command(
    app,
    "show",
    """
    ccops webhook show payment-credit
    ccops webhook show payment-credit --json
    """,
)
def show(ctx: typer.Context, operation: Operation, url: Url = None, json: Json = False) -> None:
    """Show the address and the secret to paste into another system.

    Whoever has them can start the operation. The secret is made if there is none yet.
    """
    from ccops.cli.webhook.showing import show_webhook

    show_webhook(session_of(ctx), operation, url, json=json)


@command(
    app,
    "rotate",
    """
    ccops webhook rotate payment-credit
    ccops webhook rotate payment-credit --at-once
    """,
)
def rotate(ctx: typer.Context, operation: Operation, at_once: AtOnce = False) -> None:
    """Give an operation new secrets.

    Kit gets to know the new address before the old one ends. If Kit signs its webhooks, it gets a new secret for that
    too, for all operations; for a day it signs with both, unless the old one is to end at once.
    """
    from ccops.cli.webhook.rotating import rotate_secrets

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
    yes: Yes = False,
) -> None:
    """Remove webhooks from Kit.

    Addresses that other systems post to stay as they are.
    """
    from ccops.cli.webhook.removing import remove_webhooks

    remove_webhooks(session_of(ctx), operation, url, all_left_over=all_left_over, yes=yes)

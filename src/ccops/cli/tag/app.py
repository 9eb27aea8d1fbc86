"""`ccops tag …`: the command lines, each handed on to one function."""

from typing import Annotated

import typer

from ccops.cli.job import Writing
from ccops.cli.making import command, new_app
from ccops.cli.options import complete_operation
from ccops.cli.session import session_of
from ccops.text import tidy

app = new_app(
    "Make, bind and unbind trigger tags.",
    """
    ccops tag create payment-credit
    ccops tag bind payment-credit "Paid this month"
    ccops tag unbind payment-credit
    """,
)

Operation = Annotated[
    str, typer.Argument(metavar="OPERATION", autocompletion=complete_operation, parser=tidy, show_default=False)
]
TagName = Annotated[
    str | None, typer.Option("--name", metavar="TAG", help='What it is called in Kit, instead of "ccops: OPERATION".')
]
KnownTag = Annotated[str, typer.Argument(metavar="TAG", help="Its name in Kit, or its id.", show_default=False)]
Contacts = Annotated[
    list[str], typer.Argument(metavar="CONTACT", help="E-mail addresses, or Kit's ids.", show_default=False)
]
RunCarriers = Annotated[
    bool, typer.Option("--run-carriers", help="Run the operation for the contacts that carry the tag already.")
]


@command(
    app,
    "create",
    """
    ccops tag create payment-credit
    ccops tag create payment-credit --name "Paid this month"
    """,
)
def create(ctx: typer.Context, operation: Operation, name: TagName = None) -> None:
    """Make the tag that starts an operation, in Kit and in the registry.

    Whoever gets this tag, from an automation or by hand, gets the operation. Use it for nothing else.
    """
    from ccops.cli.tag.creating import create_tag

    create_tag(session_of(ctx), operation, name)


@command(
    app,
    "bind",
    """
    ccops tag bind payment-credit "Paid this month"
    ccops tag bind payment-credit 1042
    ccops tag bind payment-credit "Paid this month" --run-carriers --dry-run
    """,
)
def bind(
    ctx: typer.Context, operation: Operation, tag: KnownTag, how: Writing, run_carriers: RunCarriers = False
) -> int:
    """Let a tag that you made in Kit start an operation.

    No contact may carry it, since nobody could tell whether they got the operation already. With --run-carriers they
    get it now, each once. Kit may name somebody for some minutes after the tag was taken off.
    """
    from ccops.cli.tag.binding import bind_tag

    return bind_tag(session_of(ctx), operation, tag, how, run_carriers=run_carriers)


@command(app, "unbind", "ccops tag unbind payment-credit")
def unbind(ctx: typer.Context, operation: Operation) -> None:
    """Let an operation's tag start it no longer; the tag stays in Kit."""
    from ccops.cli.tag.unbinding import unbind_tag

    unbind_tag(session_of(ctx), operation)


@command(
    app,
    "add",
    """
    ccops tag add payment-credit ann@example.org
    ccops tag add payment-credit ann@example.org && ccops poll
    """,
)
def add(ctx: typer.Context, operation: Operation, contact: Contacts) -> int:
    """In a rehearsal, give contacts an operation's tag, as Kit would.

    Only in a home that ccops init --sandbox has made. For an account in Kit, your automations add the tag, or you, on
    the contact's page there.
    """
    from ccops.cli.tag.adding import add_tag

    return add_tag(session_of(ctx), operation, contact)

"""`ccops op …`: the command lines, each handed on to one function."""

from typing import Annotated

import typer

from ccops.cli.making import command, new_app
from ccops.cli.op.rules import InKit, Rules
from ccops.cli.options import Json, Yes, complete_operation
from ccops.cli.session import session_of
from ccops.text import tidy

app = new_app(
    "Make, look at and change operations.",
    """
    ccops op add payment-credit --field credits --increase 10 --tag
    ccops op list
    ccops op show payment-credit --value 95
    ccops op pause payment-credit
    """,
)

Name = Annotated[
    str, typer.Argument(metavar="OPERATION", autocompletion=complete_operation, parser=tidy, show_default=False)
]
NewName = Annotated[str | None, typer.Argument(metavar="OPERATION", help="Its name, such as payment-credit.")]
Values = Annotated[
    list[str] | None,
    typer.Option("--value", metavar="VALUE", help="Show what would become of it; of several fields: credits=95."),
]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", metavar="OPTION", help="Take this out, such as maximum; repeatable."),
]
WithTag = Annotated[bool, typer.Option("--with-tag", help="Unbind its tag and remove its webhook too.")]


@command(
    app,
    "add",
    """
    ccops op add
    ccops op add payment-credit --field credits --increase 10 --tag
    ccops op add monthly-grant --field credits --increase 10 \\
        --maximum 120 --beyond clamp --once-per month
    ccops op add unlock-replay --change "credits decrease 3" \\
        --change "replay_opened_on stamp" --tag-if-applied "access: replay"
    """,
)
def add(ctx: typer.Context, rules: Rules, in_kit: InKit, operation: NewName = None) -> None:
    """Make an operation.

    At a terminal and without options, ccops asks for everything, one question at a time.
    """
    from ccops.cli.op import adding

    adding.add(session_of(ctx), operation, rules, in_kit)


@command(
    app,
    "list",
    """
    ccops op list
    ccops op list --json
    """,
    looks=True,
)
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the operations with what each does."""
    from ccops.cli.op.looking import show_all

    session = session_of(ctx)
    show_all(session.console, list(session.registry.operations.values()), json=json)


@command(
    app,
    "show",
    """
    ccops op show payment-credit
    ccops op show payment-credit --value 95
    ccops op show unlock-replay --value credits=2
    """,
    looks=True,
)
def show(ctx: typer.Context, operation: Name, value: Values = None, json: Json = False) -> None:
    """Show an operation, and what it would do to a value."""
    from ccops.cli.op.looking import show_one

    show_one(session_of(ctx), operation, value or [], json=json)


@command(
    app,
    "edit",
    """
    ccops op edit payment-credit
    ccops op edit payment-credit --increase 20
    ccops op edit monthly-grant --without maximum
    """,
)
def edit(ctx: typer.Context, operation: Name, rules: Rules, in_kit: InKit, without: Without = None) -> None:
    """Change an operation: by options, or without any in your editor.

    What was begun before is ended as it was; the history stays.
    """
    from ccops.cli.op import editing

    editing.edit(session_of(ctx), operation, rules, in_kit, without or [])


@command(app, "pause", "ccops op pause payment-credit")
def pause(ctx: typer.Context, operation: Name) -> None:
    """Let an operation's tags and POSTs wait; nothing is lost."""
    from ccops.cli.op import switching

    switching.pause(session_of(ctx), operation)


@command(app, "resume", "ccops op resume payment-credit")
def resume(ctx: typer.Context, operation: Name) -> None:
    """Let a paused operation work again."""
    from ccops.cli.op import switching

    switching.resume(session_of(ctx), operation)


@command(
    app,
    "remove",
    """
    ccops op remove payment-credit
    ccops op remove payment-credit --with-tag --yes
    """,
)
def remove(ctx: typer.Context, operation: Name, with_tag: WithTag = False, yes: Yes = False) -> None:
    """Take an operation out of the registry; its history stays."""
    from ccops.cli.op import switching

    switching.remove(session_of(ctx), operation, with_tag=with_tag, yes=yes)

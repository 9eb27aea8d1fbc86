"""`ccops init`: a home from nothing, or what is missing in one."""

from dataclasses import dataclass
from typing import Annotated

import typer

from ccops.cli.making import command, new_app
from ccops.cli.options import Yes
from ccops.cli.session import session_of

app = new_app()


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of `init`."""

    yes: Yes = False
    save_key: Annotated[bool, typer.Option("--save-key", help="Store the key of KIT_API_KEY, so that cron has it.")] = (
        False
    )
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Make a home for rehearsals, without an account in Kit.")
    ] = False
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Go on where a ledger stopped that is lost for ever.")
    ] = False
    grants_done: Annotated[
        bool,
        typer.Option(
            "--grants-done",
            help="With --take-over: take this period's grants as done for all whom the lost ledger changed.",
        ),
    ] = False


@command(
    app,
    "init",
    """
    ccops init
    ccops init --sandbox --home rehearsal
    ccops init --yes --save-key
    ccops init --take-over
    ccops init --take-over --grants-done
    """,
)
def init(ctx: typer.Context, wishes: Wishes) -> int:
    """Set up the home: key, receipt field, settings, ledger.

    Asks for the API key of your Kit account, makes the field "ccops receipt" there, in which each change leaves its
    receipt, and the folder with settings, operations and ledger. Run again, it makes only what is missing.
    """
    from ccops.cli.setting_up import set_up

    return set_up(session_of(ctx), wishes)

"""`ccops adjust`: a one-off change of one field of one contact."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from ccops.cli.command_line import command, new_app
from ccops.cli.contacts import contact_of
from ccops.cli.context import session_of
from ccops.cli.job import Job, NamedContacts, WriteOptions
from ccops.cli.options import CreateField, Key, number
from ccops.cli.runner import do, is_meant
from ccops.cli.setup import field_to_change
from ccops.cli.value_checks import amount_text, check_key, demand_signs, tell_of_thousands
from ccops.errors import Misconfigured
from ccops.ledger.commands import AdjustCommand
from ccops.text import address_key

if TYPE_CHECKING:
    from ccops.cli.context import Session
    from ccops.engine.outcomes import Request
    from ccops.ledger.model import Origin
    from ccops.operations.derived import Adjustment

app = new_app()

ContactArgument = Annotated[
    str, typer.Argument(metavar="CONTACT", help="E-mail address, or Kit's id.", show_default=False)
]
FieldArgument = Annotated[str, typer.Argument(metavar="FIELD", help="The field, such as credits.", show_default=False)]
Add = Annotated[Decimal | None, typer.Option("--add", metavar="N", parser=number("--add"), help="Add so much.")]
Take = Annotated[Decimal | None, typer.Option("--take", metavar="N", parser=number("--take"), help="Take so much off.")]
Set = Annotated[Decimal | None, typer.Option("--set", metavar="N", parser=number("--set"), help="Set to this number.")]


class OneOfThree(Misconfigured):
    """An adjustment needs exactly one of its three options."""

    mend = 'ccops adjust ann@example.org credits --add 10 --reason "…"'

    def __init__(self) -> None:
        super().__init__("give one of --add, --take and --set. Nothing was sent.")


@command(
    app,
    "adjust",
    """
    ccops adjust ann@example.org credits --add 10 --reason "Sorry for the outage"
    ccops adjust ann@example.org credits --take 3
    ccops adjust ann@example.org credits --set 40 --dry-run
    """,
)
def adjust(
    ctx: typer.Context,
    contact: ContactArgument,
    field: FieldArgument,
    how: WriteOptions,
    add: Add = None,
    take: Take = None,
    set_: Set = None,
    key: Key = None,
    create_field: CreateField = False,
) -> int:
    """Change one field of one contact, once."""
    options: tuple[tuple[Adjustment, Decimal | None], ...] = (("add", add), ("take", take), ("set", set_))
    given = [(word, amount) for word, amount in options if amount is not None]
    if len(given) != 1:
        raise OneOfThree
    session = session_of(ctx)
    demand_signs(session.argv, {"--add": add, "--take": take})
    tell_of_thousands(session, {"--add": add, "--take": take, "--set": set_})
    return _adjust(session, contact, field, given[0], (key, create_field), how)


def _adjust(
    session: "Session",
    word: str,
    field: str,
    asked: "tuple[Adjustment, Decimal]",
    more: tuple[str | None, bool],
    how: WriteOptions,
) -> int:
    from ccops.config.operations_file import field_key
    from ccops.engine.outcomes import Request
    from ccops.operations.derived import adjust_operation
    from ccops.operations.occasion import for_adjust, for_key, for_run

    who, (key, create_field) = contact_of(word), more
    check_key(session, key)
    registry = session.registry
    target = field_to_change(session, field_key(registry.fields, field), create=create_field, dry_run=how.dry_run)
    operation = adjust_operation(target, *asked, registry.fields, registry.timezone)
    said = f"{asked[0]} {amount_text(asked[1])}"
    named = None if key is None else for_adjust(target, for_key(key))
    command = AdjustCommand(address_key(str(who)), target, asked[0], amount_text(asked[1]), named)
    if key is None and not is_meant(session, command, how):
        session.console.note("Nothing was sent.")
        return 0

    def requests(run_id: int, origin: "Origin") -> "list[Request]":
        occasion = named or for_adjust(target, for_run(run_id))
        return [Request(operation, who, occasion, run_id, origin, asked=said)]

    title = f"adjust {who} {target} {said}"
    job = Job(command, title, "adjust", requests, NamedContacts((str(who),)), registry.timezone, occasion=named)
    return do(session, job, how)

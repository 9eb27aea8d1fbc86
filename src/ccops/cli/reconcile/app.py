"""The command itself."""

from typing import TYPE_CHECKING, Annotated

import typer

from ccops.cli.exits import FINE, NEEDS_A_PERSON
from ccops.cli.job import Writing
from ccops.cli.making import command, new_app
from ccops.cli.reconcile.errors import OneWay, Unasked, Way
from ccops.cli.session import session_of

if TYPE_CHECKING:
    from ccops.cli.session import Session

app = new_app()

Field = Annotated[str, typer.Argument(metavar="FIELD", help="The field, such as credits.", show_default=False)]
Adopt = Annotated[bool, typer.Option("--adopt", help="Enter what was changed by hand; nothing is sent.")]
Restore = Annotated[bool, typer.Option("--restore", help="Write back what ccops wrote last.")]


@command(
    app,
    "reconcile",
    """
    ccops reconcile credits
    ccops reconcile credits --adopt --reason "corrections of the webinar"
    ccops reconcile credits --restore --dry-run
    """,
)
def reconcile(ctx: typer.Context, field: Field, how: Writing, adopt: Adopt = False, restore: Restore = False) -> int:
    """Compare a field in Kit with what ccops wrote last.

    Who was changed by hand since is listed, with by how much; then the exit status is 1. --adopt takes these changes
    into the history as they are, --restore takes them back; you are asked first.
    """
    if adopt and restore:
        raise OneWay(field)
    way: Way | None = "adopt" if adopt else "restore" if restore else None
    return reconcile_field(session_of(ctx), field, way, how)


def reconcile_field(session: "Session", name: str, way: Way | None, how: Writing) -> int:
    """Compare, show what differs, and let one of the two values hold if that is asked for."""
    from ccops.cli.reconcile.comparing import compare
    from ccops.cli.reconcile.showing import show, show_ways
    from ccops.cli.reconcile.writing import carry_out
    from ccops.registry.load import field_key

    if way and not (how.yes or how.dry_run or session.questions.possible):
        raise Unasked(name, way)
    session.only_shows = way is None
    session.looks_only = session.only_shows or how.dry_run
    field = field_key(session.registry.fields, name)
    found = compare(session, field, how)
    if way and session.stop.status is None:
        return carry_out(session, found, way, how)
    show(session, found, how)
    if session.stop.status is not None:
        return session.stop.status
    show_ways(session, found, how)
    return NEEDS_A_PERSON if found.differing else FINE

"""`ccops why`: the command line, and one sentence for each operation."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccops.cli import doors
from ccops.cli.contacts import contact_of
from ccops.cli.making import command, new_app
from ccops.cli.options import Json, complete_operation
from ccops.cli.session import NoSuchOperation, session_of
from ccops.operations.model import RESERVED_NAMES
from ccops.text import tidy

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.report.why.case import Person

app = new_app()

ONE_OFF: Final = tuple(sorted(RESERVED_NAMES - {"undo"}))
"""What stands in the ledger in place of an operation's name where somebody changed a field once."""

About = Annotated[str, typer.Argument(metavar="CONTACT", help="E-mail address, or Kit's id.")]
Name = Annotated[
    str | None,
    typer.Argument(
        metavar="OPERATION",
        autocompletion=complete_operation,
        parser=tidy,
        help="Only this one; else all that concern the contact.",
    ),
]


@command(
    app,
    "why",
    """
    ccops why cy@example.org monthly-grant
    ccops why cy@example.org
    ccops why 4300000001 payment-credit --json
    """,
    looks=True,
)
def why(ctx: typer.Context, contact: About, operation: Name = None, json: Json = False) -> None:
    """Say why an operation ran for a contact or did not.

    One sentence, and the command that mends it. Kit is asked for the contact and its tags, and nothing is changed.
    """
    session = session_of(ctx)
    who = contact_of(contact)
    names = _names(session, operation)
    from ccops.report.why.gathering import meet

    person = meet(session.ledger_to_read, doors.open_crm(session, patience=doors.HASTE), who)
    if not person.reached:
        session.console.warn("Kit can't be reached; this is what the ledger knows.")
    person = replace(person, operation=operation)
    _tell(session, person, names, every=operation is not None, json=json)


def _names(session: "Session", operation: str | None) -> list[str]:
    """Name the operations that are asked about; one that is no longer in the registry may still have a past."""
    known = session.registry.operations
    if operation is None:
        return [*known, *ONE_OFF]
    if operation not in known and operation not in ONE_OFF and not session.ledger_to_read.history.knows(operation):
        raise NoSuchOperation(operation, list(known), session.argv)
    return [operation]


def _tell(session: "Session", person: "Person", names: list[str], *, every: bool, json: bool) -> None:
    from ccops.cli.why.showing import show, show_nothing
    from ccops.report.why.gathering import cases, concerns, for_nobody
    from ccops.report.why.rules import answer

    found = cases(session.ledger_to_read, session.registry, person, names, session.clock.now())
    shown = False
    for case in for_nobody(found) if person.id is None else found:
        if every or concerns(case) or person.id is None:
            show(session, case, answer(case), alone=every, json=json)
            shown = True
    if not shown and not json:
        show_nothing(session, person)

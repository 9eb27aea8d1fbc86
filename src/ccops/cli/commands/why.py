"""`ccops why`: the command line, and one sentence for each operation."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccops.app.phrases import entry_name
from ccops.cli.command_line import command, new_app
from ccops.cli.contacts import contact_of
from ccops.cli.context import HASTE, NoSuchOperation, open_crm, session_of
from ccops.cli.options import JsonOption, complete_operation
from ccops.cli.output import Styled
from ccops.operations.model import RESERVED_NAMES
from ccops.text import clean, tidy

if TYPE_CHECKING:
    from ccops.app.why.answer import Answer
    from ccops.app.why.facts import Case, WhyContact
    from ccops.cli.context import Session

app = new_app()

ONE_OFF: Final = tuple(sorted(RESERVED_NAMES - {"undo"}))
"""What stands in the ledger in place of an operation's name where somebody changed a field once."""

AboutArgument = Annotated[str, typer.Argument(metavar="CONTACT", help="E-mail address, or Kit's id.")]
NameArgument = Annotated[
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
def why(ctx: typer.Context, contact: AboutArgument, operation: NameArgument = None, json: JsonOption = False) -> None:
    """Say why an operation ran for a contact or did not.

    One sentence, and the command that mends it. Kit is asked for the contact and its tags, and nothing is changed.
    """
    session = session_of(ctx)
    who = contact_of(contact)
    names = _names(session, operation)
    from ccops.app.why.facts import meet

    person = meet(session.ledger_to_read, open_crm(session, patience=HASTE), who)
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


def _tell(session: "Session", person: "WhyContact", names: list[str], *, every: bool, json: bool) -> None:
    from ccops.app.why.facts import cases, concerns, for_nobody
    from ccops.app.why.rules import answer

    found = cases(session.ledger_to_read, session.registry, person, names, session.clock.now())
    shown = False
    for case in for_nobody(found) if person.id is None else found:
        if every or concerns(case) or person.id is None:
            show(session, case, answer(case), alone=every, json=json)
            shown = True
    if not shown and not json:
        show_nothing(session, person)


# ---- answers as sentences for people and as objects for programs

_INDENT = "    "


def show(session: "Session", case: "Case", answer: "Answer", *, alone: bool, json: bool) -> None:
    """Print why, and what mends it; a command is never broken into lines, so that it can be copied."""
    console = session.console
    if json:
        console.json_line(_object(case, answer))
        return
    console.tell(answer.why if alone or case.person.id is None else f"{case.name}: {answer.why}")
    if len(answer.mend) == 1 and _fits(session, answer):
        console.say(f"{answer.lead}: ", Styled(session.spell(answer.mend[0]), "bold"))
        return
    if answer.lead:
        console.tell(f"{answer.lead}{':' if answer.mend else '.'}")
    for fix in answer.mend:
        console.say(_INDENT, Styled(session.spell(fix), "bold"))


def show_nothing(session: "Session", person: "WhyContact") -> None:
    """Say that no operation has anything to do with the contact."""
    console = session.console
    console.tell(f"Nothing was ever done for {clean(person.name)}, who carries no trigger tag.")
    console.say("See the operations: ", Styled(session.spell("ccops op list"), "bold"))


def _fits(session: "Session", answer: "Answer") -> bool:
    out = session.console.out
    return not out.is_terminal or len(answer.lead) + 2 + len(answer.mend[0]) <= out.width


def _object(case: "Case", answer: "Answer") -> dict[str, object]:
    person = case.person
    contact = person.contact
    return {
        "contact": {"id": person.id, "email": contact.email if contact else person.known_as},
        "state": contact.state if contact else None,
        "operation": case.name,
        "kind": answer.kind,
        "why": answer.why,
        "mend": list(answer.mend),
        "entry": entry_name(answer.entry) or None,
        "kit_reached": person.reached,
    }

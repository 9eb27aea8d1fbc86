"""Answers as sentences for people and as objects for programs."""

from typing import TYPE_CHECKING

from ccops.cli.styles import Styled
from ccops.report.words import entry_name
from ccops.text import clean

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.report.why.answer import Answer
    from ccops.report.why.case import Case, Person

_INDENT = "    "


def show(session: "Session", case: "Case", answer: "Answer", *, alone: bool, json: bool) -> None:
    """Print why, and what mends it; a command is never broken into lines, so that it can be copied."""
    console = session.console
    if json:
        console.json_line(_object(case, answer))
        return
    console.tell(answer.why if alone or case.person.id is None else f"{case.name}: {answer.why}")
    if len(answer.mend) == 1 and _fits(session, answer):
        console.say(f"{answer.lead}: ", Styled(answer.mend[0], "bold"))
        return
    if answer.lead:
        console.tell(f"{answer.lead}{':' if answer.mend else '.'}")
    for command in answer.mend:
        console.say(_INDENT, Styled(command, "bold"))


def show_nothing(session: "Session", person: "Person") -> None:
    """Say that no operation has anything to do with the contact."""
    console = session.console
    console.tell(f"Nothing was ever done for {clean(person.name)}, who carries no trigger tag.")
    console.say("See the operations: ", Styled("ccops op list", "bold"))


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

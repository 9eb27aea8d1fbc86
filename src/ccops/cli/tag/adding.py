"""`tag add`: in a rehearsal, what an automation in Kit would do: a contact gets an operation's tag."""

import shlex
from typing import TYPE_CHECKING

from ccops.cli.contacts import contact_of
from ccops.cli.exits import FINE, NEEDS_A_PERSON
from ccops.cli.poll import NotBound
from ccops.errors import Misconfigured
from ccops.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccops.cli.session import Session


class NoRehearsalHere(Misconfigured):
    """The home is of an account in Kit, where automations and people add tags."""

    def __init__(self, operation: str, contacts: "Sequence[str]") -> None:
        self.mend = clean(shlex.join(["ccops", "run", operation, *contacts]))
        super().__init__(
            "tag add is for rehearsals, in a home that ccops init --sandbox has made. Nothing was changed. Here, add "
            "the tag in Kit, on the contact's page; or run the operation, without its tag:"
        )


def add_tag(session: "Session", name: str, words: "Sequence[str]") -> int:
    """Add an operation's tag to contacts of the embedded sandbox. Raises NoRehearsalHere, NotBound."""
    from ccops.cli.nobody import advise, tell_if_moved
    from ccops.engine.finding import find_contact

    operation, console, missing = session.operation(name), session.console, []
    if not session.settings.sandbox:
        raise NoRehearsalHere(name, words)
    if operation.tag is None:
        raise NotBound(name)
    for who in map(contact_of, words):
        contact = find_contact(session.ledger, session.crm, who)
        if contact is not None:
            tell_if_moved(session, who, contact.email)
        if contact is None:
            console.say(f"{who}: failed: no such contact in the sandbox", urgent=True)
            missing.append(who)
        elif session.crm.add_tag(contact.id, operation.tag.id):
            console.say(f'{contact.email} has the tag "{operation.tag.name}" now.')
        else:
            console.say(f'{contact.email} had the tag "{operation.tag.name}" already.')
    advise(session, missing, len(missing), alone=len(words) == 1)
    if len(missing) < len(words):
        console.note(f"Let ccops look for it: ccops poll {name}")
    return NEEDS_A_PERSON if missing else FINE

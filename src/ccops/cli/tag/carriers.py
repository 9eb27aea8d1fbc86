"""Running an operation for the contacts that carry its tag when it is bound."""

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ccops.cli.choosing import Named
from ccops.cli.doing import do
from ccops.cli.exits import FINE
from ccops.cli.job import Job
from ccops.cli.showing import outcome_text
from ccops.ledger.model import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ccops.cli.job import Writing
    from ccops.cli.session import Session
    from ccops.crm.base import Contact
    from ccops.engine.request import Request
    from ccops.operations.model import Operation, Tag


@dataclass(frozen=True, slots=True)
class Carriers:
    """The contacts that carry a tag, and the operation that it is to start, as it will be in the registry."""

    operation: "Operation"
    tag: "Tag"
    contacts: "Sequence[Contact]"

    @property
    def chosen(self) -> "list[Contact]":
        """Those in a state that the operation is for; the others are left out, and said."""
        return [contact for contact in self.contacts if contact.state in self.operation.states]

    def requests(self, run: int, origin: Origin) -> "Iterator[Request]":
        """Make the requests of a run: the occasion is each contact's tagging, as for whoever looks for tags later."""
        from ccops.triggers.taggings import tagging_request

        for contact in self.contacts:
            at = contact.tagged_at
            assert at is not None  # noqa: S101 - each row of a tag's carriers has it (API v4, "List subscribers for a tag")
            yield tagging_request(self.operation, contact.id, at, run, origin, row=contact)


def confirmed(session: "Session", carriers: Carriers) -> bool:
    """Ask whether to run the operation for all of them, showing what it would do to one."""
    count, operation = len(carriers.chosen), carriers.operation
    them = "1 contact that carries" if count == 1 else f"{count} contacts that carry"
    session.console.note(f'{operation.name} for the {them} "{carriers.tag.name}":')
    example = replace(carriers, contacts=carriers.chosen[:1])
    for request, contact in zip(example.requests(0, Origin("", "run")), example.contacts, strict=True):
        text = outcome_text(session.preview().look(request), operation.timezone, session.clock.now())
        session.console.note(f"  e.g. {contact.email}  {text}")
    return session.questions.confirm("Go on?")


def run_for(session: "Session", carriers: Carriers, how: "Writing") -> int:
    """Run the operation for all of them; return the exit status."""
    names = tuple(contact.email for contact in carriers.contacts)
    if not names:
        return FINE
    operation, tag = carriers.operation, carriers.tag
    them = "the one carrier" if len(names) == 1 else f"{len(names)} carriers"
    job = Job(
        words=json.dumps(["tag bind", operation.name, tag.id]),
        title=f'run {operation.name} for {them} of "{tag.name}"',
        via="run",
        requests=carriers.requests,
        contacts=Named(names),
        timezone=operation.timezone,
    )
    return do(session, job, how)

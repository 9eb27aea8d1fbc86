"""`tag bind`: a tag made by hand starts an operation from now on."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ccops.cli import setup
from ccops.cli.exits import FINE
from ccops.cli.op import saving
from ccops.cli.op.keys import Edit
from ccops.cli.tag.carriers import Carriers, confirmed, run_for
from ccops.cli.tag.errors import NoSuchTag, PausedHere, TagCarried, TagCounted, TagTaken
from ccops.crm.base import tag_named
from ccops.text import folded, tidy

if TYPE_CHECKING:
    from ccops.cli.job import Writing
    from ccops.cli.session import Session
    from ccops.operations.model import Operation, Tag


def bind_tag(session: "Session", name: str, word: str, how: "Writing", *, run_carriers: bool) -> int:
    """Bind a tag, and run the operation for its carriers if that is wanted; return the exit status.

    It is bound before anything is run, so that whatever breaks off, the same command or a look for its tag does the
    rest. Raises NoSuchTag, TagBound, TagTaken, TagCounted, TagCarried, PausedHere.
    """
    session.looks_only = how.dry_run
    known = session.operation(name)
    tag = _tag_in_crm(session, name, word)
    if known.tag is not None and known.tag.id != tag.id:
        raise setup.TagBound(name, known.tag.name)
    _demand_unused(session, name, tag)
    carriers = _carriers(session, known, tag, run_carriers=run_carriers)
    if carriers.chosen and not (how.yes or how.dry_run) and not confirmed(session, carriers):
        session.console.note("Nothing was changed.")
        return FINE
    _bind(session, known, tag, how)
    status = run_for(session, carriers, how)
    if known.tag is None and not how.dry_run:
        setup.say_next(session, name, tag.name)
    return status


def _tag_in_crm(session: "Session", operation: str, word: str) -> "Tag":
    """Find a tag by its name, in any case of letters, or by its id."""
    from ccops.operations.model import Tag

    tags = session.crm.tags()
    found = tag_named(tags, word) or next((tag for tag in tags if str(tag.id) == tidy(word)), None)
    if found is None:
        raise NoSuchTag(operation, word, [tag.name for tag in tags])
    return Tag(found.id, found.name)


def _demand_unused(session: "Session", name: str, tag: "Tag") -> None:
    """Demand that the tag stands for nothing else, in the registry and in the ledger."""
    for other in session.registry.operations.values():
        if other.name != name and other.tag is not None and other.tag.id == tag.id:
            raise TagTaken(tag.name, other.name, starts=True)
        if folded(tag.name) in {folded(follow) for follow in (*other.tags_if_applied, *other.tags_if_refused)}:
            raise TagTaken(tag.name, other.name, starts=False)
    counted = session.ledger_to_read.identity.counted_as(tag.id)
    if counted is not None and counted != name:
        raise TagCounted(tag.name, counted)


def _carriers(session: "Session", operation: "Operation", tag: "Tag", *, run_carriers: bool) -> Carriers:
    """Return those for whom the operation is to be run: nobody, unless that is wanted."""
    bound = replace(operation, tag=tag)
    if operation.tag is not None and not run_carriers:
        return Carriers(bound, tag, ())
    contacts = list(session.crm.carriers(tag.id))
    if contacts and not run_carriers:
        raise TagCarried(tag.name, operation.name, [contact.email for contact in contacts])
    if contacts and operation.paused:
        raise PausedHere(operation.name)
    return Carriers(bound, tag, contacts)


def _bind(session: "Session", operation: "Operation", tag: "Tag", how: "Writing") -> None:
    """Put the binding into the registry and say so; beside the answer, if that is for programs."""
    name, tell = operation.name, session.console.note if how.json else session.console.say
    if operation.tag is not None:
        tell(f'{name} has the tag "{tag.name}" ({tag.id}) already.')
    elif how.dry_run:
        tell(f'The tag "{tag.name}" ({tag.id}) would start {name} from now on.')
    else:
        saving.edit(session, name, Edit({"tag": {"id": tag.id, "name": tag.name}}))
        tell(f'The tag "{tag.name}" ({tag.id}) starts {name} from now on.')

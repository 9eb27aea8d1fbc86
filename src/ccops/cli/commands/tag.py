"""`ccops tag …`: the command lines, each handed on to one function."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccops.cli import setup
from ccops.cli.command_line import command, new_app
from ccops.cli.commands.op_options import Edit, save_edit
from ccops.cli.commands.poll import NotBound
from ccops.cli.contacts import contact_of
from ccops.cli.context import session_of
from ccops.cli.exit_status import FINE, NEEDS_A_PERSON
from ccops.cli.job import Job, NamedContacts, WriteOptions
from ccops.cli.options import complete_operation
from ccops.cli.outcome_view import outcome_text
from ccops.cli.runner import do
from ccops.cli.value_checks import check_unsaid
from ccops.config.home import file_lock
from ccops.crm.base import Missing, tag_named
from ccops.errors import CcopsError, Misconfigured
from ccops.ledger.commands import BindTagCommand
from ccops.ledger.model import Origin
from ccops.text import clean, folded, shorten, tidy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ccops.cli.context import Session
    from ccops.crm.base import Contact
    from ccops.engine.outcomes import Request
    from ccops.operations.model import Operation, Tag

app = new_app(
    "Make, bind and unbind trigger tags.",
    """
    ccops tag create payment-credit
    ccops tag bind payment-credit "Paid this month"
    ccops tag unbind payment-credit
    """,
)

OperationArgument = Annotated[
    str, typer.Argument(metavar="OPERATION", autocompletion=complete_operation, parser=tidy, show_default=False)
]
TagName = Annotated[
    str | None, typer.Option("--name", metavar="TAG", help='What it is called in Kit, instead of "ccops: OPERATION".')
]
KnownTagArgument = Annotated[str, typer.Argument(metavar="TAG", help="Its name in Kit, or its id.", show_default=False)]
ContactsArgument = Annotated[
    list[str], typer.Argument(metavar="CONTACT", help="E-mail addresses, or Kit's ids.", show_default=False)
]
RunCarriers = Annotated[
    bool, typer.Option("--run-carriers", help="Run the operation for the contacts that carry the tag already.")
]


@command(
    app,
    "create",
    """
    ccops tag create payment-credit
    ccops tag create payment-credit --name "Paid this month"
    """,
)
def create(ctx: typer.Context, operation: OperationArgument, name: TagName = None) -> None:
    """Make the tag that starts an operation, in Kit and in the registry.

    Whoever gets this tag, from an automation or by hand, gets the operation. Use it for nothing else.
    """
    create_tag(session_of(ctx), operation, name)


@command(
    app,
    "bind",
    """
    ccops tag bind payment-credit "Paid this month"
    ccops tag bind payment-credit 1042
    ccops tag bind payment-credit "Paid this month" --run-carriers --dry-run
    """,
)
def bind(
    ctx: typer.Context,
    operation: OperationArgument,
    tag: KnownTagArgument,
    how: WriteOptions,
    run_carriers: RunCarriers = False,
) -> int:
    """Let a tag that you made in Kit start an operation.

    No contact may carry it, since nobody could tell whether they got the operation already. With --run-carriers they
    get it now, each once. Kit may name somebody for some minutes after the tag was taken off.
    """
    return bind_tag(session_of(ctx), operation, tag, how, run_carriers=run_carriers)


@command(app, "unbind", "ccops tag unbind payment-credit")
def unbind(ctx: typer.Context, operation: OperationArgument) -> None:
    """Let an operation's tag start it no longer; the tag stays in Kit."""
    unbind_tag(session_of(ctx), operation)


@command(
    app,
    "add",
    """
    ccops tag add payment-credit ann@example.org
    ccops tag add payment-credit ann@example.org && ccops poll
    """,
)
def add(ctx: typer.Context, operation: OperationArgument, contact: ContactsArgument) -> int:
    """In a rehearsal, give contacts an operation's tag, as Kit would.

    Only in a home that ccops init --sandbox has made. For an account in Kit, your automations add the tag, or you, on
    the contact's page there.
    """
    return add_tag(session_of(ctx), operation, contact)


# ---- `tag create`: a tag made in Kit for one operation

_LOCK: Final = "tag-create"


class NamelessTag(Misconfigured):
    """A tag needs a name."""

    mend = "ccops tag create --help"

    def __init__(self) -> None:
        super().__init__("--name is empty. Nothing was changed. Leave it out, or name the tag.")


def create_tag(session: "Session", name: str, wanted: str | None) -> None:
    """Make an operation's tag and bind it; one that is there already is not taken.

    Raises NamelessTag, TagBound, TagExists, TagUnconfirmed.
    """
    check_unsaid(session, wanted, "--name")
    operation = session.operation(name)
    if operation.tag is not None:
        raise setup.TagBound(name, operation.tag.name)
    tag = setup.default_tag(name) if wanted is None else wanted.strip()
    if not tag:
        raise NamelessTag
    with file_lock(session.home.locks / _LOCK):
        bound = session.operation(name).tag  # another process may have been quicker
        if bound is None:
            setup.demand_free_tag(session, name, tag, saved=True)
            made = setup.make_tag(session, name, tag)
            session.console.say(f'Made the tag "{made.name}" ({made.id}) in Kit; it starts {name}.')
        elif bound.name.casefold() == tag.casefold():
            session.console.say(
                f'Another ccops has just made the tag "{bound.name}" ({bound.id}) in Kit; it starts {name}.'
            )
        else:
            raise setup.TagBound(name, bound.name)
    setup.say_next(session, name, tag)


# ---- `tag unbind`: a tag starts its operation no longer

_LOOKED_AT: Final = 1000
"""A page of carriers at most; who is asked only to be warned need not wait for all."""


def unbind_tag(session: "Session", name: str) -> None:
    """Take an operation's tag out of the registry and out of what the ledger counts by.

    An operation that is no longer in the registry can be let go of too, if the ledger still counts a tag by it. Raises
    NoSuchOperation if neither knows it.
    """
    known = session.registry.operations.get(name)
    tag = None if known is None else known.tag
    if tag is not None:
        save_edit(session, name, Edit(drop=("tag",)))
    forgotten = setup.forget_tags(session, name)
    if tag is not None:
        session.console.say(f'The tag "{tag.name}" no longer starts {name}.')
        _say_what_stays(session, tag)
    elif forgotten:
        session.console.say(f"The ledger no longer counts a tag by the name of {name}.")
    else:
        session.console.say(f"{session.operation(name).name} has no tag.")


def _say_what_stays(session: "Session", tag: "Tag") -> None:
    """Say that the tag itself stays in Kit, and warn if contacts carry it."""
    setup.say_tag_stays(session, tag.name)
    try:
        carried = len(list(islice(session.crm.carriers(tag.id), _LOOKED_AT)))
    except Missing:
        session.console.note("It is gone there already.")
    except CcopsError as error:
        session.console.note(f"Who carries it can't be seen now: {error}")
    else:
        if carried:
            them = "1 contact carries" if carried == 1 else f"{carried} contacts carry"
            more = " at least" if carried == _LOOKED_AT else ""
            session.console.warn(f'{them} "{tag.name}"{more}; nothing is run for them any more.')


# ---- running an operation for the contacts that carry its tag when it is bound


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
        from ccops.app.poll import tagging_request

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


def run_for(session: "Session", carriers: Carriers, how: "WriteOptions") -> int:
    """Run the operation for all of them; return the exit status."""
    names = tuple(contact.email for contact in carriers.contacts)
    if not names:
        return FINE
    operation, tag = carriers.operation, carriers.tag
    them = "the one carrier" if len(names) == 1 else f"{len(names)} carriers"
    job = Job(
        command=BindTagCommand(operation.name, tag.id),
        title=f'run {operation.name} for {them} of "{tag.name}"',
        via="run",
        requests=carriers.requests,
        contacts=NamedContacts(names),
        timezone=operation.timezone,
    )
    return do(session, job, how)


# ---- `tag add`: in a rehearsal, what an automation in Kit would do: a contact gets an operation's tag


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
    from ccops.cli.outcome_view import advise, tell_if_moved
    from ccops.engine.preview import find_contact

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


# ---- why a tag can't start an operation


class NoSuchTag(Misconfigured):
    """Kit has no tag of this name or id."""

    def __init__(self, operation: str, word: str, known: Sequence[str]) -> None:
        from ccops.config.errors import nearest

        guess = nearest(word, known)
        if guess:
            lead, self.mend = "Did you mean:", f"ccops tag bind {operation} {shlex.quote(guess)}"
        else:
            named = "" if word.isdigit() else f" --name {shlex.quote(word)}"
            lead, self.mend = "To make one:", f"ccops tag create {operation}{named}"
        super().__init__(f"Kit has no tag {shorten(word)}. Nothing was changed. {lead}")


class TagTaken(Misconfigured):
    """The tag is another operation's already."""

    def __init__(self, tag: str, operation: str, *, starts: bool) -> None:
        self.mend = f"ccops tag unbind {operation}" if starts else f"ccops op show {operation}"
        how = "starts" if starts else "is put on contacts by"
        super().__init__(
            f"the tag {shorten(tag)} {how} {operation} already, and a tag that starts an operation is for nothing "
            "else. Nothing was changed. Take another tag, or take it from there first:"
        )


class TagCounted(Misconfigured):
    """The ledger has counted the tag by another operation's name."""

    def __init__(self, tag: str, operation: str) -> None:
        self.mend = f"ccops tag unbind {operation}"
        super().__init__(
            f"the ledger has counted the tag {shorten(tag)} by the name of {operation}. Nothing was changed. If that "
            "operation is only called otherwise now, give it its old name again in operations.toml, or everything "
            f"would count once more. If it really is another one, let go of {operation} first:"
        )


class TagCarried(Misconfigured):
    """Contacts carry the tag already."""

    def __init__(self, tag: str, operation: str, emails: Sequence[str]) -> None:
        self.mend = f"ccops tag bind {operation} {shlex.quote(tag)} --run-carriers --dry-run"
        who = f"{shorten(emails[0], 100)} carries" if len(emails) == 1 else f"{_some(emails)} carry"
        super().__init__(
            f"{who} the tag {shorten(tag)}, and nobody can tell whether they got {operation} for it. Nothing was "
            "changed. Take the tag off them in Kit (its lists may lag by some minutes), or run the operation for them; "
            "to see that first:"
        )


class PausedHere(Misconfigured):
    """The operation is paused, so that it can't be run for those who carry its tag."""

    def __init__(self, operation: str) -> None:
        self.mend = f"ccops op resume {operation}"
        super().__init__(f"{operation} is paused: whoever carries its tag has to wait. Nothing was changed. To go on:")


def _some(emails: Sequence[str]) -> str:
    return f"{len(emails)} contacts (such as {shorten(emails[0], 100)})"


# ---- `tag bind`: a tag made by hand starts an operation from now on


def bind_tag(session: "Session", name: str, word: str, how: "WriteOptions", *, run_carriers: bool) -> int:
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


def _bind(session: "Session", operation: "Operation", tag: "Tag", how: "WriteOptions") -> None:
    """Put the binding into the registry and say so; beside the answer, if that is for programs."""
    name, tell = operation.name, session.console.note if how.json else session.console.say
    if operation.tag is not None:
        tell(f'{name} has the tag "{tag.name}" ({tag.id}) already.')
    elif how.dry_run:
        tell(f'The tag "{tag.name}" ({tag.id}) would start {name} from now on.')
    else:
        save_edit(session, name, Edit({"tag": {"id": tag.id, "name": tag.name}}))
        tell(f'The tag "{tag.name}" ({tag.id}) starts {name} from now on.')

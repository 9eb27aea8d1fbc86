"""`ccops undo`: entries taken back, one by one or a whole run."""

from typing import TYPE_CHECKING, Annotated

import typer

from ccops.cli.command_line import command, new_app
from ccops.cli.contacts import entry_of, run_of
from ccops.cli.context import session_of
from ccops.cli.exit_status import NEEDS_A_PERSON, worst
from ccops.cli.job import Job, NamedContacts, WriteOptions
from ccops.cli.outcome_view import outcome_object
from ccops.cli.runner import do
from ccops.errors import Misconfigured
from ccops.ledger.commands import UndoCommand, text_of
from ccops.ledger.model import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ccops.cli.context import Session
    from ccops.engine.outcomes import Request
    from ccops.engine.undo import UndoOptions
    from ccops.ledger.ledger import Ledger

app = new_app()

EntriesArgument = Annotated[list[str] | None, typer.Argument(metavar="ENTRY", help="Entries, such as e4711.")]
OfRun = Annotated[str | None, typer.Option("--run", metavar="RUN", help="All entries of a run, such as r31.")]
Reopen = Annotated[bool, typer.Option("--reopen", help="Let the same payment or month count again afterwards.")]
Force = Annotated[bool, typer.Option("--force", help="Go past limits, and over values changed since.")]

ASK_FROM = 2
"""So many entries at once are asked about at a terminal."""


class EntriesOrRun(Misconfigured):
    """Either entries or a run."""

    mend = 'ccops undo e4711 --reason "…"'

    def __init__(self) -> None:
        super().__init__("give the entries to take back, or --run with the run. Nothing was sent.")


class StillAtWork(Misconfigured):
    """The run that is to be taken back is still adding entries."""

    def __init__(self, run: int) -> None:
        super().__init__(f"r{run} is still at work; wait for its end. Nothing was sent.")


@command(
    app,
    "undo",
    """
    ccops undo e4711 --reason "granted twice"
    ccops undo e4711 e4713
    ccops undo --run r31 --reason "wrong amount" --dry-run
    ccops undo e4711 --reopen
    """,
)
def undo(
    ctx: typer.Context,
    how: WriteOptions,
    entry: EntriesArgument = None,
    run: OfRun = None,
    reopen: Reopen = False,
    force: Force = False,
) -> int:
    """Take back what entries changed, each by an entry of its own.

    The same payment or month does not count again afterwards, unless you say --reopen. --run passes over entries that
    were taken back already.
    """
    from ccops.engine.undo import UndoOptions

    if bool(entry) == bool(run):
        raise EntriesOrRun
    session, manner = session_of(ctx), UndoOptions(force=force, reopen=reopen)
    if run is None:
        return _undo(session, list(dict.fromkeys(entry_of(word) for word in entry or [])), None, manner, how)
    number = run_of(run)
    status = _undo(session, _entries_of(_ledger(session, how), number), f"r{number}", manner, how)
    return worst([status, _say_left(session, number, how)])


def _ledger(session: "Session", how: WriteOptions) -> "Ledger":
    return session.ledger_to_read if how.dry_run else session.ledger


def _entries_of(ledger: "Ledger", run: int) -> list[int]:
    """Return the entries of a run that can be undone. Raises StillAtWork: more would come after them."""
    from ccops.engine.undo import undoable

    if ledger.runs.is_alive(run):
        raise StillAtWork(run)
    return [entry.id for entry in undoable(ledger, run)]


def _say_left(session: "Session", run: int, how: WriteOptions) -> int:
    """Say how many entries of a run can't be undone yet, since nobody knows what became of them."""
    entries = [entry for entry in _ledger(session, how).entries.of_run(run) if not entry.undoes]
    counts = {
        "open": sum(entry.status.is_open for entry in entries),
        "parked": sum(entry.status == "parked" for entry in entries),
    }
    for word, count in counts.items():
        if count:
            them = "1 entry" if count == 1 else f"{count} entries"
            session.console.warn(
                f"{them} of r{run} {'is' if count == 1 else 'are'} {word}: {session.spell('ccops settle')}"
            )
    return NEEDS_A_PERSON if any(counts.values()) else 0


def _undo(session: "Session", entries: list[int], run: str | None, manner: "UndoOptions", how: WriteOptions) -> int:
    from ccops.engine.undo import check_undoable, is_to_reopen, undo_request

    ledger = _ledger(session, how)
    names = tuple(f"e{number}" for number in entries)
    undone = () if run else tuple(sorted(entries))
    command = UndoCommand(run, undone, manner.force, manner.reopen)
    going_on = None if how.new else ledger.runs.last_without_end(text_of(command))
    if not entries:
        say = session.console.note if how.json else session.console.say
        say(f"Nothing to take back: no entry of {run} is applied.")
        return 0
    if all(is_to_reopen(ledger.entries.get(number), manner) for number in entries):
        return _reopen(session, ledger, entries, how)
    check_undoable(ledger, entries, None if going_on is None else going_on.id)
    many = len(entries) >= ASK_FROM and session.questions.possible and not (how.yes or how.dry_run)
    if many and not session.questions.confirm(f"Take {len(entries)} entries back ({names[0]} … {names[-1]})?"):
        session.console.note("Nothing was sent.")
        return 0
    registry = session.registry

    def requests(run_id: int, origin: "Origin") -> "Iterable[Request]":
        return (undo_request(ledger, number, registry.fields, manner, (run_id, origin)) for number in entries)

    title = f"undo {run or ' '.join(names)}"
    occasion = f"undo of {run or ' '.join(names)}"
    job = Job(command, title, "undo", requests, _whom(ledger, entries), registry.timezone, occasion=occasion)
    return do(session, job, how)


def _reopen(session: "Session", ledger: "Ledger", entries: list[int], how: WriteOptions) -> int:
    """Let occasions run again that were taken back before; nothing is sent."""
    from ccops.engine.undo import foresee_reopening, reopen

    for number in entries:
        outcome = foresee_reopening(ledger, number) if how.dry_run else reopen(ledger, number)
        if not how.json:
            session.console.say(f"{outcome.reason}.")
        elif not how.quiet:
            origin = Origin(session.settings.actor, "undo", how.reason)
            session.console.json_line(outcome_object(outcome, None, origin, session.clock.now()))
    return 0


def _whom(ledger: "Ledger", entries: list[int]) -> NamedContacts:
    """Name the contacts of entries as the outcomes will; several entries of one contact are undone in their order."""
    contacts = [ledger.entries.get(number).contact for number in entries]
    people = [(contact, ledger.people.by_id(contact)) for contact in contacts]
    names = tuple(str(contact) if person is None else person.email or str(contact) for contact, person in people)
    return NamedContacts(names, in_order=len(set(contacts)) < len(contacts))

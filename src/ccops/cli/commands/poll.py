"""`ccops poll`: whoever carries a trigger tag has the operation run."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccops.cli.command_line import command, new_app
from ccops.cli.context import session_of
from ccops.cli.exit_status import FINE, NEEDS_A_PERSON, status_of, worst
from ccops.cli.job import Job, NamedContacts, WriteOptions
from ccops.cli.options import complete_operation
from ccops.cli.outcome_view import LABELS, Tally, say_faults
from ccops.cli.runner import manners, printer
from ccops.cli.signals import finishing
from ccops.errors import CcopsError, Misconfigured, ServiceUnreachable
from ccops.ledger.commands import POLL, text_of
from ccops.ledger.model import Origin
from ccops.ledger.runs import Started
from ccops.text import tidy

if TYPE_CHECKING:
    from ccops.cli.context import Session
    from ccops.engine.outcomes import OutcomeStatus
    from ccops.operations.model import Operation

app = new_app()

OperationsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="OPERATION",
        autocompletion=complete_operation,
        parser=tidy,
        help="Only these operations; else all with a tag.",
    ),
]
WatchOption = Annotated[
    float | None, typer.Option("--watch", metavar="SECONDS", min=1, help="Look again so often, until stopped.")
]

_TITLE: Final = "poll"
_PASSED_OVER: Final = frozenset({"repeated", "left-out"})
"""Outcomes of carriers that only the sum tells of: they are met again in each round."""


class NotBound(Misconfigured):
    """The operation has no trigger tag to look for."""

    def __init__(self, operation: str) -> None:
        self.mend = f"ccops tag create {operation}"
        super().__init__(f"{operation} has no trigger tag, so there is nothing to look for. Nothing was sent.")


@command(
    app,
    "poll",
    """
    ccops poll
    ccops poll payment-credit
    ccops poll --watch 60
    ccops poll --dry-run
    """,
)
def poll(ctx: typer.Context, how: WriteOptions, operation: OperationsArgument = None, watch: WatchOption = None) -> int:
    """Run operations for the contacts that carry their trigger tags.

    Each tagging counts once. The tag is taken off afterwards, so that your automation can add it again.
    """
    session = session_of(ctx)
    operations = _chosen(session, operation or [])
    if how.dry_run:
        return _preview(session, operations, how)
    with finishing(session.stop):
        status = _round(session, operations, how)
        while watch is not None and not session.stop.event.is_set():
            session.clock.sleep(watch)
            if not session.stop.event.is_set():
                status = _round_or_wait(session, operations, how)
    # Asked to stop between rounds, a watch has done all that it was for.
    return FINE if watch is not None else worst([status, session.stop.status or FINE])


def _chosen(session: "Session", names: list[str]) -> "list[Operation]":
    from ccops.app.poll import bound

    chosen = [session.operation(name) for name in names] or list(session.registry.operations.values())
    if not any(each.tag for each in chosen) and not names:
        session.console.note("No operation has a trigger tag; make one: ccops tag create OPERATION")
    for each in chosen:
        if each.tag is None and names:
            raise NotBound(each.name)
        if each.paused and each.tag is not None:
            session.console.warn(
                f"{each.name} is paused; its tags wait. To go on: {session.spell(f'ccops op resume {each.name}')}"
            )
    return bound(chosen)


def _round_or_wait(session: "Session", operations: "list[Operation]", how: WriteOptions) -> int:
    """Poll once more; while Kit can't be reached, a watch says so and goes on watching."""
    try:
        return _round(session, operations, how)
    except ServiceUnreachable as error:
        session.console.warn(str(error))
        return status_of(error)


def _round(session: "Session", operations: "list[Operation]", how: WriteOptions) -> int:
    """Look for the tags once, and work off what is found."""
    from ccops.app.poll import BUSY_TOO_LONG, Troubles, alone, poll_round
    from ccops.engine.batch import WORKERS, work_off

    applier, started = session.applier, list[Started]()

    def begin() -> tuple[int, Origin]:
        run = applier.ledger.runs.start(text_of(POLL), _TITLE, session.settings.actor, session.clock.now(), new=True)
        started.append(run)
        return run.run.id, Origin(session.settings.actor, "poll", how.reason)

    with alone(applier.ledger) as busy:
        if busy is not None:
            who = "" if busy.holder is None else f", {busy.holder}"
            minutes = busy.since.total_seconds() // 60
            session.console.note(f"busy: another poll is at work (since {minutes:.0f} min{who}).")
            return NEEDS_A_PERSON if busy.since > BUSY_TOO_LONG else FINE
        tally = Tally(refused_ok=how.refused_ok)
        show = printer(session, _job(session), how, None, Origin(session.settings.actor, "poll", how.reason))
        status, troubles = NEEDS_A_PERSON, Troubles()
        tasks = poll_round(applier, operations, begin, troubles)
        try:
            for outcome in work_off(tasks, manners(session, WORKERS, mixed=True)):
                troubles.note(outcome)
                tally.add(outcome)
                if how.json or outcome.status not in _PASSED_OVER:
                    show(outcome)
            status = worst([tally.exit_status(), *map(status_of, troubles.found.values())])
        except CcopsError as error:
            status = status_of(error)
            raise
        finally:
            for run in started:
                applier.ledger.runs.stop(run, status, session.clock.now(), ended=True)
    if not how.json:
        session.console.mark()
    _sum_up(session, operations, tally)
    say_faults(session, troubles.found)
    if tally.counts["open"]:
        session.console.warn("Kit did not answer for all contacts; the next poll goes on with them, nothing is lost.")
    _remind(session)
    return status


def _remind(session: "Session") -> None:
    """Warn, once a day, of grants that nobody has got though their period ends soon."""
    from ccops.app.poll import reminders

    for text in reminders(session.ledger, session.registry.operations.values(), session.clock.now()):
        session.console.warn(text)


def _job(session: "Session") -> Job:
    """Describe a poll to what prints outcomes; its contacts are not known before."""
    return Job(POLL, _TITLE, "poll", lambda *_: (), NamedContacts(()), session.registry.timezone)


def _sum_up(session: "Session", operations: "list[Operation]", tally: Tally) -> None:
    words: tuple[OutcomeStatus, ...] = ("applied", "repeated", "left-out")
    said = ", ".join(f"{tally.counts[word]:,} {LABELS[word]}" for word in words if tally.counts[word])
    if said:
        session.console.note(f"{said}.")
    elif operations and not tally.total and session.console.err.is_terminal:
        session.console.note("Nobody carries a trigger tag.")


def _preview(session: "Session", operations: "list[Operation]", how: WriteOptions) -> int:
    """Show what a poll would do; nothing is written."""
    from ccops.app.poll import Troubles, carriers, tagging_request

    session.looks_only = True
    tally = Tally(refused_ok=how.refused_ok)
    origin = Origin(session.settings.actor, "poll", how.reason)
    show = printer(session, _job(session), how, None, origin)
    preview, troubles = session.preview(), Troubles()
    for operation, row in carriers(session.crm, operations, troubles):
        at = row.tagged_at or session.clock.now()
        outcome = preview.look(tagging_request(operation, row.id, at, 0, origin, row=row))
        tally.add(outcome)
        if how.json or outcome.status not in _PASSED_OVER:
            show(outcome)
    if not how.json:
        session.console.mark()
    say_faults(session, troubles.found)
    session.console.note("Dry run: nothing was changed.")
    return worst([tally.exit_status(), *map(status_of, troubles.found.values())])

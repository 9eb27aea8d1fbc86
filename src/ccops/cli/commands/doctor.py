"""`ccops doctor`: everything is checked, and each finding names the command that mends it."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ccops.cli.command_line import command, new_app
from ccops.cli.context import session_of
from ccops.cli.exit_status import FINE, NEEDS_A_PERSON
from ccops.cli.options import JsonOption, Quiet
from ccops.errors import CcopsError

if TYPE_CHECKING:
    from ccops.app.doctor.findings import CrmVisit, Examined, Finding
    from ccops.cli.context import Session
    from ccops.ledger.ledger import Ledger

app = new_app()
CheckPart = TypeVar("CheckPart")

Fix = Annotated[bool, typer.Option("--fix", help="Mend what can be mended without you.")]


@command(
    app,
    "doctor",
    """
    ccops doctor
    ccops doctor --fix
    ccops doctor --quiet
    ccops doctor --json
    """,
)
def doctor(ctx: typer.Context, fix: Fix = False, json: JsonOption = False, quiet: Quiet = False) -> int:  # noqa: ARG001
    """Check everything, and say what mends it.

    Looks at the home and its files, the key and the account, the fields, tags and webhooks of all operations in Kit,
    the clock, the ledger and its last backup, changes left half-way, contacts whose tags wait, and grants that did not
    come. Exits with 1 if anything needs you.
    """
    return visit(session_of(ctx), fix=fix, json=json)


def visit(session: "Session", *, fix: bool, json: bool) -> int:
    """Mend if asked to, then examine and print."""
    from ccops.app.doctor.examination import examine
    from ccops.app.doctor.fixes import mend

    session.looks_only = session.only_shows = not fix
    patient = _patient(session)
    findings = [*mend(patient, lambda: session.applier)] if fix else []
    if findings:  # what was mended may be the registry
        patient = replace(patient, registry=_attempt(lambda: session.registry))
    findings += examine(patient)
    _print(session, findings, json=json)
    return FINE if all(finding.ok for finding in findings) else NEEDS_A_PERSON


def _patient(session: "Session") -> "Examined":
    from ccops.app.doctor.findings import Examined

    settings = _attempt(lambda: session.settings)
    can_visit = session.home.exists and not isinstance(settings, CcopsError)
    return Examined(
        session.home,
        session.clock.now(),
        settings,
        _attempt(lambda: session.registry),
        _attempt(lambda: _ledger(session)),
        _attempt(lambda: _visit_to_kit(session)) if can_visit else None,
    )


def _ledger(session: "Session") -> "Ledger":
    """Open the ledger, and look into it, since that is when it turns out to be no ledger."""
    ledger = session.ledger_to_read if session.looks_only else session.ledger
    _ = ledger.identity.account
    return ledger


def _visit_to_kit(session: "Session") -> "CrmVisit":
    from ccops.app.doctor.findings import CrmVisit
    from ccops.cli.context import meet

    kit = meet(session)
    return CrmVisit(kit.crm, kit.account, kit.ahead, kit.way.credential.source, kit.way.rate, kit.crm.webhooks)


def _attempt(get: Callable[[], CheckPart]) -> CheckPart | CcopsError:
    try:
        return get()
    except CcopsError as error:
        return error


def _print(session: "Session", findings: "list[Finding]", *, json: bool) -> None:
    from ccops.cli.attention import finding_object, print_findings

    console = session.console
    if json:
        for finding in findings:
            console.json_line(finding_object(finding))
        return
    print_findings(console, findings)
    wrong = sum(not finding.ok for finding in findings)
    if wrong:
        console.say("1 thing needs you." if wrong == 1 else f"{wrong} things need you.", urgent=True)
    else:
        console.say("All is well.")

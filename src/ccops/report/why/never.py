"""Rules about what nobody has asked for."""

from ccops.report.why.answer import Answer, nothing, run_now, when
from ccops.report.why.case import Case
from ccops.text import clean, shorten


def was_not_run(case: Case) -> Answer | None:
    """Nobody has run the operation for the present period."""
    run = case.last_run
    if case.period is None or case.run_of_period is not None:
        return None
    last = "it was never run" if run is None else f"it was last run {when(run.started_at, case)} (r{run.id})"
    return Answer("not-run", f"{nothing(case)}: nobody has it yet, {last}.", "Give it now", (run_now(case),))


def was_not_selected(case: Case) -> Answer | None:
    """The operation was run for others."""
    run = case.run_of_period
    if run is None:
        return None
    which = f"run r{run.id} ({when(run.started_at, case)}, {clean(run.title)})"
    return Answer("not-selected", f"{nothing(case)}: {which} did not select it.", "Give it now", (run_now(case),))


def was_not_tagged(case: Case) -> Answer:
    """Nothing has ever asked for the operation."""
    tag = None if case.operation is None else case.operation.tag
    never = f"{case.name} never ran for this contact"
    if case.is_one_off:
        return Answer("never", f"{never}: nobody changed it by hand here.", "See what was done", (run_now(case),))
    if tag is None:
        why = f"{never}: it has no trigger tag, and nobody ran it by hand."
    elif case.person.tags is None:
        why = f"{never}, as far as the ledger knows."
    else:
        why = f"{never}, and the contact does not carry {shorten(tag.name)}."
    return Answer("never", why, "Do it now", (run_now(case),))

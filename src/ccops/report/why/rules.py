"""The rules in their order: the first that knows an answer gives it."""

from dataclasses import replace
from typing import Final

from ccops.report.why import contact, done, never, refused, unfinished, waiting
from ccops.report.why.answer import Answer, Rule
from ccops.report.why.case import Case

RULES: Final[tuple[Rule, ...]] = (
    waiting.is_for_nobody,
    contact.is_gone,
    contact.is_no_operation,
    unfinished.is_lost,
    unfinished.is_parked,
    unfinished.is_open,
    waiting.is_tag_stuck,
    waiting.is_tag_waiting,
    waiting.is_event_parked,
    waiting.is_event_waiting,
    done.is_undone,
    done.is_twice,
    done.is_other_amount,
    done.is_applied,
    refused.was_left_out,
    refused.was_refused,
    refused.has_failed,
    never.was_not_run,
    never.was_not_selected,
    never.was_not_tagged,
)
"""What needs a person comes before what waits, what waits before what was done, and that before what was not."""


def answer(case: Case) -> Answer:
    """Say why, and what mends it."""
    found = next(found for rule in RULES if (found := rule(case)) is not None)
    return replace(found, why=contact.preface(case.person) + found.why)

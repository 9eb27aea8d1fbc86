"""What was refused, put together by the rule that refused it."""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from ccops.ledger.figures import Refused
from ccops.report.figures.model import Reason, Refusal

_REASONS: Final = 3


def refusals_of(refused: Iterable[Refused]) -> tuple[Refusal, ...]:
    """Put together what has operation and cause in common; the most frequent first, as they come."""
    groups: dict[tuple[str, str, str], list[Refused]] = {}
    for each in refused:
        # A failure has no cause but its reason.
        groups.setdefault((each.operation, each.kind, each.cause), []).append(each)
    return tuple(sorted(map(_put_together, groups.values()), key=lambda group: -group.count))


def _put_together(group: list[Refused]) -> Refusal:
    first = group[0]
    return Refusal(
        first.operation,
        first.kind,
        first.cause,
        sum(each.count for each in group),
        max(each.last for each in group),
        tuple(Reason(each.reason, each.count) for each in islice(group, _REASONS)),
        max(len(group) - _REASONS, 0),
    )

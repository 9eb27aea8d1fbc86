"""A tagging as an occasion: poll, webhook and repeated webhook together count one tagging once."""

from datetime import datetime

from ccops.crm.base import Contact
from ccops.engine.request import Request
from ccops.engine.work import Look
from ccops.ledger.model import Origin
from ccops.operations.model import Operation
from ccops.operations.occasions import for_tag
from ccops.operations.periods import period_key


def tagging_request(
    operation: Operation,
    contact: int,
    tagged_at: datetime,
    run: int,
    origin: Origin,
    row: Contact | None = None,
    look: Look | None = None,
) -> Request:
    """Make the request that a tagging stands for; its period is that of the tagging, not of the moment of work.

    `row` is that of a list of carriers, if one showed the contact; `look` that at its tags, if one showed the tagging.
    """
    assert operation.tag is not None  # noqa: S101 - whoever saw a tagging found the operation by its tag
    period = None if operation.once_per is None else period_key(operation.once_per, tagged_at, operation.timezone)
    return Request(
        operation=operation,
        who=contact,
        occasion=for_tag(operation.tag.id, tagged_at),
        run=run,
        origin=origin,
        period=period,
        states=operation.states,
        row=row,
        look=look,
    )

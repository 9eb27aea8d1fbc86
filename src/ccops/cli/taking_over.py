"""What a person has to know before a ledger goes on where another one stopped."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ccops.errors import CcopsError
from ccops.text import clean

if TYPE_CHECKING:
    from ccops.crm.base import Account
    from ccops.engine.founding import Unknown
    from ccops.operations.model import Operation
    from ccops.registry.home import Home

_MOST_NAMED = 3


def what_is_not_known(unknown: "Unknown", account: "Account", home: "Home") -> Iterator[str]:
    """Say whose receipts were found, and what this ledger will count again, in a sentence each."""
    carry = "1 contact carries a receipt" if unknown.contacts == 1 else f"{unknown.contacts:,} contacts carry receipts"
    where = f"In {clean(account.name)} ({account.id})"
    yield f"{where}, {carry} of which this home lacks the entries, up to e{unknown.highest}: {_names(unknown)}."
    yield "If a home that has them is still at work anywhere, stop here: two of them would count twice."
    yield "What was counted there is not known here, and would be counted again:"
    yield f"- {_grants(home)} of this period, for all who got it there;"
    yield "- imports, keys and POSTs that were done there, if they are given again;"
    yield "- tags that are left on after a run, for all who carry them."
    yield "None of it can be shown or undone here. New entries get numbers above those."
    yield "Pause what must not come twice, before cron runs again: ccops op pause OPERATION"


def _names(unknown: "Unknown") -> str:
    ledgers = sorted(unknown.ledgers, key=unknown.ledgers.__getitem__, reverse=True)
    more = f" and {len(ledgers) - _MOST_NAMED} more" if len(ledgers) > _MOST_NAMED else ""
    return f"ledger {', '.join(ledgers[:_MOST_NAMED])}{more}"


def _grants(home: "Home") -> str:
    periodical = [operation.name for operation in _operations(home) if operation.once_per]
    return " and ".join(periodical[:_MOST_NAMED]) or "what is granted once"


def _operations(home: "Home") -> "list[Operation]":
    from ccops.registry.load import load

    try:
        return list(load(home.registry).operations.values())
    except CcopsError:  # missing or with mistakes: the names are a courtesy
        return []

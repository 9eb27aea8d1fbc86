"""What a person has to know before a ledger goes on where another one stopped."""

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ccops.errors import CcopsError
from ccops.text import clean, csv_safe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from ccops.crm.base import Account
    from ccops.engine.founding import Unknown
    from ccops.ledger.model import Entry
    from ccops.operations.model import Operation
    from ccops.registry.home import Home

_MOST_NAMED = 3


def what_is_not_known(unknown: "Unknown", account: "Account", home: "Home", listed: "Path") -> Iterator[str]:
    """Say whose receipts were found, and what this ledger will count again, in a sentence each."""
    carry = "1 contact carries a receipt" if unknown.contacts == 1 else f"{unknown.contacts:,} contacts carry receipts"
    where = f"In {clean(account.name)} ({account.id})"
    yield f"{where}, {carry} of which this home lacks the entries, up to e{unknown.highest}: {_names(unknown)}."
    whom = "It is" if unknown.contacts == 1 else "They are"
    yield f"{whom} in {clean(str(listed))}; nobody else shows a change of what is lost."
    yield "If a home that has them is still at work anywhere, stop here: two of them would count twice."
    yield "What was counted there is not known here, and would be counted again:"
    yield f"- {_grants(home)} of this period, for all who got it there;"
    yield "- imports, keys and POSTs that were done there, if they are given again;"
    yield "- tags that are left on after a run, for all who carry them."
    yield "None of it can be shown or undone here. New entries get numbers above those."
    yield "Pause what must not come twice, before cron runs again: ccops op pause OPERATION"


def how_to_count_as_done(unknown: "Unknown", home: "Home") -> Iterator[str]:
    """Say how the grants of this period can be taken as done for all who may have got them."""
    if periodical(home):
        them = "this contact" if unknown.contacts == 1 else f"these {unknown.contacts:,} contacts"
        yield f"To take {_grants(home)} of this period as done for {them}, instead of granting it again:"
        yield "  ccops init --take-over --grants-done"


def what_was_counted(done: "Sequence[Entry]") -> str:
    """Say what was taken as done, and how to give it to who did not get it."""
    if not done:
        return "No grant was counted as done: no operation comes once in a period, or this ledger knows of all."
    names = " and ".join(dict.fromkeys(entry.operation for entry in done))
    numbers = f"e{done[0].id}" if len(done) == 1 else f"e{done[0].id} to e{done[-1].id}"
    return (
        f"Counted {names} of this period as done for {len(done):,} of them ({numbers}). Who did not get it before the "
        "loss: ccops undo ENTRY --reopen, then run it for them."
    )


def list_changed(home: "Home", unknown: "Unknown", now: "datetime") -> "Path":
    """Write the contacts that the lost part changed to a file of the home, as a table. Raises FileUnusable."""
    from ccops.registry.home import write_private

    rows = io.StringIO()
    table = csv.writer(rows)
    table.writerow(["id", "email", "receipt"])
    table.writerows([carrier.id, csv_safe(carrier.email), csv_safe(carrier.receipt)] for carrier in unknown.carriers)
    path = home.path / f"changed-by-a-lost-ledger-{now:%Y%m%dT%H%M%SZ}.csv"
    write_private(path, rows.getvalue())
    return path


def _names(unknown: "Unknown") -> str:
    ledgers = sorted(unknown.ledgers, key=unknown.ledgers.__getitem__, reverse=True)
    more = f" and {len(ledgers) - _MOST_NAMED} more" if len(ledgers) > _MOST_NAMED else ""
    return f"ledger {', '.join(ledgers[:_MOST_NAMED])}{more}"


def _grants(home: "Home") -> str:
    names = [operation.name for operation in periodical(home)]
    return " and ".join(names[:_MOST_NAMED]) or "what is granted once"


def periodical(home: "Home") -> "list[Operation]":
    """Return the operations that come once in a period, as far as the registry can be read."""
    return [operation for operation in _operations(home) if operation.once_per]


def _operations(home: "Home") -> "list[Operation]":
    from ccops.registry.load import load

    try:
        return list(load(home.registry).operations.values())
    except CcopsError:  # missing or with mistakes: the names are a courtesy
        return []

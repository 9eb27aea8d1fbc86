"""What a dry run would have changed so far, kept in memory: later requests find what earlier ones would leave."""

from dataclasses import replace
from typing import Literal

from ccops.crm.base import Contact
from ccops.engine.request import Outcome, Request

Kind = Literal["applied", "refused", "parked"]


class Foreseen:
    """Values, occasions and periods, as they would be after the requests so far.

    Not for several threads at once.
    """

    def __init__(self) -> None:
        self._values: dict[int, dict[str, str | None]] = {}
        """By contact, the fields that would have been written."""
        self._occasions: dict[tuple[str, int, str], tuple[Kind, str | None, Outcome]] = {}
        """By operation, contact and occasion: how that would have ended, and with which amount it was asked for."""
        self._periods: dict[tuple[str, int, str], Outcome] = {}
        """By operation, contact and period, what would hold it."""

    def shown(self, contact: Contact) -> Contact:
        """Return a contact as it would be by now."""
        values = self._values.get(contact.id)
        return replace(contact, fields={**contact.fields, **values}) if values else contact

    def note(self, request: Request, kind: Kind, outcome: Outcome) -> None:
        """Remember how a request would end: its occasion is used up; one that isn't refused also holds its period."""
        assert outcome.contact is not None  # noqa: S101 - it was looked at
        if kind == "applied":
            self._values.setdefault(outcome.contact, {}).update(outcome.after or {})
        self._occasions[request.operation.name, outcome.contact, request.occasion] = kind, request.asked, outcome
        if kind != "refused" and request.period is not None:
            self._periods[request.operation.name, outcome.contact, request.period] = outcome

    def answer(self, request: Request, contact: Contact) -> Outcome | None:
        """Say how a request would be answered because of an earlier one of its occasion; None if there is none."""
        found = self._occasions.get((request.operation.name, contact.id, request.occasion))
        if found is None:
            return None
        kind, asked, first = found
        if kind != "refused" and asked != request.asked:
            amount = "another amount" if asked is None else f"another amount ({asked})"
            return _refused(first, f"this occasion would be used for {amount} by then")
        if kind == "parked":
            return first
        return replace(first, status="repeated", reason=first.reason if kind == "refused" else None)

    def period_taken(self, request: Request, contact: Contact) -> Outcome | None:
        """Say that the period of a request would be taken by an earlier one, if it would."""
        if request.period is None:
            return None
        holder = self._periods.get((request.operation.name, contact.id, request.period))
        if holder is None:
            return None
        kind = request.period.partition(":")[0]
        return replace(_refused(holder, f"this {kind} would be done already by then"), occasion=request.occasion)


def _refused(first: Outcome, reason: str) -> Outcome:
    return replace(first, status="refused", before=None, after=None, reason=reason)

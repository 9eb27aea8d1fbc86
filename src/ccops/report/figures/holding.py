"""What all contacts have of a field."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from heapq import nlargest, nsmallest
from typing import Final

from ccops.report.figures.amounts import total
from ccops.report.figures.model import Balances, Holding
from ccops.report.figures.moving import Walk
from ccops.report.figures.spread import bands, median

_SHOWN: Final = 5
"""Contacts that are named at either end."""

Name = Callable[[int], str | None]


def balances_of(field: str, walked: Walk, name: Name) -> Balances | None:
    """Tell how a field is spread among its contacts; None if most of its values are no numbers."""
    have = walked.fields[field]
    numbers = {contact: number for contact, number in have.values.items() if number is not None}
    unreadable = len(have.values) - len(numbers)
    if len(numbers) <= unreadable or not have.written:
        return None
    ascending = sorted(numbers.values())
    least = nsmallest(_SHOWN, numbers.items(), key=lambda item: (item[1], item[0]))
    most = nlargest(_SHOWN, numbers.items(), key=lambda item: (item[1], -item[0]))
    return Balances(
        field,
        len(numbers),
        unreadable,
        total(ascending),
        median(ascending),
        bands(ascending),
        _named(least, name),
        _named(most, name),
        walked.flow(field),
    )


def _named(holdings: Iterable[tuple[int, Decimal]], name: Name) -> tuple[Holding, ...]:
    return tuple(Holding(contact, name(contact), value) for contact, value in holdings)

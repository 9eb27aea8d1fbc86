"""What all contacts have of a field."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from heapq import nlargest, nsmallest
from typing import Final

from ccops.report.figures.amounts import amount, total
from ccops.report.figures.model import Balances, Holding
from ccops.report.figures.moving import FieldWalk
from ccops.report.figures.spread import bands, median

_SHOWN: Final = 5
"""Contacts that are named at either end."""

Name = Callable[[int], str | None]


def balances_of(field: str, walked: FieldWalk, name: Name) -> Balances | None:
    """Tell how a field is spread among its contacts; None if most of its values are no numbers."""
    read = {contact: amount(value) for contact, value in walked.values.items()}
    numbers = {contact: number for contact, number in read.items() if number is not None}
    unreadable = len(read) - len(numbers)
    if len(numbers) <= unreadable or all(value is None for value in walked.values.values()):
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
        walked.flow,
    )


def _named(holdings: Iterable[tuple[int, Decimal]], name: Name) -> tuple[Holding, ...]:
    return tuple(Holding(contact, name(contact), value) for contact, value in holdings)

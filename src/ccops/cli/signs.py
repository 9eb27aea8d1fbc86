"""Amounts below 0, which are asked for by the opposite option."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from ccops.cli.correction import repeated
from ccops.errors import Misconfigured
from ccops.operations.numbers import plain

_OPPOSITES: Final = {"--increase": "--decrease", "--decrease": "--increase", "--add": "--take", "--take": "--add"}


class BelowZero(Misconfigured):
    """An option was given an amount below 0, which means the opposite."""

    def __init__(self, option: str, amount: Decimal, argv: Sequence[str]) -> None:
        self.mend = turned(argv, option) or f"{_OPPOSITES[option]} {plain(-amount)}"
        super().__init__(
            f"{option} {plain(amount)} can't be: give a number above 0. Nothing was changed. To do the opposite:"
        )


def demand_signs(argv: Sequence[str], given: Mapping[str, Decimal | None]) -> None:
    """Demand of options that have an opposite that no amount is below 0. Raises BelowZero."""
    for option, amount in given.items():
        if amount is not None and amount < 0:
            raise BelowZero(option, amount, argv)


def turned(argv: Sequence[str], option: str) -> str | None:
    """Return the command line with the opposite option and no minus; None if it has no such words.

    The same if it must not be shown.
    """
    words = list(argv)
    for place, word in enumerate(words):
        if word == option and words[place + 1 : place + 2]:
            value, after = words[place + 1], place + 2
        elif word.startswith(f"{option}="):
            value, after = word.partition("=")[2], place + 1
        else:
            continue
        return repeated([*words[:place], _OPPOSITES[option], value.strip().removeprefix("-"), *words[after:]])
    return None

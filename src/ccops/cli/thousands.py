"""Numbers that may have been meant with a point between thousands, as in 1.000, which counts as 1."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ccops.cli.keys import amount_text

if TYPE_CHECKING:
    from ccops.cli.session import Session

_GROUPED: Final = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{3}")


def looks_grouped(number: Decimal) -> bool:
    """Tell whether a number was written as thousands are in many countries: 1.000."""
    return _GROUPED.fullmatch(str(number)) is not None


def tell_of_thousands(session: "Session", given: Mapping[str, Decimal | None]) -> None:
    """Say of numbers by their options as what they count, if they may have been meant as thousands."""
    for option, number in given.items():
        if number is not None and looks_grouped(number):
            session.console.advise(f"{option} {counts_as(number)}")


def counts_as(number: Decimal) -> str:
    """Say as what a number counts that may have been meant as thousands."""
    meant = str(number).replace(".", "")
    counts = f"{number} counts as {amount_text(number)}, not as {meant}, since decimals follow a point."
    return f"{counts} If {meant} was meant, write it so."

"""Why a plan can't be made: each kind takes facts and writes its own short sentence for a site owner."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from ccops.errors import CcopsError
from ccops.operations.numbers import BLANKS, NotANumber, plain
from ccops.text import clean, shorten

Cause = Literal["limit", "number", "date", "formula", "drift", "period", "amount", "overtaken"]
"""What a refusal is about. Two are the ledger's: `period`, as `once_per` was used up, and `overtaken`, of an undo."""

_MENDS: Final[Mapping[Cause, str]] = {
    "number": f"correct the field in the CRM, or empty it; {NotANumber.mend}",
    "date": "correct the field in the CRM, or empty it; write a date as 2026-11-22",
    "drift": "look at the field first; undo with --force puts the value back all the same",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing will be changed, and why, as a short sentence; `mend` says what a person can do."""

    cause: Cause
    reason: str

    @property
    def mend(self) -> str:
        """Say what to do about it; empty where that is the site owner's own rule."""
        return _MENDS.get(self.cause, "")


class Unplannable(CcopsError):  # noqa: N818 - reads as a state, like its siblings
    """Base of all reasons for which one change can't be planned; `plan` turns them into a Refusal."""

    cause: Cause


class NumberUnreadable(Unplannable):
    """A field has a value that is no number."""

    cause = "number"

    def __init__(self, field: str, fault: NotANumber) -> None:
        super().__init__(f"{clean(field)} is {fault.shown}, {fault.why}")


class NumberOrDateUnreadable(Unplannable):
    """A field that a formula reads is neither a number nor a date."""

    cause = "number"

    def __init__(self, field: str, fault: NotANumber) -> None:
        # What was tried last was a number, so its reason fits; a text like 2026-02-30 was meant as a date.
        super().__init__(f"{clean(field)} is {fault.shown}, {fault.why} and not a date")


class DateUnreadable(Unplannable):
    """A field has a value that is no date."""

    cause = "date"

    def __init__(self, field: str, value: str) -> None:
        super().__init__(f"{clean(field)} is {shorten(value)}, not a date like 2026-11-22")


class DateOutOfRange(Unplannable):
    """A date would leave the years that a date can have."""

    cause = "date"

    def __init__(self, start: date, days: Decimal) -> None:
        super().__init__(
            f"{start} {'+' if days >= 0 else '-'} {plain(days.copy_abs())} days is outside the years 1 to 9999"
        )


class NotWholeDays(Unplannable):
    """Days that are to be added have a fraction."""

    def __init__(self, days: Decimal, cause: Cause) -> None:
        self.cause = cause
        super().__init__(f"{plain(days)} is not a whole number of days")


class PastLimit(Unplannable):
    """The result would pass a limit."""

    cause = "limit"

    def __init__(self, field: str, result: Decimal, limit: Decimal) -> None:
        side = "above the maximum" if result > limit else "below the minimum"
        super().__init__(f"{clean(field)} would be {plain(result)}, {side} of {plain(limit)}")


class ResultTooLong(Unplannable):
    """The result would have absurdly many digits."""

    cause = "number"

    def __init__(self, field: str, most: int) -> None:
        super().__init__(f"{clean(field)} would be a number of more than {most} digits")


class FormulaTooLong(Unplannable):
    """A formula comes to a number of absurdly many digits, on its way or at its end."""

    cause = "formula"

    def __init__(self, formula: str, most: int) -> None:
        super().__init__(f"the formula {shorten(formula, 80)} comes to a number of more than {most} digits")


class FormulaUnworkable(Unplannable):
    """A formula comes to something that has no result, such as a division by zero or a date times a number."""

    cause = "formula"

    def __init__(self, formula: str, expression: str) -> None:
        super().__init__(f"the formula {shorten(formula, 80)} comes to {expression}, which has no result")


class DateUnderLimits(Unplannable):
    """A formula made a date for a field that has limits, so that a number was meant."""

    cause = "formula"

    def __init__(self, field: str, result: date) -> None:
        super().__init__(f"{clean(field)} would be the date {result}, but has limits for a number")


class AmountMissing(Unplannable):
    """A change that needs an amount has none."""

    cause = "amount"

    def __init__(self, field: str) -> None:
        super().__init__(f"an amount is needed for {clean(field)}")


class AmountUnusable(Unplannable):
    """An amount is not finite, or has too many digits."""

    cause = "amount"

    def __init__(self, most: int) -> None:
        super().__init__(f"the amount has to be a number of at most {most} digits")


class Drifted(Unplannable):
    """A value that is to be put back has been changed since."""

    cause = "drift"

    def __init__(self, field: str, present: str | None, expected: str | None) -> None:
        super().__init__(f"{clean(field)} is now {shown(present)}, no longer {shown(expected)}")


def shown(value: str | None) -> str:
    """Quote a field's value for a person; an empty one is called so."""
    return shorten(value) if value and value.strip(BLANKS) else "empty"

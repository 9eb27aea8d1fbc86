"""Which occasion a run is: a key, a period, or the run itself."""

from dataclasses import dataclass
from datetime import datetime

from ccops.errors import Misconfigured
from ccops.operations.model import Operation, Period
from ccops.operations.occasions import for_key, for_period, for_run
from ccops.operations.periods import describe_period, parse_period, period_bounds, period_key


class PeriodOfWhat(Misconfigured):
    """A period was named, but nothing says that the operation counts by periods."""

    def __init__(self, operation: str, text: str) -> None:
        self.mend = f"ccops run {operation} … --once-per month --period {text}"
        super().__init__(f"--period needs --once-per, since {operation} has no once_per. Nothing was sent.")


class PeriodToCome(Misconfigured):
    """`--period` names a time that has not begun."""

    def __init__(self, period: str) -> None:
        super().__init__(
            f"{describe_period(period)} has not begun, and --period is there to catch up. Nothing was sent."
        )


class OtherPeriod(Misconfigured):
    """`--once-per` contradicts the registry."""

    def __init__(self, operation: str, asked: str, known: str) -> None:
        super().__init__(
            f"{operation} counts once per {known} (once_per in operations.toml), so --once-per {asked} can't hold. "
            "Nothing was sent. Leave --once-per out, or change the operation."
        )


@dataclass(frozen=True, slots=True)
class Naming:
    """What the caller says about the occasion."""

    key: str | None = None
    once_per: Period | None = None
    period: str | None = None
    """As typed: `2026-10`."""


@dataclass(frozen=True, slots=True)
class Named:
    """The parts of an occasion that don't depend on the run."""

    occasion: str | None
    """None: each run is an occasion of its own."""
    period: str | None

    def for_run(self, run: int) -> str:
        """Return the occasion of a run."""
        return self.occasion or for_run(run)


def name_occasion(operation: Operation, naming: Naming, moment: datetime) -> Named:
    """Name the occasion of running an operation at a moment.

    Raises PeriodOfWhat, OtherPeriod, PeriodFault, KeyFault.
    """
    if naming.once_per and operation.once_per and naming.once_per != operation.once_per:
        raise OtherPeriod(operation.name, naming.once_per, operation.once_per)
    kind = naming.once_per or operation.once_per
    if naming.period is not None and kind is None:
        raise PeriodOfWhat(operation.name, naming.period)
    period = None if kind is None else _period(kind, naming.period, moment, operation.timezone)
    if naming.key is not None:
        return Named(for_key(naming.key), period)
    return Named(None if period is None else for_period(period), period)


def _period(kind: Period, text: str | None, moment: datetime, timezone: str) -> str:
    """Take the period that was named, else the present one; an empty text is no period (a shell's unset variable)."""
    if text is None:
        return period_key(kind, moment, timezone)
    named = parse_period(kind, text)
    if kind != "ever" and period_bounds(named, timezone)[0] > moment:
        raise PeriodToCome(named)
    return named

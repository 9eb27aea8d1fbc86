"""A change in a few words, for screens: "credits +10, at most 120"."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from ccops.operations.model import Action, Change
from ccops.operations.numbers import plain
from ccops.operations.refusals import shown
from ccops.text import clean, shorten


def describe_change(change: Change) -> str:
    """Say in a few words what a change does, and within which limits."""
    return ", ".join([f"{clean(change.field)} {_WORDS[change.action](change)}", *_limits(change)])


def _limits(change: Change) -> list[str]:
    most = [] if change.maximum is None else [f"at most {plain(change.maximum)}"]
    least = [] if change.minimum is None else [f"at least {plain(change.minimum)}"]
    if change.action in {"increase", "decrease"} and change.amount is not None:
        return most if _growth(change) > 0 else least
    return [*least, *most]


def _growth(change: Change) -> Decimal:
    amount = change.amount or Decimal(0)
    return amount if change.action == "increase" else amount.copy_negate()


def _moved(change: Change) -> str:
    if change.amount is None:
        return f"{'+' if change.action == 'increase' else '−'} the amount given"  # noqa: RUF001 - a minus for people
    return _signed(_growth(change))


def _signed(number: Decimal) -> str:
    return f"{'−' if number < 0 else '+'}{plain(number.copy_abs())}"  # noqa: RUF001 - a minus for people


def _amount(change: Change) -> str:
    return "the amount given" if change.amount is None else plain(change.amount)


def _set(change: Change) -> str:
    if change.value is None:
        return f"= {_amount(change)}"
    return f"= {shorten(change.value)}" if change.value else "emptied"


def _days(change: Change) -> str:
    if change.amount is None:
        return "+ the days given"
    return f"{_signed(change.amount)} {'day' if change.amount.copy_abs() == 1 else 'days'}"


_WORDS: Final[Mapping[Action, Callable[[Change], str]]] = {
    "increase": _moved,
    "decrease": _moved,
    "set": _set,
    "multiply": lambda change: f"× {_amount(change)}",  # noqa: RUF001 - a times sign for people
    "top-up": lambda change: f"topped up to {_amount(change)}",
    "append": lambda change: f"with {shorten(change.value or '')} appended",
    "copy": lambda change: f"= value of {clean(change.source or '')}",
    "add-days": _days,
    "stamp": lambda _: "= today",
    "formula": lambda change: f"= {clean(' '.join((change.formula or '').split()))}",
    "restore": lambda change: f"back to {shown(change.value)}",
}

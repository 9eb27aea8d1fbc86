"""Operations and values for the tests of this room."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import strategies as st

from ccops.operations.model import Change, Operation
from ccops.operations.plan import Plan, plan
from ccops.operations.refusal import Refusal

ZONE = "America/New_York"
NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


def dec(text: str) -> Decimal:
    """Make a Decimal."""
    return Decimal(text)


def operation(*changes: Change, timezone: str = ZONE) -> Operation:
    """Make an operation of these changes."""
    return Operation("test-operation", changes, timezone)


def planned(change: Change, **values: str | None) -> Plan:
    """Plan one change where a plan is expected."""
    result = plan(operation(change), values, NOW)
    assert isinstance(result, Plan), result
    return result


def after(change: Change, **values: str | None) -> str:
    """Plan one change, and return what the field becomes."""
    return planned(change, **values).changes[0].after


def refused(change: Change, **values: str | None) -> Refusal:
    """Plan one change where a refusal is expected."""
    result = plan(operation(change), values, NOW)
    assert isinstance(result, Refusal), result
    return result


def numbers(most: int = 10**6) -> st.SearchStrategy[Decimal]:
    """Draw numbers of up to three places."""
    return st.decimals(-most, most, places=3) | st.integers(-most, most).map(Decimal)


any_text = st.text(max_size=40) | st.from_regex(r"[-+ ]?[0-9.,]{0,8}[ e]?[0-9]{0,3}", fullmatch=True)
"""Texts that people might leave in a field, numbers and near-numbers among them."""

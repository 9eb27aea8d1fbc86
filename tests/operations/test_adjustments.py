"""Operations as a caller asks for them."""

from decimal import Decimal

import pytest

from ccops.operations.derived import AmountNotPositive, TakesNoAmount, adjust_operation, takes_amount, with_amount
from ccops.operations.model import Change, FieldRules, Operation

SPEND = Change("credits", "decrease", amount=Decimal(3), minimum=Decimal(0))
STAMP = Change("replay_opened_on", "stamp")


def operation(*changes: Change) -> Operation:
    return Operation("unlock", changes, "America/New_York")


@pytest.mark.parametrize(
    ("changes", "takes"),
    [
        ((SPEND,), True),
        ((SPEND, STAMP), True),
        ((Change("a", "set", amount=Decimal(1)),), True),
        ((Change("a", "set", value="x"), STAMP), False),
        ((SPEND, Change("a", "add-days", amount=Decimal(1))), False),
        ((Change("a", "formula", formula="1"),), False),
    ],
)
def test_an_amount_is_taken_where_one_change_has_one(changes: tuple[Change, ...], takes: bool) -> None:
    assert takes_amount(operation(*changes)) is takes


def test_an_amount_stands_in_for_that_of_the_only_change_that_has_one() -> None:
    found = with_amount(operation(SPEND, STAMP), Decimal(5))
    assert [change.amount for change in found.changes] == [Decimal(5), None]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ((STAMP,), "unlock takes no other amount: none of its changes has one. Nothing was sent."),
        (
            (SPEND, Change("b", "increase", amount=Decimal(1))),
            "unlock takes no other amount: 2 of its changes have one. Nothing was sent.",
        ),
    ],
)
def test_an_amount_that_fits_nowhere_is_refused(changes: tuple[Change, ...], message: str) -> None:
    with pytest.raises(TakesNoAmount) as caught:
        with_amount(operation(*changes), Decimal(5))
    assert str(caught.value) == message


@pytest.mark.parametrize("amount", ["0", "-3"])
def test_an_amount_has_to_be_above_0(amount: str) -> None:
    with pytest.raises(AmountNotPositive):
        with_amount(operation(SPEND), Decimal(amount))
    with pytest.raises(AmountNotPositive):
        adjust_operation("credits", "take", Decimal(amount), {}, "UTC")


def test_an_adjustment_keeps_within_the_fields_limits() -> None:
    rules = {"credits": FieldRules(minimum=Decimal(0), maximum=Decimal(120), decimals=0, sole_writer=True)}
    (change,) = adjust_operation("credits", "add", Decimal(10), rules, "UTC").changes
    assert change == Change(
        "credits", "increase", Decimal(10), minimum=Decimal(0), maximum=Decimal(120), decimals=0, sole_writer=True
    )


def test_an_adjustment_may_set_to_0() -> None:
    assert adjust_operation("credits", "set", Decimal(0), {}, "UTC").changes[0].amount == Decimal(0)

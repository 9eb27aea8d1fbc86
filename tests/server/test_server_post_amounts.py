"""The amount and the key of a POST: what can't be told for certain is turned away, and uses nothing up."""

from dataclasses import replace
from typing import Literal

import pytest

from ccops.operations.model import PostPlaces
from ccops.server.bodies import parse_body
from ccops.server.post_request import Posted, read_post
from ccops.server.refusal import AmountAmbiguous, PlaceholderLeft, PostAmountMissing, PostAmountUnusable, TurnedAway
from tests.engine.conftest import increase

Sign = Literal[".", ","] | None


def read(body: str, decimal: Sign = None, header: str = "", occasion: str | None = None) -> Posted:
    operation = replace(increase(), amount_from_post=True, post=PostPlaces(occasion=occasion, decimal=decimal))
    return read_post(parse_body("", body.encode()), body.encode(), operation, header)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ("id=5&amount=", PostAmountMissing),
        ("id=5&amount=+", PostAmountMissing),
        ('{"id": 5, "amount": null}', PostAmountMissing),
        ('{"id": 5, "amount": ""}', PostAmountMissing),
        ("id=5&amount=1.000", AmountAmbiguous),
        ("id=5&amount=12.500", AmountAmbiguous),
        ("id=5&amount=1,000", AmountAmbiguous),
        ("id=5&amount=2,5", AmountAmbiguous),
        ("id=5&amount=1.234,50", AmountAmbiguous),
        ("id=5&amount=1,234.50", AmountAmbiguous),
        ('{"id": 5, "amount": "1.000"}', AmountAmbiguous),
        ("id=5&amount=[Amount]", PlaceholderLeft),
        ("id=5&amount={{amount}}", PlaceholderLeft),
        ("id=5&amount=NaN", PlaceholderLeft),
        ("id=5&amount=undefined", PlaceholderLeft),
        ("id=5&amount=null", PlaceholderLeft),
        ("id=5&amount=%FC5", PostAmountUnusable),
    ],
)
def test_an_amount_that_is_not_certain_is_turned_away(body: str, refusal: type[TurnedAway]) -> None:
    with pytest.raises(refusal) as turned:
        read(body)
    assert turned.value.status == 422


@pytest.mark.parametrize(
    ("sign", "text", "amount"),
    [
        (".", "1.000", "1"),
        (".", "12.500", "12.5"),
        (".", "1,000", "1000"),
        (".", "1,234,567.50", "1234567.5"),
        (".", "10", "10"),
        (",", "1.000", "1000"),
        (",", "1.234.567,50", "1234567.5"),
        (",", "2,5", "2.5"),
        (",", "1,000", "1"),
        (",", "10", "10"),
        (None, "0.500", "0.5"),
        (None, "1.0000", "1"),
        (None, "1234.500", "1234.5"),
        (None, "2.50", "2.5"),
    ],
)
def test_the_sign_before_decimals_decides(sign: Sign, text: str, amount: str) -> None:
    assert read(f"id=5&amount={text}", sign).amount == amount


@pytest.mark.parametrize(
    ("sign", "text"),
    [
        (",", "2.50"),
        (",", "1.00"),
        (",", "1.0000"),
        (".", "2,50"),
        (".", "1,00"),
        (",", "1,000.5"),
        (",", "-1"),
        (",", "0"),
    ],
)
def test_an_amount_that_does_not_fit_the_sign_is_turned_away(sign: Sign, text: str) -> None:
    with pytest.raises(PostAmountUnusable):
        read(f"id=5&amount={text}", sign)


@pytest.mark.parametrize("sign", [None, ".", ","])
@pytest.mark.parametrize(("number", "amount"), [("1.000", "1"), ("12.500", "12.5"), ("1e3", "1000"), ("2.50", "2.5")])
def test_a_number_of_json_has_a_decimal_point(sign: Sign, number: str, amount: str) -> None:
    assert read(f'{{"id": 5, "amount": {number}}}', sign).amount == amount


def test_no_amount_at_all_is_the_operations_own() -> None:
    assert read("id=5").amount is None


# ---- keys


@pytest.mark.parametrize(
    "key",
    ["[Invoice number]", "{{id}}", "%%id%%", "*|INVOICE|*", "~Order.Id~", "${id}", "null", "undefined", "NaN", "None"],
)
@pytest.mark.parametrize("place", ["event_id", "header", "post"])
def test_a_placeholder_is_no_key_wherever_it_stands(key: str, place: str) -> None:
    body = "id=5" if place == "header" else f'{{"id": 5, "event_id": "{key}"}}'
    with pytest.raises(PlaceholderLeft) as turned:
        read(body, header=key if place == "header" else "", occasion="event_id" if place == "post" else None)
    assert "a placeholder that was not replaced with a value" in str(turned.value)
    assert turned.value.status == 422

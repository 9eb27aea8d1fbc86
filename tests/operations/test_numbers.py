"""Numbers are read strictly, counted exactly and written plainly."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccops.errors import Misconfigured
from ccops.operations.numbers import (
    EXACT,
    MOST_DIGITS,
    NotANumber,
    digits,
    is_within,
    parse_number,
    places,
    plain,
    to_places,
)
from tests.operations.builders import any_text, dec, numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [("-12", "-12"), ("3.50", "3.50"), (" 7\t", "7"), ("007", "7"), ("-0", "0"), ("-" + "9" * 40, "-" + "9" * 40)],
)
def test_a_plain_number_is_read_as_written(text: str, number: str) -> None:
    assert parse_number(text, Decimal(5)) == dec(number)


@pytest.mark.parametrize("text", [None, "", "  ", "\r\n"])
def test_an_empty_field_counts_as_blank(text: str | None) -> None:
    assert parse_number(text, Decimal(5)) == 5


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("abc", '"abc" is not a number'),
        ("1,000", '"1,000" is not a number'),
        ("NaN", '"NaN" is not a number'),
        ("-Infinity", '"-Infinity" is not a number'),
        ("１２", '"１２" is not a number'),  # noqa: RUF001 - full-width digits are the point
        ("1e5", '"1e5" is not a number'),
        ("+5", '"+5" is not a number'),
        (".5", '".5" is not a number'),
        ("5.", '"5." is not a number'),
        ("--5", '"--5" is not a number'),
        ("1_000", '"1_000" is not a number'),
        ("1 000", '"1 000" is not a number'),
        ("5\n6", '"5\\n6" is not a number'),
        ("\u00a05", '"\u00a05" is not a number'),
        ("\x1b[31m5", '"\\x1b[31m5" is not a number'),
        ("1" * 400, f'"{"1" * 40}…" (400 characters) is a number of more than 40 digits'),
        ("0." + "1" * 40, f'"0.{"1" * 38}…" (42 characters) is a number of more than 40 digits'),
    ],
)
def test_anything_else_is_no_number_and_is_quoted_safely(text: str, sentence: str) -> None:
    with pytest.raises(NotANumber) as caught:
        parse_number(text, Decimal(0))
    assert str(caught.value) == sentence


def test_a_bad_number_on_the_command_line_is_the_users_to_mend() -> None:
    fault = NotANumber("abc")
    assert isinstance(fault, Misconfigured)
    assert fault.mend == "write it in plain digits, without commas or currency: 12, -3 or 3.50"


@given(any_text)
def test_reading_any_text_gives_a_finite_number_or_says_not_a_number(text: str) -> None:
    try:
        number = parse_number(text, Decimal(0))
    except NotANumber:
        return
    assert is_within(number, MOST_DIGITS + 1)


@pytest.mark.parametrize(
    ("number", "text"),
    [("1E+5", "100000"), ("1E-7", "0.0000001"), ("-0", "0"), ("-0.00", "0.00"), ("3.50", "3.50"), ("-12", "-12")],
)
def test_a_number_is_written_without_exponent_and_zero_without_sign(number: str, text: str) -> None:
    assert plain(dec(number)) == text


@given(numbers())
def test_what_is_written_is_read_back_the_same(number: Decimal) -> None:
    again = parse_number(plain(number), Decimal(1))
    assert (again, places(again)) == (number, places(number))


@pytest.mark.parametrize(("number", "count"), [("3.50", 2), ("3", 0), ("1E+5", 0), ("1E-7", 7), ("NaN", 0)])
def test_places_are_the_digits_behind_the_point(number: str, count: int) -> None:
    assert places(dec(number)) == count


@given(numbers(10**12))
def test_digits_are_counted_as_they_would_be_written(number: Decimal) -> None:
    assert digits(number) == sum(char.isdigit() for char in plain(number))


def test_a_number_of_a_billion_digits_is_measured_without_being_written() -> None:
    assert not is_within(dec("1E+999999999"), 60)


@pytest.mark.parametrize(
    ("number", "count", "rounded"),
    [("2.5", 0, "3"), ("-2.5", 0, "-3"), ("2.449", 1, "2.4"), ("2.45", 1, "2.5"), ("7", 2, "7.00"), ("-0.4", 0, "0")],
)
def test_rounding_is_half_up(number: str, count: int, rounded: str) -> None:
    assert plain(to_places(dec(number), count)) == rounded


_wide = st.from_regex(r"-?[1-9][0-9]{19}\.[0-9]{20}", fullmatch=True).map(Decimal)


@given(_wide, _wide)
def test_sums_and_products_of_the_longest_numbers_are_exact(one: Decimal, other: Decimal) -> None:
    found = [EXACT.add(one, other), EXACT.subtract(one, other), EXACT.multiply(one, other)]
    exact = [Fraction(one) + Fraction(other), Fraction(one) - Fraction(other), Fraction(one) * Fraction(other)]
    assert [Fraction(number) for number in found] == exact

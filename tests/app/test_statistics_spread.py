"""How values are put into bands, and how numbers are written for people."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccops.app.number_text import MINUS, band_name, figure, short
from ccops.app.statistics import Band, bands, median


def named(*values: float | str) -> dict[str, int]:
    return {band_name(band): band.contacts for band in bands(sorted(Decimal(str(value)) for value in values))}


def test_a_few_values_stand_for_themselves() -> None:
    assert named(0, 0, 5, "3.50") == {"0": 2, "3.50": 1, "5": 1}


def test_many_values_are_put_into_bands_of_a_round_width() -> None:
    shown = named(*range(100))
    assert list(shown)[:2] == ["0 to 9", "10 to 19"]
    assert set(shown.values()) == {10}


def test_one_contact_with_very_much_does_not_stretch_the_picture() -> None:
    shown = named(*range(60), 1_000_000)
    assert list(shown)[-1].endswith("and more")
    assert max(shown.values()) <= 10


def test_values_below_zero_have_bands_too() -> None:
    assert sum(named(*range(-50, 50)).values()) == 100


def test_where_nearly_all_have_the_same_the_others_are_still_seen() -> None:
    shown = named(*[0] * 1000, *range(1, 14))
    assert len(shown) > 1


VALUE = st.integers(-(10**30), 10**30).map(lambda number: Decimal(number).scaleb(-3))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no finding
@given(st.lists(VALUE, min_size=1, max_size=40))
def test_every_value_is_in_one_band_and_bands_are_few(values: list[Decimal]) -> None:
    ascending = sorted(values)
    found = bands(ascending)
    assert sum(band.contacts for band in found) == len(values)
    assert len(found) <= 14
    for band in found:
        inside = [value for value in values if _holds(band, value)]
        assert len(inside) == band.contacts
    assert median(ascending) in values


def _holds(band: Band, value: Decimal) -> bool:
    if band.low is not None and band.low == band.high:
        return value == band.low
    return (band.low is None or band.low <= value) and (band.high is None or value < band.high)


@pytest.mark.parametrize(
    ("number", "whole", "brief"),
    [
        ("0", "0", "0"),
        ("-0", "0", "0"),
        ("1234.50", "1,234.50", "1.2k"),
        ("-1000", f"{MINUS}1,000", f"{MINUS}1k"),
        ("2500000", "2,500,000", "2.5M"),
        ("3e9", "3,000,000,000", "3G"),
    ],
)
def test_numbers_are_written_for_people(number: str, whole: str, brief: str) -> None:
    assert (figure(Decimal(number)), short(Decimal(number))) == (whole, brief)


@pytest.mark.parametrize(
    ("low", "high", "name"),
    [
        ("10", "20", "10 to 19"),
        ("3", "4", "3"),
        ("3", "3", "3"),
        ("0.5", "1.0", "0.5 to under 1.0"),
        (None, "10", "under 10"),
        ("120", None, "120 and more"),
        ("-20", "-10", f"{MINUS}20 to {MINUS}11"),
    ],
)
def test_bands_are_named_by_what_is_in_them(low: str | None, high: str | None, name: str) -> None:
    ends = [None if end is None else Decimal(end) for end in (low, high)]
    assert band_name(Band(ends[0], ends[1], 1)) == name

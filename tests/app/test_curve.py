"""A small curve of numbers."""

import pytest

from ccops.app.number_text import curve


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        (["0", "10", "20", "70"], "▁▂▃█"),
        (["5", None, "5"], "█▁█"),
        (["-1", "0.5", "2"], "▁▄█"),
        (["5", "15"], ""),
        (["5", "5", "5"], ""),
        (["5", "abc", "7"], ""),
        ([], ""),
    ],
)
def test_a_curve_has_a_level_for_each_value(values: list[str | None], drawn: str) -> None:
    assert curve(values) == drawn

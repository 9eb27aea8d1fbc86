"""Columns: aligned for eyes, whole for programs, and never a cut number, address or id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccops.cli.output import Remark, Styled, TableColumn, fold, layout, text_of, width_of

COLUMNS = (
    TableColumn("ENTRY"),
    TableColumn("CONTACT"),
    TableColumn("NOTE", wraps=True),
    TableColumn("CREDITS", right=True),
)


def lines(rows: list[tuple[str, str, str, str]], width: int | None) -> list[str]:
    return ["".join(map(text_of, line)) for line in layout(COLUMNS, rows, width)]


def test_columns_stand_under_their_titles() -> None:
    rows = [("e1", "ann@example.org", "granted", "5"), ("e4711", "bo@x.org", "", "1,200")]
    assert lines(rows, 80) == [
        "ENTRY  CONTACT          NOTE     CREDITS",
        "e1     ann@example.org  granted        5",
        "e4711  bo@x.org                    1,200",
    ]


def test_a_long_text_wraps_within_its_column() -> None:
    rows = [("e1", "ann@example.org", "a gift because the webinar had to be moved to another day", "5")]
    assert lines(rows, 64) == [
        "ENTRY  CONTACT          NOTE                             CREDITS",
        "e1     ann@example.org  a gift because the webinar had         5",
        "                        to be moved to another day",
    ]


def test_a_text_without_room_goes_beneath() -> None:
    rows = [("e1", "somebody.with.a.long.name@department.example.org", "a gift for the webinar", "5")]
    assert lines(rows, 70) == [
        "ENTRY  CONTACT                                           CREDITS",
        "e1     somebody.with.a.long.name@department.example.org        5",
        "    a gift for the webinar",
    ]


def test_wide_characters_take_two_cells() -> None:
    assert lines([("e1", "李@例.jp", "x", "5"), ("e2", "ann@x.org", "y", "6")], 80) == [
        "ENTRY  CONTACT    NOTE  CREDITS",
        "e1     李@例.jp   x           5",
        "e2     ann@x.org  y           6",
    ]


def test_a_pipe_gets_tabs_no_titles_and_the_whole_text() -> None:
    text = "a gift because the webinar had to be moved " * 5
    assert lines([("e1", "ann@example.org", text, "5")], None) == [f"e1\tann@example.org\t{text}\t5"]


@pytest.mark.parametrize("width", [80, None])
def test_contact_text_can_neither_move_the_cursor_nor_break_a_row(width: int | None) -> None:
    shown = "\n".join(lines([("e1", "a\x1b[2J@x.org", "one\ttwo\nthree [bold]", "5")], width))
    assert "a\\x1b[2J@x.org" in shown
    assert "one\\ttwo\\nthree [bold]" in shown


def test_no_rows_are_no_lines() -> None:
    assert lines([], 80) == lines([], None) == []


def test_a_styled_cell_keeps_its_style_when_it_wraps() -> None:
    columns = (TableColumn("A"), TableColumn("B", wraps=True))
    found = [
        part
        for line in layout(columns, [("x", Styled("word " * 20, "bad"))], 40)
        for part in line
        if isinstance(part, Styled) and part.style == "bad"
    ]
    assert len(found) > 1


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60)


@given(st.lists(st.tuples(CELL, CELL, CELL, CELL), min_size=1, max_size=5), st.integers(40, 120))
def test_nothing_is_ever_cut(rows: list[tuple[str, str, str, str]], width: int) -> None:
    shown = lines(rows, width)
    whole = "".join("".join(shown).split())
    for row in lines(rows, None):
        for word in row.split():
            assert word in whole or any(word in line for line in shown)


@given(st.text(st.sampled_from("ab会 "), max_size=80), st.integers(2, 30))
def test_folding_loses_nothing_and_keeps_to_the_cells(text: str, width: int) -> None:
    lines = fold(text, width)
    assert " ".join(lines) == text.strip(" ") or "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(width_of(line) <= width for line in lines if " " in line.strip())


@given(st.lists(st.tuples(CELL, CELL, st.just("some words to wrap " * 6), CELL), min_size=1, max_size=3))
def test_lines_keep_to_the_width_if_what_must_stay_whole_leaves_room(rows: list[tuple[str, str, str, str]]) -> None:
    fixed = [max(map(width_of, column)) for column in zip(*[row.split("\t") for row in lines(rows, None)], strict=True)]
    room = 120 - sum(fixed[:2]) - max(fixed[3], 7) - 6 - 12
    if room >= 24:
        assert max(map(width_of, lines(rows, 120))) <= 120


def remarked(rows: list[tuple[str, str, str, str]], remarks: list[Remark], width: int | None) -> list[str]:
    return ["".join(map(text_of, line)) for line in layout(COLUMNS, rows, width, remarks)]


def test_a_remark_stands_under_its_row_and_ends_in_the_last_column() -> None:
    rows = [("e1", "ann@example.org", "granted", "5"), ("e2", "ann@example.org", "", "6")]
    assert remarked(rows, [Remark(1, "by maria", "undone"), Remark(1, "", "undone")], 80) == [
        "ENTRY  CONTACT          NOTE     CREDITS",
        "e1     ann@example.org  granted        5",
        "       by maria                  undone",
        "e2     ann@example.org                 6",
        "                                 undone",
    ]


def test_a_remark_without_room_takes_more_lines() -> None:
    rows = [("e1", "ann@example.org", "granted", "5")]
    assert remarked(rows, [Remark(1, "a gift for the webinar", "undone by e2")], 40) == [
        "ENTRY  CONTACT          NOTE     CREDITS",
        "e1     ann@example.org  granted        5",
        "       a gift for the webinar",
        "       undone by e2",
    ]


def test_a_pipe_gets_no_remarks() -> None:
    assert remarked([("e1", "a@x.org", "", "5")], [Remark(1, "by maria")], None) == ["e1\ta@x.org\t\t5"]


def test_after_a_cell_that_sticks_out_the_others_go_on_below() -> None:
    rows = [("e1", "ann@example.org", "granted", "5"), ("e2", f"{'a' * 50}@example.org", "granted", "6")]
    assert lines(rows, 70) == [
        "ENTRY  CONTACT          NOTE     CREDITS",
        "e1     ann@example.org  granted        5",
        f"e2     {'a' * 50}@example.org",
        "                        granted        6",
    ]


def test_a_cell_too_long_for_its_place_stands_on_a_line_of_its_own() -> None:
    rows = [("e1", "ann@example.org", "granted", "5"), ("e2", f"{'a' * 62}@example.org", "granted", "6")]
    assert lines(rows, 70)[2:] == [
        "e2",
        f"    {'a' * 62}@example.org",
        "                        granted        6",
    ]


def test_a_command_at_the_end_of_a_text_is_never_broken() -> None:
    command = "ccops tag create unlock-the-replay-of-the-workshop"
    assert fold(f"Start it from Kit by a tag: {command}", 60) == ["Start it from Kit by a tag:", command]
    assert fold(f"Start it: {command}", 60) == [f"Start it: {command}"]

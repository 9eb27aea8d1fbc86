"""Formulas know sums, choices, dates and nothing else."""

from datetime import date
from decimal import Decimal

import pytest

from ccops.operations.formula import FormulaFault, FormulaValue, compile_formula
from ccops.operations.numbers import plain
from ccops.operations.refusal import Unplannable

TODAY = date(2026, 11, 22)


def value(text: str, decimals: int | None = None, **fields: str | None) -> str:
    """Work a formula out, and write the result down."""
    result: FormulaValue = compile_formula(text).evaluate(fields, TODAY, decimals)
    return plain(result) if isinstance(result, Decimal) else result.isoformat()


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("-(2 - 5)", "3"),
        ("--3", "3"),
        ("0.1 + 0.2", "0.3"),
        ("100000000000000000000 + 0.1", "100000000000000000000.1"),
        ("10 / 4", "3"),
        ("10.0 / 4", "2.5"),
        ("1 / 3 * 3", "1"),
        ("round(10 / 4)", "3"),
        ("round(10 / 3, 2)", "3.33"),
        ("round(5 * 0.333, 1)", "1.7"),
        ("min(3, 1, 2)", "1"),
        ("max(3, 1, 2)", "3"),
        ("1 if 2 > 1 else 0", "1"),
        ("1 if 1 < 2 < 2 else 0", "0"),
        ("1 if 1 <= 1 == 1 != 2 >= 2 else 0", "1"),
        ("1 if 2 < 1 else 2 if 3 < 1 else 3", "3"),
        (" 1\n +\t2 ", "3"),
        ("00 + 1", "1"),
    ],
)
def test_sums_and_choices_come_out_as_on_paper(text: str, result: str) -> None:
    assert value(text) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [("credits + 5", "15"), ("credits / 3", "3"), ("credits * bonus", "15.00"), ("credits + empty + unset", "10")],
)
def test_fields_count_as_numbers_and_empty_ones_as_nothing(text: str, result: str) -> None:
    assert value(text, credits="10", bonus=" 1.50", empty=" ", unset=None) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("today", "2026-11-22"),
        ("today + 30", "2026-12-22"),
        ("30 + today", "2026-12-22"),
        ("joined - 1", "2026-10-31"),
        ("today - joined", "21"),
        ("today + empty", "2026-11-22"),
        ("max(joined, today)", "2026-11-22"),
        ("1 if joined < today else 0", "1"),
    ],
)
def test_dates_are_moved_by_days_and_subtracted_into_days(text: str, result: str) -> None:
    assert value(text, joined="2026-11-01", empty="") == result


@pytest.mark.parametrize(("decimals", "result"), [(None, "3"), (0, "3"), (2, "3.33"), (10, "3.3333333333")])
def test_decimals_say_how_a_division_is_rounded(decimals: int | None, result: str) -> None:
    assert value("credits / 3", decimals, credits="10") == result


def test_a_result_is_rounded_once_only() -> None:
    assert value("credits / 1000", 0, credits="1499.9") == "1"


def test_only_the_branch_taken_is_worked_out() -> None:
    assert value("1 / 0 if credits > 3 else 7", credits="3") == "7"
    assert value("points if credits > 3 else 7", credits="3", points="abc") == "7"


def test_a_formula_names_the_fields_that_it_reads() -> None:
    formula = compile_formula("min(credits, 3) if points > 2 else today - joined_on")
    assert formula.fields == {"credits", "points", "joined_on"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the formula is empty (character 1)"),
        ("credits ** 2", 'a formula can\'t have "**" (character 9)'),
        ("7 // 2", 'a formula can\'t have "//" (character 3)'),
        ("7 % 2", 'a formula can\'t have "%" (character 3)'),
        ("'a' + 1", "a formula can't have \"'\" (character 1)"),
        ("(1).real", 'a formula can\'t have ".real" (character 4)'),
        ("credits.real", 'a formula can\'t have "credits.real" (character 1)'),
        ("a[0]", 'a formula can\'t have "[" (character 2)'),
        ("1e5", 'a formula can\'t have "1e5" (character 1)'),
        ("0x10", 'a formula can\'t have "0x10" (character 1)'),
        ("1_000", 'a formula can\'t have "1_000" (character 1)'),
        ("1 + 2j", 'a formula can\'t have "2j" (character 5)'),
        ("1if 2 > 1 else 3", 'a formula can\'t have "1if" (character 1)'),
        ("crédits + 1", 'a formula can\'t have "crédits" (character 1)'),
        ("１ + 2", 'a formula can\'t have "１" (character 1)'),  # noqa: RUF001 - a full-width digit
        ("1 +\x00 2", 'a formula can\'t have "\\x00" (character 4)'),
        ("(x := 3)", 'a formula can\'t have ":" (character 4)'),
        ("lambda + 1", "a formula can't have the word \"lambda\"; a field of this name can't be used (character 1)"),
        ("1 + class", "a formula can't have the word \"class\"; a field of this name can't be used (character 5)"),
        (
            "1 if a and b else 2",
            "a formula can't have the word \"and\"; a field of this name can't be used (character 8)",
        ),
        ("True", "a formula can't have the word \"True\"; a field of this name can't be used (character 1)"),
        ("min + 1", '"min" needs its ( ); a field of this name can\'t be used (character 1)'),
        ("abs(1)", 'a formula has no function "abs", only min, max, round (character 1)'),
        ("__import__(1)", 'a formula has no function "__import__", only min, max, round (character 1)'),
        ("min(1)", '"min" needs two values or more (character 1)'),
        ("max(*a)", '"max" needs two values or more (character 1)'),
        ("max(*a, 1)", "a formula can't have this (character 5)"),
        ("round(1, 11)", '"round" needs a value and, if you like, how many places: 0 to 10 (character 1)'),
        ("round(1, places)", '"round" needs a value and, if you like, how many places: 0 to 10 (character 1)'),
        ("round()", '"round" needs a value and, if you like, how many places: 0 to 10 (character 1)'),
        ("(min)(1, 2)(3)", "a formula can't have this (character 1)"),
        ("1, 2", "a formula can't have this (character 1)"),
        ("+1", "a + needs something on its left (character 1)"),
        ("1 < 2", "a comparison belongs between if and else (character 1)"),
        ("1 if credits else 2", "after if a comparison is needed, such as credits > 3 (character 1)"),
        ("  1 + < 2", "the formula can't be read from here on (character 7)"),
        ("1" * 41, "a number may have 40 digits (character 1)"),
        ("1+" * 250 + "1", "a formula may have 500 characters, not 501 (character 501)"),
        ("1+" * 26 + "1", "the formula is nested more than 25 deep (character 1)"),
        ("-" * 499 + "1", "the formula is nested more than 25 deep (character 27)"),
    ],
)
def test_anything_else_is_a_fault_that_says_what_and_where(text: str, sentence: str) -> None:
    with pytest.raises(FormulaFault) as caught:
        compile_formula(text)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "text", ["1 2", "007", "1 if 2 > 1", "1) + (2", "(1", "credits +", "if", "round(a b)", "a = 3"]
)
def test_a_formula_that_does_not_parse_is_a_fault(text: str) -> None:
    with pytest.raises(FormulaFault):  # where exactly is Python's to say, and differs between its versions
        compile_formula(text)


def test_hundreds_of_parentheses_are_a_fault_and_no_crash() -> None:
    with pytest.raises(FormulaFault):
        compile_formula("(" * 249 + "1" + ")" * 249)


@pytest.mark.parametrize(
    ("text", "cause", "sentence"),
    [
        ("1 / zero", "formula", 'the formula "1 / zero" comes to 1 / 0, which has no result'),
        ("today * 2", "formula", 'the formula "today * 2" comes to 2026-11-22 * 2, which has no result'),
        (
            "today + today",
            "formula",
            'the formula "today + today" comes to 2026-11-22 + 2026-11-22, which has no result',
        ),
        ("3 - today", "formula", 'the formula "3 - today" comes to 3 - 2026-11-22, which has no result'),
        ("-today", "formula", 'the formula "-today" comes to -(2026-11-22), which has no result'),
        ("today / 2", "formula", 'the formula "today / 2" comes to 2026-11-22 / 2, which has no result'),
        ("round(today)", "formula", 'the formula "round(today)" comes to round(2026-11-22), which has no result'),
        ("min(today, 3)", "formula", 'the formula "min(today, 3)" comes to min(2026-11-22, 3), which has no result'),
        (
            "1 if today > 3 else 2",
            "formula",
            'the formula "1 if today > 3 else 2" comes to 2026-11-22 > 3, which has no result',
        ),
        (
            "today - joined",
            "formula",
            'the formula "today - joined" comes to 2026-11-22 - an empty field, which has no result',
        ),
        ("today + 1.5", "formula", "1.5 is not a whole number of days"),
        ("today + 9999999", "date", "2026-11-22 + 9999999 days is outside the years 1 to 9999"),
        ("today - 99999999999999", "date", "2026-11-22 - 99999999999999 days is outside the years 1 to 9999"),
        ("word + 1", "number", 'word is "abc", not a number and not a date'),
        ("no_day + 1", "number", 'no_day is "2026-02-30", not a number and not a date'),
        (
            "big * big * big",
            "formula",
            'the formula "big * big * big" comes to a number of more than 60 digits',
        ),
    ],
)
def test_what_has_no_result_is_refused_with_the_values_met(text: str, cause: str, sentence: str) -> None:
    fields = {"zero": "0", "joined": None, "word": "abc", "no_day": "2026-02-30", "big": "9" * 30}
    with pytest.raises(Unplannable) as caught:
        compile_formula(text).evaluate(fields, TODAY)
    assert (caught.value.cause, str(caught.value)) == (cause, sentence)


def test_a_field_that_was_not_read_is_a_bug_and_never_zero() -> None:
    with pytest.raises(KeyError):
        compile_formula("credits + 1").evaluate({}, TODAY)

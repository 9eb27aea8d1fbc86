"""An undo takes back what was really changed, and nothing else."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccops.operations.derived import undo_operation
from ccops.operations.model import Action, Change, FieldRules, Operation, Tag
from ccops.operations.numbers import plain
from ccops.operations.plan import FieldChange, Plan, plan
from ccops.operations.refusal import Refusal
from tests.operations.builders import NOW, dec, numbers, operation

FLOOR = {"credits": FieldRules(minimum=dec("0"), maximum=dec("100"), sole_writer=True)}


def undone(
    change: Change, before: str | None, *, now: str | None = None, rules: dict[str, FieldRules], force: bool = False
) -> Plan | Refusal:
    """Apply a change, let the field become `now`, and plan the undo."""
    applied = plan(operation(change), {change.field: before}, NOW)
    assert isinstance(applied, Plan), applied
    back = undo_operation(operation(change), applied.changes, rules, force=force)
    return plan(back, {change.field: applied.changes[0].after if now is None else now}, NOW)


def result(found: Plan | Refusal) -> str:
    """Say what the field becomes, or why not."""
    return found.reason if isinstance(found, Refusal) else found.changes[0].after


@pytest.mark.parametrize(
    ("change", "before", "now", "back"),
    [
        (Change("credits", "increase", amount=dec("10")), "5", "15", "5"),
        (Change("credits", "increase", amount=dec("10")), "5", "25", "15"),
        (Change("credits", "increase", amount=dec("10")), None, "10", "0"),
        (Change("credits", "increase", amount=dec("10"), blank=dec("50")), None, "60", "50"),
        (Change("credits", "decrease", amount=dec("3")), "5", "12", "15"),
        (Change("credits", "multiply", amount=dec("2")), "5", "13", "8"),
        (Change("credits", "top-up", amount=dec("10")), "7", "10", "7"),
        (Change("credits", "top-up", amount=dec("10")), "12", "12", "12"),
        (Change("credits", "increase", amount=dec("10"), maximum=dec("8"), beyond="clamp"), "5", "8", "5"),
        (Change("credits", "increase", amount=dec("10"), maximum=dec("8"), beyond="clamp"), "9", "9", "9"),
        (Change("credits", "increase", amount=dec("0.001"), decimals=2), "3.555", "3.56", "3.555"),
    ],
)
def test_a_moved_number_is_moved_back_by_what_it_really_moved(
    change: Change, before: str | None, now: str, back: str
) -> None:
    assert result(undone(change, before, now=now, rules={})) == back


@pytest.mark.parametrize(
    ("now", "force", "back"),
    [
        ("15", False, "5"),
        ("3", False, "credits would be -7, below the minimum of 0"),
        ("3", True, "-7"),
        ("abc", True, 'credits is "abc", not a number'),
    ],
)
def test_the_limits_of_the_field_hold_unless_forced(now: str, force: bool, back: str) -> None:
    # The operation's own maximum does not hold: it says how far a grant goes, not how far a correction may.
    grant = Change("credits", "increase", amount=dec("10"), maximum=dec("20"), beyond="clamp")
    assert result(undone(grant, "5", now=now, rules=FLOOR, force=force)) == back


@pytest.mark.parametrize(
    "change",
    [
        Change("credits", "set", amount=dec("40")),
        Change("credits", "set", value="gold"),
        Change("credits", "append", value="!"),
        Change("credits", "copy", source="credits"),
        Change("credits", "formula", formula="credits * 2"),
    ],
)
def test_everything_else_is_put_back_if_it_is_still_what_we_wrote(change: Change) -> None:
    assert result(undone(change, "7", rules={})) == "7"
    assert result(undone(change, "7", now="99", rules={})).startswith('credits is now "99", no longer "')
    assert result(undone(change, "7", now="99", rules={}, force=True)) == "7"


@pytest.mark.parametrize("action", ["stamp", "add-days"])
def test_a_date_is_put_back_even_to_empty(action: Action) -> None:
    assert result(undone(Change("joined_on", action, amount=dec("3")), None, rules={})) == ""


def test_all_fields_are_taken_back_or_none() -> None:
    spend = operation(Change("credits", "decrease", amount=dec("3")), Change("opened_on", "stamp"))
    wrote = (FieldChange("credits", "5", "2"), FieldChange("opened_on", None, "2026-11-22"))
    back = undo_operation(spend, wrote, {}, force=False)
    assert plan(back, {"credits": "1", "opened_on": "2026-11-22"}, NOW) == Plan(
        (FieldChange("credits", "1", "4"), FieldChange("opened_on", "2026-11-22", ""))
    )
    assert plan(back, {"credits": "1", "opened_on": "2026-11-23"}, NOW) == Refusal(
        "drift", 'opened_on is now "2026-11-23", no longer "2026-11-22"'
    )


def test_an_undo_is_bound_to_nothing_that_starts_or_limits_operations() -> None:
    grant = Operation(
        "monthly-grant",
        (Change("credits", "increase", amount=dec("10")),),
        "UTC",
        description="Credits",
        once_per="month",
        tag=Tag(1042, "ccops: grant"),
        states=frozenset({"active"}),
        tags_if_applied=("access: replay",),
        paused=True,
    )
    assert undo_operation(grant, [FieldChange("credits", "5", "15")], FLOOR, force=False) == Operation(
        "monthly-grant",
        (Change("credits", "decrease", amount=dec("10"), minimum=dec("0"), maximum=dec("100"), sole_writer=True),),
        "UTC",
        description="Credits",
    )


@pytest.mark.parametrize(
    "wrote", [FieldChange("credits", "abc", "15"), FieldChange("credits", "5", "many"), FieldChange("other", "5", "15")]
)
def test_an_entry_that_does_not_fit_its_copy_is_still_put_back(wrote: FieldChange) -> None:
    back = undo_operation(operation(Change("credits", "increase", amount=dec("10"))), [wrote], {}, force=False)
    assert back.changes == (Change(wrote.field, "restore", value=wrote.before, expected=wrote.after, guarded=True),)


_moves: st.SearchStrategy[Action] = st.sampled_from(["increase", "decrease", "multiply", "top-up", "set"])


@st.composite
def moves(draw: st.DrawFn) -> Change:
    """Draw a change of a number, clamped and rounded anyhow."""
    return Change(
        "credits",
        draw(_moves),
        amount=draw(numbers()),
        minimum=draw(st.none() | st.just(dec("-50"))),
        maximum=draw(st.none() | st.just(dec("120.5"))),
        beyond="clamp",
        decimals=draw(st.none() | st.integers(0, 4)),
    )


@given(moves(), numbers())
def test_an_undo_brings_the_value_back_if_nothing_else_changed(change: Change, before: Decimal) -> None:
    assert dec(result(undone(change, plain(before), rules={}))) == before


@given(moves(), numbers(), numbers())
def test_an_undo_leaves_what_others_added_since(change: Change, before: Decimal, added: Decimal) -> None:
    applied = plan(operation(change), {"credits": plain(before)}, NOW)
    assert isinstance(applied, Plan)
    now = plain(dec(applied.changes[0].after) + added)
    back = undone(change, plain(before), now=now, rules={}, force=True)
    assert dec(result(back)) == (before if change.action == "set" else before + added)


@given(moves(), numbers())
def test_undoing_an_undo_does_it_again(change: Change, before: Decimal) -> None:
    first = plan(operation(change), {"credits": plain(before)}, NOW)
    assert isinstance(first, Plan)
    back = undo_operation(operation(change), first.changes, {}, force=False)
    second = plan(back, {"credits": first.changes[0].after}, NOW)
    assert isinstance(second, Plan)
    again = undo_operation(back, second.changes, {}, force=False)
    assert dec(result(plan(again, {"credits": second.changes[0].after}, NOW))) == dec(first.changes[0].after)

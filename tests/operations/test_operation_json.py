"""The copy that an entry keeps is read back as it was, by older and newer programs too."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccops.operations.model import Change, CopyUnreadable, Operation, PostPlaces, Tag, from_json, to_json
from tests.operations.builders import dec, operation

_decimals = st.decimals(allow_nan=False, allow_infinity=False)
_changes = st.builds(
    Change,
    field=st.text(),
    amount=st.none() | _decimals,
    minimum=st.none() | _decimals,
    maximum=st.none() | _decimals,
    blank=_decimals,
)
_operations = st.builds(
    Operation,
    name=st.text(),
    changes=st.lists(_changes, max_size=3).map(tuple),
    timezone=st.text(),
    tag=st.none() | st.builds(Tag, st.integers(), st.text()),
    post=st.builds(PostPlaces),
)


@given(_operations)
def test_a_copy_is_read_back_as_it_was(whole: Operation) -> None:
    assert from_json(to_json(whole)) == whole


@given(_operations)
def test_writing_it_again_gives_the_same_text(whole: Operation) -> None:
    assert to_json(from_json(to_json(whole))) == to_json(whole)


@pytest.mark.parametrize("text", ["0.1", "3.50", "1E+5", "0.10000000000000000000000000000000001", "-0"])
def test_numbers_keep_every_digit_and_place(text: str) -> None:
    kept = from_json(to_json(operation(Change("credits", "increase", amount=dec(text))))).changes[0].amount
    assert (type(kept), str(kept)) == (Decimal, text)


def test_a_copy_is_whole_so_that_a_default_may_change() -> None:
    found = json.loads(to_json(operation(Change("credits", "increase", amount=dec("10")))))
    assert found["changes"][0]["beyond"] == "refuse"
    assert (found["states"], found["repeat_window"]) == (
        ["active", "bounced", "cancelled", "complained", "inactive"],
        600,
    )


def test_what_a_newer_ccops_added_is_passed_over() -> None:
    newer = {
        "name": "n",
        "timezone": "UTC",
        "colour": "red",
        "tag": {"id": 1, "name": "t", "size": 2},
        "changes": [{"field": "credits", "action": "increase", "amount": "10", "mood": "good"}],
    }
    change = Change("credits", "increase", amount=dec("10"))
    assert from_json(json.dumps(newer)) == Operation("n", (change,), "UTC", tag=Tag(1, "t"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "JSONDecodeError"),
        ("null", "AttributeError"),
        ("[1]", "AttributeError"),
        ("{}", "TypeError"),
        ('{"name": "n", "timezone": "UTC", "changes": [{"field": "f", "action": "explode"}]}', "ValueError"),
        ('{"name": "n", "timezone": "UTC", "changes": [{"field": "f"}]}', "TypeError"),
        (
            '{"name": "n", "timezone": "UTC", "changes": [{"field": "f", "action": "set", "amount": "x"}]}',
            "InvalidOperation",
        ),
        ("[" * 100_000, "RecursionError"),
    ],
)
def test_a_copy_that_makes_no_operation_is_the_ledgers_fault(text: str, kind: str) -> None:
    with pytest.raises(CopyUnreadable) as caught:
        from_json(text)
    assert str(caught.value) == f"an entry's copy of its operation can't be read ({kind})"

"""Kit's JSON, in every shape that was seen or must be feared."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccops.crm.base import Contact
from ccops.crm.http.exchange import HttpAnswer, UnreadableAnswer
from ccops.crm.kit import answers

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["subscriber", "tags", "account", "pagination", "id", "fields", "email_address", "tagged_at"])
bodies = st.dictionaries(keys, values | st.dictionaries(keys, values), max_size=5)


def answer(body: object) -> HttpAnswer:
    """An answer with this body."""
    return HttpAnswer(200, {}, json.dumps(body).encode())


@given(bodies | values)
def test_any_json_is_understood_or_unreadable_and_nothing_else(body: Any) -> None:
    for read in (answers.account, answers.one_contact, answers.one_tag, answers.one_field, answers.error_texts):
        try:
            read(answer(body))
        except UnreadableAnswer:
            continue


@given(st.binary())
def test_any_bytes_are_understood_or_unreadable(content: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        answers.page(HttpAnswer(200, {}, content), "tags", answers.tag)
    assert all(answers.error_texts(HttpAnswer(400, {}, content)))


@pytest.mark.parametrize("value", [4_300_000_001, "4300000001", 2**53 + 1])
def test_ids_are_numbers_or_texts_and_may_be_large(value: object) -> None:
    assert answers.tag({"id": value, "name": "VIP"}).id == int(str(value))


@pytest.mark.parametrize("value", [None, "", "x", -1, 1.5, True, "٣", [1], {}, "9" * 30])
def test_an_id_that_is_none_is_unreadable(value: object) -> None:
    with pytest.raises(UnreadableAnswer, match="an id that is no number"):
        answers.tag({"id": value})


def test_a_contact_is_read_without_what_is_missing_or_new() -> None:
    assert answers.contact({"id": 5, "email_address": "a@x.org", "first_name": None, "brand": {"new": 1}}) == Contact(
        5, "a@x.org", "", {}
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [("5", "5"), (None, None), ("", ""), (5, "5"), (True, "true"), (["a"], '["a"]'), ("a\ud800b", "a\ufffdb")],
)
def test_a_field_is_a_text_or_empty(value: object, text: str | None) -> None:
    row = {"id": 5, "email_address": "a@x.org", "fields": {"f": value}}
    assert answers.contact(row).fields == {"f": text}


def test_a_number_with_a_point_keeps_its_digits() -> None:
    body = b'{"subscriber": {"id": 5, "email_address": "a@x.org", "fields": {"f": 0.10000000000000000001}}}'
    assert answers.one_contact(HttpAnswer(200, {}, body)).fields == {"f": "0.10000000000000000001"}


NINE = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T09:00:00Z",
        "2026-03-01T09:00:00.999Z",
        "2026-03-01T10:00:00+01:00",
        "2026-03-01 09:00:00 UTC",
        "2026-03-01T09:00:00",
        " 2026-03-01T09:00:00Z ",
        1772355600,
    ],
)
def test_a_time_is_read_in_any_usual_form_to_the_second(text: object) -> None:
    assert answers.moment(text) == NINE


@pytest.mark.parametrize("text", [None, "", "yesterday", 10**30, "0001-01-01T00:00:00+14:00", [], "2026-13-01"])
def test_a_time_that_is_none_is_none(text: object) -> None:
    assert answers.moment(text) is None

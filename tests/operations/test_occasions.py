"""An occasion has one key, and people can read it."""

import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccops.operations.occasion import (
    KeyFault,
    Tagging,
    describe_occasion,
    for_adjust,
    for_import,
    for_key,
    for_period,
    for_post,
    for_run,
    for_tag,
    for_undo,
    for_value,
    refusal_uses_it_up,
    tagging_of,
)
from ccops.operations.refusal import Cause

TAGGED = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("occasion", "key", "words"),
    [
        (for_period("month:2026-11"), "month:2026-11", "for November 2026"),
        (for_period("day:2026-11-22"), "day:2026-11-22", "for 22 Nov 2026"),
        (for_period("ever"), "ever", "for ever"),
        (for_key("invoice-7"), "key:invoice-7", "key invoice-7"),
        (for_key("a:b@c"), "key:a:b@c", "key a:b@c"),
        (for_run(31), "run:31", "by hand, run r31"),
        (for_undo(4713), "undo:4713", "undo of e4713"),
        (for_adjust("credits", for_run(31)), "adjust:credits:run:31", "by hand, run r31"),
        (for_adjust("credits", for_key("K")), "adjust:credits:key:K", "key K"),
        (for_import("credits", for_key("K")), "import:credits:key:K", "key K"),
        (for_import("credits", for_value("40")), "import:credits:set:40", "the value 40"),
        (for_tag(1042, TAGGED), "tag:1042@2026-11-22T10:00:00Z", "tagged 22 Nov 05:00"),
        (for_post("evt_1"), "post:evt_1", "POST evt_1"),
    ],
)
def test_each_kind_of_occasion_has_its_key_and_its_words(occasion: str, key: str, words: str) -> None:
    assert (occasion, describe_occasion(occasion, "America/New_York")) == (key, words)


def test_a_tagging_is_the_same_occasion_in_every_zone() -> None:
    elsewhere = TAGGED.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert for_tag(1042, elsewhere) == for_tag(1042, TAGGED)


def test_a_tagging_is_read_back_from_its_occasion_and_from_no_other() -> None:
    assert tagging_of(for_tag(1042, TAGGED)) == Tagging(1042, TAGGED)
    assert [tagging_of(key) for key in (for_run(31), for_key("tag:1"), "ever")] == [None] * 3


def test_blanks_around_a_key_make_no_other_occasion() -> None:
    assert for_key(" invoice 7\n") == for_key("invoice 7")


def test_a_letter_with_its_accent_in_one_character_or_two_is_one_key() -> None:
    for make in (for_key, for_post):
        assert make("cafe\u0301") == make("caf\u00e9")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", 'the key "" can\'t be used.'),
        ("  ", 'the key "  " can\'t be used.'),
        ("a\nb", 'the key "a\\nb" can\'t be used.'),
        ("a\x1b[1m", 'the key "a\\x1b[1m" can\'t be used.'),
        ("a\u202eb", 'the key "a\\u202eb" can\'t be used.'),
        ("k" * 201, f'the key "{"k" * 40}…" (201 characters) can\'t be used.'),
    ],
)
def test_a_key_that_nobody_could_read_back_is_a_fault(text: str, sentence: str) -> None:
    for make in (for_key, for_post):
        with pytest.raises(KeyFault) as caught:
            make(text)
        assert str(caught.value) == sentence


def test_the_longest_key_may_be_used() -> None:
    assert for_key("k" * 200) == f"key:{'k' * 200}"


@given(st.text())
def test_any_text_is_a_key_or_a_fault_and_can_be_shown(text: str) -> None:
    try:
        occasion = for_post(text)
    except KeyFault:
        return
    assert describe_occasion(occasion, "UTC") == f"POST {unicodedata.normalize('NFC', text).strip()}"


@pytest.mark.parametrize("occasion", [for_tag(1042, TAGGED), for_post("evt_1")])
def test_a_limit_or_a_period_answers_a_tag_or_a_post_for_good(occasion: str) -> None:
    used_up = {cause for cause in get_args(Cause) if refusal_uses_it_up(occasion, cause)}
    assert used_up == {"limit", "period"}


@pytest.mark.parametrize(
    "occasion",
    [
        for_period("month:2026-11"),
        for_period("ever"),
        for_key("tag:1"),
        for_run(31),
        for_undo(4713),
        for_adjust("post", for_run(31)),
    ],
)
def test_a_refusal_uses_nothing_up_where_a_person_can_try_again(occasion: str) -> None:
    assert not [cause for cause in get_args(Cause) if refusal_uses_it_up(occasion, cause)]

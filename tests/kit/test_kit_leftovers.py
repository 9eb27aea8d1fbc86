"""Answers with more to them than they should have: no later request may take what is left of one for its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ccops.crm.base import OutcomeUnknown

if TYPE_CHECKING:
    from ccops.crm.kit.client import KitCrm
    from tests.kit.conftest import Wire

BODY = json.dumps({"subscriber": {"id": 5, "email_address": "a@x.org", "fields": {"credits": "15"}}}).encode()
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
WHOLE = b"HTTP/1.1 200 OK\r\n" + LENGTH + b"\r\n" + BODY
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
BODILESS = b"HTTP/1.1 204 No Content\r\n"


@pytest.mark.parametrize("answer", [WHOLE, CHUNKED], ids=["announced", "in chunks"])
@pytest.mark.parametrize("more", [WHOLE, b"\n"], ids=["another answer", "one byte"])
def test_what_comes_behind_an_answer_is_no_later_one(answer: bytes, more: bytes, wire: Wire, crm: KitCrm) -> None:
    wire.say(answer + more, stay=True).say(answer, stay=True).say(answer, stay=True)
    assert [crm.write(5, {"credits": "15"}) for _ in range(3)] == [{"credits": "15"}] * 3
    assert len(wire.asked) == 3


@pytest.mark.parametrize("header", [b"", b"Content-Length: 0\r\n", LENGTH])
def test_a_body_announced_where_none_is_read_is_no_later_answer(header: bytes, wire: Wire, crm: KitCrm) -> None:
    wire.say(BODILESS + header + b"\r\n", stay=True).say(WHOLE, stay=True)
    crm.remove_tag(7, 5)
    found = crm.contact(5)
    assert found is not None
    assert found.fields == {"credits": "15"}


@pytest.mark.parametrize("other", [b"1", b"9999"])
def test_an_answer_of_two_lengths_proves_nothing(other: bytes, wire: Wire, crm: KitCrm) -> None:
    wire.say(WHOLE.replace(LENGTH, LENGTH + b"Content-Length: " + other + b"\r\n"), stay=True)
    with pytest.raises(OutcomeUnknown, match="its answer can't be read"):
        crm.write(5, {"credits": "15"})


def test_a_length_said_twice_is_one(wire: Wire, crm: KitCrm) -> None:
    wire.say(WHOLE.replace(LENGTH, LENGTH + LENGTH), stay=True)
    assert crm.write(5, {"credits": "15"}) == {"credits": "15"}


def test_after_an_answer_to_another_request_the_own_one_is_nobodys(wire: Wire, crm: KitCrm) -> None:
    """On that connection each answer would be taken for that of the next request, without an end."""
    wire.say(WHOLE, stay=True).say(WHOLE.replace(b'"id": 5', b'"id": 6'), stay=True)
    wire.say(WHOLE, stay=True).say(WHOLE, stay=True)
    for _ in range(3):
        crm.contact(5)
    assert [asked.connection for asked in wire.asked] == [1, 1, 2, 2]

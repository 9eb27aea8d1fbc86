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
def test_a_connection_on_which_more_came_than_the_answer_is_left(
    answer: bytes, more: bytes, wire: Wire, crm: KitCrm
) -> None:
    wire.say(answer + more, stay=True).say(answer, stay=True).say(answer, stay=True)
    assert [crm.write(5, {"credits": "15"}) for _ in range(3)] == [{"credits": "15"}] * 3
    assert [asked.connection for asked in wire.asked] == [1, 2, 2]


@pytest.mark.parametrize(("header", "connections"), [(b"", 1), (b"Content-Length: 0\r\n", 1), (LENGTH, 2)])
def test_a_body_announced_where_none_is_read_does_not_come_on_a_kept_connection(
    header: bytes, connections: int, wire: Wire, crm: KitCrm
) -> None:
    wire.say(BODILESS + header + b"\r\n", stay=True).say(WHOLE, stay=True)
    crm.remove_tag(7, 5)
    crm.contact(5)
    assert wire.connections == connections


@pytest.mark.parametrize("other", [b"1", b"9999"])
def test_an_answer_of_two_lengths_proves_nothing(other: bytes, wire: Wire, crm: KitCrm) -> None:
    wire.say(WHOLE.replace(LENGTH, LENGTH + b"Content-Length: " + other + b"\r\n"), stay=True)
    with pytest.raises(OutcomeUnknown, match="its answer claims to have two lengths"):
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

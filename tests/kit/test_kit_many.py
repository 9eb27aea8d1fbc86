"""Many contacts in one request: sent at most once, and believed only as far as the answer's rows go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ccops.crm.base import ManyWritten, Missing, NotSent, OutcomeUnknown, RateLimited, Rejected
from ccops.crm.http.rate_limit import SharedRateLimiter
from ccops.crm.kit.errors import KeyRefused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ccops.crm.kit.client import KitCrm
    from tests.kit.conftest import Connect, FakeClock, NotingPacer, Wire

ANN, BEN, CAT = 5, 6, 4_300_000_007
CREDITS, RECEIPT = 3, 4
VALUES = {ANN: {"credits": "15", "receipt": "a.1"}, BEN: {"credits": "7", "receipt": "a.2"}}
SENT = [(ANN, CREDITS, "15"), (ANN, RECEIPT, "a.1"), (BEN, CREDITS, "7"), (BEN, RECEIPT, "a.2")]
ANN_WHOLE, BEN_WHOLE = {ANN: VALUES[ANN]}, {BEN: VALUES[BEN]}
FIELDS = {
    "custom_fields": [
        {"id": CREDITS, "key": "credits", "label": "Credits"},
        {"id": RECEIPT, "key": "receipt", "label": "Receipt"},
    ]
}


@pytest.fixture
def crm(wire: Wire, connect: Connect) -> KitCrm:
    """A client with an access token."""
    return connect(wire.url, oauth=True)


def row(contact: object, field: object, value: object) -> dict[str, object]:
    """A value as the answer shows it."""
    return {"subscriber_id": contact, "subscriber_custom_field_id": field, "value": value}


def failed(*about: Any) -> dict[str, object]:
    """A failure."""
    return {"errors": ["Subscriber does not exist"], "custom_field_value": row(*about)}


def said(done: Any, failures: Any = (), **more: Any) -> dict[str, Any]:
    """An answer to a write."""
    return {"custom_field_values": [row(*each) for each in done], "failures": list(failures), **more}


def written(wire: Wire, crm: KitCrm, body: object) -> ManyWritten:
    """What is made of an answer."""
    wire.reply(200, FIELDS).reply(200, body)
    return crm.write_many(VALUES)


def test_one_request_sets_the_fields_of_all_by_their_ids(wire: Wire, crm: KitCrm) -> None:
    assert written(wire, crm, said(SENT)) == ManyWritten(VALUES, frozenset())
    listing, bulk = wire.asked
    assert listing.target == "/v4/custom_fields?per_page=1000"
    assert (bulk.method, bulk.target) == ("POST", "/v4/bulk/custom_fields/subscribers")
    assert json.loads(bulk.body) == {"custom_field_values": [row(*each) for each in SENT], "callback_url": None}
    assert bulk.headers["authorization"].startswith("Bearer ")


def test_the_ids_of_the_fields_are_asked_for_once(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, FIELDS).reply(200, said(SENT)).reply(200, said(SENT))
    crm.fields()
    crm.write_many(VALUES)
    crm.write_many(VALUES)
    assert [asked.method for asked in wire.asked] == ["GET", "POST", "POST"]


def test_the_ids_are_asked_for_again_once_a_row_was_not_written(wire: Wire, crm: KitCrm) -> None:
    anew = {"custom_fields": [{"id": 9, "key": "credits", "label": "Credits"}]}
    wire.reply(200, FIELDS).reply(200, said([], [failed(ANN, CREDITS, "1")]))
    wire.reply(200, anew).reply(200, said([(ANN, 9, "1")]))
    assert crm.write_many({ANN: {"credits": "1"}}).untouched == {ANN}
    assert crm.write_many({ANN: {"credits": "1"}}).echoed == {ANN: {"credits": "1"}}


def test_a_field_that_is_not_there_is_looked_for_once_and_then_missing(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, FIELDS).reply(200, FIELDS)
    crm.fields()
    with pytest.raises(Missing, match="Kit has no field points"):
        crm.write_many({ANN: {"points": "1", "credits": "1"}})
    assert [asked.method for asked in wire.asked] == ["GET", "GET"]


def test_rows_are_told_by_their_ids_and_not_by_their_place(wire: Wire, crm: KitCrm) -> None:
    reordered = [(str(contact), str(field), value) for contact, field, value in reversed(SENT)]
    assert written(wire, crm, said(reordered)).echoed == VALUES


ODD: dict[str, tuple[dict[str, Any], dict[int, Any]]] = {
    "a row is not there": (said(SENT[:3]), {**ANN_WHOLE, BEN: {"credits": "7"}}),
    "a contact is not there": (said(SENT[:2]), ANN_WHOLE),
    "another value": (said([*SENT[:3], (BEN, RECEIPT, "a.1")]), {**ANN_WHOLE, BEN: {"credits": "7"}}),
    "no value": (said([*SENT[:2], (BEN, CREDITS, None), (BEN, RECEIPT, "")]), ANN_WHOLE),
    "a row twice": (said([*SENT[:2], SENT[0], SENT[1]]), ANN_WHOLE),
    "a row twice, with two values": (said([*SENT[:2], (ANN, CREDITS, "9")]), {ANN: {"receipt": "a.1"}}),
    "a row too many": (said([*SENT, (CAT, CREDITS, "7")]), VALUES),
    "rows of somebody else": (said([*SENT[:2], (CAT, CREDITS, "7"), (CAT, RECEIPT, "a.2")]), ANN_WHOLE),
    "another field": (said([*SENT[:2], (BEN, 99, "7"), (BEN, 98, "a.2")]), ANN_WHOLE),
    "a row that is none": (
        said(SENT[:2]) | {"custom_field_values": [*said(SENT[:2])["custom_field_values"], 5]},
        ANN_WHOLE,
    ),
    "no ids": (said([*SENT[:2], (None, CREDITS, "7"), (BEN, "x", "a.2")]), ANN_WHOLE),
    "too few failures": (said(SENT[:2], [failed(None, CREDITS, "7")]), ANN_WHOLE),
    "too many failures": (said(SENT[:2], [failed(None, CREDITS, "7")] * 3), ANN_WHOLE),
    "written and failed": (said(SENT, [failed(*SENT[3])]), {**ANN_WHOLE, BEN: {"credits": "7"}}),
    "failures of somebody else": (said(SENT[:2], [failed(CAT, CREDITS, "7"), failed(None, RECEIPT, "a.2")]), ANN_WHOLE),
    "a failure of a written row": (said(SENT[:2], [failed(None, 99, "7"), failed(None, RECEIPT, "a.2")]), ANN_WHOLE),
    "failures that are none": (said(SENT[:2], ["no", {"errors": []}]), ANN_WHOLE),
    "failures about nothing that is an id": (said(SENT[:2], [failed([], {}, "7"), failed("x", 3.5, "7")]), ANN_WHOLE),
}


@pytest.mark.parametrize(("body", "echoed"), ODD.values(), ids=ODD)
def test_an_answer_that_does_not_account_for_all_proves_its_rows_alone(
    body: dict[str, Any], echoed: dict[int, Any], wire: Wire, crm: KitCrm
) -> None:
    assert written(wire, crm, body) == ManyWritten(echoed, frozenset())


FAILURES: dict[str, list[dict[str, object]]] = {
    "without the contact": [failed(None, CREDITS, "7"), failed(None, RECEIPT, "a.2")],
    "without any id": [failed(None, None, None), failed(None, None, None)],
    "with all ids": [failed(BEN, CREDITS, "7"), failed(str(BEN), str(RECEIPT), "a.2")],
}


@pytest.mark.parametrize("failures", FAILURES.values(), ids=FAILURES)
def test_who_is_not_among_the_rows_of_an_answer_that_accounts_for_all_is_untouched(
    failures: list[dict[str, object]], wire: Wire, crm: KitCrm
) -> None:
    assert written(wire, crm, said(SENT[:2], failures)) == ManyWritten(ANN_WHOLE, frozenset({BEN}))


def test_who_was_written_in_part_is_not_untouched(wire: Wire, crm: KitCrm) -> None:
    failures = [failed(ANN, RECEIPT, "a.1"), failed(None, CREDITS, "7"), failed(None, RECEIPT, "a.2")]
    assert written(wire, crm, said(SENT[:1], failures)) == ManyWritten({ANN: {"credits": "15"}}, frozenset({BEN}))


@pytest.mark.parametrize("shown", [None, ""])
def test_a_value_that_was_emptied_may_come_back_as_nothing(shown: str | None, wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, FIELDS).reply(200, said([(ANN, CREDITS, shown), (BEN, CREDITS, 7)]))
    assert crm.write_many({ANN: {"credits": ""}, BEN: {"credits": "7"}}) == ManyWritten(
        {ANN: {"credits": shown}, BEN: {"credits": "7"}}, frozenset()
    )


UNCLEAR: dict[str, Callable[[Wire], object]] = {
    "reset": lambda wire: wire.reset(),
    "half an answer": lambda wire: wire.say(b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"custom_field'),
    "hang": lambda wire: wire.hang(),
    "500": lambda wire: wire.reply(500),
    "202": lambda wire: wire.reply(202, {}),
    "a redirect": lambda wire: wire.reply(307, b"", location="/v4/elsewhere"),
    "garbage": lambda wire: wire.reply(200, b"<html>OK"),
    "204": lambda wire: wire.reply(204, b""),
    "warnings": lambda wire: wire.reply(200, said(SENT, warnings=["credits was ignored"])),
    "nothing": lambda wire: wire.reply(200, {}),
    "no list of rows": lambda wire: wire.reply(200, {"custom_field_values": {}, "failures": {}}),
    "no list of failures": lambda wire: wire.reply(200, {"custom_field_values": [], "failures": None}),
}


@pytest.mark.parametrize("unclear", UNCLEAR.values(), ids=UNCLEAR)
@pytest.mark.parametrize("untag", [False, True], ids=["write", "untag"])
def test_without_a_clear_answer_the_outcome_is_unknown_and_nothing_is_sent_again(
    unclear: Callable[[Wire], object], untag: bool, wire: Wire, crm: KitCrm, clock: FakeClock
) -> None:
    wire.reply(200, FIELDS)
    crm.fields()
    unclear(wire)
    with pytest.raises(OutcomeUnknown):
        crm.remove_tag_of_many(11, [ANN, BEN]) if untag else crm.write_many(VALUES)
    assert (len(wire.asked), clock.slept) == (2, [])


@pytest.mark.parametrize(("status", "kind"), [(401, KeyRefused), (404, Rejected), (413, Rejected), (422, Rejected)])
def test_a_refusal_ends_with_its_reason(status: int, kind: type[Exception], wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, FIELDS).reply(status, {"errors": ["No custom field values included"]}).reply(status, {"errors": []})
    with pytest.raises(kind):
        crm.write_many(VALUES)
    with pytest.raises(kind):
        crm.remove_tag_of_many(11, [ANN])
    assert len(wire.asked) == 3


def test_a_429_means_that_nothing_was_sent(wire: Wire, crm: KitCrm, pacer: NotingPacer) -> None:
    wire.reply(200, FIELDS).reply(429, b"Retry later", retry_after="9").reply(429, b"")
    with pytest.raises(RateLimited):
        crm.write_many(VALUES)
    with pytest.raises(RateLimited):
        crm.remove_tag_of_many(11, [ANN])
    assert pacer.told == [9, None]


def test_nothing_is_written_if_the_fields_cannot_be_had(wire: Wire, crm: KitCrm) -> None:
    wire.reply(302, b"", location="/v4/elsewhere")
    with pytest.raises(NotSent, match="the list of fields"):
        crm.write_many(VALUES)
    assert [asked.method for asked in wire.asked] == ["GET"]


def test_nothing_is_written_if_the_fields_took_so_long_that_the_values_grew_old(wire: Wire, crm: KitCrm) -> None:
    wire.reply(503, retry_after="7").reply(200, FIELDS).reply(200, said(SENT))
    with pytest.raises(NotSent, match="has grown old"):
        crm.write_many(VALUES)
    assert crm.write_many(VALUES).echoed == VALUES
    assert [asked.method for asked in wire.asked] == ["GET", "GET", "POST"]


def test_a_write_held_back_for_long_is_not_sent(wire: Wire, connect: Connect, clock: FakeClock, tmp_path: Path) -> None:
    pacer = SharedRateLimiter(tmp_path / "pace", 10, 60, clock)
    crm = connect(wire.url, oauth=True, paced_by=pacer)
    wire.reply(200, FIELDS)
    crm.fields()
    pacer.slow_down(60)
    with pytest.raises(NotSent, match="the pace is held back for 60 s more"):
        crm.write_many(VALUES)
    assert (len(wire.asked), clock.slept) == (1, [])


def test_more_than_kit_works_off_at_once_is_a_mistake_of_ours(wire: Wire, crm: KitCrm, connect: Connect) -> None:
    keyed = connect(wire.url)
    assert (crm.most_at_once, keyed.most_at_once) == (100, 0)
    for wrong in (
        lambda: crm.write_many({one: {"credits": "1", "receipt": "2"} for one in range(1, 52)}),
        lambda: crm.write_many({ANN: {}}),
        lambda: crm.remove_tag_of_many(11, range(101)),
        lambda: crm.remove_tag_of_many(11, []),
        lambda: keyed.write_many(VALUES),
        lambda: keyed.remove_tag_of_many(11, [ANN]),
    ):
        with pytest.raises(ValueError, match="one request takes 1 to"):
            wrong()
    assert wire.asked == []


def tagging(contact: object, tag: object) -> dict[str, object]:
    """A failed untagging."""
    return {"errors": ["Subscriber does not exist"], "tagging": {"tag_id": tag, "subscriber_id": contact}}


def test_a_tag_is_taken_off_many_in_one_request(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, {"failures": []})
    assert crm.remove_tag_of_many(11, [ANN, BEN, ANN]) == {ANN, BEN}
    assert (wire.asked[0].method, wire.asked[0].target) == ("DELETE", "/v4/bulk/tags/subscribers")
    rows = [{"tag_id": 11, "subscriber_id": ANN}, {"tag_id": 11, "subscriber_id": BEN}]
    assert json.loads(wire.asked[0].body) == {"taggings": rows}


@pytest.mark.parametrize(
    ("failures", "lost"),
    [
        ([tagging(BEN, 11)], {ANN, CAT}),
        ([tagging(str(BEN), None), tagging(ANN, 11)], {CAT}),
        ([tagging(None, 11)], set()),
        ([tagging(BEN, 11), tagging(None, 11)], set()),
        ([tagging(BEN, 12)], set()),
        ([tagging(99, 11)], set()),
        (["no"], set()),
        ([{"errors": ["no"]}], set()),
    ],
)
def test_a_failure_that_does_not_say_whose_it_is_may_be_anybodys(
    failures: list[Any], lost: set[int], wire: Wire, crm: KitCrm
) -> None:
    wire.reply(200, {"failures": failures})
    assert crm.remove_tag_of_many(11, [ANN, BEN, CAT]) == lost


def test_what_kit_says_never_shows_the_token(wire: Wire, connect: Connect) -> None:
    crm = connect(wire.url, oauth=True, key="token-0123")
    wire.reply(200, FIELDS).reply(200, said(SENT, warnings=["bad TOKEN-0123"])).reply(422, {"errors": ["token-0123"]})
    with pytest.raises(OutcomeUnknown, match=r"bad \*\*\*"):
        crm.write_many(VALUES)
    with pytest.raises(Rejected, match=r": \"\*\*\*"):
        crm.remove_tag_of_many(11, [ANN])

"""Writes: sent at most once, and every end is told apart from every other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ccops.clock import iso, parse_iso
from ccops.crm.base import CustomField, KnownTag, Missing, NotSent, OutcomeUnknown, RateLimited, Rejected
from ccops.crm.http.rate_limit import Interrupted, NoRateLimit, SharedRateLimiter
from ccops.crm.kit.errors import KeyRefused, NoSuch, RedirectRefused
from ccops.errors import ServiceUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ccops.crm.kit.client import KitCrm
    from tests.kit.conftest import Connect, FakeClock, NotingPacer, Wire

NOW = "Sun, 22 Nov 2026 10:00:00 GMT"
"""The fake clock's moment, as Kit would date an answer."""


def ann(**more: Any) -> dict[str, Any]:
    """The contact as an answer shows it."""
    return {"id": 5, "email_address": "ann@example.org", "state": "active", "fields": {"credits": "15"}} | more


UNCLEAR: dict[str, Callable[[Wire], object]] = {
    "reset": lambda wire: wire.reset(),
    "closed without an answer": lambda wire: wire.say(b""),
    "half an answer": lambda wire: wire.say(b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"subscriber"'),
    "hang": lambda wire: wire.hang(),
    "500": lambda wire: wire.reply(500),
    "503 with a wait": lambda wire: wire.reply(503, retry_after="1"),
    "202": lambda wire: wire.reply(202, {"subscriber": ann()}),
    "garbage": lambda wire: wire.reply(200, b"<html>OK"),
    "empty": lambda wire: wire.reply(200, b""),
    "204": lambda wire: wire.reply(204, b""),
    "warnings": lambda wire: wire.reply(200, {"subscriber": ann(), "warnings": ["credits was ignored"]}),
    "warnings as a text": lambda wire: wire.reply(200, {"subscriber": ann(), "warnings": "credits was ignored"}),
    "warnings as an object": lambda wire: wire.reply(200, {"subscriber": ann(), "warnings": {"credits": "?"}}),
    "another contact": lambda wire: wire.reply(200, {"subscriber": ann(id=6)}),
    "no id": lambda wire: wire.reply(200, {"subscriber": ann(id=None)}),
    "no contact": lambda wire: wire.reply(200, {"subscriber": []}),
}


@pytest.mark.parametrize("unclear", UNCLEAR.values(), ids=UNCLEAR)
def test_a_write_without_a_clear_yes_is_of_unknown_outcome_and_never_sent_again(
    unclear: Callable[[Wire], object], wire: Wire, crm: KitCrm, clock: FakeClock
) -> None:
    unclear(wire)
    with pytest.raises(OutcomeUnknown, match=r"^Kit \(127\.0\.0\.1:\d+\): (its? |no whole |the connection )"):
        crm.write(5, {"credits": "15"})
    assert (len(wire.asked), clock.slept) == (1, [])


def test_a_write_returns_the_fields_that_kit_echoes(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, {"subscriber": ann(id="5", fields={"credits": "15", "points": None, "old": 7}), "warnings": []})
    assert crm.write(5, {"credits": "15"}) == {"credits": "15", "points": None, "old": "7"}
    assert (wire.asked[0].method, wire.asked[0].target) == ("PUT", "/v4/subscribers/5")
    assert wire.asked[0].body == b'{"fields": {"credits": "15"}}'
    assert wire.asked[0].headers["content-type"] == "application/json"


def test_a_write_for_which_no_connection_could_be_made_was_not_sent(wire: Wire, crm: KitCrm) -> None:
    wire.close()
    with pytest.raises(NotSent, match="Connection refused"):
        crm.write(5, {"credits": "15"})


def test_a_write_refused_by_429_was_not_sent_and_slows_everybody_down(
    wire: Wire, crm: KitCrm, pacer: NotingPacer
) -> None:
    wire.reply(429, b"Retry later").reply(429, b"", retry_after="9")
    with pytest.raises(RateLimited) as bare:
        crm.write(5, {"credits": "15"})
    with pytest.raises(RateLimited) as asked:
        crm.write(5, {"credits": "15"})
    assert [bare.value.retry_after, asked.value.retry_after] == pacer.told == [None, 9]
    assert isinstance(bare.value, NotSent)
    assert len(wire.asked) == 2


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NoSuch), (401, KeyRefused), (422, Rejected), (403, Rejected), (409, Rejected)]
)
def test_a_write_that_kit_refuses_ends_with_its_reason(
    status: int, kind: type[Exception], wire: Wire, crm: KitCrm
) -> None:
    wire.reply(status, {"errors": ["Email address has already been taken"]})
    with pytest.raises(kind):
        crm.write(5, {"credits": "15"})
    assert len(wire.asked) == 1


def test_a_redirected_write_may_have_been_done(wire: Wire, crm: KitCrm) -> None:
    wire.reply(303, b"", location="/v4/elsewhere")
    with pytest.raises(RedirectRefused) as caught:
        crm.write(5, {"credits": "15"})
    assert isinstance(caught.value, OutcomeUnknown)


def test_a_write_waits_for_the_pacer_once(wire: Wire, crm: KitCrm, pacer: NotingPacer) -> None:
    wire.reply(200, {"subscriber": ann()})
    crm.write(5, {"credits": "15"})
    assert pacer.waits == 1


def test_a_write_held_back_for_long_is_not_sent_and_the_next_reservation_waits(
    wire: Wire, connect: Connect, clock: FakeClock, tmp_path: Path
) -> None:
    pacer = SharedRateLimiter(tmp_path / "pace", 10, 60, clock)
    crm = connect(wire.url, paced_by=pacer)
    crm.reserve(2)
    wire.reply(200, {"subscriber": ann()}).reply(200, {"subscriber": ann()})
    crm.contact(5)
    SharedRateLimiter(tmp_path / "pace", 10, 60, clock).slow_down(60)
    with pytest.raises(NotSent, match="the pace is held back for 60 s more"):
        crm.write(5, {"credits": "15"})
    assert ([asked.method for asked in wire.asked], clock.slept) == (["GET"], [])
    crm.reserve(2)
    assert clock.slept == [pytest.approx(60)]
    crm.write(5, {"credits": "15"})
    assert clock.slept == [pytest.approx(60)]


def test_what_hangs_on_an_earlier_read_is_in_a_hurry(wire: Wire, crm: KitCrm, pacer: NotingPacer) -> None:
    wire.reply(200, {"subscriber": ann()}).reply(200, {"subscriber": ann()}).reply(204, b"")
    crm.contact(5)
    crm.write(5, {"credits": "15"})
    crm.remove_tag(5, 11)
    assert pacer.within == [None, 5, 5]


def test_a_value_of_any_letters_arrives_as_it_is(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, {"subscriber": ann(fields={"note": "Grüße 🎉 \x00"})})
    assert crm.write(5, {"note": "Grüße 🎉 \x00"}) == {"note": "Grüße 🎉 \x00"}
    assert b"\\ud83c\\udf89" in wire.asked[0].body


# Tags


@pytest.mark.parametrize(("status", "added"), [(201, True), (200, False)])
def test_a_tag_is_added_or_was_there(status: int, added: bool, wire: Wire, crm: KitCrm) -> None:
    wire.reply(status, {"subscriber": ann(tagged_at=iso_seconds_ago(0))})
    assert crm.add_tag(5, 11) is added
    assert (wire.asked[0].method, wire.asked[0].target) == ("POST", "/v4/tags/11/subscribers/5")


def iso_seconds_ago(seconds: float) -> str:
    """A time before the fake clock's moment, as Kit writes it."""
    return iso(datetime(2026, 11, 22, 10, tzinfo=UTC) - timedelta(seconds=seconds))


@pytest.mark.parametrize(("tagged", "added"), [(0, True), (3600, False)])
def test_a_tagging_whose_answer_was_lost_is_known_by_its_time(
    tagged: float, added: bool, wire: Wire, crm: KitCrm
) -> None:
    wire.reset().reply(200, {"subscriber": ann(tagged_at=iso_seconds_ago(tagged))}, date=NOW)
    assert crm.add_tag(5, 11) is added


def test_a_tagging_refused_before_it_was_done_is_not_taken_for_ours(wire: Wire, crm: KitCrm) -> None:
    wire.reply(429, b"Retry later").reply(200, {"subscriber": ann(tagged_at=iso_seconds_ago(0))}, date=NOW)
    assert crm.add_tag(5, 11) is False


def test_a_tag_for_somebody_who_is_gone_says_so(wire: Wire, crm: KitCrm) -> None:
    wire.reply(404, {"errors": ["Not Found"]})
    with pytest.raises(Missing, match=r"Kit has no contact 5 or no tag 11\."):
        crm.add_tag(5, 11)


def test_a_tagging_that_keeps_failing_is_of_unknown_outcome(wire: Wire, crm: KitCrm) -> None:
    for _ in range(6):
        wire.reply(500)
    with pytest.raises(OutcomeUnknown):
        crm.add_tag(5, 11)
    assert len(wire.asked) == 6


def test_a_tagging_that_was_only_put_off_was_not_sent(wire: Wire, crm: KitCrm) -> None:
    for _ in range(8):
        wire.reply(429, b"Retry later")
    with pytest.raises(RateLimited):
        crm.add_tag(5, 11)


def test_a_tagging_put_off_after_an_unclear_attempt_is_of_unknown_outcome(wire: Wire, crm: KitCrm) -> None:
    wire.reset()
    for _ in range(7):
        wire.reply(429, b"Retry later")
    with pytest.raises(OutcomeUnknown):
        crm.add_tag(5, 11)


@pytest.mark.parametrize("status", [201, 200])
def test_a_tagging_answered_for_another_contact_is_asked_again(status: int, wire: Wire, crm: KitCrm) -> None:
    wire.reply(status, {"subscriber": ann(id=6)}).reply(
        200, {"subscriber": ann(tagged_at=iso_seconds_ago(0))}, date=NOW
    )
    assert crm.add_tag(5, 11) is True
    assert len(wire.asked) == 2


@pytest.mark.parametrize(("status", "body"), [(204, b""), (200, b""), (200, b"{}"), (404, b"")])
def test_a_tag_that_is_off_is_off(status: int, body: bytes, wire: Wire, crm: KitCrm) -> None:
    wire.reply(status, body)
    crm.remove_tag(5, 11)
    assert (wire.asked[0].method, wire.asked[0].target) == ("DELETE", "/v4/tags/11/subscribers/5")
    assert len(wire.asked) == 1


def tags(*tagged_at: str) -> dict[str, Any]:
    """The tags that the contact carries now."""
    return {"tags": [{"id": 11, "name": "VIP", "tagged_at": when} for when in tagged_at]}


def test_a_removal_whose_answer_was_lost_is_looked_up(wire: Wire, crm: KitCrm) -> None:
    wire.reset().reply(200, tags(), date=NOW)
    crm.remove_tag(5, 11)
    assert [asked.method for asked in wire.asked] == ["DELETE", "GET"]


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>Welcome"), (200, b"[]"), (200, b'"OK"'), (203, b"")])
def test_a_removal_with_an_answer_that_kit_does_not_give_is_looked_up(
    status: int, body: bytes, wire: Wire, crm: KitCrm
) -> None:
    wire.reply(status, body).reply(200, tags(iso_seconds_ago(3600)), date=NOW).reply(204, b"")
    crm.remove_tag(5, 11)
    assert [asked.method for asked in wire.asked] == ["DELETE", "GET", "DELETE"]


def test_a_removal_that_did_not_happen_is_repeated(wire: Wire, crm: KitCrm) -> None:
    wire.reply(503).reply(200, tags(iso_seconds_ago(3600)), date=NOW).reply(204, b"")
    crm.remove_tag(5, 11)
    assert [asked.method for asked in wire.asked] == ["DELETE", "GET", "DELETE"]


def test_a_tag_added_again_meanwhile_is_left_alone(wire: Wire, crm: KitCrm) -> None:
    wire.reset().reply(200, tags(iso_seconds_ago(0)), date=NOW)
    crm.remove_tag(5, 11)
    assert [asked.method for asked in wire.asked] == ["DELETE", "GET"]


@pytest.mark.parametrize("trouble", [429, 503])
def test_a_removal_that_had_to_wait_takes_off_no_newer_tagging(trouble: int, wire: Wire, crm: KitCrm) -> None:
    newer = iso_seconds_ago(3600)
    wire.reply(trouble, b"Retry later").reply(200, tags(newer))
    crm.remove_tag(5, 11, parse_iso(newer) - timedelta(seconds=1))
    assert [asked.method for asked in wire.asked] == ["DELETE", "GET"]


def test_a_removal_that_had_to_wait_takes_off_the_tagging_that_is_meant(wire: Wire, crm: KitCrm) -> None:
    meant = iso_seconds_ago(0)
    wire.reply(429, b"Retry later").reply(200, tags(meant)).reply(204, b"")
    crm.remove_tag(5, 11, parse_iso(meant))
    assert [asked.method for asked in wire.asked] == ["DELETE", "GET", "DELETE"]


def test_a_removal_that_keeps_failing_is_of_unknown_outcome(wire: Wire, crm: KitCrm) -> None:
    for _ in range(2):
        wire.reply(503).reply(200, tags(iso_seconds_ago(3600)), date=NOW)
    wire.reply(503)
    with pytest.raises(OutcomeUnknown):
        crm.remove_tag(5, 11)
    assert [asked.method for asked in wire.asked] == ["DELETE", "GET"] * 2 + ["DELETE"]


@pytest.mark.parametrize("answer", [tags("never"), tags(iso_seconds_ago(0)), {"errors": []}])
def test_a_removal_that_cannot_be_looked_up_is_not_repeated(answer: dict[str, Any], wire: Wire, crm: KitCrm) -> None:
    wire.reset()
    for _ in range(6):
        wire.reply(200, answer)
    with pytest.raises(OutcomeUnknown):
        crm.remove_tag(5, 11)
    assert [asked.method for asked in wire.asked].count("DELETE") == 1


def test_a_removal_for_somebody_gone_meanwhile_is_done(wire: Wire, crm: KitCrm) -> None:
    wire.reset().reply(404, {"errors": ["Not Found"]})
    crm.remove_tag(5, 11)


@pytest.mark.parametrize(("status", "made"), [(201, True), (200, False)])
def test_a_tag_is_made_or_was_there(status: int, made: bool, wire: Wire, crm: KitCrm) -> None:
    wire.reply(status, {"tag": {"id": 11, "name": "VIP", "created_at": None}})
    assert crm.create_tag("VIP") == (KnownTag(11, "VIP"), made)
    assert wire.asked[0].body == b'{"name": "VIP"}'


def test_making_a_tag_is_repeated_only_while_nothing_can_have_been_made(wire: Wire, crm: KitCrm) -> None:
    wire.reply(429, b"Retry later").reply(503)
    with pytest.raises(OutcomeUnknown):
        crm.create_tag("VIP")
    assert len(wire.asked) == 2


def test_making_a_field_is_repeated_as_the_same_label_gives_the_same_field(wire: Wire, crm: KitCrm) -> None:
    wire.reset().reply(
        200, {"custom_field": {"id": 3, "name": "ck_field_3_credits", "key": "credits", "label": "Credits"}}
    )
    assert crm.create_field("Credits") == CustomField(3, "credits", "Credits")
    assert wire.asked[1].body == b'{"label": "Credits"}'


def test_a_field_that_kit_refuses_is_refused(wire: Wire, crm: KitCrm) -> None:
    wire.reply(422, {"errors": ["Label can't be blank"]})
    with pytest.raises(Rejected, match="Label can't be blank"):
        crm.create_field("")


def test_a_client_is_made_without_a_word_to_kit(wire: Wire, connect: Connect) -> None:
    connect(wire.url)
    assert wire.connections == 0


class OnceOnly(NoRateLimit):
    """Lets one request through, and then is asked to stop."""

    def __init__(self) -> None:
        self.passed = 0

    def wait(self, within: float | None = None) -> None:  # noqa: ARG002 - the protocol's
        """Pass, or stop."""
        self.passed += 1
        if self.passed > 1:
            raise Interrupted


def test_a_stop_between_two_attempts_does_not_make_a_lost_write_unsent(wire: Wire, connect: Connect) -> None:
    wire.reset()
    with pytest.raises(OutcomeUnknown, match="Asked to stop"):
        connect(wire.url, paced_by=OnceOnly()).add_tag(5, 11)


def test_a_stop_before_a_write_leaves_it_unsent(wire: Wire, connect: Connect) -> None:
    wire.reply(429, b"Retry later")
    crm = connect(wire.url, paced_by=OnceOnly())
    with pytest.raises(Interrupted) as caught:
        crm.add_tag(5, 11)
    assert isinstance(caught.value, NotSent)


def test_a_stop_between_two_attempts_of_a_read_is_no_answer(wire: Wire, connect: Connect) -> None:
    wire.reset()
    with pytest.raises(ServiceUnreachable, match="Asked to stop"):
        connect(wire.url, paced_by=OnceOnly()).contact(5)

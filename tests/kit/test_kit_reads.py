"""Reads: repeated when that helps, given up with a sentence when it does not."""

from __future__ import annotations

import gc
import gzip
from typing import TYPE_CHECKING

import pytest

from ccops.crm.base import Account, Contact, Rejected
from ccops.crm.kit.errors import KeyRefused, KitUnreachable, NoSuch, RedirectRefused
from ccops.errors import CredentialRefused, ServiceUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccops.crm.kit.client import KitCrm
    from tests.kit.conftest import Connect, FakeClock, NotingPacer, Wire

ACCOUNT = {"user": {"id": 7}, "account": {"id": 9, "name": "Ann's Studio", "timezone": {"name": "Europe/Berlin"}}}
ANN = {"id": 5, "email_address": "ann@example.org", "state": "active", "fields": {"credits": "5"}}

TROUBLES: dict[str, Callable[[Wire], object]] = {
    "reset": lambda wire: wire.reset(),
    "closed without an answer": lambda wire: wire.say(b""),
    "half an answer": lambda wire: wire.say(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"account"'),
    "half a chunked answer": lambda wire: wire.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{"),
    "a chunk of nonsense": lambda wire: wire.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{"),
    "no HTTP": lambda wire: wire.say(b"220 mail.example.org ESMTP\r\n"),
    "a length that is none": lambda wire: wire.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1,2\r\n\r\n{}"),
    "endless headers": lambda wire: wire.say(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 300 + b"\r\n{}"),
    "a header without an end": lambda wire: wire.say(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000),
    "broken gzip": lambda wire: wire.reply(200, b"no gzip", content_encoding="gzip"),
    "half of a gzip": lambda wire: wire.reply(200, gzip.compress(b"{}" * 99)[:-9], content_encoding="gzip"),
    "packed as nobody asked": lambda wire: wire.reply(200, b"{}", content_encoding="br"),
    "hang": lambda wire: wire.hang(),
    "500": lambda wire: wire.reply(500),
    "502 in HTML": lambda wire: wire.reply(502, b"<html>Bad gateway"),
    "503": lambda wire: wire.reply(503, retry_after="3"),
    "garbage": lambda wire: wire.reply(200, b"<html>Welcome"),
    "no UTF-8": lambda wire: wire.reply(200, b'{"account": "\xff"}'),
    "a list": lambda wire: wire.reply(200, [1, 2]),
    "deep nesting": lambda wire: wire.reply(200, b"[" * 100_000),
    "a number without an end": lambda wire: wire.reply(200, b'{"account": {"id": ' + b"1" * 5000 + b"}}"),
    "another object": lambda wire: wire.reply(200, {"tag": {"id": 1}}),
    "nothing where the account belongs": lambda wire: wire.reply(200, {"account": None}),
    "202": lambda wire: wire.reply(202, {}),
    "204": lambda wire: wire.reply(204, b""),
    "429": lambda wire: wire.reply(429, b"Retry later"),
}


# urllib3 leaves a socket to the garbage collector if an answer's length is none.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_trouble_is_outlived(trouble: Callable[[Wire], object], wire: Wire, crm: KitCrm, clock: FakeClock) -> None:
    trouble(wire)
    wire.reply(200, ACCOUNT)
    assert crm.account() == Account(9, "Ann's Studio", "Europe/Berlin")
    assert (len(wire.asked), len(clock.slept)) == (2, 1)
    gc.collect()


def test_trouble_without_an_end_is_given_up_with_a_sentence(wire: Wire, crm: KitCrm, clock: FakeClock) -> None:
    for _ in range(6):
        wire.reply(503)
    with pytest.raises(KitUnreachable) as caught:
        crm.account()
    host = wire.url.removeprefix("http://")
    assert str(caught.value) == (
        f"Kit ({host}): it answered 503 (tried 6 times). Nothing is lost: the same command later goes on."
    )
    assert isinstance(caught.value, ServiceUnreachable)
    assert (len(wire.asked), len(clock.slept)) == (6, 5)


def test_nobody_listening_is_said(wire: Wire, crm: KitCrm) -> None:
    wire.close()
    with pytest.raises(KitUnreachable, match=r"no connection could be made \(Connection refused\) \(tried 6 times\)"):
        crm.account()


def test_a_name_that_does_not_exist_is_said(connect: Connect) -> None:
    with pytest.raises(KitUnreachable, match=r"Kit \(kit\.invalid\): no connection could be made"):
        connect("http://kit.invalid").account()


def test_a_429_is_told_to_the_pacer_and_waited_out(
    wire: Wire, crm: KitCrm, pacer: NotingPacer, clock: FakeClock
) -> None:
    wire.reply(429, b"Retry later").reply(429, b"", retry_after="7").reply(200, ACCOUNT)
    assert crm.account().id == 9
    assert pacer.told == [None, 7]
    assert 1 <= clock.slept[0] <= 2
    assert 7 <= clock.slept[1] <= 8
    assert pacer.waits == 3


def test_a_retry_after_given_as_a_date_is_measured_by_the_services_own_clock(
    wire: Wire, crm: KitCrm, pacer: NotingPacer
) -> None:
    dates = {"date": "Sun, 01 Mar 2020 09:00:00 GMT", "retry_after": "Sun, 01 Mar 2020 09:00:25 GMT"}
    wire.reply(429, b"Retry later", **dates).reply(200, ACCOUNT)
    crm.account()
    assert pacer.told == [25]


@pytest.mark.parametrize("header", ["", "soon", "-5", "1e9", "٣", "9" * 400, "Sun, 99 Mar 2020 09:00:00 GMT"])
def test_a_retry_after_that_is_none_counts_as_none(header: str, wire: Wire, crm: KitCrm, pacer: NotingPacer) -> None:
    raw = f"HTTP/1.1 429 No\r\nRetry-After: {header}\r\nContent-Length: 0\r\n\r\n"
    wire.say(raw.encode(), stay=True).reply(200, ACCOUNT)
    crm.account()
    assert pacer.told == [None]


def test_a_call_has_an_end_however_patient_the_service_wants_us(wire: Wire, crm: KitCrm, clock: FakeClock) -> None:
    for _ in range(8):
        wire.reply(429, b"", retry_after="200")
    with pytest.raises(KitUnreachable, match=r"come back later \(429\) \(tried twice|tried 2 times"):
        crm.account()
    assert sum(clock.slept) <= 300


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
def test_a_redirect_is_not_followed(status: int, wire: Wire, crm: KitCrm) -> None:
    wire.reply(status, b"", location="http://127.0.0.1:9/v4/account")
    with pytest.raises(RedirectRefused, match=rf"redirect \({status}\) to \"http://127\.0\.0\.1:9/v4/account\""):
        crm.account()
    assert len(wire.asked) == 1


@pytest.mark.parametrize("location", ["http://[", "ftp://x", "//", "\x1b[31m", "x" * 5000])
def test_a_redirect_to_nonsense_is_refused_all_the_same(location: str, wire: Wire, crm: KitCrm) -> None:
    wire.reply(302, b"x" * 10, location=location)
    with pytest.raises(RedirectRefused) as caught:
        crm.account()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"errors": ["The access token is invalid"]}),
        (401, b""),
        (401, {"error": "invalid_token", "error_description": "expired"}),
        (403, {"errors": ["You do not have permission to use this API key"]}),
    ],
)
def test_a_refused_key_is_said_with_the_command_that_mends_it(
    status: int, body: object, wire: Wire, crm: KitCrm
) -> None:
    wire.reply(status, body)
    with pytest.raises(KeyRefused, match="Kit refused the API key: ") as caught:
        crm.account()
    assert isinstance(caught.value, CredentialRefused)
    assert caught.value.mend == "ccops login"
    assert len(wire.asked) == 1


def test_a_refused_token_is_mended_by_a_login_with_oauth(wire: Wire, connect: Connect) -> None:
    wire.reply(401, {"errors": ["The access token expired"]})
    with pytest.raises(KeyRefused, match='access token: "The access token expired"') as caught:
        connect(wire.url, oauth=True).account()
    assert caught.value.mend == "ccops login --oauth"


@pytest.mark.parametrize(
    ("status", "body", "texts"),
    [
        (422, {"errors": ["Bad sort", ["nested", ["deeper"]], None, 5]}, ("Bad sort", "nested", "deeper", "5")),
        (403, {"errors": ["This request would exceed your subscriber limit"]}, None),
        (400, b"Bad request\x1b[2J", ("Bad request\x1b[2J",)),
        (404, {"errors": ["Not Found"]}, ("Not Found",)),
        (413, b"<html>too large", ()),
    ],
)
def test_any_other_refusal_is_final(
    status: int, body: object, texts: tuple[str, ...] | None, wire: Wire, crm: KitCrm
) -> None:
    wire.reply(status, body)
    with pytest.raises(Rejected) as caught:
        crm.account()
    assert caught.value.status == status
    assert texts is None or caught.value.texts == texts
    assert str(caught.value).isprintable()
    assert len(wire.asked) == 1


def test_a_contact_that_is_not_there_is_none(wire: Wire, crm: KitCrm) -> None:
    wire.reply(404, {"errors": ["Not Found"]})
    assert crm.contact(5) is None


def test_a_tag_that_is_not_there_is_named(wire: Wire, crm: KitCrm) -> None:
    wire.reply(404, {"errors": ["Not Found"]})
    with pytest.raises(NoSuch, match=r"Kit has no tag 11\."):
        list(crm.carriers(11))


def test_a_contact_is_read_by_id(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, {"subscriber": ANN})
    assert crm.contact(5) == Contact(5, "ann@example.org", "active", {"credits": "5"})
    assert (wire.asked[0].method, wire.asked[0].target) == ("GET", "/v4/subscribers/5")


def test_another_contacts_answer_is_not_believed(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, {"subscriber": ANN | {"id": 6}}).reply(200, {"subscriber": ANN})
    read = crm.contact(5)
    assert read is not None
    assert read.id == 5


def test_a_service_that_keeps_answering_for_another_contact_is_given_up(wire: Wire, crm: KitCrm) -> None:
    for _ in range(6):
        wire.reply(200, {"subscriber": ANN | {"id": 6}})
    with pytest.raises(KitUnreachable, match=r"it answered for contact 6 instead of 5 \(tried 6 times\)"):
        crm.contact(5)


def found(*emails: str) -> dict[str, object]:
    """A list of contacts with these addresses."""
    rows = [{"id": number, "email_address": email, "state": "active"} for number, email in enumerate(emails, 1)]
    return {"subscribers": rows, "pagination": {"has_next_page": False, "end_cursor": None}}


def test_an_address_is_looked_up_encoded_and_in_any_state(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, found("ann+a@example.org"))
    assert crm.find(" ann+a@example.org ") is not None
    assert wire.asked[0].target == "/v4/subscribers?email_address=ann%2Ba%40example.org&status=all"


def test_an_address_is_compared_without_regard_to_case(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, found("Ann@Example.org")).reply(200, found("Ann@Example.org", "ann@example.org"))
    first, exact = crm.find("ANN@example.ORG"), crm.find("ann@example.org")
    assert first is not None
    assert first.email == "Ann@Example.org"
    assert exact is not None
    assert exact.email == "ann@example.org"


def test_two_addresses_that_only_german_spelling_makes_alike_are_two(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, found("strasse@example.org"))
    assert crm.find("straße@example.org") is None


def test_a_comma_does_not_make_two_addresses_of_one(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, found("ann@example.org", "bob@example.org"))
    assert crm.find("ann@example.org,bob@example.org") is None
    assert "%2C" in wire.asked[0].target


@pytest.mark.parametrize("status", [400, 422])
def test_what_kit_takes_for_no_address_belongs_to_nobody(status: int, wire: Wire, crm: KitCrm) -> None:
    wire.reply(status, {"errors": ["Email is invalid"]})
    assert crm.find("ann@@example") is None


def test_what_has_no_at_sign_is_not_even_asked_for(wire: Wire, crm: KitCrm) -> None:
    assert (crm.find(""), crm.find("ann"), wire.asked) == (None, None, [])


def test_half_a_character_in_an_address_is_no_crash(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, found())
    assert crm.find("ann\udce4@example.org") is None

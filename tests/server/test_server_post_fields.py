"""What a POST asks for, in every spelling that other systems use."""

import gzip
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccops.operations.model import PostPlaces
from ccops.server.bodies import parse_body
from ccops.server.post_request import Posted, read_post
from ccops.server.refusal import (
    BodyUnreadable,
    ContactsDisagree,
    ContactUnusable,
    KeyUnusable,
    OccasionMissing,
    PostAmountUnusable,
    PostWithoutContact,
    TurnedAway,
)
from tests.engine.conftest import increase

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
OPERATION = increase()
BOUNDARY = "multipart/form-data; boundary=xyz"


def read(body: bytes | str, content_type: str = FORM, header: str = "", **more: object) -> Posted:
    content = body.encode() if isinstance(body, str) else body
    data = parse_body(content_type, content)
    return read_post(data, content, replace(OPERATION, **more), header)  # type: ignore[arg-type]


def parts(**fields: str) -> bytes:
    each = [f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{fields[name]}\r\n' for name in fields]
    return ("".join(each) + "--xyz--\r\n").encode()


# ---- the contact


@pytest.mark.parametrize(
    ("content_type", "body", "who"),
    [
        (FORM, "email=ann%40example.org", "ann@example.org"),
        (FORM, "email=Ann@Example.ORG", "ann@example.org"),
        (FORM, "email=ann+credits@example.org", "ann+credits@example.org"),  # the plus stood for itself
        (FORM, "email=ann%2Bcredits@example.org", "ann+credits@example.org"),
        (FORM, "email=+ann@example.org+", "ann@example.org"),
        (f"{FORM}; charset=utf-8", "email=j%C3%BCrgen@example.org", "jürgen@example.org"),
        (FORM, "contactId=5", "5"),
        (FORM, "contact_id=5", "5"),
        (FORM, "ContactId=5", "5"),
        (FORM, "Contact0Id=5", "5"),
        (FORM, "Id=5", "5"),
        (FORM, "id=5", "5"),
        (FORM, "id=+5+&note=x", "5"),
        (FORM, "id=5&contactId=5", "5"),
        (FORM, "email=&contactId=5", "5"),
        (FORM, "contactId=12&email=ann@example.org", "ann@example.org"),  # the id is the other system's own
        (FORM, "contactId=abc&id=evt_1&email=ann@example.org", "ann@example.org"),
        (FORM, "email=a@x.org&email=A@x.org", "a@x.org"),
        (FORM, "id=9223372036854775807", "9223372036854775807"),
        (FORM, "id=0005", "5"),
        (JSON, '{"email": "ann@example.org"}', "ann@example.org"),
        (JSON, '{"email": "ann credits@example.org"}', "ann+credits@example.org"),
        (JSON, '\ufeff {"email": "ann@example.org"}', "ann@example.org"),
        (JSON, '{"id": 4300000001}', "4300000001"),
        (JSON, '{"id": "4300000001"}', "4300000001"),
        (FORM, "email=STRA%C3%9FE@example.org", "straße@example.org"),  # not strasse@
        (JSON, '{"email": null, "Id": 7}', "7"),
        (JSON, "7", "7"),
        (JSON, '"7"', "7"),
        ("application/vnd.shop+json", '{"id": 7}', "7"),
        (FORM, '{"email": "ann@example.org"}', "ann@example.org"),  # what curl -d sends
        ("", '{"id": 7}', "7"),
        ("text/plain", "7\n", "7"),
        ("text/plain; charset=us-ascii", "id=7", "7"),
        ("", "7", "7"),
        ("nonsense", "7", "7"),
        ("text/plain; charset=iso-8859-1", "email=ann@example.org", "ann@example.org"),
        (BOUNDARY, parts(email="ann@example.org", event_id="1").decode(), "ann@example.org"),
        (BOUNDARY, parts(contactId="7").decode(), "7"),
    ],
)
def test_contacts(content_type: str, body: str, who: str) -> None:
    assert read(body, content_type).who == who


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ("", PostWithoutContact),
        ("name=ann", PostWithoutContact),
        ("email=+&id=", PostWithoutContact),
        ("{}", PostWithoutContact),
        ('{"email": ""}', PostWithoutContact),
        ("email=ann", ContactUnusable),
        ("email=@example.org", ContactUnusable),
        ("email=ann@", ContactUnusable),
        ("email=ann%0A@example.org", ContactUnusable),
        ("email=ann%1b[2J@example.org", ContactUnusable),
        (f"email={'a' * 250}@example.org", ContactUnusable),
        ("id=evt_1", ContactUnusable),
        ("id=0", ContactUnusable),
        ("id=-5", ContactUnusable),
        ("id=5.0", ContactUnusable),
        ("id=9223372036854775808", ContactUnusable),
        ("id=%D9%A5", ContactUnusable),  # an Arabic 5
        ('{"id": 5.0}', ContactUnusable),
        ('{"id": true}', ContactUnusable),
        ('{"id": {"a": 1}}', ContactUnusable),
        ('{"email": 5}', ContactUnusable),
        ("0", ContactUnusable),
        ("id=5&contactId=6", ContactsDisagree),
        ("id=5&id=6", ContactsDisagree),
        ("email=a@x.org&email=b@x.org", ContactsDisagree),
        ('{"id": 5, "Id": "6"}', ContactsDisagree),
        ('{"email": ["a@x.org", "b@x.org"]}', ContactsDisagree),
    ],
)
def test_no_contact(body: str, refusal: type[TurnedAway]) -> None:
    with pytest.raises(refusal) as turned:
        read(body)
    assert turned.value.status == 422


# ---- bodies that can't be read


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"email=\xff@example.org"),
        (FORM, b"email=%FF@example.org"),
        (JSON, '{"email": "jürgen@example.org"}'.encode("latin-1")),
        (JSON, b'{"email": '),
        (JSON, b"{'email': 'ann@example.org'}"),
        (JSON, b'["ann@example.org"]'),
        (JSON, b'{"id": NaN}'),
        (JSON, b'{"id": 1, "id": 2}'),
        (JSON, b'{"a": ' + b"[" * 200_000),
        (JSON, b'{"id": ' + b"9" * 10_000 + b"}"),
        (JSON, b"null"),
        (JSON, b"just text"),
        ("text/plain; charset=utf-7", b"id=5"),
        ("text/plain; charset=punycode", b"id=5"),
        ("text/plain; charset=rot13", b"vq=5"),
        (JSON, '{"id": 5}'.encode("utf-16")),
        (JSON, gzip.compress(b'{"id": 5}', mtime=0)),
        ("text/plain", b"hello"),
        ("text/xml", b"<id>5</id>"),
        (FORM, b"&".join([b"a=1"] * 1001)),
        (BOUNDARY, b"email=ann@example.org"),
        ("multipart/form-data", parts(email="ann@example.org")),
        (BOUNDARY, parts(email="ann@example.org").replace(b"ann", b"\xff")),
    ],
)
def test_unreadable(content_type: str, body: bytes) -> None:
    with pytest.raises(BodyUnreadable) as turned:
        read(body, content_type)
    assert turned.value.status == 400


# ---- the occasion


@pytest.mark.parametrize(
    ("body", "header", "key"),
    [
        ("id=5&event_id=evt_1", "", "evt_1"),
        ("id=5&event_id=+evt_1+", "", "evt_1"),
        ("id=5", "abc-1", "abc-1"),
        ("id=5", "  abc-1 ", "abc-1"),
        ("id=5&event_id=evt_1", "abc-1", "abc-1"),
        ('{"id": 5, "event_id": 77}', "", "77"),
        ("id=5&event_id=", "", None),
        ("id=5", " ", None),
    ],
)
def test_keys(body: str, header: str, key: str | None) -> None:
    assert read(body, header=header).key == key


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (f"id=5&event_id={'x' * 201}", ""),
        ("id=5&event_id=a%0Ab", ""),
        ("id=5&event_id=a&event_id=b", ""),
        ('{"id": 5, "event_id": true}', ""),
        ('{"id": 5, "event_id": {"a": 1}}', ""),
        ("id=5", "x" * 201),
        ("id=5", "a\x1bb"),
    ],
)
def test_keys_that_are_none(body: str, header: str) -> None:
    with pytest.raises(KeyUnusable):
        read(body, header=header)


def test_without_a_key_operation_contact_and_body_make_the_fingerprint() -> None:
    same = read("id=5&x=1").fingerprint
    assert same == read("id=5&x=1").fingerprint
    other = replace(OPERATION, name="other")
    differing = [read("id=5&x=2"), read("id=6&x=1"), read_post(parse_body(FORM, b"id=5&x=1"), b"id=5&x=1", other)]
    assert len({same, *(each.fingerprint for each in differing)}) == 4
    assert read("id=5&event_id=1").fingerprint is None


# ---- other places


STRIPE = {
    "id": "evt_1",
    "type": "checkout.session.completed",
    "data": {"object": {"id": "cs_1", "customer_details": {"email": "ann@example.org"}, "lines": [{"who": 5}]}},
}
PLACES = PostPlaces("data.object.customer_details.email", "id")


def test_the_registry_says_where_contact_and_occasion_stand() -> None:
    posted = read(json.dumps(STRIPE), JSON, header="ignored", post=PLACES)
    assert (posted.who, posted.key) == ("ann@example.org", "evt_1")


@pytest.mark.parametrize("path", ["data.object.lines.0.who", "contact.id"])
def test_a_path_leads_through_lists_and_names_with_dots(path: str) -> None:
    body = {**STRIPE, "contact.id": 5}
    assert read(json.dumps(body), JSON, post=PostPlaces(contact=path)).who == "5"


@pytest.mark.parametrize("path", ["data.object.nobody", "data.object.lines.9.who", "type.email", "data.object.lines.x"])
def test_nothing_else_is_taken_for_what_the_registry_names(path: str) -> None:
    body = json.dumps({**STRIPE, "email": "wrong@example.org"})
    with pytest.raises(PostWithoutContact):
        read(body, JSON, post=PostPlaces(contact=path))
    with pytest.raises(OccasionMissing):
        read(json.dumps(STRIPE), JSON, header="abc", post=PostPlaces(occasion=path))


# ---- how much, and why


@pytest.mark.parametrize(
    ("body", "amount"),
    [
        ("id=5&amount=3", "3"),
        ("id=5&amount=3.50", "3.5"),
        ("id=5&amount=10.00", "10"),
        ("id=5&amount=100", "100"),
        ("id=5&amount=+3+", "3"),
        ('{"id": 5, "amount": 3}', "3"),
        ('{"id": 5, "amount": 3.50}', "3.5"),
        ('{"id": 5, "amount": 1e2}', "100"),
        ('{"id": 5, "amount": "3"}', "3"),
        ("id=5", None),
    ],
)
def test_amounts(body: str, amount: str | None) -> None:
    posted = read(body, amount_from_post=True)
    assert (posted.amount, posted.amount_left_out) == (amount, False)


@pytest.mark.parametrize(
    "body",
    [
        "id=5&amount=0",
        "id=5&amount=-3",
        "id=5&amount=ten",
        "id=5&amount=3&amount=4",
        "id=5&amount=1e2",
        f"id=5&amount={'9' * 41}",
        '{"id": 5, "amount": 1e400}',
        '{"id": 5, "amount": 1e999999999999}',
        '{"id": 5, "amount": true}',
        '{"id": 5, "amount": [3]}',
        '{"id": 5, "amount": {}}',
    ],
)
def test_amounts_that_are_none(body: str) -> None:
    with pytest.raises(TurnedAway) as turned:
        read(body, amount_from_post=True)
    assert isinstance(turned.value, PostAmountUnusable | BodyUnreadable)


def test_an_amount_that_is_not_taken_is_left_out_and_said() -> None:
    posted = read("id=5&amount=4900")
    assert (posted.amount, posted.amount_left_out) == (None, True)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("id=5&reason=Invoice+7", "Invoice 7"),
        ("id=5&reason=a%1b[31mb", "a\\x1b[31mb"),
        ("id=5&reason=", None),
        ("id=5", None),
        ('{"id": 5, "reason": 7}', "7"),
        ('{"id": 5, "reason": {"a": 1}}', None),
        (f"id=5&reason={'x' * 500}", "x" * 200),
    ],
)
def test_reasons(body: str, reason: str | None) -> None:
    assert read(body).reason == reason


@given(
    st.binary(max_size=300) | st.text(max_size=100).map(str.encode),
    st.sampled_from([JSON, FORM, BOUNDARY, "text/plain", ""]) | st.text(st.characters(max_codepoint=255), max_size=60),
)
def test_whatever_is_sent_is_read_or_turned_away(body: bytes, content_type: str) -> None:
    told: int | str
    try:
        told = read(body, content_type, amount_from_post=True).who
    except TurnedAway as turned:
        told = turned.status.value
    assert told in {400, 422} or str(told).isdigit() or "@" in str(told)

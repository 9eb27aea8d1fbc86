"""Bodies as other systems write them: their charsets, nested names, and data in the address."""

import json
from dataclasses import replace
from encodings.aliases import aliases
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccops.operations.model import PostPlaces
from ccops.server.bodies import decode, find_charset, parse_body, place, without_secret
from ccops.server.post_request import Posted, read_post
from ccops.server.refusal import BodyUnreadable, TurnedAway
from tests.engine.conftest import increase

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
PARTS = "multipart/form-data; boundary=xyz"
JUERGEN = "jürgen@müller.de"


def read(content_type: str, body: bytes, **more: object) -> Posted:
    return read_post(parse_body(content_type, body), body, replace(increase(), **more))  # type: ignore[arg-type]


def parts(*fields: tuple[str, bytes, str]) -> bytes:
    each = [
        f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n{head}\r\n'.encode() + value + b"\r\n"
        for name, value, head in fields
    ]
    return b"".join(each) + b"--xyz--\r\n"


# ---- charsets


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (f"{FORM}; charset=windows-1252", b"email=j%FCrgen@m%FCller.de"),
        (f"{FORM}; charset=windows-1252", b"email=j\xfcrgen@m\xfcller.de"),
        (f'{FORM}; charset="ISO-8859-1"', b"email=j%FCrgen@m%FCller.de"),
        (f"{FORM};charset=iso-8859-15", b"email=j%FCrgen@m%FCller.de"),
        (f"{FORM}; charset=cp437", b"email=j%81rgen@m%81ller.de"),
        (f"{FORM}; charset=MacRoman", b"email=j%9Frgen@m%9Fller.de"),
        (f"{FORM}; charset=utf-16", "email=jürgen@müller.de".encode("utf-16")),
        (FORM, b"email=j%FCrgen@m%FCller.de&charset=windows-1252"),  # PayPal
        (FORM, b"charset=windows-1252&email=j%FCrgen@m%FCller.de"),
        (FORM, b"email=j\xfcrgen@m\xfcller.de&_charset_=iso-8859-1"),
        (f"{FORM}; charset=utf-8", b"email=j%FCrgen@m%FCller.de&charset=windows-1252"),
        (FORM, "email=jürgen@müller.de&charset=utf-8".encode()),
        (FORM, "email=jürgen@müller.de&charset=Latin+people".encode()),
        (FORM, "email=jürgen@müller.de&charset=utf-7".encode()),
        (f"{JSON}; charset=windows-1252", b'{"email": "j\xfcrgen@m\xfcller.de"}'),
        (f"{JSON}; charset=utf-16", '{"email": "jürgen@müller.de"}'.encode("utf-16")),
        (PARTS, parts(("email", JUERGEN.encode(), ""))),
        (PARTS, parts(("email", JUERGEN.encode("cp1252"), "Content-Type: text/plain; charset=windows-1252\r\n"))),
        (PARTS, parts(("_charset_", b"windows-1252", ""), ("email", JUERGEN.encode("cp1252"), ""))),
        (f"{PARTS}; charset=windows-1252", parts(("email", JUERGEN.encode("cp1252"), ""))),
        (PARTS, parts(("email", JUERGEN.encode(), "Content-Type: text/plain; charset=nonsense\r\n"))),
    ],
)
def test_a_declared_charset_is_used(content_type: str, body: bytes) -> None:
    assert read(content_type, body).who == JUERGEN


def test_a_charset_of_several_bytes_a_character_is_used() -> None:
    body = b"id=5&reason=" + "表示&".encode("shift_jis").replace(b"&", b"")
    assert read(f"{FORM}; charset=Shift_JIS", body).reason == "表示"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"email=ann@example.org&event_id=7&last_name=M%FCller&reason=f%FCr+M%FCller"),
        (FORM, b"email=ann@example.org&event_id=7&last_name=M\xfcller&reason=f\xfcr M\xfcller"),
        (FORM, b"email=ann@example.org&event_id=7&M%FCller=1&reason=f%FCr+M%FCller"),
        (f"{FORM}; charset=utf-8", b"email=ann@example.org&event_id=7&reason=f%FCr+M%FCller"),
        (f"{FORM}; charset=us-ascii", b"email=ann@example.org&event_id=7&reason=f%FCr+M%FCller"),
        (JSON, b'{"email": "ann@example.org", "event_id": "7", "reason": "f\xfcr M\xfcller"}'),
        (
            PARTS,
            parts(
                ("email", b"ann@example.org", ""), ("event_id", b"7", ""), ("reason", "für Müller".encode("cp1252"), "")
            ),
        ),
    ],
)
def test_undeclared_bytes_where_nothing_depends_on_them_lose_no_post(content_type: str, body: bytes) -> None:
    posted = read(content_type, body)
    assert (posted.who, posted.key, posted.reason) == ("ann@example.org", "7", "für Müller")


@pytest.mark.parametrize(
    ("content_type", "body", "name"),
    [
        (FORM, b"email=j%FCrgen@m%FCller.de", "email"),
        (FORM, b"email=ann@example.org&event_id=M%FCller-7", "event_id"),
        (FORM, b"id=%FC5", "id"),
        (f"{FORM}; charset=windows-1252", b"email=j%81rgen@example.org", "email"),
        (JSON, b'{"billing": {"email": "j\xfcrgen@example.org"}}', "billing.email"),
        (PARTS, parts(("email", JUERGEN.encode("cp1252"), "")), "email"),
    ],
)
def test_undeclared_bytes_in_a_needed_field_are_named(content_type: str, body: bytes, name: str) -> None:
    with pytest.raises(BodyUnreadable) as turned:
        read(content_type, body)
    assert f"{name} is not in the charset" in str(turned.value)


@pytest.mark.parametrize(
    "name", ["utf-7", "punycode", "idna", "rot13", "hex", "unicode_escape", "undefined", "x" * 99, ""]
)
def test_what_is_no_charset_of_a_text_is_not_taken(name: str) -> None:
    assert find_charset(name) is None


@given(st.binary(max_size=60), st.sampled_from(sorted({*aliases.values()})))
def test_any_bytes_are_read_in_any_charset_or_turned_away(content: bytes, name: str) -> None:
    try:
        data = parse_body(f"{FORM}; charset={name}", b"id=5&name=" + content)
    except TurnedAway:
        return
    assert data


@given(st.text(max_size=60), st.sampled_from(["utf-8", "utf-16", "gb18030", "utf-32"]))
def test_what_was_encoded_is_decoded(text: str, name: str) -> None:
    assert decode(text.encode(name), name) == text


# ---- nested names


@pytest.mark.parametrize(
    ("form", "path", "found"),
    [
        ("customer[email]=a", "customer.email", "a"),
        ("customer[email]=a", "customer[email]", "a"),
        ("customer[contact][email]=a", "customer.contact.email", "a"),
        ("items[0][email]=a&items[1][email]=b", "items.1.email", "b"),
        ("items[0][email]=a&items[1][email]=b", "items[1][email]", "b"),
        ("line_items[][x]=a&line_items[][y]=b&line_items[][x]=c", "line_items.0.y", "b"),
        ("line_items[][x]=a&line_items[][y]=b&line_items[][x]=c", "line_items.1.x", "c"),
        ("line_items[][x]=a&line_items[][x]=c", "line_items[][x]", ["a", "c"]),
        ("tags[]=a&tags[]=b", "tags.1", "b"),
        ("order[items][][sku]=a", "order.items.0.sku", "a"),
        ("customer.email=a", "customer.email", "a"),
        ("customer=5&customer[email]=a", "customer[email]", "a"),
        ("customer=5&customer[email]=a", "customer", "5"),
        ("customer[email]=a&customer=5", "customer.email", "a"),
        ("customer%5Bemail%5D=a", "customer.email", "a"),
        ("customer[email]=a&customer[email]=b&customer[email]=a", "customer.email", ["a", "b"]),
        ("a[b=1", "a[b", "1"),
        ("b=2&[a]=1", "[a]", "1"),
        ("a[][]=1", "a[][]", "1"),
        ("items[99999999999][id]=1", "items.99999999999.id", "1"),
        ("customer[email]=a", "customer.0.email", None),
        ("customer[email]=a", "customer.email.x", None),
    ],
)
def test_nested_names_are_reached_by_dotted_paths(form: str, path: str, found: Any) -> None:
    assert place(parse_body(FORM, form.encode()), path) == found


def test_a_form_and_json_have_the_same_paths() -> None:
    form = b"order[customer][mail_to]=ann@example.org&order[payments][0][id]=7"
    body = {"order": {"customer": {"mail_to": "ann@example.org"}, "payments": [{"id": "7"}]}}
    places = PostPlaces("order.customer.mail_to", "order.payments.0.id")
    for posted in (read(FORM, form, post=places), read(JSON, json.dumps(body).encode(), post=places)):
        assert (posted.who, posted.key) == ("ann@example.org", "7")


def test_parts_have_nested_names_too() -> None:
    body = parts(("customer[email]", b"ann@example.org", ""), ("order[id]", b"7", ""))
    posted = read(PARTS, body, post=PostPlaces("customer.email", "order.id"))
    assert (posted.who, posted.key) == ("ann@example.org", "7")


@given(st.lists(st.tuples(st.from_regex(r"[ab]{0,1}(\[[a0]{0,1}\]){0,4}", fullmatch=True), st.sampled_from("xy"))))
def test_no_value_of_a_form_is_lost(pairs: list[tuple[str, str]]) -> None:
    data = parse_body(FORM, "&".join(f"{name}={value}" for name, value in [("z", "z"), *pairs]).encode())
    assert {value for _, value in pairs} <= set(json.dumps(data))


# ---- data in the address


@pytest.mark.parametrize(
    ("query", "body", "found"),
    [
        ("email=ann@example.org&event_id=7", b"", {"email": "ann@example.org", "event_id": "7"}),
        ("customer[email]=a", b"", {"customer": {"email": "a"}}),
        ("amount=5", b"email=a", {"amount": "5", "email": "a"}),
        ("amount=5", b'{"email": "a"}', {"amount": "5", "email": "a"}),
        ("amount=5", b"7", {"amount": "5", "": "7"}),
        ("amount=5", b"amount=5", {"amount": "5"}),
        ("amount=5", b"amount=6", {"amount": ["5", "6"]}),
        ("amount=5", b'{"amount": 5}', {"amount": 5}),
        ("amount=5", b'{"amount": 6}', {"amount": ["5", 6]}),
        ("name=M%FCller&x", b"", {"name": "M\udcfcller", "x": ""}),
        ("", b"", {}),
    ],
)
def test_what_the_address_says_is_read_like_a_form(query: str, body: bytes, found: object) -> None:
    assert parse_body(FORM if not body.startswith(b"{") else JSON, body, query) == found


@pytest.mark.parametrize(
    ("query", "rest"),
    [
        ("key=s3cret", ""),
        ("a=1&key=s3cret&b=2", "a=1&b=2"),
        ("k%65y=s3cret&a=1", "a=1"),
        ("key", ""),
        ("keys=1", "keys=1"),
    ],
)
def test_the_secret_in_the_address_is_no_data(query: str, rest: str) -> None:
    assert without_secret(query) == rest

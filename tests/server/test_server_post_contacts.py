"""Which contact a POST means: an address counts in every spelling, and an id never stands in for one."""

import json
from dataclasses import replace

import pytest

from ccops.operations.model import Operation, PostPlaces
from ccops.server.bodies import parse_body
from ccops.server.post_request import Posted, find_addresses, holds_address, read_post
from ccops.server.refusal import (
    ContactsDisagree,
    ContactUnusable,
    IdBesideAddress,
    PlaceholderLeft,
    PostWithoutContact,
    TurnedAway,
)
from tests.engine.conftest import increase

FORM = "application/x-www-form-urlencoded"
ANN = "ann@example.org"
WOO = {"id": 727, "number": "727", "customer_id": 25, "billing": {"first_name": "Ann", "email": ANN, "phone": "5"}}
SHOPIFY = {"id": 450789469, "email": ANN, "contact_email": ANN, "customer": {"id": 207119551, "email": ANN}}
STRIPE = {"id": "evt_1", "data": {"object": {"id": "in_1", "customer_email": ANN, "account_name": "Ann's"}}}
PAYPAL = "payer_email=ann%40example.org&receiver_email=owner%40x.org&business=owner%40x.org&id=9"
TYPEFORM = {"id": 1, "form_response": {"answers": [{"type": "email", "email": ANN, "field": {"id": "x"}}]}}


def read(body: object, operation: Operation | None = None) -> Posted:
    content = (body if isinstance(body, str) else json.dumps(body)).encode()
    return read_post(parse_body(FORM, content), content, operation or increase())


# ---- names of addresses


@pytest.mark.parametrize(
    "name",
    [
        "email",
        "Email",
        "EMAIL",
        "E-Mail",
        "e_mail",
        "e-mail address",
        "mail",
        "email_address",
        "emailAddress",
        "EmailAddress",
        "user_email",
        "subscriber_email",
        "Contact0Email",
        "contact_email",
        "payer_email",
        "customer_email",
        "receipt_email",
        "billing_email",
        "Billing Email Address",
        "buyer-email",
        "client_email",
        "your-email",
        "inf_field_Email",
        "customer[email]",
        "billing[email]",
        "contact[email_address]",
        "user[profile][email]",
        "customer.email",
        "data[0][customer][email]",
        "form_fields[email]",
        "attendees[][email]",
        "email[0]",
        "emails[]",
        "emails[0][value]",
        "email1",
        "\uff45\uff4d\uff41\uff49\uff4c",
    ],
)
@pytest.mark.parametrize("id_name", ["contactId", "contact_id", "ContactId", "Contact0Id", "Id", "id"])
def test_the_address_counts_beside_an_id(name: str, id_name: str) -> None:
    assert read(f"{id_name}=5&{name}=ann%40example.org").who == ANN
    assert read(f"{name}=ann%40example.org&{id_name}=5").who == ANN
    assert read({id_name: 5, name: ANN}).who == ANN


@pytest.mark.parametrize("body", [WOO, SHOPIFY, STRIPE, PAYPAL])
def test_an_order_of_a_shop_credits_the_buyer(body: object) -> None:
    assert read(body).who == ANN


@pytest.mark.parametrize("names", [("billing", "customer"), ("customer", "billing"), ("user", "buyer")])
def test_two_addresses_are_named_and_none_is_chosen(names: tuple[str, str]) -> None:
    body = {names[0]: {"email": ANN}, names[1]: {"email": "bob@example.org"}, "id": 5}
    with pytest.raises(ContactsDisagree) as turned:
        read(body)
    assert turned.value.status == 422
    assert all(f"{name}.email" in str(turned.value) for name in names)
    assert f"--post-contact {names[0]}.email" in str(turned.value)


@pytest.mark.parametrize(
    "body",
    [
        "Email=ann@example.org&email=bob@example.org",
        "contactId=5&Email=ann@example.org&E-Mail=bob@example.org",
        {"email": ANN, "billing": {"email": "bob@example.org"}},
        {"attendees": [{"email": ANN}, {"email": "bob@example.org"}]},
        {"emails": [ANN, "bob@example.org"]},
    ],
)
def test_addresses_that_differ_are_no_contact(body: object) -> None:
    with pytest.raises(ContactsDisagree):
        read(body)


def test_one_address_in_two_spellings_is_one_contact() -> None:
    assert read({"email": "Ann@Example.org", "customer": {"email": " ann@example.org "}}).who == ANN


@pytest.mark.parametrize("body", [{"id": 5, "email": "ann"}, "id=5&Email=ann", {"id": 5, "billing": {"email": 7}}])
def test_what_is_no_address_in_an_address_place_is_not_replaced_by_an_id(body: object) -> None:
    with pytest.raises(ContactUnusable):
        read(body)


@pytest.mark.parametrize(
    "body",
    ["email=&contactId=5", '{"id": 5, "email": null}', '{"id": 5, "email": []}', '{"id": 5, "email": true}'],
)
def test_an_empty_address_leaves_the_id(body: str) -> None:
    assert read(body).who == "5"


# ---- an id beside an address that is not known to be the contact's


@pytest.mark.parametrize(
    ("body", "id_place", "place"),
    [
        ("id=5&username=ann%40example.org", "id", "username"),
        ("contactId=5&user_login=ann@example.org", "contactId", "user_login"),
        ("Contact0Id=5&text=Ann+Smith+<ann@example.org>", "Contact0Id", "text"),
        ({"id": 5, "payee": {"email_address": ANN}}, "id", "payee.email_address"),
        ({"id": 5, "referrer_email": ANN}, "id", "referrer_email"),
        ({"id": 5, "affiliate": {"user": {"email": ANN}}}, "id", "affiliate.user.email"),
        ({"id": 5, "email2": ANN}, "id", "email2"),
        ({"id": 5, "previous_attributes": {"email": ANN}}, "id", "previous_attributes.email"),
        (TYPEFORM | {"form_response": {"hidden": {"who": ANN}}}, "id", "form_response.hidden.who"),
        ({"Id": "5", "notes": ["x", {"by": ANN}]}, "Id", "notes.1.by"),
        ({"id": 5, "notes": [ANN, "bob@example.org"]}, "id", "notes"),
        ({"id": 5, "to": f"{ANN}, bob@example.org"}, "id", "to"),
        ({"id": 5, "payload": '{"who": "ann@example.org"}'}, "id", "payload"),
        ({"id": 5, "xml": "<who>ann@example.org</who>"}, "id", "xml"),
        ({"id": 5, "link": "mailto:ann@example.org"}, "id", "link"),
        ({"id": 5, "reason": "bob@x.org"}, "id", "reason"),
        ({"id": 5, "event_id": ANN}, "id", "event_id"),
        ({"id": "evt_1", "who": ANN}, "id", "who"),
        ("id=5&name[]=Ann&name[]=ann@example.org", "id", "name"),
    ],
)
def test_an_id_is_not_used_where_a_value_is_an_address(body: object, id_place: str, place: str) -> None:
    with pytest.raises(IdBesideAddress) as turned:
        read(body)
    assert turned.value.status == 422
    assert f"{id_place} has an id, and {place} has an e-mail address" in str(turned.value)
    assert f"ccops op edit payment-credit --post-contact {place}" in str(turned.value)


@pytest.mark.parametrize(
    "value",
    [
        "refund for bob@x.org",
        "bob@x.org asked for it",
        "2@4.99",
        "@ann",
        "ann@",
        "ann @ example.org",
        "ann@home",
        "https://ann@example.org/x",
        "git@github.com:ann/x.git",
        "a@b@c.org",
        "@@@@",
        "{@}",
        "[Email]",
    ],
)
def test_a_value_that_is_no_address_leaves_the_id(value: str) -> None:
    assert not holds_address(value)
    assert read({"id": 5, "reason": value, "deep": [{"x": value}]}).who == "5"


@pytest.mark.parametrize(
    "value", [ANN, f" {ANN}\n", f"<{ANN}>", f'"Ann, of X" <{ANN}>', f"'{ANN}'", "jürgen@müller.de", "a@b.xn--p1ai"]
)
def test_a_value_that_is_an_address_is_seen(value: str) -> None:
    assert holds_address(value)


def test_an_address_without_an_id_is_told_where_it_was_seen() -> None:
    with pytest.raises(PostWithoutContact) as turned:
        read({"order": {"purchased_by": ANN}})
    assert "ccops op edit payment-credit --post-contact order.purchased_by" in str(turned.value)


# ---- the operation says which counts


@pytest.mark.parametrize(
    ("body", "path", "who"),
    [
        ({"id": 5, "username": ANN}, "username", ANN),
        ({"id": 5, "username": ANN}, "id", "5"),
        ({"id": 5, "email": ANN}, "id", "5"),
        ({"billing": {"email": ANN}, "customer": {"email": "bob@example.org"}}, "billing.email", ANN),
        ("Work Email=ann@example.org&id=5", "Work Email", ANN),
        ("id=5&purchased[by]=ann@example.org", "purchased.by", ANN),
        ("id=5&purchased[by]=ann@example.org", "purchased[by]", ANN),
    ],
)
def test_the_place_that_the_operation_names_counts(body: object, path: str, who: str) -> None:
    assert read(body, replace(increase(), post=PostPlaces(contact=path))).who == who


# ---- placeholders


@pytest.mark.parametrize(
    "value",
    ["[Email]", "{{contact.email}}", "%25%25email%25%25", "*|EMAIL|*", "~Contact.Email~", "null", "undefined", "None"],
)
@pytest.mark.parametrize("name", ["email", "Email", "id", "contactId", "customer[email]"])
def test_a_placeholder_is_no_contact(value: str, name: str) -> None:
    with pytest.raises(PlaceholderLeft) as turned:
        read(f"{name}={value}")
    assert turned.value.status == 422
    assert "a placeholder that was not replaced with a value" in str(turned.value)


def test_a_placeholder_with_a_domain_is_no_contact() -> None:
    with pytest.raises(PlaceholderLeft):
        read("email={{name}}@example.org")


@pytest.mark.parametrize("address", ["null@example.org", "undefined@example.org", "nan.none@example.org"])
def test_an_address_may_be_called_null(address: str) -> None:
    assert read({"email": address}).who == address


# ---- bodies made to hurt


def test_an_address_below_countless_levels_is_seen() -> None:
    deep: object = ANN
    for _ in range(50_000):
        deep = [deep] if isinstance(deep, dict) else {"a": deep}
    assert find_addresses({"id": 5, "x": deep}).other is not None


@pytest.mark.parametrize("body", ['{"id": 5, "a": ' + "[" * 900 + "]" * 900 + "}", "id=5&" + "a[b]" * 200_000 + "=1"])
def test_deep_bodies_are_read_or_turned_away(body: str) -> None:
    told: int | str
    try:
        told = read(body).who
    except TurnedAway as turned:
        told = turned.status.value
    assert told in {"5", 400, 422}


@pytest.mark.parametrize(
    "value",
    ["a@" * 400_000, "@" * 900_000, "{" + "a@" * 400_000, "{" + "a@b." * 200_000, "a." * 400_000, "a " * 400_000],
)
def test_long_values_are_looked_through_once(value: str) -> None:
    assert read({"id": 5, "x": value}).who == "5"


def test_countless_fields_are_looked_through_once() -> None:
    assert read(json.dumps({"id": 5, "list": [1] * 300_000, "mail": [{"x": "y"}] * 60_000})).who == "5"

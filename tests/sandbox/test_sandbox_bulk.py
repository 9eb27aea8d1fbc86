"""Many contacts in one request, as Kit does it."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import TAG as TAG_NAME
from ccops.sandbox.sandbox import Sandbox
from tests.plain import Client, Hour

ANN, BOB, NOBODY = 4_300_000_001, 4_300_000_002, 99
CREDITS, TAG = 3, 1041
VALUES, TAGGINGS = "/v4/bulk/custom_fields/subscribers", "/v4/bulk/tags/subscribers"
ALL = (("POST", VALUES), ("POST", TAGGINGS), ("DELETE", TAGGINGS))


@pytest.fixture
def bulk(kit: Sandbox) -> Iterator[Client]:
    """A client with an access token."""
    client = tokened(kit)
    yield client
    client.session.close()


def tokened(kit: Sandbox) -> Client:
    client = Client(kit)
    client.session.headers.pop("X-Kit-Api-Key")
    client.session.headers["Authorization"] = f"Bearer {kit.settings.token}"
    return client


def row(contact: int | None, value: Any, field: int = CREDITS) -> dict[str, Any]:
    return {"subscriber_id": contact, "subscriber_custom_field_id": field, "value": value}


def values(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"custom_field_values": list(rows), "callback_url": None}


def taggings(*contacts: int, tag: int | None = TAG) -> dict[str, Any]:
    return {"taggings": [{"tag_id": tag, "subscriber_id": contact} for contact in contacts]}


def credits_of(kit: Sandbox, *contacts: int) -> list[str | None]:
    return [kit.field_values(contact)["credits"] for contact in contacts]


def carries(kit: Sandbox, *contacts: int) -> list[bool]:
    return [TAG_NAME in kit.tags_of(contact) for contact in contacts]


def test_an_api_key_is_refused(client: Client) -> None:
    for method, path in ALL:
        answer = client(method, path, values(row(ANN, "1")))
        assert (answer.status_code, answer.json()) == (401, {"errors": ["The access token is invalid"]})


def test_values_of_many_contacts_are_written_and_answered_in_another_order(kit: Sandbox, bulk: Client) -> None:
    answer = bulk("POST", VALUES, values(row(ANN, "15"), row(BOB, " 7 ")))
    assert (answer.status_code, answer.json()) == (
        200,
        {"custom_field_values": [row(BOB, " 7 "), row(ANN, "15")], "failures": []},
    )
    assert (credits_of(kit, ANN, BOB), kit.writes(ANN)) == (["15", " 7 "], [{"credits": "15"}])


def test_several_values_of_a_contact_are_one_write(kit: Sandbox, bulk: Client) -> None:
    receipt = kit.add_field("Receipt")
    bulk("POST", VALUES, values(row(ANN, "1"), row(ANN, "a.1", CREDITS + 1), row(ANN, "2")))
    assert kit.writes(ANN) == [{"credits": "2", receipt: "a.1"}]


def test_an_emptied_value_is_answered_as_an_empty_text(kit: Sandbox, bulk: Client) -> None:
    answer = bulk("POST", VALUES, values(row(ANN, "")))
    assert answer.json()["custom_field_values"] == [row(ANN, "")]
    assert credits_of(kit, ANN) == [None]


def test_what_leads_nowhere_fails_without_the_id_that_leads_nowhere(kit: Sandbox, bulk: Client) -> None:
    answer = bulk("POST", VALUES, values(row(NOBODY, "1"), row(ANN, "15"), row(ANN, "2", field=999)))
    assert answer.json() == {
        "custom_field_values": [row(ANN, "15")],
        "failures": [
            {"errors": ["Custom field does not exist"], "custom_field_value": row(ANN, "2", field=999)},
            {"errors": ["Subscriber does not exist"], "custom_field_value": row(None, "1")},
        ],
    }
    assert kit.writes(ANN) == [{"credits": "15"}]


def test_many_are_tagged_and_untagged(kit: Sandbox, bulk: Client) -> None:
    kit.untag(ANN, TAG)
    tagged = bulk("POST", TAGGINGS, taggings(NOBODY, ANN, BOB)).json()
    assert [each["id"] for each in tagged["subscribers"]] == [BOB, ANN]
    assert tagged["failures"] == [
        {"errors": ["Subscriber does not exist"], "tagging": {"tag_id": TAG, "subscriber_id": None}}
    ]
    assert carries(kit, ANN, BOB) == [True, True]
    assert bulk("DELETE", TAGGINGS, taggings(BOB, ANN)).json() == {"failures": []}
    assert carries(kit, ANN, BOB) == [False, False]


def test_a_tag_that_is_not_there_fails_and_one_that_is_off_does_not(kit: Sandbox, bulk: Client) -> None:
    kit.untag(ANN, TAG)
    assert bulk("DELETE", TAGGINGS, taggings(ANN)).json() == {"failures": []}
    for method in ("POST", "DELETE"):
        assert bulk(method, TAGGINGS, taggings(ANN, tag=7)).json()["failures"] == [
            {"errors": ["Tag does not exist"], "tagging": {"tag_id": None, "subscriber_id": ANN}}
        ]


@pytest.mark.parametrize(("method", "path"), ALL)
@pytest.mark.parametrize("rows", [[], None, "x", {}])
def test_nothing_to_do_is_refused(method: str, path: str, rows: object, bulk: Client) -> None:
    answer = bulk(method, path, {"custom_field_values": rows, "taggings": rows})
    assert answer.status_code == 422
    assert "included for processing" in answer.json()["errors"][0]


def test_more_than_100_rows_are_worked_off_a_moment_later(timed: tuple[Sandbox, Client], hour: Hour) -> None:
    kit, _ = timed
    client = tokened(kit)
    contacts = [kit.add_contact(f"c{number}@example.org", credits="1") for number in range(101)]
    bodies = (values(*(row(one, "2") for one in contacts)), taggings(*contacts))
    answers = [client(method, path, body) for (method, path), body in zip(ALL, bodies, strict=False)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(202, {})] * 2
    assert (credits_of(kit, contacts[0]), carries(kit, contacts[0])) == (["1"], [False])
    hour.pass_by(2)
    client("GET", "/v4/account")
    client.session.close()
    assert (set(credits_of(kit, *contacts)), set(carries(kit, *contacts))) == ({"2"}, {True})


def asked(client: Client, method: str, path: str, body: dict[str, Any]) -> int | None:
    try:
        return client(method, path, body).status_code
    except requests.ConnectionError:
        return None


@pytest.mark.parametrize(("rows", "after"), [(None, ["9", "9", "5"]), (0, ["5"] * 3), (1, ["9", "5", "5"])])
@pytest.mark.parametrize("status", [None, 500])
def test_a_request_can_take_effect_in_part(
    rows: int | None, after: list[str], status: int | None, kit: Sandbox, bulk: Client
) -> None:
    people = [kit.add_contact(f"c{number}@example.org", credits="5") for number in range(3)]
    order = [people[0], people[2], people[1]]
    kit.faults.add(Fault("part", "POST", rows=rows, status=status))
    assert asked(bulk, "POST", VALUES, values(*(row(one, "9") for one in order))) == status
    assert credits_of(kit, *people) == after


def test_a_part_can_be_answered_as_if_it_were_the_whole(kit: Sandbox, bulk: Client) -> None:
    kit.faults.add(Fault("part", rows=1, status=200))
    answer = bulk("POST", VALUES, values(row(ANN, "15"), row(BOB, "7")))
    assert answer.json() == {"custom_field_values": [row(ANN, "15")], "failures": []}


def test_a_part_of_an_untagging_can_come_late(kit: Sandbox, bulk: Client) -> None:
    for contact in (ANN, BOB):
        kit.untag(contact, TAG)
        kit.tag(contact, TAG)
    kit.faults.add(Fault("late_part", "DELETE"))
    assert asked(bulk, "DELETE", TAGGINGS, taggings(ANN, BOB)) is None
    assert carries(kit, ANN, BOB) == [True, True]
    assert kit.faults.deliver_late() == 1
    assert carries(kit, ANN, BOB) == [False, True]


def test_a_request_without_rows_has_no_parts(kit: Sandbox, client: Client) -> None:
    kit.faults.add(Fault("part", "PUT", status=500))
    assert asked(client, "PUT", f"/v4/subscribers/{ANN}", {"fields": {"credits": "15"}}) == 500
    assert credits_of(kit, ANN) == ["15"]


@pytest.mark.parametrize(
    ("fault", "status", "credit"),
    [
        (Fault("reset"), None, "5"),
        (Fault("reset", when="after"), None, "15"),
        (Fault("half"), None, "15"),
        (Fault("late"), None, "5"),
        (Fault("status"), 503, "5"),
        (Fault("garbage", when="after"), 200, "15"),
        (Fault("accepted"), 202, "15"),
        (Fault("warnings"), 200, "15"),
    ],
)
def test_the_usual_faults_strike_here_too(
    fault: Fault, status: int | None, credit: str, kit: Sandbox, bulk: Client
) -> None:
    kit.faults.add(fault)
    try:
        answered = asked(bulk, "POST", VALUES, values(row(ANN, "15")))
    except requests.exceptions.ChunkedEncodingError:
        answered = None
    assert (answered, credits_of(kit, ANN)) == (status, [credit])


def test_a_202_made_on_purpose_tells_nothing_and_makes_no_success_of_a_refusal(kit: Sandbox, bulk: Client) -> None:
    kit.faults.add(Fault("accepted", times=2))
    assert bulk("POST", VALUES, values(row(ANN, "15"))).json() == {}
    assert bulk("POST", VALUES, values()).status_code == 422

"""Webhook endpoints: how they are kept, changed and how their secrets are rotated."""

from typing import Any, Literal

import pytest
import requests

from ccops.sandbox.sandbox import Sandbox
from tests.plain import Client, Hour

PATH = "/v4/webhook_endpoints"
URL = "https://hooks.example.org/kit"
TAGGED = "subscriber.tag_added"

Timed = tuple[Sandbox, Client]


def create(client: Client, **body: Any) -> requests.Response:
    return client("POST", PATH, {"url": URL, "events": [TAGGED], **body})


def answered(answer: requests.Response) -> dict[str, Any]:
    """Return the webhook endpoint of an answer."""
    row: dict[str, Any] = answer.json()["webhook_endpoint"]
    return row


def test_the_secret_stands_in_the_answer_to_its_making_and_nowhere_else(timed: Timed) -> None:
    _, client = timed
    made = create(client, name="ccops", description="Runs operations")
    row = answered(made)
    secret = row.pop("secret")
    assert made.status_code == 201
    assert secret.startswith("whsec_")
    assert len(secret) > 40
    assert row == {
        "id": 51,
        "name": "ccops",
        "url": URL,
        "events": [TAGGED],
        "status": "active",
        "source": "api",
        "description": "Runs operations",
        "created_by_app": None,
        "created_at": "2026-11-22T10:00:00Z",
        "previous_secret_expires_at": None,
    }
    assert answered(client("GET", f"{PATH}/51")) == client.rows(PATH)[0] == row
    assert answered(client("PATCH", f"{PATH}/51", {})) == row


def test_a_change_touches_only_what_is_sent_and_replaces_the_events(client: Client) -> None:
    created = create(client, events=[TAGGED, "tag.created", TAGGED])
    row = answered(created)
    assert row.pop("secret")
    assert row["events"] == [TAGGED, "tag.created"]
    changes: dict[str, Any]
    for changes in (
        {"events": ["subscriber.tag_removed"]},
        {"url": "http://127.0.0.1:8080/kit", "name": "local", "description": ""},
        {"status": "disabled"},
    ):
        row |= changes
        assert answered(client("PATCH", f"{PATH}/51", changes)) == row
    assert answered(client("GET", f"{PATH}/51")) == row


def test_the_same_url_may_be_told_twice_and_statuses_filter(client: Client) -> None:
    assert [answered(create(client))["id"] for _ in range(3)] == [51, 52, 53]
    client("PATCH", f"{PATH}/52", {"status": "disabled"})
    assert [row["id"] for row in client.rows(PATH)] == [53, 52, 51]
    assert [row["id"] for row in client.rows(PATH, status="active")] == [53, 51]
    assert [row["id"] for row in client.rows(PATH, status="disabled")] == [52]
    assert client("GET", PATH, status="odd").status_code == 422
    page = client("GET", PATH, per_page=1, include_total_count="true").json()["pagination"]
    assert (page["has_next_page"], page["total_count"]) == (True, 3)


def test_one_that_is_deleted_is_gone_and_its_id_never_comes_back(client: Client) -> None:
    create(client)
    assert [client("DELETE", f"{PATH}/51").status_code for _ in range(2)] == [204, 404]
    assert client.rows(PATH) == []
    assert answered(create(client))["id"] == 52


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate_secret"), ("POST", "/revoke_previous_secret")],
)
def test_one_that_there_never_was_is_not_found(client: Client, method: str, path: str) -> None:
    answer = client(method, f"{PATH}/50{path}")
    assert (answer.status_code, answer.json()) == (404, {"errors": ["Not Found"]})


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"events": []}, "Events can't be blank"),
        ({"events": None}, "Events can't be blank"),
        ({"events": TAGGED}, "Events can't be blank"),
        ({"events": [TAGGED, "subscriber.link_clicked"]}, "Event type subscriber.link_clicked is not available"),
        ({"events": ["subscriber.tag_add"]}, "Event type subscriber.tag_add is not available"),
        ({"events": [["x"]]}, "Event type ['x'] is not available"),
        ({"url": None}, "Url is invalid"),
        ({"url": "hooks.example.org"}, "Url is invalid"),
        ({"description": "x" * 256}, "Description must be a text of at most 255 characters"),
        ({"name": 5}, "Name must be a text of at most 255 characters"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(client: Client, changes: Any, complaint: str) -> None:
    refused = create(client, **changes)
    assert (refused.status_code, refused.json()) == (422, {"errors": [complaint]})
    row = answered(create(client))
    assert client("PATCH", f"{PATH}/{row['id']}", changes).json() == {"errors": [complaint]}
    del row["secret"]
    assert client.rows(PATH) == [row]


def test_a_status_is_active_or_disabled(client: Client) -> None:
    create(client)
    assert client("PATCH", f"{PATH}/51", {"status": "odd"}).status_code == 422


def test_a_secret_is_rotated_once_a_day_unless_forced(timed: Timed, hour: Hour) -> None:
    _, client = timed
    secrets = [answered(create(client))["secret"]]

    def rotate(**body: bool) -> int:
        answer = client("POST", f"{PATH}/51/rotate_secret", body)
        if answer.status_code == 200:
            secrets.append(answered(answer)["secret"])
        return answer.status_code

    def window() -> str | None:
        until: str | None = answered(client("GET", f"{PATH}/51"))["previous_secret_expires_at"]
        return until

    assert (rotate(), window()) == (200, "2026-11-23T10:00:00Z")
    hour.pass_by(24 * 3600 - 1)
    assert client("POST", f"{PATH}/51/rotate_secret").json() == {
        "errors": ["The previous signing secret is still within its rotation window."]
    }
    assert (rotate(force=False), rotate(force=True), window()) == (409, 200, "2026-11-24T09:59:59Z")
    hour.pass_by(24 * 3600)
    assert (window(), rotate()) == (None, 200)
    assert len(set(secrets)) == 4


def test_the_previous_secret_can_be_revoked_at_once(client: Client) -> None:
    create(client)
    client("POST", f"{PATH}/51/rotate_secret")
    revoked = answered(client("POST", f"{PATH}/51/revoke_previous_secret"))
    assert (revoked["previous_secret_expires_at"], "secret" in revoked) == (None, False)
    assert client("POST", f"{PATH}/51/revoke_previous_secret").status_code == 200
    assert client("POST", f"{PATH}/51/rotate_secret").status_code == 200


@pytest.mark.parametrize(("status", "error"), [(401, "The access token is invalid"), (404, "Not Found")])
def test_some_accounts_do_not_have_them(kit: Sandbox, client: Client, status: Literal[401, 404], error: str) -> None:
    create(client)
    kit.settings.webhook_endpoints = status
    for method, path in (("GET", PATH), ("POST", PATH), ("DELETE", f"{PATH}/51"), ("POST", f"{PATH}/51/rotate_secret")):
        answer = client(method, path)
        assert (answer.status_code, answer.json()) == (status, {"errors": [error]})
    assert client("GET", "/v4/webhooks").status_code == 200
    kit.settings.webhook_endpoints = "on"
    assert len(client.rows(PATH)) == 1


def test_lists_lag_and_one_by_id_does_not(timed: Timed, hour: Hour) -> None:
    kit, client = timed
    kit.settings.lag = 30
    create(client)
    assert client.rows(PATH) == []
    assert client("GET", f"{PATH}/51").status_code == 200
    hour.pass_by(30)
    assert len(client.rows(PATH)) == 1

from datetime import timedelta
from pathlib import Path

from ccops.sandbox.sandbox import Sandbox
from tests.plain import Client, Hour

ANN, BOB, GOLD = 4_300_000_001, 4_300_000_002, 1041
MEMBERS = f"/v4/tags/{GOLD}/subscribers"

Timed = tuple[Sandbox, Client]


def test_lists_lag_and_a_contact_by_id_does_not(timed: Timed, hour: Hour) -> None:
    kit, client = timed
    kit.settings.lag = 30
    client("PUT", f"/v4/subscribers/{ANN}", {"fields": {"credits": "15"}})
    hour.pass_by(29)
    assert client("GET", f"/v4/subscribers/{ANN}").json()["subscriber"]["fields"] == {"credits": "15"}
    assert client.rows("/v4/subscribers", email_address="ann@example.org")[0]["fields"] == {"credits": "5"}
    assert client.rows(MEMBERS)[-1]["fields"] == {"credits": "5"}
    hour.pass_by(1)
    assert client.rows("/v4/subscribers", email_address="ann@example.org")[0]["fields"] == {"credits": "15"}
    assert client.rows(MEMBERS)[-1]["fields"] == {"credits": "15"}


def test_membership_lags_both_ways(timed: Timed, hour: Hour) -> None:
    kit, client = timed
    kit.settings.lag = 300
    hal = kit.contact_id("hal@example.org")
    client("DELETE", f"{MEMBERS}/{ANN}")
    client("POST", f"{MEMBERS}/{hal}")
    hour.pass_by(299)
    seen = [row["id"] for row in client.rows(MEMBERS)]
    assert (ANN in seen, hal in seen) == (True, False)
    assert client.rows(f"/v4/subscribers/{ANN}/tags") == []
    assert [tag["id"] for tag in client.rows(f"/v4/subscribers/{hal}/tags")] == [GOLD]
    hour.pass_by(1)
    seen = [row["id"] for row in client.rows(MEMBERS)]
    assert (ANN in seen, hal in seen) == (False, True)


def test_new_contacts_tags_and_fields_are_missing_from_lists_for_a_while(timed: Timed, hour: Hour) -> None:
    kit, client = timed
    kit.settings.lag = 30
    kit.delete_contact(BOB)
    new = client("POST", "/v4/subscribers", {"email_address": "new@example.org"}).json()["subscriber"]["id"]
    client("POST", "/v4/tags", {"name": "New"})
    client("POST", "/v4/custom_fields", {"label": "New"})
    lists = ("/v4/subscribers", "/v4/tags", "/v4/custom_fields")
    assert [len(client.rows(path)) for path in lists] == [6, 1, 1]
    assert BOB in [row["id"] for row in client.rows("/v4/subscribers")]
    assert client("GET", f"/v4/subscribers/{new}").status_code == 200
    assert client("POST", "/v4/tags", {"name": "new"}).status_code == 200
    hour.pass_by(30)
    assert [len(client.rows(path)) for path in lists] == [6, 2, 2]


def test_moments_are_shown_in_whole_seconds_and_retagging_makes_a_new_one(timed: Timed, hour: Hour) -> None:
    kit, client = timed
    hal = kit.contact_id("hal@example.org")
    assert client("POST", f"{MEMBERS}/{hal}").json()["subscriber"]["tagged_at"] == "2026-11-22T10:00:00Z"
    hour.pass_by(60)
    assert client("POST", f"{MEMBERS}/{hal}").json()["subscriber"]["tagged_at"] == "2026-11-22T10:00:00Z"
    client("DELETE", f"{MEMBERS}/{hal}")
    assert client("POST", f"{MEMBERS}/{hal}").json()["subscriber"]["tagged_at"] == "2026-11-22T10:01:00Z"


def test_a_frozen_clock_does_no_harm(timed: Timed) -> None:
    kit, client = timed
    for value in ("1", "2", "3"):
        client("PUT", f"/v4/subscribers/{ANN}", {"fields": {"credits": value}})
        client("DELETE", f"{MEMBERS}/{ANN}")
        client("POST", f"{MEMBERS}/{ANN}")
    assert kit.field_values(ANN) == client.rows(MEMBERS)[0]["fields"] == {"credits": "3"}
    assert [write["credits"] for write in kit.writes(ANN)] == ["1", "2", "3"]


def test_the_answers_carry_the_sandboxs_time(timed: Timed) -> None:
    _, client = timed
    assert client("GET", "/v4/account").headers["Date"] == "Sun, 22 Nov 2026 10:00:00 GMT"


def test_more_than_ten_fields_are_written_a_moment_later(timed: Timed, hour: Hour) -> None:
    kit, client = timed
    keys = [kit.add_field(f"Field {number}") for number in range(11)]
    sent = dict.fromkeys(keys, "x")
    answer = client("PUT", f"/v4/subscribers/{ANN}", {"first_name": "Anna", "fields": sent})
    assert answer.status_code == 202
    assert answer.json()["subscriber"]["fields"] == {"credits": "5", **dict.fromkeys(keys)}
    assert client("GET", f"/v4/subscribers/{ANN}").json()["subscriber"]["fields"] == {
        "credits": "5",
        **dict.fromkeys(keys),
    }
    hour.pass_by(2)
    shown = client("GET", f"/v4/subscribers/{ANN}").json()["subscriber"]
    assert (shown["first_name"], shown["fields"]) == ("Anna", {"credits": "5", **sent})
    assert kit.writes(ANN) == [sent]
    made = client("POST", "/v4/subscribers", {"email_address": "new@example.org", "fields": sent})
    hour.pass_by(2)
    assert (made.status_code, kit.field_values(kit.contact_id("new@example.org"))["field_0"]) == (202, "x")


def test_no_window_of_time_lets_more_requests_through_than_the_rate(timed: Timed, hour: Hour) -> None:
    kit, client = timed
    kit.settings.rate, kit.settings.window = 3, 60

    def statuses(count: int) -> list[int]:
        return [client("GET", "/v4/account").status_code for _ in range(count)]

    assert statuses(2) == [200, 200]
    hour.pass_by(30)
    assert statuses(2) == [200, 429]
    hour.pass_by(29.9)
    assert statuses(1) == [429]
    hour.pass_by(0.1)
    assert statuses(3) == [200, 200, 429]


def test_a_rate_limited_answer_is_plain_text_that_names_no_time(timed: Timed) -> None:
    kit, client = timed
    kit.settings.rate = 1
    client("GET", "/v4/account")
    answer = client("PUT", f"/v4/subscribers/{ANN}", {"fields": {"credits": "15"}})
    assert (answer.status_code, answer.text.strip(), "Retry-After" in answer.headers) == (429, "Retry later", False)
    assert kit.field_values(ANN) == {"credits": "5"}
    client.session.headers.pop("X-Kit-Api-Key")
    client.session.headers["Authorization"] = "Bearer sandbox-token"
    assert client("GET", "/v4/account").status_code == 200


def test_a_file_keeps_the_state_and_its_examples_come_once(tmp_path: Path, hour: Hour) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with Sandbox(path, clock=hour) as first:
        first.set_field(ANN, "credits", "6")
        first.add_contact("new@example.org")
    hour.now += timedelta(days=400)
    with Sandbox(path, clock=hour) as second:
        assert second.field_values(ANN) == {"credits": "6"}
        assert second.contact_id("new@example.org") == ANN + 8
    assert path.stat().st_mode & 0o777 == 0o600

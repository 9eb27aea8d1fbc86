from ccops.sandbox.sandbox import Sandbox
from tests.plain import Client

ANN = 4_300_000_001


def _emails(rows: list[dict[str, str]]) -> list[str]:
    return [row["email_address"].removesuffix("@example.org") for row in rows]


def test_the_account_is_anns_studio_in_new_york(client: Client) -> None:
    account = client("GET", "/v4/account").json()["account"]
    assert (account["id"], account["name"], account["timezone"]["name"]) == (9, "Ann's Studio", "America/New_York")


def test_a_contact_shows_every_field_of_the_account_and_null_where_none_is_set(client: Client) -> None:
    client("POST", "/v4/custom_fields", {"label": "Last visit"})
    shown = client("GET", f"/v4/subscribers/{ANN}").json()["subscriber"]
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "id": ANN,
        "first_name": "Ann",
        "email_address": "ann@example.org",
        "state": "active",
        "fields": {"credits": "5", "last_visit": None},
        "canceled_at": None,
    }


def test_lists_hide_whoever_is_not_active_unless_asked(client: Client) -> None:
    assert _emails(client.rows("/v4/subscribers")) == ["hal", "gus", "fay", "cy", "bob", "ann"]
    assert _emails(client.rows("/v4/subscribers", status="cancelled")) == ["di"]
    assert len(client.rows("/v4/subscribers", status="all")) == 8


def test_an_address_is_found_in_any_case_and_an_unknown_one_is_an_empty_list(client: Client) -> None:
    assert _emails(client.rows("/v4/subscribers", email_address="ANN@example.org,bob@example.org")) == ["bob", "ann"]
    empty = client("GET", "/v4/subscribers", email_address="nobody@example.org").json()
    assert empty["subscribers"] == []
    assert (empty["pagination"]["start_cursor"], empty["pagination"]["end_cursor"]) == (None, None)
    assert client("GET", "/v4/subscribers", email_address="nonsense").status_code == 422


def test_an_address_with_a_plus_must_be_encoded(kit: Sandbox, client: Client) -> None:
    kit.add_contact("a+b@example.org")
    assert _emails(client.rows("/v4/subscribers", email_address="a+b@example.org")) == ["a+b"]
    raw = client.session.get(f"{kit.url}/v4/subscribers?email_address=a+b@example.org", timeout=60)
    assert raw.status_code == 422


def test_contacts_can_be_sorted_and_filtered_by_their_times(client: Client) -> None:
    client("PUT", f"/v4/subscribers/{ANN}", {"first_name": "Anna"})
    assert _emails(client.rows("/v4/subscribers", sort_field="updated_at", per_page=1)) == ["ann"]
    assert _emails(client.rows("/v4/subscribers", sort_order="asc", per_page=1)) == ["ann"]
    assert _emails(client.rows("/v4/subscribers", status="cancelled", sort_field="cancelled_at")) == ["di"]
    assert client("GET", "/v4/subscribers", sort_field="cancelled_at").json() == {
        "errors": ["The status param must be `cancelled` if sort_field is `cancelled_at`"]
    }
    assert client.rows("/v4/subscribers", created_after="2200-01-01") == []
    assert len(client.rows("/v4/subscribers", updated_after="2020-01-01T00:00:00Z", slim="true")) == 6


def test_a_put_changes_what_is_sent_and_nothing_else(kit: Sandbox, client: Client) -> None:
    kit.add_field("Plan")
    kit.set_field(ANN, "plan", "gold")
    answer = client("PUT", f"/v4/subscribers/{ANN}", {"fields": {"credits": "15"}})
    assert (answer.status_code, "warnings" in answer.json()) == (200, False)
    assert kit.field_values(ANN) == {"credits": "15", "plan": "gold"}
    assert kit.writes(ANN) == [{"credits": "15"}]


def test_an_empty_put_changes_nothing_and_counts_as_no_write(kit: Sandbox, client: Client) -> None:
    before = client("GET", f"/v4/subscribers/{ANN}").json()["subscriber"]
    after = client("PUT", f"/v4/subscribers/{ANN}", {}).json()["subscriber"]
    assert after.items() <= before.items()
    assert kit.writes(ANN) == []


def test_an_unknown_field_is_left_out_with_a_warning_and_the_rest_is_written(kit: Sandbox, client: Client) -> None:
    answer = client("PUT", f"/v4/subscribers/{ANN}", {"fields": {"credits": "15", "Credits": "99"}})
    assert answer.json()["warnings"] == ['The custom field "Credits" does not exist and was ignored']
    assert kit.field_values(ANN) == {"credits": "15"}
    assert kit.writes(ANN) == [{"credits": "15"}]


def test_values_are_texts_and_an_empty_one_is_none(client: Client) -> None:
    def written(value: object) -> object:
        fields = client(
            "PUT", f"/v4/subscribers/{ANN}", {"email_address": "ann@example.org", "fields": {"credits": value}}
        )
        return fields.json()["subscriber"]["fields"]["credits"]

    assert [written(value) for value in ("007", " 1,200 ", "é\n", "")] == ["007", " 1,200 ", "é\n", None]


def test_an_address_that_another_contact_has_is_refused(kit: Sandbox, client: Client) -> None:
    answer = client("PUT", f"/v4/subscribers/{ANN}", {"email_address": "BOB@example.org", "fields": {"credits": "1"}})
    assert (answer.status_code, answer.json()) == (422, {"errors": ["Email address has already been taken"]})
    assert kit.field_values(ANN) == {"credits": "5"}
    assert client("PUT", f"/v4/subscribers/{ANN}", {"email_address": "ann2@example.org"}).status_code == 200
    assert kit.contact_id("ann2@example.org") == ANN


def test_creating_a_contact_that_exists_changes_its_first_name_alone(kit: Sandbox, client: Client) -> None:
    made = client("POST", "/v4/subscribers", {"email_address": "New@example.org", "fields": {"credits": "1"}})
    new = made.json()["subscriber"]
    assert (made.status_code, new["email_address"], new["fields"]) == (201, "new@example.org", {"credits": "1"})
    again = client(
        "POST",
        "/v4/subscribers",
        {"email_address": "di@example.org", "first_name": "Diana", "state": "active", "fields": {}},
    )
    row = again.json()["subscriber"]
    assert (again.status_code, row["first_name"], row["state"]) == (200, "Diana", "cancelled")
    assert kit.field_values(row["id"]) == {"credits": "20"}


def test_what_makes_no_sense_is_refused_with_kits_words(client: Client) -> None:
    assert client("POST", "/v4/subscribers", {"email_address": "x"}).json() == {"errors": ["Email address is invalid"]}
    assert client("POST", "/v4/subscribers", {"email_address": "x@y.org", "state": "dead"}).status_code == 422
    assert client("PUT", f"/v4/subscribers/{ANN}", {"fields": {"credits": [1]}}).status_code == 422
    assert (
        client("PUT", f"/v4/subscribers/{ANN}", {"fields": dict.fromkeys(map(str, range(141)), "x")}).status_code == 422
    )
    assert client("PUT", f"/v4/subscribers/{ANN}", {"first_name": 5}).status_code == 422
    for query in ({"status": "dead"}, {"created_after": "yesterday"}, {"sort_field": "age"}, {"include": "tags"}):
        assert client("GET", "/v4/subscribers", **query).status_code == 422


def test_unsubscribing_keeps_fields_and_tags(kit: Sandbox, client: Client) -> None:
    assert client("POST", f"/v4/subscribers/{ANN}/unsubscribe").status_code == 204
    assert client("POST", f"/v4/subscribers/{ANN}/unsubscribe").status_code == 204
    assert (kit.state_of(ANN), kit.field_values(ANN), kit.tags_of(ANN)) == (
        "cancelled",
        {"credits": "5"},
        ["Member: Gold"],
    )
    assert client("GET", f"/v4/subscribers/{ANN}").json()["subscriber"]["canceled_at"] is not None


def test_whoever_is_unknown_is_not_found(kit: Sandbox, client: Client) -> None:
    kit.delete_contact(ANN)
    for method, path in (("GET", ""), ("PUT", ""), ("GET", "/tags"), ("POST", "/unsubscribe")):
        answer = client(method, f"/v4/subscribers/{ANN}{path}")
        assert (answer.status_code, answer.json()) == (404, {"errors": ["Not Found"]})
    assert client("GET", "/v4/subscribers/999999999999999999").status_code == 404

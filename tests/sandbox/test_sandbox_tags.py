from ccops.sandbox.sandbox import Sandbox
from tests.plain import Client

ANN = 4_300_000_001
GOLD = 1041


def test_a_name_in_other_letters_is_the_same_tag(client: Client) -> None:
    made = client("POST", "/v4/tags", {"name": "ccops: Größe"})
    again = client("POST", "/v4/tags", {"name": " CCOPS: GRÖSSE "})
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json()
    assert [tag["name"] for tag in client.rows("/v4/tags")] == ["ccops: Größe", "Member: Gold"]


def test_a_renamed_tag_keeps_its_id_and_members(kit: Sandbox, client: Client) -> None:
    kit.add_tag("Other")
    assert client("PUT", f"/v4/tags/{GOLD}", {"name": "member: gold"}).json()["tag"]["id"] == GOLD
    assert kit.tags_of(ANN) == ["member: gold"]
    assert client("PUT", f"/v4/tags/{GOLD}", {"name": "other"}).json() == {"errors": ["Name has already been taken"]}
    assert client("PUT", f"/v4/tags/{GOLD}", {"name": " "}).json() == {"errors": ["Name can't be blank"]}
    assert client("PUT", "/v4/tags/1", {"name": "x"}).status_code == 404
    assert client("POST", "/v4/tags").json() == {"errors": ["Name can't be blank"]}


def test_tagging_says_whether_it_changed_anything(kit: Sandbox, client: Client) -> None:
    tag = kit.add_tag("ccops: payment-credit")
    first = client("POST", f"/v4/tags/{tag}/subscribers/{ANN}")
    second = client("POST", f"/v4/tags/{tag}/subscribers/{ANN}", {})
    by_email = client("POST", f"/v4/tags/{tag}/subscribers", {"email_address": "Ann@example.org"})
    assert [answer.status_code for answer in (first, second, by_email)] == [201, 200, 200]
    assert first.json() == second.json() == by_email.json()
    assert first.json()["subscriber"]["fields"] == {"credits": "5"}
    assert client.rows(f"/v4/subscribers/{ANN}/tags")[0] == {
        "id": tag,
        "name": "ccops: payment-credit",
        "tagged_at": first.json()["subscriber"]["tagged_at"],
    }


def test_tagging_by_address_creates_nobody(client: Client) -> None:
    path = f"/v4/tags/{GOLD}/subscribers"
    assert client("POST", path, {"email_address": "nobody@example.org"}).status_code == 404
    assert client("POST", path, {"email_address": "nonsense"}).status_code == 422
    assert client("POST", path).json() == {
        "errors": ["Either subscriber id or email address is required to tag subscriber"]
    }


def test_untagging_twice_is_no_mistake_and_an_unknown_contact_is(kit: Sandbox, client: Client) -> None:
    path = f"/v4/tags/{GOLD}/subscribers"
    assert [client("DELETE", f"{path}/{ANN}").status_code for _ in range(2)] == [204, 204]
    assert client("DELETE", path, {"email_address": "bob@example.org"}).status_code == 204
    assert client("DELETE", path, email_address="cy@example.org").status_code == 204
    assert client("DELETE", path).status_code == 422
    assert [
        client("DELETE", f"{path}/1").status_code,
        client("DELETE", f"/v4/tags/1/subscribers/{ANN}").status_code,
    ] == [
        404,
        404,
    ]
    assert kit.tags_of(ANN) == []


def test_members_come_newest_tagging_first_with_all_their_fields(kit: Sandbox, client: Client) -> None:
    kit.untag(ANN, GOLD)
    kit.tag(ANN, GOLD)
    rows = client.rows(f"/v4/tags/{GOLD}/subscribers", status="all")
    assert [row["first_name"] for row in rows] == ["Ann", "Gus", "Fay", "Di", "Cy", "Bob"]
    assert rows[0]["fields"] == {"credits": "5"}
    assert len(client.rows(f"/v4/tags/{GOLD}/subscribers")) == 5
    assert "fields" not in client.rows(f"/v4/tags/{GOLD}/subscribers", slim="true")[0]
    assert client("GET", "/v4/tags/1/subscribers").status_code == 404


def test_members_can_be_asked_for_by_the_time_of_tagging(kit: Sandbox, client: Client) -> None:
    newest = kit.add_contact("zoe@example.org")
    kit.tag(newest, GOLD)
    members = f"/v4/tags/{GOLD}/subscribers"
    old, new = client.rows(members)[1], client.rows(members)[0]
    assert client.rows(members, tagged_after=old["tagged_at"])[0]["id"] == newest
    assert newest not in [row["id"] for row in client.rows(members, tagged_before=new["tagged_at"])]


def test_a_fields_key_is_made_from_its_label(client: Client) -> None:
    def made(label: str) -> tuple[int, str, str]:
        answer = client("POST", "/v4/custom_fields", {"label": label})
        field = answer.json()["custom_field"]
        return answer.status_code, field["key"], field["name"]

    assert made(" ccops last change ") == (201, "ccops_last_change", "ck_field_4_ccops_last_change")
    assert made("ccops last change") == (200, "ccops_last_change", "ck_field_4_ccops_last_change")
    assert made("Crédits!") == (201, "credits_2", "ck_field_5_credits_2")
    assert made("日本") == (201, "field", "ck_field_6_field")


def test_a_renamed_field_has_a_new_key_and_the_old_values(kit: Sandbox, client: Client) -> None:
    assert client("PUT", "/v4/custom_fields/3", {"label": "Points"}).json()["custom_field"] == {
        "id": 3,
        "key": "points",
        "name": "ck_field_3_credits",
        "label": "Points",
    }
    assert kit.field_values(ANN) == {"points": "5"}
    kit.add_field("Other")
    assert client("PUT", "/v4/custom_fields/3", {"label": "OTHER"}).status_code == 422
    assert client("PUT", "/v4/custom_fields/3", {"label": ""}).json() == {"errors": ["Label can't be blank"]}


def test_a_deleted_field_takes_its_values_along(kit: Sandbox, client: Client) -> None:
    assert client("DELETE", "/v4/custom_fields/3").status_code == 204
    assert client("DELETE", "/v4/custom_fields/3").status_code == 404
    client("POST", "/v4/custom_fields", {"label": "Credits"})
    assert kit.field_values(ANN) == {"credits": None}
    assert [field["id"] for field in client.rows("/v4/custom_fields")] == [4]

import contextlib
import http.client
import subprocess
import sys
import threading
from typing import Any

import pytest
import requests

from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import Sandbox
from ccops.sandbox.store import PortTaken
from tests.plain import Client

ANN = 4_300_000_001
PATH = f"/v4/subscribers/{ANN}"


def _status(kit: Sandbox, **headers: str) -> tuple[int, Any]:
    answer = requests.get(f"{kit.url}/v4/account", headers=headers, timeout=60)
    return answer.status_code, answer.json().get("errors")


def test_only_the_right_key_or_token_opens(kit: Sandbox) -> None:
    refused = (401, ["The access token is invalid"])
    assert _status(kit) == refused
    assert _status(kit, **{"X-Kit-Api-Key": "sandbox-keys"}) == refused
    assert _status(kit, **{"X-Kit-Api-Key": ""}) == refused
    assert _status(kit, **{"X-Kit-Api-Key": "clé"}) == refused
    assert _status(kit, Authorization="Bearer sandbox-key") == refused
    assert _status(kit, Authorization="Bearer sandbox-token") == (200, None)
    kit.settings.key = "another"
    assert _status(kit, **{"X-Kit-Api-Key": "another"}) == (200, None)


@pytest.mark.parametrize("body", ["{", "[1]", "nonsense", "\xff"])
def test_a_body_that_is_no_object_is_refused_unread(kit: Sandbox, client: Client, body: str) -> None:
    answer = client.session.put(kit.url + PATH, data=body.encode("latin-1"), timeout=60)
    assert (answer.status_code, answer.json()) == (400, {"errors": ["The body is not a JSON object"]})
    assert client("GET", PATH).status_code == 200


@pytest.mark.parametrize("path", ["/", "/v4", "/v4/nothing", "/v4/subscribers/x", "/v4/subscribers/1/", "/v3/account"])
def test_kit_has_no_other_paths(path: str) -> None:
    with Sandbox() as sandbox:
        client = Client(sandbox)
        assert [client(method, path).status_code for method in ("GET", "POST", "PATCH", "DELETE")] == [404] * 4
        client.session.close()


def test_a_connection_is_kept_through_answers_of_every_kind(kit: Sandbox) -> None:
    connection = http.client.HTTPConnection(kit.url.removeprefix("http://"), timeout=60)
    key, opened = {"X-Kit-Api-Key": "sandbox-key"}, set()
    for method, path in (("GET", PATH), ("DELETE", f"/v4/tags/1041/subscribers/{ANN}"), ("GET", "/no"), ("GET", PATH)):
        connection.request(method, path, headers=key)
        opened.add(connection.sock.getsockname())
        connection.getresponse().read()
    connection.close()
    assert len(opened) == 1
    kit.forget()


def test_a_body_of_unknown_length_is_refused(kit: Sandbox, client: Client) -> None:
    answer = client.session.put(kit.url + PATH, data=iter([b"{}"]), timeout=60)
    assert answer.status_code == 411


def test_everything_asked_is_counted_and_the_last_of_it_kept() -> None:
    with Sandbox(keep_exchanges=2) as sandbox:
        client = Client(sandbox)
        for value in ("1", "2", "3"):
            client("PUT", PATH, {"fields": {"credits": value}})
        client("GET", "/v4/nothing")
        sandbox.faults.add(Fault("reset"))
        with pytest.raises(requests.ConnectionError):
            client("GET", "/v4/tags", per_page=5)
        client.session.close()
        put = ("PUT", "/v4/subscribers/{id}")
        assert sandbox.counts == {put: 3, ("GET", "/v4/nothing"): 1, ("GET", "/v4/tags"): 1}
        assert sandbox.statuses == {200: 3, 404: 1, None: 1}
        unknown, lost = sandbox.exchanges
        assert (unknown.route, unknown.faulty, unknown.answered) == (None, False, {"errors": ["Not Found"]})
        assert (lost.route, lost.faulty, lost.query, lost.answered) == ("/v4/tags", True, {"per_page": "5"}, None)
        sandbox.forget()
        assert (sandbox.counts, sandbox.statuses, sandbox.exchanges) == ({}, {}, [])


def test_an_observer_sees_each_request_before_and_after_its_effect(kit: Sandbox, client: Client) -> None:
    seen: list[tuple[str, str, str, str | None]] = []
    kit.on_request = lambda phase, method, path: seen.append((phase, method, path, kit.field_values(ANN)["credits"]))
    kit.faults.add(Fault("reset", when="after"))
    with pytest.raises(requests.ConnectionError):
        client("PUT", PATH, {"fields": {"credits": "15"}})
    assert seen == [("before", "PUT", PATH, "5"), ("after", "PUT", PATH, "15")]


def test_a_stopped_sandbox_is_unreachable_and_comes_back_where_it_was(kit: Sandbox, client: Client) -> None:
    client("GET", PATH)
    url = kit.url
    kit.stop()
    with pytest.raises(requests.ConnectionError):
        client("GET", PATH)
    kit.set_field(ANN, "credits", "6")
    kit.start()
    assert kit.url == url
    assert client("GET", PATH).json()["subscriber"]["fields"] == {"credits": "6"}


def test_a_port_that_is_taken_is_said(kit: Sandbox) -> None:
    port = int(kit.url.rpartition(":")[2])
    second = Sandbox(port=port)
    with pytest.raises(PortTaken, match=f"port {port}: Address already in use") as caught:
        second.start()
    second.close()
    assert "--port 0" in caught.value.mend


def test_serving_ends_when_it_is_asked_to() -> None:
    stop, sandbox = threading.Event(), Sandbox()
    sandbox.on_request = lambda *_: stop.set()
    thread = threading.Thread(target=sandbox.serve_forever, args=(stop,))
    thread.start()
    while not sandbox.url.rpartition(":")[2].strip("0"):
        thread.join(0.001)
    with contextlib.suppress(requests.ConnectionError):  # it may end before its answer is on its way
        requests.get(f"{sandbox.url}/v4/account", timeout=60)
    thread.join()
    assert sandbox.counts == {("GET", "/v4/account"): 1}


def test_many_clients_at_once_lose_nothing(kit: Sandbox) -> None:
    tags = [kit.add_tag(f"Tag {number}") for number in range(4)]

    def tag_everyone(tag: int) -> None:
        client = Client(kit)
        for number in range(8):
            client("POST", f"/v4/tags/{tag}/subscribers/{ANN + number}")
        client.session.close()

    threads = [threading.Thread(target=tag_everyone, args=(tag,)) for tag in tags]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kit.counts == {("POST", "/v4/tags/{tag_id}/subscribers/{id}"): 32}
    assert all(len(set(kit.tags_of(ANN + number)) - {"Member: Gold"}) == 4 for number in range(8))


def test_what_people_do_in_the_app_can_be_done_past_http(kit: Sandbox) -> None:
    zoe = kit.add_contact("Zoe@example.org", "cancelled", credits="7", last_visit="2026-11-01")
    assert (kit.contact_id("zoe@example.org"), kit.state_of(zoe)) == (zoe, "cancelled")
    assert kit.field_values(zoe) == {"credits": "7", "last_visit": "2026-11-01"}
    kit.set_state(zoe, "active")
    kit.set_field(zoe, "credits", None)
    tag = kit.tag(zoe, "New tag")
    kit.tag(zoe, tag)
    kit.tag(zoe, "Member: Gold")
    kit.untag(zoe, "new TAG")
    assert (kit.state_of(zoe), kit.field_values(zoe)["credits"], kit.tags_of(zoe)) == ("active", None, ["Member: Gold"])
    assert kit.writes(zoe) == []
    kit.delete_contact(zoe)
    for missing in (
        lambda: kit.field_values(zoe),
        lambda: kit.tag(zoe, tag),
        lambda: kit.tag(ANN, 1),
        lambda: kit.contact_id("zoe@example.org"),
    ):
        with pytest.raises(LookupError):
            missing()
    assert kit.add_contact("zoe@example.org") == zoe + 1


def test_a_sandbox_without_examples_is_empty() -> None:
    with Sandbox(examples=False) as sandbox:
        assert sandbox.add_contact("first@example.org") == ANN
        assert sandbox.field_values(ANN) == {}


def test_importing_the_sandbox_loads_neither_database_nor_server() -> None:
    heavy = "{'sqlite3', 'http.server', 'requests', 'ccops.ledger'}"
    code = f"import sys, ccops.sandbox; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

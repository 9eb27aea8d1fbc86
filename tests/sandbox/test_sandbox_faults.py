import threading
from typing import Any

import pytest
import requests

from ccops.sandbox.faults import Fault, FaultKind
from ccops.sandbox.sandbox import Sandbox
from tests.plain import Client, Hour

ANN = 4_300_000_001
PATH = f"/v4/subscribers/{ANN}"
PUT: dict[str, Any] = {"fields": {"credits": "15"}}


def _credits(kit: Sandbox) -> str | None:
    return kit.field_values(ANN)["credits"]


def _put(client: Client) -> requests.Response | None:
    try:
        return client("PUT", PATH, PUT)
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        return None


@pytest.mark.parametrize("kind", ["reset", "half", "late"])
def test_a_lost_answer_is_a_broken_connection(kit: Sandbox, client: Client, kind: FaultKind) -> None:
    kit.faults.add(Fault(kind, "PUT"))
    assert _put(client) is None
    assert _put(client) is not None
    assert kit.faults.left == []


@pytest.mark.parametrize(
    "kind", ["reset", "half", "drip", "status", "garbage", "redirect", "warnings", "accepted", "stale_echo"]
)
def test_a_fault_strikes_before_or_after_the_effect(kit: Sandbox, client: Client, kind: FaultKind) -> None:
    kit.faults.add(Fault(kind, "PUT", when="before", pace=0), Fault(kind, "PUT", when="after", pace=0))
    _put(client)
    assert (_credits(kit), kit.writes(ANN)) == ("5", [])
    _put(client)
    assert (_credits(kit), kit.writes(ANN)) == ("15", [{"credits": "15"}])


def test_half_of_an_answer_without_a_body_is_no_answer(kit: Sandbox, client: Client) -> None:
    kit.faults.add(Fault("half"))
    with pytest.raises(requests.ConnectionError):
        client("POST", f"{PATH}/unsubscribe")
    assert kit.state_of(ANN) == "cancelled"


def test_a_reset_is_a_reset_and_no_polite_end(kit: Sandbox, client: Client) -> None:
    kit.faults.add(Fault("reset"))
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        client("GET", PATH)


@pytest.mark.parametrize(
    ("status", "text"),
    [(500, "Something"), (502, ""), (503, ""), (520, "Something"), (429, "Retry later"), (401, "errors")],
)
def test_any_status_can_be_had_with_or_without_a_time_to_wait(
    kit: Sandbox, client: Client, status: int, text: str
) -> None:
    kit.faults.add(Fault("status", status=status), Fault("status", status=status, retry_after=7))
    plain, timed = client("GET", PATH), client("GET", PATH)
    assert (plain.status_code, plain.headers.get("Retry-After")) == (status, None)
    assert (timed.status_code, timed.headers.get("Retry-After")) == (status, "7")
    assert text in plain.text


def _in_background(client: Client) -> tuple[threading.Thread, list[requests.Response | None]]:
    answers: list[requests.Response | None] = []
    thread = threading.Thread(target=lambda: answers.append(_put(client)))
    thread.start()
    return thread, answers


def test_a_request_hangs_until_it_is_released(kit: Sandbox, client: Client) -> None:
    kit.faults.add(Fault("hang", "PUT", when="after"))
    thread, answers = _in_background(client)
    kit.faults.await_hanging(1)
    assert _credits(kit) == "15"
    kit.faults.release()
    thread.join()
    assert answers == [None]


def test_a_request_hangs_until_its_client_gives_up(kit: Sandbox, client: Client) -> None:
    kit.faults.add(Fault("hang", "PUT"))
    with pytest.raises(requests.ReadTimeout):
        client.session.put(kit.url + PATH, json=PUT, timeout=0.05)
    client.session.close()
    kit.faults.await_hanging(0)
    assert _credits(kit) == "5"


def test_a_request_hangs_until_the_sandbox_stops(client: Client, kit: Sandbox) -> None:
    kit.faults.add(Fault("hang", "PUT"))
    thread, answers = _in_background(client)
    kit.faults.await_hanging(1)
    kit.stop()
    thread.join()
    assert (answers, kit.faults.hanging) == ([None], 0)


def test_a_dripping_answer_arrives_in_the_end_or_ends_with_the_sandbox(kit: Sandbox, client: Client) -> None:
    kit.faults.add(Fault("drip", "PUT", pace=0.0002), Fault("drip", "PUT", pace=60))
    answer = _put(client)
    assert answer is not None
    assert answer.json()["subscriber"]["fields"] == {"credits": "15"}
    thread, answers = _in_background(client)
    kit.faults.await_hanging(1)
    kit.stop()
    thread.join()
    assert answers == [None]


def test_garbage_is_a_success_that_is_no_json(kit: Sandbox, client: Client) -> None:
    kit.faults.add(Fault("garbage"), Fault("garbage", text='{"subscriber": '))
    first, second = client("GET", PATH), client("GET", PATH)
    assert (first.status_code, first.text[:6], second.text) == (200, "<html>", '{"subscriber": ')


def test_a_redirect_leads_to_another_host(kit: Sandbox, client: Client) -> None:
    kit.faults.add(Fault("redirect"))
    answer = client("GET", PATH)
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://elsewhere.example/")


def test_answers_can_be_distorted_in_every_way_that_kit_does(kit: Sandbox, client: Client) -> None:
    kit.add_field("Receipt")
    kit.faults.add(
        Fault("warnings", warnings=("credits was ignored",)),
        Fault("accepted"),
        Fault("stale_echo"),
        Fault("partial", keep=("receipt",)),
    )

    def put(credit: str) -> tuple[int, Any, Any]:
        answer = client("PUT", PATH, {"fields": {"credits": credit, "receipt": credit}})
        body = answer.json()
        return answer.status_code, body["subscriber"]["fields"], body.get("warnings")

    assert put("1") == (200, {"credits": "1", "receipt": "1"}, ["credits was ignored"])
    assert put("2") == (202, {"credits": None, "receipt": None}, None)
    assert put("3") == (200, {"credits": "2", "receipt": "2"}, None)
    assert put("4") == (200, {"credits": "3", "receipt": "4"}, None)
    assert kit.writes(ANN)[2:] == [{"credits": "3", "receipt": "3"}, {"receipt": "4"}]


def test_a_fault_makes_no_success_of_a_refusal(kit: Sandbox, client: Client) -> None:
    kit.faults.add(Fault("accepted"), Fault("stale_echo"))
    assert [client("PUT", "/v4/subscribers/1", PUT).status_code for _ in range(2)] == [404, 404]


def test_a_late_write_comes_when_it_is_delivered(kit: Sandbox, client: Client) -> None:
    kit.faults.add(Fault("late", "PUT", status=503))
    answer = _put(client)
    assert answer is not None
    assert (answer.status_code, _credits(kit)) == (503, "5")
    client("PUT", PATH, {"fields": {"credits": "7"}})
    assert kit.faults.deliver_late() == 1
    assert kit.faults.deliver_late() == 0
    assert kit.writes(ANN) == [{"credits": "7"}, {"credits": "15"}]


def test_a_late_write_comes_after_its_delay(timed: tuple[Sandbox, Client], hour: Hour) -> None:
    kit, client = timed
    kit.faults.add(Fault("late", "PUT", delay=90))
    assert _put(client) is None
    hour.pass_by(89)
    assert _credits(kit) == "5"
    hour.pass_by(1)
    assert client("GET", PATH).json()["subscriber"]["fields"] == {"credits": "15"}


def test_a_late_write_to_a_contact_that_is_gone_is_nobodys_loss(kit: Sandbox, client: Client) -> None:
    kit.faults.add(Fault("late", "PUT"))
    _put(client)
    kit.delete_contact(ANN)
    assert kit.faults.deliver_late() == 1
    assert kit.writes(ANN) == []


def test_the_first_fault_that_fits_strikes_when_its_turn_has_come(kit: Sandbox, client: Client) -> None:
    kit.faults.add(
        Fault("status", "PUT", r"/subscribers/\d+$", status=500, skip=1, times=2),
        Fault("status", status=502, times=None),
    )
    statuses = [client(method, PATH).status_code for method in ("PUT", "GET", "PUT", "PUT", "PUT")]
    assert statuses == [502, 502, 500, 500, 502]
    kit.faults.clear()
    assert client("GET", PATH).status_code == 200


@pytest.mark.parametrize("wrong", [{"kind": "explode"}, {"when": "never"}, {"path": "("}, {"times": 0}])
def test_a_fault_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"kind|when|unterminated|times"):
        Fault(**{"kind": "reset", **wrong})


def test_faults_can_be_controlled_over_http_by_other_processes(kit: Sandbox, client: Client) -> None:
    control = requests.Session()
    at = f"{kit.url}/_sandbox"
    with control:
        fault = {"kind": "late", "method": "PUT", "status": 503, "warnings": ["x"]}
        assert control.post(f"{at}/faults", json=fault, timeout=60).status_code == 204
        assert client("PUT", PATH, PUT).status_code == 503
        assert control.get(f"{at}/requests", timeout=60).json() == {
            "counts": {"PUT /v4/subscribers/{id}": 1},
            "statuses": {"503": 1},
        }
        assert control.post(f"{at}/late", timeout=60).json() == {"delivered": 1}
        assert control.post(f"{at}/faults", json={"kind": "explode"}, timeout=60).status_code == 422
        assert control.post(f"{at}/faults", json={"colour": "red"}, timeout=60).status_code == 422
        assert control.post(f"{at}/faults", data="x", timeout=60).status_code == 422
        kit.faults.add(Fault("reset"))
        for method, path in (("DELETE", "/faults"), ("POST", "/release"), ("DELETE", "/requests")):
            assert control.request(method, at + path, timeout=60).status_code == 204
        assert control.get(f"{at}/nothing", timeout=60).status_code == 404
    assert (kit.faults.left, kit.counts, _credits(kit)) == ([], {}, "15")

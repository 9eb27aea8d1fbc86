"""OAuth as Kit documents it: a code counts once and for its verifier, a refresh token once, access for a time."""

import base64
import hashlib
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from ccops.sandbox.sandbox import Sandbox
from tests.plain import Client, Hour

REDIRECT = "http://127.0.0.1:8585/kit"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "client_id": "sandbox-app",
    "response_type": "code",
    "redirect_uri": REDIRECT,
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def sent_back(kit: Sandbox, **more: str) -> dict[str, str]:
    answer = requests.get(f"{kit.url}/v4/oauth/authorize", params=ASKED | more, allow_redirects=False, timeout=5)
    assert answer.status_code == 302
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def post(kit: Sandbox, what: str, **body: str) -> requests.Response:
    return requests.post(f"{kit.url}/v4/oauth/{what}", json={"client_id": "sandbox-app"} | body, timeout=5)


def swap(kit: Sandbox, **more: str) -> requests.Response:
    code = sent_back(kit)["code"]
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    return post(kit, "token", **body | more)


def renew(kit: Sandbox, tokens: Mapping[str, str]) -> requests.Response:
    return post(kit, "token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])


def opens(kit: Sandbox, tokens: Mapping[str, str]) -> str:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    answer = requests.get(f"{kit.url}/v4/account", headers=headers, timeout=5)
    return "yes" if answer.status_code == 200 else str(answer.json()["errors"][0])


def test_a_code_becomes_tokens_that_open_the_account(kit: Sandbox) -> None:
    tokens = swap(kit).json()
    assert {**tokens, "access_token": "", "refresh_token": "", "created_at": 0} == {
        "access_token": "",
        "token_type": "Bearer",
        "expires_in": 7200,
        "refresh_token": "",
        "scope": "public",
        "created_at": 0,
    }
    assert opens(kit, tokens) == "yes"
    assert opens(kit, {"access_token": "another"}) == "The access token is invalid"


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "another"},
        {"code_verifier": "w" * 43},
        {"code_verifier": "v"},
        {"redirect_uri": "http://127.0.0.1:8585/"},
    ],
)
def test_a_code_needs_its_verifier_and_redirect(kit: Sandbox, wrong: dict[str, str]) -> None:
    refused = swap(kit, **wrong)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_a_code_counts_once(kit: Sandbox) -> None:
    code = sent_back(kit)["code"]
    assert swap(kit, code=code).status_code == 200
    assert swap(kit, code=code).json()["error"] == "invalid_grant"


def test_the_owner_may_say_no_and_the_state_comes_back(kit: Sandbox) -> None:
    kit.settings.approves = False
    assert sent_back(kit)["error"] == "access_denied"
    assert sent_back(kit)["state"] == "s"
    assert sent_back(kit, code_challenge_method="plain")["error"] == "invalid_request"


def test_a_refresh_token_counts_once_and_takes_its_access_token_along(kit: Sandbox) -> None:
    first = swap(kit).json()
    second = renew(kit, first).json()
    assert (opens(kit, first), opens(kit, second)) == ("The access token was revoked", "yes")
    assert renew(kit, first).json()["error"] == "invalid_grant"
    assert opens(kit, second) == "yes"
    assert kit.token_states() == ["spent", "live"]


def test_an_access_token_expires_and_can_be_renewed(timed: tuple[Sandbox, Client], hour: Hour) -> None:
    kit, _ = timed
    kit.settings.token_seconds = 600
    tokens = swap(kit).json()
    hour.pass_by(599)
    assert opens(kit, tokens) == "yes"
    hour.pass_by(1)
    assert opens(kit, tokens) == "The access token expired"
    assert opens(kit, renew(kit, tokens).json()) == "yes"


def test_a_revoked_login_is_over(kit: Sandbox) -> None:
    tokens = swap(kit).json()
    assert post(kit, "revoke", token=tokens["refresh_token"]).status_code == 200
    assert opens(kit, tokens) == "The access token was revoked"
    assert renew(kit, tokens).json()["error"] == "invalid_grant"
    assert post(kit, "revoke", token="unknown").status_code == 200


def test_an_app_with_a_secret_has_to_give_it(kit: Sandbox) -> None:
    kit.settings.client_secret = "app-secret"
    assert (swap(kit).status_code, swap(kit).json()["error"]) == (401, "invalid_client")
    assert swap(kit, client_secret="app-secret").status_code == 200


def test_forms_are_taken_too_and_nothing_else_is(kit: Sandbox) -> None:
    url = f"{kit.url}/v4/oauth/token"
    form = {
        "client_id": "sandbox-app",
        "grant_type": "refresh_token",
        "refresh_token": swap(kit).json()["refresh_token"],
    }
    assert requests.post(url, data=form, timeout=5).status_code == 200
    assert requests.post(url, data=b"{", timeout=5).json()["error"] == "invalid_request"
    assert post(kit, "token", grant_type="password").json()["error"] == "unsupported_grant_type"
    assert post(kit, "introspect").status_code == 404

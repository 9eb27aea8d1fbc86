"""OAuth (Kit API v4, "OAuth"): a person lets a program in, the program gets tokens, renews them and gives them back.

Nobody is asked here: `authorize` says yes at once, or no if the settings say so. A refresh token is single-use, and
its access token ends with it, which is the hardest on a client that Kit's documentation allows.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

from ccops.sandbox.http import NotFound, SandboxAnswer, SandboxRequest
from ccops.sandbox.store import GrantStore
from ccops.sandbox.tables import SandboxSettings

PREFIX: Final = "/v4/oauth/"
AUTHORIZE: Final = "/v4/oauth/authorize"
_CODE_SECONDS: Final = 600
_ADDRESS: Final = re.compile(r"https?://[!-~]+")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_WHY: Final = {
    "invalid_request": "The request is missing a required parameter or is otherwise malformed.",
    "invalid_client": "Client authentication failed.",
    "invalid_grant": "The provided authorization grant is invalid, expired, revoked, or was issued to another client.",
    "unsupported_grant_type": "The authorization grant type is not supported.",
    "access_denied": "The resource owner denied the request.",
}


@dataclass(frozen=True, slots=True)
class _Asking:
    """One request about tokens."""

    given: Mapping[str, str]
    grants: GrantStore
    settings: SandboxSettings
    now: int

    def known_client(self) -> bool:
        """Say whether it comes from the app that may ask."""
        secret = self.settings.client_secret
        same = hmac.compare_digest(self.given.get("client_secret", "").encode(), secret.encode())
        return self.given.get("client_id") == self.settings.client_id and (same or not secret)


def answer(request: SandboxRequest, grants: GrantStore, settings: SandboxSettings, now: int) -> SandboxAnswer:
    """Answer a request about OAuth, at a moment. Raises NotFound."""
    endpoint = _ENDPOINTS.get((request.method, request.path))
    if endpoint is None:
        raise NotFound
    given = request.query if request.method == "GET" else _form(request)
    return _refused("invalid_request") if given is None else endpoint(_Asking(given, grants, settings, now))


def why_not(token: str, grants: GrantStore, now: int) -> str | None:
    """Return why an access token opens nothing, in Kit's words; None if it does."""
    pair = grants.by_access(token)
    if pair is None:
        return "The access token is invalid"
    if pair.state != "live":
        return "The access token was revoked"
    return "The access token expired" if pair.until <= now else None


def _authorize(asking: _Asking) -> SandboxAnswer:
    given = asking.given
    redirect, challenge = given.get("redirect_uri", ""), given.get("code_challenge", "")
    if given.get("client_id") != asking.settings.client_id or not _ADDRESS.fullmatch(redirect):
        return _refused("invalid_client", 401)
    if given.get("response_type") != "code" or given.get("code_challenge_method") != "S256":
        return _sent_back(redirect, given, error="invalid_request", error_description=_WHY["invalid_request"])
    if not _CHALLENGE.fullmatch(challenge):
        return _sent_back(redirect, given, error="invalid_request", error_description=_WHY["invalid_request"])
    if not asking.settings.approves:
        return _sent_back(redirect, given, error="access_denied", error_description=_WHY["access_denied"])
    until = asking.now + _CODE_SECONDS * 1_000_000
    code = asking.grants.add_code(given["client_id"], redirect, challenge, until)
    return _sent_back(redirect, given, code=code)


def _sent_back(redirect: str, given: Mapping[str, str], **told: str) -> SandboxAnswer:
    if "state" in given:
        told["state"] = given["state"]
    place = f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(told)}"
    return SandboxAnswer(302, text="", content_type="text/html", headers={"Location": place})


def _token(asking: _Asking) -> SandboxAnswer:
    if not asking.known_client():
        return _refused("invalid_client", 401)
    ways = {"authorization_code": _by_code, "refresh_token": _by_refresh}
    way = ways.get(asking.given.get("grant_type", ""))
    return way(asking) if way else _refused("unsupported_grant_type")


def _by_code(asking: _Asking) -> SandboxAnswer:
    given, verifier = asking.given, asking.given.get("code_verifier", "")
    code = asking.grants.take_code(given.get("code", ""))
    if code is None or code.until <= asking.now or code.redirect_uri != given.get("redirect_uri"):
        return _refused("invalid_grant")
    if not _VERIFIER.fullmatch(verifier) or challenge_of(verifier) != code.challenge:
        return _refused("invalid_grant")
    return _issued(asking, None)


def _by_refresh(asking: _Asking) -> SandboxAnswer:
    pair = asking.grants.by_refresh(asking.given.get("refresh_token", ""))
    if pair is None or pair.state != "live" or pair.client != asking.given["client_id"]:
        return _refused("invalid_grant")
    asking.grants.end_pair(pair, "spent")
    return _issued(asking, pair.family)


def _issued(asking: _Asking, family: int | None) -> SandboxAnswer:
    seconds = asking.settings.token_seconds
    pair = asking.grants.add_tokens(asking.given["client_id"], asking.now + int(seconds * 1_000_000), family)
    tokens = {"access_token": pair.access, "token_type": "Bearer", "expires_in": int(seconds)}
    more = {"refresh_token": pair.refresh, "scope": "public", "created_at": asking.now // 1_000_000}
    return SandboxAnswer(200, tokens | more, headers={"Cache-Control": "no-store"})


def _revoke(asking: _Asking) -> SandboxAnswer:
    if not asking.known_client():
        return _refused("invalid_client", 401)
    token = asking.given.get("token", "")
    pair = asking.grants.by_access(token) or asking.grants.by_refresh(token)
    if pair is not None:
        asking.grants.end_pair(pair, "revoked")
    return SandboxAnswer(200, {})


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _form(request: SandboxRequest) -> Mapping[str, str] | None:
    """Read a body, which is JSON or a form; None if it is neither."""
    if "urlencoded" in (request.headers.get("Content-Type") or ""):
        return dict(parse_qsl(request.body.decode(errors="replace")))
    try:
        return {name: value for name, value in request.json.items() if isinstance(value, str)}
    except ValueError:
        return None


def _refused(error: str, status: int = 400) -> SandboxAnswer:
    return SandboxAnswer(status, {"error": error, "error_description": _WHY[error]})


_ENDPOINTS: Final[Mapping[tuple[str, str], Callable[[_Asking], SandboxAnswer]]] = {
    ("GET", AUTHORIZE): _authorize,
    ("POST", f"{PREFIX}token"): _token,
    ("POST", f"{PREFIX}revoke"): _revoke,
}

"""Kit's side of OAuth (API v4, "OAuth"): where a person says yes, and where tokens are given, swapped, taken back."""

import random
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

from ccops.clock import Clock
from ccops.crm.kit import answers
from ccops.crm.kit.credential import mask
from ccops.crm.kit.errors import KitUnreachable, RedirectRefused
from ccops.crm.kit.exchange import Answer, Call, Trouble, Unreadable
from ccops.crm.kit.limits import Limits
from ccops.crm.kit.login_errors import ClientRefused, CodeRefused, LoginEnded
from ccops.crm.kit.retry import next_wait
from ccops.crm.oauth import Attempt
from ccops.secret import Client, Secret, Tokens

_AHEAD: Final = timedelta(minutes=2)
"""How long before its end a token is better renewed; of a short-lived one, the last quarter."""
_UNSAID: Final = 7200
"""Seconds that a token lasts if Kit does not say it: the shorter of its two examples."""
_PATIENCE: Final = 60.0
"""Seconds. Everybody waits for whoever renews, so it gives up sooner than other calls do."""
_NO_CLIENT: Final = frozenset({"invalid_client", "unauthorized_client"})

_SECRET: Final = frozenset({"client_secret", "code", "code_verifier", "refresh_token", "token"})

T = TypeVar("T")
Body = Mapping[str, str]
Refusal = type[CodeRefused] | type[LoginEnded]


class Issuer:
    """Asks Kit for tokens; each exchange has a connection of its own, as hours lie between them."""

    def __init__(self, *, api_url: str, clock: Clock, limits: Limits) -> None:
        self._url, self._clock, self._limits = api_url.rstrip("/"), clock, limits

    def page(self, client: Client, attempt: Attempt) -> str:
        """Return the address at which a person lets ccops in."""
        query = {
            "client_id": client.id,
            "response_type": "code",
            "redirect_uri": attempt.redirect,
            "scope": "public",
            "state": attempt.state,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._url}/v4/oauth/authorize?{urlencode(query, quote_via=quote)}"

    def by_code(self, client: Client, code: Secret, attempt: Attempt) -> Tokens:
        """Swap a code for tokens. Raises CodeRefused, ClientRefused, KitUnreachable and RedirectRefused."""
        body = {
            "grant_type": "authorization_code",
            "code": code.reveal(),
            "redirect_uri": attempt.redirect,
            "code_verifier": attempt.verifier.reveal(),
        }
        return self._tokens(client, body, CodeRefused, _PATIENCE)

    def next_after(self, tokens: Tokens, *, once: bool = False) -> Tokens:
        """Swap a pair for the next one; `once`: without repeating what fails.

        Raises LoginEnded, ClientRefused and, with the old pair still good as far as can be known, KitUnreachable and
        RedirectRefused.
        """
        body = {"grant_type": "refresh_token", "refresh_token": tokens.refresh.reveal()}
        return self._tokens(tokens.client, body, LoginEnded, 0 if once else _PATIENCE)

    def revoke(self, tokens: Tokens) -> None:
        """Have Kit take no token of a pair any more. Raises LoginEnded, ClientRefused, KitUnreachable."""
        for token in (tokens.refresh, tokens.access):
            call = _call("revoke", tokens.client, {"token": token.reveal()})
            self._ask(call, lambda _: None, LoginEnded, 0)

    def _tokens(self, client: Client, body: Body, refusal: Refusal, patience: float) -> Tokens:
        asked = self._clock.now()  # times count from before the request, so a token is never held for good too long
        return self._ask(_call("token", client, body), lambda answer: _read(answer, client, asked), refusal, patience)

    def _ask(self, call: Call, read: Callable[[Answer], T], refusal: Refusal, patience: float) -> T:
        """Send a request until it gets an answer that decides. Raises what is said of the public ones."""
        from ccops.crm.kit.http import Http  # requests takes longest to load

        started, attempt = self._clock.now(), 0
        with closing(Http(api_url=self._url, limits=self._limits)) as http:
            while True:
                attempt += 1
                got = self._judged(http.send(call, None), call, http.host, refusal)
                if isinstance(got, Answer):
                    try:
                        return read(got)
                    except Unreadable as error:
                        got = Trouble("unreadable", str(error))
                chance = random.random()  # noqa: S311 - it spreads attempts in time, nothing more
                wait = next_wait(attempt, got.kind, got.retry_after, chance)
                passed = (self._clock.now() - started).total_seconds()
                if wait is None or passed + wait > min(patience, self._limits.patience):
                    raise KitUnreachable(http.host, got.what, attempt)
                self._clock.sleep(wait)

    def _judged(self, got: Answer | Trouble, call: Call, host: str, refusal: Refusal) -> Answer | Trouble:
        """Return an answer worth reading, or the trouble it stands for; raise what is decided."""
        if isinstance(got, Trouble) or HTTPStatus.OK <= got.status < HTTPStatus.MULTIPLE_CHOICES:
            return got
        asked_to_wait = got.retry_after(self._clock.now())
        if got.status == HTTPStatus.TOO_MANY_REQUESTS:
            return Trouble("busy", "it asks to come back later (429)", retry_after=asked_to_wait)
        if got.status < HTTPStatus.OK or got.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Trouble("server", f"it answered {got.status}", retry_after=asked_to_wait)
        if got.status < HTTPStatus.BAD_REQUEST:
            raise RedirectRefused(host, got.status, "")
        texts = [_hidden(text, call) for text in answers.error_texts(got)]
        raise (ClientRefused if answers.error_code(got) in _NO_CLIENT else refusal)(texts)


def _call(what: str, client: Client, body: Body) -> Call:
    names = {"client_id": client.id, **({"client_secret": client.secret.reveal()} if client.secret else {})}
    return Call("POST", f"/v4/oauth/{what}", body={**names, **body})


def _read(answer: Answer, client: Client, asked: datetime) -> Tokens:
    access, refresh, seconds = answers.tokens(answer)
    lasts = timedelta(seconds=_UNSAID if seconds is None else seconds)
    expires = asked + lasts
    return Tokens(client, access, refresh, expires - min(_AHEAD, lasts / 4), expires)


def _hidden(text: str, call: Call) -> str:
    """Hide in a text of Kit's what was secret in the request: some services quote what they refuse."""
    for name in _SECRET & (call.body or {}).keys():
        text = mask(text, Secret((call.body or {})[name]))
    return text

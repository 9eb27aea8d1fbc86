"""Kit's side of OAuth (API v4, "OAuth"): where a person says yes, and where tokens are given, swapped, taken back."""

import random
import re
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Final, Self, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from ccops.clock import Clock
from ccops.crm.http.exchange import HttpAnswer, HttpCall, HttpLimits, Trouble, UnreadableAnswer, next_wait
from ccops.crm.kit import answers
from ccops.crm.kit.credential import mask
from ccops.crm.kit.errors import (
    ClientRefused,
    CodeRefused,
    KitUnreachable,
    LoggedOut,
    LoginEnded,
    NobodyCame,
    NotRenewed,
    RedirectRefused,
)
from ccops.crm.login import Denied, LoginAttempt, NoCode, OtherLogin, RedirectTaken, TokenStore
from ccops.errors import Misconfigured, ServiceUnreachable
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
LoginRefusal = type[CodeRefused] | type[LoginEnded]


class Issuer:
    """Asks Kit for tokens; each exchange has a connection of its own, as hours lie between them."""

    def __init__(self, *, api_url: str, clock: Clock, limits: HttpLimits) -> None:
        self._url, self._clock, self._limits = api_url.rstrip("/"), clock, limits

    def page(self, client: Client, attempt: LoginAttempt) -> str:
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

    def by_code(self, client: Client, code: Secret, attempt: LoginAttempt) -> Tokens:
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

    def _tokens(self, client: Client, body: Body, refusal: LoginRefusal, patience: float) -> Tokens:
        asked = self._clock.now()  # times count from before the request, so a token is never held for good too long
        return self._ask(_call("token", client, body), lambda answer: _read(answer, client, asked), refusal, patience)

    def _ask(self, call: HttpCall, read: Callable[[HttpAnswer], T], refusal: LoginRefusal, patience: float) -> T:
        """Send a request until it gets an answer that decides. Raises what is said of the public ones."""
        from ccops.crm.http.transport import Http  # requests takes longest to load

        started, attempt = self._clock.now(), 0
        with closing(Http(api_url=self._url, limits=self._limits)) as http:
            while True:
                attempt += 1
                got = self._judged(http.send(call, None), call, http.host, refusal)
                if isinstance(got, HttpAnswer):
                    try:
                        return read(got)
                    except UnreadableAnswer as error:
                        got = Trouble("unreadable", str(error))
                chance = random.random()  # noqa: S311 - it spreads attempts in time, nothing more
                wait = next_wait(attempt, got.kind, got.retry_after, chance)
                passed = (self._clock.now() - started).total_seconds()
                if wait is None or passed + wait > min(patience, self._limits.patience):
                    raise KitUnreachable(http.host, got.what, attempt)
                self._clock.sleep(wait)

    def _judged(
        self, got: HttpAnswer | Trouble, call: HttpCall, host: str, refusal: LoginRefusal
    ) -> HttpAnswer | Trouble:
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


def _call(what: str, client: Client, body: Body) -> HttpCall:
    names = {"client_id": client.id, **({"client_secret": client.secret.reveal()} if client.secret else {})}
    return HttpCall("POST", f"/v4/oauth/{what}", body={**names, **body})


def _read(answer: HttpAnswer, client: Client, asked: datetime) -> Tokens:
    access, refresh, seconds = answers.tokens(answer)
    lasts = timedelta(seconds=_UNSAID if seconds is None else seconds)
    expires = asked + lasts
    return Tokens(client, access, refresh, expires - min(_AHEAD, lasts / 4), expires)


def _hidden(text: str, call: HttpCall) -> str:
    """Hide in a text of Kit's what was secret in the request: some services quote what they refuse."""
    for name in _SECRET & (call.body or {}).keys():
        text = mask(text, Secret((call.body or {})[name]))
    return text


# ---- takes in the browser that Kit sends back: a listener on this machine, for one answer and a page that says so

_PORT: Final = 80
_SILENCE: Final = 5.0
"""Seconds after which a browser that opened a connection and says nothing is left alone."""
_GLANCE: Final = 0.05
_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>ccops</title>
<style>body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto; padding: 0 1rem;
color-scheme: light dark }}</style>
<h1>{title}</h1><p>{text}</p></html>
"""
_WELCOME: Final = ("Thank you", "ccops has the answer. Close this window and go back to the terminal.")
_REFUSED: Final = ("Not let in", "ccops was not let in. Close this window and go back to the terminal.")
_NOT_THIS: Final = ("Not this page", "This page belongs to another login. Use the address that the terminal shows.")
_NOTHING: Final = ("Nothing here", "ccops waits for an answer from Kit at another address.")


class Redirect:
    """Listens while it is open, as a context manager. Raises RedirectTaken when made."""

    def __init__(self, attempt: LoginAttempt) -> None:
        self._attempt = attempt
        self._came = threading.Event()
        self._code: Secret | None = None
        self._denied: Denied | None = None
        parts = urlsplit(attempt.redirect)
        self._path = parts.path or "/"
        host = "127.0.0.1" if parts.hostname in {None, "localhost"} else str(parts.hostname)
        try:
            self._server = _RedirectServer(host, parts.port or _PORT, self)
        except OSError as error:
            raise RedirectTaken(f"{host}:{parts.port or _PORT}", error.strerror or str(error)) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_GLANCE,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, seconds: float) -> Secret:
        """Return the code once the browser has brought it. Raises Denied and NobodyCame."""
        if not self._came.wait(seconds):
            raise NobodyCame(seconds)
        if self._denied:
            raise self._denied
        assert self._code is not None  # noqa: S101 - one of the two has come
        return self._code

    def take(self, path: str, query: Mapping[str, str]) -> tuple[int, tuple[str, str]]:
        """Take what a browser asks for; return status and page. What is not ours changes nothing."""
        if path != self._path:
            return HTTPStatus.NOT_FOUND, _NOTHING
        try:
            self._code = self._code or self._attempt.code_of(query)
        except (OtherLogin, NoCode):
            return HTTPStatus.BAD_REQUEST, _NOT_THIS
        except Denied as denied:
            self._denied = denied
            return HTTPStatus.OK, _REFUSED
        return HTTPStatus.OK, _WELCOME

    def answered(self) -> None:
        """Note that the browser has its page; if it brought the answer, whoever waits goes on."""
        if self._code or self._denied:
            self._came.set()


class _RedirectServer(ThreadingHTTPServer):
    """One thread a connection: browsers open some ahead and say nothing on them."""

    daemon_threads = True

    def __init__(self, host: str, port: int, redirect: Redirect) -> None:
        self.redirect = redirect
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _RedirectHandler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own would ask the name service for the host's name
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser that went away is none of the person's business."""


class _RedirectHandler(BaseHTTPRequestHandler):
    server: _RedirectServer
    timeout = _SILENCE

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        status, (title, text) = self.server.redirect.take(parts.path, dict(parse_qsl(parts.query)))
        try:
            self._show(status, title, text)
        finally:
            self.server.redirect.answered()

    def _show(self, status: int, title: str, text: str) -> None:
        page = _PAGE.format(title=title, text=text).encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(page))),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Keep quiet: the address holds the code."""

    def version_string(self) -> str:
        """Tell no versions."""
        return "ccops"


# ---- A login with OAuth as the credential of a client: its token is renewed ahead of its end, once for all processes
#
# A refresh token is single-use (Kit since 2026-05-20), and only the latest pair counts. So whoever renews is alone
# meanwhile, looks first whether somebody else just did, and has the new pair on disk before anybody uses it.

_OVER: Final = re.compile(r"expired|revoked", re.IGNORECASE)
_REST: Final = timedelta(seconds=20)
"""For how long, after renewing ahead has failed, the present token is used without another try."""


class RenewedTokens:
    """The tokens that a keeper keeps; may be used by many threads at once. Raises LoggedOut if there are none."""

    oauth: Final = True

    def __init__(self, keeper: TokenStore, issuer: Issuer, clock: Clock) -> None:
        self._keeper, self._issuer, self._clock = keeper, issuer, clock
        self._tokens = self._kept()
        self._rests_until = clock.now()

    def present(self, *, hasty: bool) -> Secret:
        """Return the access token, renewed if it ends soon; `hasty`: only if it has ended.

        Raises LoggedOut, LoginEnded, ClientRefused and NotRenewed.
        """
        tokens, now = self._tokens, self._clock.now()
        put_off = hasty or now < self._rests_until
        if now < (tokens.expires if put_off else tokens.renew):
            return tokens.access
        return self._look(None).access

    def another(self, refused: Secret, texts: Sequence[str]) -> bool:
        """Say whether there is another token than the refused one; it is renewed if it was only too old.

        Raises what `present` raises.
        """
        over = _OVER.search(" ".join(texts)) is not None
        return not self._look(refused if over else None).is_that_of(refused)

    def hide(self, text: str) -> str:
        """Hide all that is secret about the login in a text from outside."""
        tokens = self._tokens
        for secret in (tokens.access, tokens.refresh, tokens.client.secret):
            text = mask(text, secret) if secret else text
        return text

    def _kept(self) -> Tokens:
        tokens = self._keeper.tokens()
        if tokens is None:
            raise LoggedOut
        return tokens

    def _look(self, refused: Secret | None) -> Tokens:
        """Take over the tokens that count now, alone meanwhile; a file that can't be used is no fault of the work."""
        try:
            with self._keeper.alone():
                self._tokens = self._current(refused)
        except Misconfigured as error:
            raise NotRenewed(str(error), error.mend) from error
        return self._tokens

    def _current(self, refused: Secret | None) -> Tokens:
        """Return the tokens as somebody else left them, or renewed if they end soon or are the refused ones."""
        tokens, now = self._kept(), self._clock.now()
        must = now >= tokens.expires or (refused is not None and tokens.is_that_of(refused))
        return self._renewed(tokens, must=must) if must or now >= tokens.renew else tokens

    def _renewed(self, tokens: Tokens, *, must: bool) -> Tokens:
        try:
            self._keeper.put(tokens)  # a disk that is full has to say so before the old pair is spent
            new = self._issuer.next_after(tokens, once=not must)
        except (ServiceUnreachable, Misconfigured) as error:
            if must:
                raise NotRenewed(str(error), error.mend) from error
            self._rests_until = self._clock.now() + _REST
            return tokens
        self._keeper.put(new)
        return new

"""HTTP itself, by `requests`: a request is sent once and its answer taken whole; what it means is decided elsewhere."""

import ipaddress
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Final
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ccops import __version__
from ccops.crm.http.exchange import HttpAnswer, HttpCall, HttpLimits, Trouble, TroubleKind, UnreadableAnswer

HttpHeader = tuple[str, str]
IDLE_SECONDS: Final = 30.0
"""A connection unused for longer is opened anew: a router may have dropped it without a word, and a write sent into
the void would have to be settled."""
_CONNECTIONS: Final = 32
_CHUNK: Final = 65_536
_TYPE: Final = "application/json"
_HEADERS: Final = {"Accept": _TYPE, "Accept-Encoding": "gzip", "User-Agent": f"ccops/{__version__}"}
_FAILURES: Final = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)
_BEFORE_ALL: Final = (
    requests.ConnectTimeout,
    requests.exceptions.InvalidHeader,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ProxyError,
    socket.gaierror,
    ssl.SSLError,
)
"""Failures before a request leaves: of the connection itself, or of a header that can't be sent."""
_MANGLED: Final = (urllib3.exceptions.DecodeError, urllib3.exceptions.InvalidHeader)
"""An answer that contradicts itself."""


class Http:
    """Sends requests to one host; may be used by many threads at once."""

    def __init__(self, *, api_url: str, limits: HttpLimits) -> None:
        self._api_url = api_url.rstrip("/")
        self._limits = limits
        self.host = urlsplit(api_url).netloc.rpartition("@")[2]
        self._proxies = {"http": "", "https": ""} if is_local(api_url) else None
        self._session: requests.Session | None = None
        self._used_at = 0.0
        self._alone = threading.Lock()
        """Held while the session is made or thrown away."""

    def send(self, call: HttpCall, credential: HttpHeader | None) -> HttpAnswer | Trouble:
        """Send a request once, with the header of a credential, and return its whole answer or what went wrong.

        TLS is verified, no redirect followed, nothing repeated, no cookie kept, and no `.netrc` looked into.
        """
        exchange = _Exchange(self._fresh(), self._prepared(call, credential), self._limits, self._proxies)
        got = exchange.run()
        if isinstance(got, Trouble) or got.status < requests.codes.ok:
            self.distrust()  # after an interim answer, the answer proper still comes
        return got

    def distrust(self) -> None:
        """Send nothing more on the connections there are: an answer on one of them was not for its request."""
        with self._alone:
            if self._session is not None:
                self._session.close()
            self._session = None

    def close(self) -> None:
        """Close all connections."""
        self.distrust()

    def _fresh(self) -> requests.Session:
        """Return a session whose connections were not idle for long."""
        now = time.monotonic()
        if now - self._used_at > IDLE_SECONDS:
            self.distrust()
        with self._alone:
            self._used_at = now
            self._session = self._session or _new_session()
            return self._session

    def _prepared(self, call: HttpCall, credential: HttpHeader | None) -> "_Message":
        headers = dict([credential] if credential else [])
        body = None if call.payload is None else _Body(call.payload)
        if body is not None:
            headers["Content-Type"] = _TYPE
        return _Message(call.method, self._api_url + call.target, headers, body)


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """Look at no redirect, not even at where it leads."""
        return None


def _new_session() -> requests.Session:
    session = _Session()
    session.headers = requests.structures.CaseInsensitiveDict(_HEADERS)
    session.auth = lambda request: request  # instead of what `.netrc` may say
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS, max_retries=0))
    return session


class _Body:
    """The bytes of a body; it knows whether they were asked for, which is just before they leave."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.begun = False

    def __len__(self) -> int:
        return len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        self.begun = True
        yield self._content


@dataclass(frozen=True, slots=True)
class _Message:
    """A request as it goes out."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: _Body | None

    def may_have_left(self, error: BaseException) -> bool:
        """Tell whether any of it that has an effect may have left. Without its body, a write has none."""
        if self.body is not None:
            return self.body.begun
        return not any(isinstance(cause, _BEFORE_ALL) for cause in _causes(error))


class _Exchange:
    """One request and its answer, in a thread of its own, so that nothing on its way can outlast its time.

    The time-outs of sockets count from byte to byte, so that an answer that drips in never trips them, and looking up
    a name has none. What is late is left to itself: its thread ends with its connection, or with the program.
    """

    def __init__(
        self, session: requests.Session, message: _Message, limits: HttpLimits, proxies: dict[str, str] | None
    ) -> None:
        self._session, self._message, self._limits, self._proxies = session, message, limits, proxies
        self._got: HttpAnswer | BaseException = TimeoutError()

    def run(self) -> HttpAnswer | Trouble:
        """Wait for the answer, for as long as an exchange may take."""
        thread = threading.Thread(target=self._do, name="http", daemon=True)
        thread.start()
        thread.join(self._limits.total)
        got = TimeoutError() if thread.is_alive() else self._got
        if isinstance(got, HttpAnswer):
            return got
        if isinstance(got, UnreadableAnswer):
            return Trouble("unreadable", str(got))
        if not isinstance(got, _FAILURES):
            raise got
        return trouble(got, left=self._message.may_have_left(got), limits=self._limits)

    def _do(self) -> None:
        try:
            self._got = self._answer()
        except BaseException as error:  # noqa: BLE001 - `run` raises what is none of the connection's
            self._got = error

    def _answer(self) -> HttpAnswer:
        message, limits = self._message, self._limits
        with self._session.request(
            message.method,
            message.url,
            data=message.body,
            headers=message.headers,
            proxies=self._proxies,
            allow_redirects=False,
            stream=True,
            timeout=(limits.connect, limits.read),
        ) as response:
            return HttpAnswer(response.status_code, response.headers, _whole(response, limits.answer_bytes))


def _whole(response: requests.Response, most: int) -> bytes:
    """Return the body, unpacked. Raises UnreadableAnswer, and what a broken connection does."""
    content = bytearray()
    for chunk in response.iter_content(_CHUNK):
        content += chunk
        if len(content) > most:
            raise UnreadableAnswer(f"its answer is longer than {most} bytes")
    return bytes(content)


def is_local(api_url: str) -> bool:
    """Say whether a URL leads to this machine; a proxy could not reach it."""
    host = urlsplit(api_url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def trouble(error: BaseException, *, left: bool, limits: HttpLimits) -> Trouble:
    """Say what a failed exchange was, in our own words: those of the libraries quote addresses and headers."""
    causes = tuple(_causes(error))
    if any(isinstance(cause, _MANGLED) for cause in causes):
        return Trouble("unreadable", "its answer can't be read")
    kind, what = _explained(causes, left=left, limits=limits)
    return Trouble(kind, what, left=left)


def _explained(causes: tuple[BaseException, ...], *, left: bool, limits: HttpLimits) -> tuple[TroubleKind, str]:
    timed_out = any(isinstance(cause, TimeoutError | requests.Timeout) for cause in causes)
    if left:
        if timed_out:
            return "timed-out", f"no whole answer within {limits.read:g} s of silence or {limits.total:g} s in all"
        return "cut-off", "the connection broke before its answer was whole"
    if timed_out:
        return "no-connection", f"no connection within {limits.connect:g} s"
    return "no-connection", f"no connection could be made ({_reason(causes)})"


def _reason(causes: tuple[BaseException, ...]) -> str:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not valid: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "its TLS is not usable"
        if isinstance(cause, socket.gaierror):
            return "its name can't be looked up"
        if isinstance(cause, urllib3.exceptions.ProxyError):
            return "the proxy did not let it through"
    numbers = (cause.errno for cause in causes if isinstance(cause, OSError))
    return next((os.strerror(number) for number in numbers if number is not None), "unknown reason")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__

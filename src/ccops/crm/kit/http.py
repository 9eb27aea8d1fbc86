"""HTTP itself: one function sends, one builds the session. What an answer means is decided elsewhere."""

import ipaddress
import os
import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from ccops import __version__
from ccops.crm.kit.deadline import POOLS, Flight, flight
from ccops.crm.kit.exchange import Answer, Call, Kind, Trouble, Unreadable
from ccops.crm.kit.limits import Limits

Header = tuple[str, str]
_CHUNK: Final = 65_536
_CONNECTIONS: Final = 32
_FAILURES: Final = (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError)


class Http:
    """Sends requests to one host; may be used by many threads at once."""

    def __init__(self, *, api_url: str, limits: Limits) -> None:
        self._root = api_url.rstrip("/")
        self._limits = limits
        self.host = urlsplit(api_url).netloc.rpartition("@")[2]
        self._session = build_session(local=is_local(api_url))

    def send(self, call: Call, credential: Header | None) -> Answer | Trouble:
        """Send a request once, with the header of a credential, and return its whole answer or what went wrong."""
        with flight(self._limits.total) as under_way:
            try:
                with self._session.request(
                    call.method,
                    self._root + call.target,
                    data=call.payload,
                    auth=_Credential(credential),
                    timeout=(self._limits.connect, self._limits.read),
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    return Answer(response.status_code, response.headers, self._whole(response))
            except Unreadable as error:
                return Trouble("unreadable", str(error))
            except _FAILURES as error:
                return trouble(error, under_way, self._limits)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def _whole(self, response: requests.Response) -> bytes:
        content = bytearray()
        for chunk in response.iter_content(_CHUNK):
            content += chunk
            if len(content) > self._limits.answer_bytes:
                raise Unreadable(f"its answer is longer than {self._limits.answer_bytes} bytes")
        return bytes(content)


def build_session(*, local: bool) -> requests.Session:
    """Build a session that verifies TLS, keeps connections, follows no redirect, repeats nothing, stores no cookie."""
    session = _Session()
    session.headers.clear()
    session.headers.update(
        {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Content-Type": "application/json",
            "User-Agent": f"ccops/{__version__}",
        }
    )
    session.trust_env = not local
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    adapter = _Adapter(pool_maxsize=_CONNECTIONS)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def is_local(api_url: str) -> bool:
    """Say whether a URL leads to this machine; a proxy could not reach it."""
    host = urlsplit(api_url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def trouble(error: Exception, under_way: Flight, limits: Limits) -> Trouble:
    """Say what a failed exchange was, in our own words: those of the libraries quote addresses and headers."""
    causes = tuple(_causes(error))
    kind, what = _explained(causes, left=under_way.left, limits=limits)
    return Trouble(kind, what, left=under_way.left)


def _explained(causes: tuple[BaseException, ...], *, left: bool, limits: Limits) -> tuple[Kind, str]:
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


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - requests names it
        """Know of no redirect: requests would read its body to the end even when told not to follow."""
        return None


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):  # that one brings connections of its own
            manager.pool_classes_by_scheme = POOLS
        return manager


class _Credential(AuthBase):
    """Adds the credential to a request; being there, it also keeps requests from looking into `.netrc`."""

    def __init__(self, header: Header | None) -> None:
        self._header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._header:
            request.headers.update([self._header])
        return request

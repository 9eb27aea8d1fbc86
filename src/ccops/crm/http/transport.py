"""HTTP itself: requests are sent, and answers taken whole. What an answer means is decided elsewhere."""

import ipaddress
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from functools import cached_property
from http.client import HTTPException
from typing import Any, Final, cast
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from ccops import __version__
from ccops.crm.http.deadline import Flight, flight
from ccops.crm.http.exchange import HttpAnswer, HttpCall, HttpLimits, Trouble, TroubleKind, UnreadableAnswer
from ccops.crm.http.wire import POOLS, Message, Pool, pools_like

HttpHeader = tuple[str, str]
_CONNECTIONS: Final = 32
_TYPE: Final = "application/json"
_HEADERS: Final = {"Accept": _TYPE, "Accept-Encoding": "gzip", "User-Agent": f"ccops/{__version__}"}
_FAILURES: Final = (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError)


class Http:
    """Sends requests to one host; may be used by many threads at once."""

    def __init__(self, *, api_url: str, limits: HttpLimits) -> None:
        self._api_url = api_url
        self._limits = limits
        self.host = urlsplit(api_url).netloc.rpartition("@")[2]
        self._adapter = _Adapter(pool_maxsize=_CONNECTIONS)
        self._verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        self._proxies = {} if is_local(api_url) else get_environ_proxies(api_url)

    def send(self, call: HttpCall, credential: HttpHeader | None) -> HttpAnswer | Trouble:
        """Send a request once, with the header of a credential, and return its whole answer or what went wrong.

        TLS is verified, no redirect followed, nothing repeated, no cookie kept, and no `.netrc` looked into.
        """
        body = call.payload
        with flight(self._limits.total) as under_way:
            try:
                pool, root, headers = self._way
                message = Message(call.method, root + call.target, {**headers, **_own(credential, body)}, body or b"")
                return HttpAnswer(*pool.exchange(message, self._limits))
            except UnreadableAnswer as error:
                return Trouble("unreadable", str(error))
            except _FAILURES as error:
                return trouble(error, under_way, self._limits)

    @cached_property
    def _way(self) -> tuple[Pool, str, Mapping[str, str]]:
        """What to send by, what targets begin with there, and the headers: requests finds the way, once for all."""
        root = requests.Request("GET", self._api_url.rstrip("/") + "/").prepare()
        pool = cast("Pool", self._adapter.get_connection_with_tls_context(root, self._verify, proxies=self._proxies))
        start = self._adapter.request_url(root, self._proxies).rstrip("/")
        host = urlsplit(root.url or "").netloc.rpartition("@")[2]
        return pool, start, pool.forwarded({"Host": host, **_HEADERS}, start)

    def distrust(self) -> None:
        """Send nothing more on the connections there are."""
        self._way[0].distrust()

    def close(self) -> None:
        """Close all connections."""
        self._adapter.close()


def _own(credential: HttpHeader | None, body: bytes | None) -> Mapping[str, str]:
    """Return the headers that are a request's own."""
    own = dict([credential] if credential else [])
    return own if body is None else own | {"Content-Type": _TYPE, "Content-Length": str(len(body))}


def is_local(api_url: str) -> bool:
    """Say whether a URL leads to this machine; a proxy could not reach it."""
    host = urlsplit(api_url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def trouble(error: Exception, under_way: Flight, limits: HttpLimits) -> Trouble:
    """Say what a failed exchange was, in our own words: those of the libraries quote addresses and headers."""
    causes = tuple(_causes(error))
    kind, what = _explained(causes, left=under_way.left, limits=limits)
    return Trouble(kind, what, left=under_way.left)


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


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        is_socks = proxy.lower().startswith("socks")
        manager.pool_classes_by_scheme = pools_like(type(manager).pool_classes_by_scheme) if is_socks else POOLS
        return manager

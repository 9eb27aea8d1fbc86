"""The receiver as a WSGI application (PEP 3333): finds the place that answers, and logs without secrets."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from ccops.errors import CcopsError
from ccops.server.hooks import check_hook, legacy, signed
from ccops.server.posts import check_post, receive_post
from ccops.server.refusal import CantStore, NoSuchPlace, SecretWrong, TurnedAway, WrongMethod
from ccops.server.requests import ServerCall, ServerReply, Services, call_of
from ccops.server.status import Health, show_entry

Environ = dict[str, object]
StartResponse = Callable[[str, list[tuple[str, str]]], object]

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""What the log tells of a method; any other word was chosen by the sender."""
_RETRY_AFTER: Final = "30"
"""Seconds; Kit heeds them, and comes again anyway."""


@dataclass(frozen=True, slots=True)
class Done:
    """A line of the access log. It holds no part of an address that its sender chose: that might be a secret."""

    method: str
    place: str
    status: HTTPStatus
    detail: str


@dataclass(frozen=True, slots=True)
class RoutedCall:
    """Where a call is going: its name for the log, the method that it takes, and what answers."""

    name: str
    method: str
    answer: Callable[[ServerCall], ServerReply]
    check: Callable[[ServerCall], object] = lambda _: None
    """What a look with HEAD at an address for POSTs finds out: whether the address is right."""


class Receiver:
    """Answers every request; no exception leaves it, since the server would log the address with it."""

    def __init__(self, services: Services, log: Callable[[Done], None]) -> None:
        self._services = services
        self._log = log
        self._health = Health()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        method, place = "?", "(unread)"
        try:
            call = call_of(environ)
            found = self._place(call)
            method, place = call.method if call.method in _METHODS else "?", found.name
            reply, detail = _answer(found, call), ""
        except TurnedAway as refusal:
            reply, detail = _turned_away(refusal), type(refusal).__name__
        except CcopsError as error:
            reply, detail = _turned_away(CantStore()), str(error)
        except Exception as error:  # noqa: BLE001 - see above; its text may hold what was sent
            reply, detail = _broken(), f"internal error: {type(error).__name__}"
        self._log(Done(method, place, reply.status, detail))
        return _send(reply, start_response, head=environ.get("REQUEST_METHOD") == "HEAD")

    def _place(self, call: ServerCall) -> RoutedCall:
        """Find the place of a path. Raises NoSuchPlace."""
        services = self._services
        match call.path.removesuffix("/").split("/")[1:]:
            case ["kit"]:
                return RoutedCall("/kit", "POST", lambda call: signed(services, call))
            case ["kit", name, secret]:
                return RoutedCall(
                    f"/kit/{self._shown(name)}/***",
                    "POST",
                    lambda call: legacy(services, call, name, secret),
                    lambda _: check_hook(services, name, secret),
                )
            case ["operations", name]:
                return RoutedCall(
                    f"/operations/{self._shown(name)}",
                    "POST",
                    lambda call: receive_post(services, call, name),
                    lambda call: check_post(services, call, name),
                )
            case ["entries", name]:
                return RoutedCall("/entries", "GET", lambda call: show_entry(services, call, name))
            case ["healthz"]:
                return RoutedCall("/healthz", "GET", lambda _: self._health(services))
            case _:
                raise NoSuchPlace

    def _shown(self, name: str) -> str:
        """Return an operation's name for the log; whatever is none might be a secret in the wrong place."""
        return name if name in self._services.registry().operations else "(unknown)"


def _answer(place: RoutedCall, call: ServerCall) -> ServerReply:
    if call.method == place.method or (call.method == "HEAD" and place.method == "GET"):
        return place.answer(call)
    if call.method != "HEAD":
        raise WrongMethod(place.method)
    # Senders look whether an address answers before they use it, and switch it off if it does not.
    place.check(call)
    return ServerReply(HTTPStatus.OK, {})


def _turned_away(refusal: TurnedAway) -> ServerReply:
    headers: list[tuple[str, str]] = []
    if isinstance(refusal, WrongMethod):
        headers.append(("Allow", refusal.allowed))
    elif isinstance(refusal, SecretWrong):
        headers.append(("WWW-Authenticate", "Bearer"))
    elif isinstance(refusal, CantStore):
        headers.append(("Retry-After", _RETRY_AFTER))
    return ServerReply(refusal.status, {"error": str(refusal)}, tuple(headers))


def _broken() -> ServerReply:
    told = {"error": "internal error; if this was not accepted, send it again later"}
    return ServerReply(HTTPStatus.INTERNAL_SERVER_ERROR, told, (("Retry-After", _RETRY_AFTER),))


def _send(reply: ServerReply, start_response: StartResponse, *, head: bool) -> Iterable[bytes]:
    content = reply.content()
    own: Mapping[str, str] = {
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    start_response(reply.line, [*own.items(), *reply.headers])
    return [] if head else [content]

"""Controls of a sandbox for other processes, under `/_sandbox`; Kit has nothing like it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ccops.sandbox.courier import Sent
from ccops.sandbox.exchange import Answer, Json, Request, refusal
from ccops.sandbox.faults import Fault
from ccops.sandbox.service import Service

PREFIX = "/_sandbox/"


def answer(service: Service, request: Request) -> Answer:
    """Do what is asked: set or clear faults, release what hangs, deliver what is late, show what went in and out."""
    control = _CONTROLS.get((request.method, request.path.removeprefix(PREFIX)))
    if control is None:
        return refusal(404, "Not Found")
    try:
        result = control(service, request)
    except (TypeError, ValueError) as error:
        return refusal(422, str(error))
    return Answer(204) if result is None else Answer(200, result)


def _add_fault(service: Service, request: Request) -> None:
    options: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in request.json.items()
    }
    service.faults.add(Fault(**options))


def _requests(service: Service, _: Request) -> Json:
    counts = {f"{method} {route}": count for (method, route), count in service.log.counts().items()}
    return {"counts": counts, "statuses": {str(status): count for status, count in service.log.statuses().items()}}


def _deliveries(service: Service, _: Request) -> Json:
    return {"deliveries": [_shown(sent) for sent in service.courier.sent()]}


def _shown(sent: Sent) -> Json:
    return {"delivery": sent.delivery, "url": sent.url, "status": sent.status, "trouble": sent.trouble}


_CONTROLS: Final[Mapping[tuple[str, str], Callable[[Service, Request], Json | None]]] = {
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): lambda service, _: service.faults.clear(),
    ("POST", "release"): lambda service, _: service.faults.release(),
    ("POST", "late"): lambda service, _: {"delivered": service.faults.deliver_late()},
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): lambda service, _: service.log.forget(),
    ("GET", "deliveries"): _deliveries,
    ("POST", "deliveries"): lambda service, _: {"retried": service.courier.retry()},
}

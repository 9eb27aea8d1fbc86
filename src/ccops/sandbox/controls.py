"""Controls of a sandbox for other processes, under `/_sandbox`; Kit has nothing like it."""

from typing import Any

from ccops.sandbox.exchange import Answer, Json, Request, refusal
from ccops.sandbox.faults import Fault
from ccops.sandbox.service import Service

PREFIX = "/_sandbox/"


def answer(service: Service, request: Request) -> Answer:
    """Do what is asked: set or clear faults, release what hangs, deliver what is late, show the counts."""
    match request.method, request.path.removeprefix(PREFIX):
        case "POST", "faults":
            return _add_fault(service, request)
        case "DELETE", "faults":
            service.faults.clear()
        case "POST", "release":
            service.faults.release()
        case "POST", "late":
            return Answer(200, {"delivered": service.faults.deliver_late()})
        case "GET", "requests":
            return Answer(200, _requests(service))
        case "DELETE", "requests":
            service.log.forget()
        case _:
            return refusal(404, "Not Found")
    return Answer(204)


def _add_fault(service: Service, request: Request) -> Answer:
    try:
        options: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in request.json.items()
        }
        service.faults.add(Fault(**options))
    except (TypeError, ValueError) as error:
        return refusal(422, str(error))
    return Answer(204)


def _requests(service: Service) -> Json:
    counts = {f"{method} {route}": count for (method, route), count in service.log.counts().items()}
    return {"counts": counts, "statuses": {str(status): count for status, count in service.log.statuses().items()}}

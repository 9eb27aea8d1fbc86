"""What each kind of fault makes of a request and its answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

from ccops.sandbox.bulk_api import LISTS, is_meant
from ccops.sandbox.faults import Fault, FaultKind
from ccops.sandbox.http import Payload, SandboxAnswer, SandboxRequest, refusal

Transmission = Literal["whole", "reset", "hang", "half", "drip"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer, and the way it goes over the wire."""

    answer: SandboxAnswer | None
    manner: Transmission = "whole"
    pace: float = 0.0
    """Seconds between bytes that drip."""


class RequestWork(Protocol):
    """What can be done with a request."""

    def perform(self, request: SandboxRequest, *, keep: bool = True) -> SandboxAnswer:
        """Handle it; without `keep` the state stays as it was."""
        ...

    def postpone(self, request: SandboxRequest, delay: float | None) -> None:
        """Handle it later, in so many seconds or on demand."""
        ...


TOO_MANY: Final = SandboxAnswer(429, text="Retry later\n", content_type="text/plain")


def distorted(fault: Fault, request: SandboxRequest, work: RequestWork) -> Delivery:
    """Let a fault strike a request."""
    return _KINDS[fault.kind](fault, request, work)


def _broken(fault: Fault, request: SandboxRequest, work: RequestWork) -> Delivery:
    if fault.effect:
        work.perform(request)
    return Delivery(None, "hang" if fault.kind == "hang" else "reset")


def _badly_sent(fault: Fault, request: SandboxRequest, work: RequestWork) -> Delivery:
    answer = work.perform(request, keep=fault.effect)
    return Delivery(answer, "half" if fault.kind == "half" else "drip", fault.pace)


def _replaced(fault: Fault, request: SandboxRequest, work: RequestWork) -> Delivery:
    if fault.effect:
        work.perform(request)
    return Delivery(_substitute(fault))


def _late(fault: Fault, request: SandboxRequest, work: RequestWork) -> Delivery:
    work.postpone(request, fault.delay)
    return Delivery(_error(fault, fault.status)) if fault.status else Delivery(None, "reset")


def _part(fault: Fault, request: SandboxRequest, work: RequestWork) -> Delivery:
    answer = work.perform(_some_rows(fault, request))
    if fault.status == answer.status:
        return Delivery(answer)
    return Delivery(_error(fault, fault.status)) if fault.status else Delivery(None, "reset")


def _late_part(fault: Fault, request: SandboxRequest, work: RequestWork) -> Delivery:
    return _late(fault, _some_rows(fault, request), work)


def _warned(fault: Fault, request: SandboxRequest, work: RequestWork) -> Delivery:
    answer = work.perform(request, keep=fault.effect)
    return Delivery(_with(answer, {"warnings": list(fault.warnings or ("Something was ignored",))}))


def _accepted(fault: Fault, request: SandboxRequest, work: RequestWork) -> Delivery:
    answer = work.perform(request, keep=fault.effect)
    if answer.json is not None and is_meant(request.path):
        return Delivery(replace(answer, status=202, json={}) if answer.status == 200 else answer)  # noqa: PLR2004
    if answer.json is None or "subscriber" not in answer.json:
        return Delivery(answer)
    nulls = dict.fromkeys(request.json.get("fields") or {})
    return Delivery(replace(_with_fields(answer, nulls), status=202))


def _stale(fault: Fault, request: SandboxRequest, work: RequestWork) -> Delivery:
    old = work.perform(SandboxRequest("GET", request.target, request.headers)).json or {}
    answer = work.perform(request, keep=fault.effect)
    return Delivery(_with_fields(answer, old.get("subscriber", {}).get("fields", {})))


def _partial(fault: Fault, request: SandboxRequest, work: RequestWork) -> Delivery:
    sent = request.json.get("fields") or {}
    less = request.with_json({**request.json, "fields": {key: sent[key] for key in sent if key in fault.keep}})
    answer = work.perform(less, keep=fault.effect)
    return Delivery(_with(answer, {"warnings": list(fault.warnings)}) if fault.warnings else answer)


_KINDS: Final[Mapping[FaultKind, Callable[[Fault, SandboxRequest, RequestWork], Delivery]]] = {
    "reset": _broken,
    "hang": _broken,
    "half": _badly_sent,
    "drip": _badly_sent,
    "status": _replaced,
    "redirect": _replaced,
    "garbage": _replaced,
    "late": _late,
    "warnings": _warned,
    "accepted": _accepted,
    "stale_echo": _stale,
    "partial": _partial,
    "part": _part,
    "late_part": _late_part,
}


def _some_rows(fault: Fault, request: SandboxRequest) -> SandboxRequest:
    """Return the same request with some of its rows; one that has none stays as it is."""
    body = request.json
    some = {name: body[name] for name in LISTS if isinstance(body.get(name), list)}
    kept = {name: rows[::2] if fault.rows is None else rows[: fault.rows] for name, rows in some.items()}
    return request.with_json(body | kept) if kept else request


def _substitute(fault: Fault) -> SandboxAnswer:
    if fault.kind == "redirect":
        return SandboxAnswer(302, headers={"Location": fault.location})
    if fault.kind == "garbage":
        return SandboxAnswer(200, text=fault.text, content_type="text/html; charset=utf-8")
    return _error(fault, fault.status or 503)


def _error(fault: Fault, status: int) -> SandboxAnswer:
    wait = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if status == TOO_MANY.status:
        return replace(TOO_MANY, headers=wait)
    if status >= 500:  # noqa: PLR2004 - where servers' own mishaps begin
        return SandboxAnswer(status, text=fault.text, content_type="text/html; charset=utf-8", headers=wait)
    return replace(refusal(status, "Something was refused"), headers=wait)


def _with(answer: SandboxAnswer, more: Payload) -> SandboxAnswer:
    return answer if answer.json is None else replace(answer, json={**answer.json, **more})


def _with_fields(answer: SandboxAnswer, fields: Payload) -> SandboxAnswer:
    contact = (answer.json or {}).get("subscriber")
    if contact is None:
        return answer
    return _with(answer, {"subscriber": {**contact, "fields": {**contact["fields"], **fields}}})

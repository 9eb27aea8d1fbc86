"""Faults on demand: which request is to go wrong, and how."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

FaultKind = Literal[
    "reset",  # the connection breaks, no answer
    "hang",  # no answer either, but the connection stays until released, given up or stopped
    "half",  # half an answer, then the connection ends
    "drip",  # the answer comes byte by byte
    "status",  # an error, 503 unless `status` says otherwise
    "redirect",  # 302 to another host
    "garbage",  # 200 with a body that is no JSON
    "warnings",  # the usual answer, with warnings
    "accepted",  # 202, and null for the fields that were sent
    "stale_echo",  # the answer shows the contact as it was before
    "partial",  # only the fields in `keep` are written
    "late",  # no answer (or `status`); the effect comes after `delay`, or by `deliver_late`
    "part",  # of a request for many, only some `rows` take effect; no answer, or `status` (200: what is said of these)
    "late_part",  # the same, but what takes effect comes late
]
FaultTime = Literal["before", "after"]

_KINDS: Final = get_args(FaultKind)
_KEEP_EFFECT: Final = frozenset({"half", "drip", "warnings", "accepted", "stale_echo", "partial"})


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule for requests that match `method` and `path` (a regular expression that is searched for; empty: any)."""

    kind: FaultKind
    method: str = ""
    path: str = ""
    when: FaultTime | None = None
    """Whether it strikes before or after the effect on the state; by default after for the kinds that distort an
    ordinary answer, before for the others."""
    times: int | None = 1
    """How often; None: always."""
    skip: int = 0
    """How many matching requests pass first."""
    status: int | None = None
    retry_after: int | None = None
    """Seconds for the header of that name; none by default."""
    text: str = "<html><body>Something went wrong</body></html>"
    """The body of `garbage`."""
    warnings: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    rows: int | None = None
    """How many of the first rows take effect in `part` and `late_part`; None: every second one, from the first on."""
    delay: float | None = None
    """Seconds after which the effect of `late` and `late_part` comes; None: when `deliver_late` is called."""
    pace: float = 0.05
    """Seconds between the bytes of `drip`."""
    location: str = "http://elsewhere.example/"

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"kind must be one of {', '.join(_KINDS)}")
        if self.when not in (None, "before", "after"):
            raise ValueError("when must be before or after")
        if self.times is not None and self.times < 1:
            raise ValueError("times must be at least 1")
        re.compile(self.path)

    @property
    def effect(self) -> bool:
        """Whether the request has its effect on the state."""
        return self.when == "after" or (self.when is None and self.kind in _KEEP_EFFECT)

    def strikes(self, method: str, path: str) -> bool:
        """Say whether a request is meant."""
        return self.method in ("", method) and re.search(self.path, path) is not None


@dataclass(slots=True)
class _Armed:
    fault: Fault
    passed: int = field(default=0)


class Faults:
    """The rules of one sandbox, the first that fits strikes; and the requests that hang because of them."""

    def __init__(self, deliver_late: Callable[[], int]) -> None:
        self.deliver_late = deliver_late
        """Does all that is postponed, now; returns how many requests that were."""
        self._lock = threading.Condition()
        self._armed: list[_Armed] = []
        self._gate = threading.Event()
        self._hanging = 0

    def add(self, *faults: Fault) -> None:
        """Add rules after those that are there."""
        with self._lock:
            self._armed += [_Armed(fault) for fault in faults]

    def clear(self) -> None:
        """Take all rules away and release what hangs."""
        with self._lock:
            self._armed.clear()
        self.release()

    @property
    def left(self) -> list[Fault]:
        """The rules that have not yet struck as often as they should."""
        with self._lock:
            return [armed.fault for armed in self._armed]

    def pick(self, method: str, path: str) -> Fault | None:
        """Return the fault that strikes this request, and count it."""
        with self._lock:
            for armed in self._armed:
                if armed.fault.strikes(method, path):
                    armed.passed += 1
                    if armed.passed > armed.fault.skip:
                        self._retire(armed)
                        return armed.fault
        return None

    def _retire(self, armed: _Armed) -> None:
        fault = armed.fault
        if fault.times is not None and armed.passed >= fault.skip + fault.times:
            self._armed.remove(armed)

    @property
    def hanging(self) -> int:
        """How many requests hang or drip at the moment."""
        with self._lock:
            return self._hanging

    def await_hanging(self, count: int, timeout: float = 60.0) -> None:
        """Wait until exactly so many requests hang or drip. Raises TimeoutError."""
        with self._lock:
            if not self._lock.wait_for(lambda: self._hanging == count, timeout):
                raise TimeoutError

    def release(self) -> None:
        """Let go of what hangs; it ends without an answer."""
        with self._lock:
            self._gate.set()
            self._gate = threading.Event()

    @contextmanager
    def held(self) -> Iterator[threading.Event]:
        """Count the caller as hanging; the event is set when it is to give up."""
        with self._lock:
            gate = self._gate
            self._hanging += 1
            self._lock.notify_all()
        try:
            yield gate
        finally:
            with self._lock:
                self._hanging -= 1
                self._lock.notify_all()

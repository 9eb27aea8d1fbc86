"""What tests and rehearsals ask of a sandbox's webhooks."""

from contextlib import AbstractContextManager

from ccops.sandbox.courier import Sent
from ccops.sandbox.service import Service
from ccops.sandbox.signature import signed_headers


class Deliveries:
    """Looks at what was delivered to webhooks, and more deliveries on request."""

    _service: Service

    @property
    def deliveries(self) -> list[Sent]:
        """The last tries of deliveries, oldest first."""
        return self._service.courier.sent()

    def await_deliveries(self, timeout: float = 60.0) -> None:
        """Wait until all is delivered that can be at present. Raises TimeoutError, also when it is not started."""
        self._service.courier.await_idle(timeout)

    def holding_deliveries(self) -> AbstractContextManager[None]:
        """Deliver nothing inside the block; at its end, events go out in batches of up to 100."""
        return self._service.courier.held()

    def retry_deliveries(self) -> int:
        """Try again now what a webhook endpoint did not take; return how many deliveries that are."""
        return self._service.courier.retry()

    def deliver_again(self, n: int = -1, times: int = 1) -> None:
        """Deliver the nth of `deliveries` so many times more: same id and events, signed anew. Raises IndexError."""
        self._service.courier.copy(self.deliveries[n].delivery, times)

    def signed(self, body: bytes, *secrets: str, at: float | None = None, delivery: int = 1) -> dict[str, str]:
        """Return the headers that Kit would send with a body, signed with each secret at a moment, by default now."""
        moment = self._service.settings.clock().timestamp() if at is None else at
        return signed_headers(body, secrets, int(moment), delivery)

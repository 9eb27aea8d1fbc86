"""What all places of the receiver work with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ccops.clock import Clock
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.operations.model import Operation, Registry
from ccops.registry.secrets import Secrets
from ccops.secret import Secret
from ccops.triggers.board import Board
from ccops.triggers.receiver.http import Call
from ccops.triggers.receiver.refusals import OperationUnknown, SecretWrong

Show = Callable[[Entry, str | None], Mapping[str, object]]
"""Makes the object of a change, as `--json` prints it, of an entry and its contact's address."""

_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class House:
    """The doors that the places go through."""

    ledger: Ledger
    registry: Callable[[], Registry]
    secrets: Callable[[], Secrets]
    clock: Clock
    board: Board
    show: Show

    def operation(self, name: str) -> Operation:
        """Return the operation of this name. Raises OperationUnknown."""
        operation = self.registry().operations.get(name)
        if operation is None:
            raise OperationUnknown(name)
        return operation

    def demand_secret(self, operation: str, given: Sequence[str]) -> None:
        """Demand that one of the texts is a secret of the operation. Raises SecretWrong."""
        if not opens(given, self.secrets().accepted(operation)):
            raise SecretWrong

    def opened(self, call: Call) -> frozenset[str]:
        """Return the operations that a call's secret opens. Raises SecretWrong if there is none."""
        given, operations = given_secrets(call), self.secrets().operations
        opened = frozenset([name for name, accepted in operations.items() if opens(given, accepted)])
        if not opened:
            raise SecretWrong
        return opened


def given_secrets(call: Call) -> list[str]:
    """Return what stands in the places of the secret: `Authorization: Bearer`, `X-Ccops-Key`, `?key=`."""
    authorization = call.header("authorization").strip()
    bearer = authorization[len(_BEARER) :].strip() if authorization.lower().startswith(_BEARER) else ""
    return [text for text in (bearer, call.header("x-ccops-key").strip(), call.query.get("key", "").strip()) if text]


def opens(given: Sequence[str], accepted: Sequence[Secret]) -> bool:
    """Tell whether a text is one of the secrets; all are compared to the end, so that the time taken tells nothing."""
    return any([secret.equals(text) for secret in accepted for text in given])  # noqa: C419 - that would stop early

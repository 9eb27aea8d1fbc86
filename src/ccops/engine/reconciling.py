"""The requests by which Kit and ledger agree again about a field: the ledger's value holds, or the hand change does."""

from ccops.engine.comparing import Difference
from ccops.engine.request import Adoption, Request
from ccops.ledger.model import Entry, Origin
from ccops.operations.copying import from_json
from ccops.operations.occasions import for_adjust, for_run
from ccops.operations.reconciling import adopting, restoring


def restore_of(difference: Difference, field: str, timezone: str, run: tuple[int, Origin]) -> Request:
    """Make the request that writes back what the ledger wrote last, as part of a run."""
    operation = restoring(field, difference.kept, difference.found, timezone)
    return Request(operation, difference.contact, for_adjust(field, for_run(run[0])), *run)


def adoption_of(difference: Difference, field: str, timezone: str, run: tuple[int, Origin]) -> Adoption:
    """Make the request that enters a hand change as it is, as part of a run."""
    operation = adopting(field, difference.found, timezone)
    request = Request(operation, difference.contact, for_adjust(field, for_run(run[0])), *run)
    return Adoption(request, difference.email, {field: difference.kept}, {field: difference.found}, difference.last)


def go_on_with(entry: Entry, origin: Origin) -> Request:
    """Make the request again that an entry of a run was begun for."""
    return Request(from_json(entry.copy), entry.contact, entry.occasion, entry.run, origin)

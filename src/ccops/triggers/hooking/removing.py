"""`webhook remove`: webhooks gone from the CRM."""

from collections.abc import Iterable, Mapping

from ccops.engine.hooks import Row, Wanted, look
from ccops.operations.model import Operation
from ccops.registry.secrets import Secrets, forget_kit_hook, forget_kit_webhook
from ccops.triggers.hooking.bench import Bench, alone


def remove_legacy(bench: Bench, operation: str, base: str | None) -> int:
    """Remove an operation's unsigned webhooks; return how many there were. Its secret stays: POSTs may need it."""
    with alone(bench.home) as secrets:
        return drop_hooks(bench, operation, secrets, bench.hooks_of(operation, secrets, base))


def drop_hooks(bench: Bench, operation: str, secrets: Secrets, listed: Iterable[int]) -> int:
    """Remove the listed ones and the one that is known, listed or not; return how many."""
    known = secrets.kit_hooks.get(operation)
    ids = {*listed, known.id} if known else set(listed)
    for hook_id in sorted(ids):
        bench.webhooks.delete_hook(hook_id)
    forget_kit_hook(bench.home, operation)
    return len(ids)


def remove_signed(bench: Bench) -> bool:
    """Remove the signed webhook of all operations; False if there is none."""
    with alone(bench.home) as secrets:
        if secrets.kit_webhook_id is None:
            return False
        bench.webhooks.delete_endpoint(secrets.kit_webhook_id)
        return forget_kit_webhook(bench.home)


def survey(bench: Bench, operations: Mapping[str, Operation], base: str | None) -> list[Row]:
    """Compare all webhooks at the CRM with what this home wants."""
    with alone(bench.home) as secrets:
        return look(bench.webhooks, Wanted(operations, secrets, base), bench.clock.now())


def remove_rows(bench: Bench, rows: Iterable[Row]) -> int:
    """Remove these webhooks; return how many."""
    with alone(bench.home) as secrets:
        own = {known.id: name for name, known in secrets.kit_hooks.items()}
        ids = [(row.kind, row.id) for row in rows if row.id is not None]
        for kind, row_id in ids:
            if kind == "signed":
                bench.webhooks.delete_endpoint(row_id)
                continue
            bench.webhooks.delete_hook(row_id)
            if row_id in own:
                forget_kit_hook(bench.home, own[row_id])
    return len(ids)

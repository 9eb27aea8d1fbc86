"""Whether the CRM tells `serve` of the trigger tags: webhooks that are missing, broken, left over or sent elsewhere."""

from collections.abc import Iterator

from ccops.crm.webhooks import Webhooks
from ccops.engine.hooks import Row, Wanted, look
from ccops.operations.model import Registry
from ccops.registry.secrets import load_secrets
from ccops.report.doctor.finding import Finding, well, wrong
from ccops.report.doctor.patient import Patient
from ccops.report.doctor.wording import count
from ccops.text import clean


def examine(patient: Patient, webhooks: Webhooks, registry: Registry, base: str | None) -> Iterator[Finding]:
    """Compare the webhooks with the registry. A home that looks for tags by `poll` alone needs none.

    Raises ConfigFaults and FileUnusable.
    """
    secrets = load_secrets(patient.home)
    rows = look(webhooks, Wanted(registry.operations, secrets, base), patient.now)
    had_any = bool(base or secrets.kit_webhook_id or secrets.kit_hooks)
    if not had_any and all(row.state in {"missing", "foreign"} for row in rows):
        return
    yield from (_fault(row) for row in rows if row.mend and row.state != "foreign")
    fine = [row for row in rows if row.state == "ok"]
    if fine:
        yield well("webhooks", "; ".join(dict.fromkeys(_said(row, fine) for row in fine)))


def _said(row: Row, fine: list[Row]) -> str:
    if row.kind == "signed":
        return "Kit tells of all trigger tags, signed"
    alike = sum(each.kind == row.kind for each in fine)
    return f"Kit tells of {count(alike, 'trigger tag')}, unsigned"


def _fault(row: Row) -> Finding:
    whose = "" if row.operation is None else f"{row.operation}: "
    where = f" ({clean(row.url)})" if row.url else ""
    return wrong("webhooks", f"{whose}{clean(row.why)}{where}", row.mend)

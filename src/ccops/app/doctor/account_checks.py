"""The CRM: whose account the key opens, whether cron will have it, and what its clock says."""

import os
import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from ccops.app.doctor.findings import CrmVisit, Examined, Finding, count, moment, size, span, well, wrong
from ccops.app.webhooks import HookStatus, Wanted, compare_hooks
from ccops.config.credentials import GrantFile
from ccops.config.errors import nearest
from ccops.config.home import Home, LooseMode, loose_modes, names, told
from ccops.config.settings import read_config
from ccops.config.webhook_secrets import load_secrets
from ccops.crm.base import Contact, Crm, CustomField, Webhooks
from ccops.engine.bootstrap import RECEIPT_LABEL, Unknown, renamed_fields, unknown_among
from ccops.engine.errors import ClockWrong
from ccops.engine.prepare import DRIFT
from ccops.errors import SET_UP, CcopsError
from ccops.ledger.ledger import Ledger
from ccops.operations.model import Operation, OperationsFile, Tag
from ccops.operations.plan import fields_read
from ccops.text import clean, folded, shorten

_OF_SHELL: Final = ("KIT_API_KEY", "KIT_ACCESS_TOKEN")


def check_account(patient: Examined, visit: CrmVisit) -> Iterator[Finding]:
    """Look at the credential and at the account that it opens. Raises ConfigFaults and FileUnusable."""
    yield from _account(patient, visit)
    yield _clock(visit)


def _account(patient: Examined, visit: CrmVisit) -> Iterator[Finding]:
    theirs = f"{clean(visit.account.name)} ({visit.account.id})"
    if not isinstance(patient.ledger, CcopsError):
        ours = patient.ledger.identity.account
        if ours[0] != visit.account.id:
            text = f"the key opens {theirs}, but this home is of {clean(ours[1])} ({ours[0]})"
            yield wrong("Kit", text, f"unset {visit.source}" if _is_of_shell(visit) else "ccops login")
            return
    pace = f"{visit.rate} a minute" if visit.rate else "without a limit"
    from_where, cron_has_it = _key(patient, visit.source)
    text = f"{theirs}, {from_where}, {pace}"
    # Only a key can be stored; an access token ends after some hours.
    mend = "ccops login --oauth" if visit.source == _OF_SHELL[1] else "ccops init --save-key"
    yield well("Kit", text) if cron_has_it else wrong("Kit", text, mend)


def _is_of_shell(visit: CrmVisit) -> bool:
    return visit.source in _OF_SHELL


def _key(patient: Examined, source: str) -> tuple[str, bool]:
    """Say where the key is from, and whether a cron line, which lacks this shell's environment, has one."""
    home = patient.home
    file, login = read_config(home), GrantFile(home).read()
    if file.sandbox:
        return "the embedded sandbox", True
    if login is not None and source == home.grant.name:
        until = moment(login.tokens.expires, patient.timezone, patient.now)
        return f"login from {source}, token until {until} (renews itself, cron has it)", True
    if source == home.config.name:
        return f"key from {source} (cron has it)", True
    if source.startswith("api_key_command"):
        return "key from api_key_command (cron runs it too)", True
    if login is not None or file.api_key or file.api_key_command:
        instead = f"the login of {home.grant.name}" if login else f"that of {home.config.name}"
        return f"key from {source} (cron takes {instead})", True
    return f"key from {source} in this shell alone (cron lacks it)", False


def _clock(visit: CrmVisit) -> Finding:
    if abs(visit.ahead) <= DRIFT:
        return well("clock", "agrees with Kit's")
    side = "ahead of" if visit.ahead > timedelta() else "behind"
    return wrong("clock", f"this machine's clock is {span(visit.ahead)} {side} Kit's", ClockWrong.mend)


# ---- the folder: there, private, writable, with room on its disk and nothing left over in it

LEFT_AFTER: Final = timedelta(minutes=1)
"""The age from which on a draft is nobody's: files are replaced within a moment."""
_ROOM: Final = 20 * 1024 * 1024


def no_home(home: Home) -> Finding:
    """Say that there is no home."""
    return wrong("home", f"there is no home at {clean(str(home.path))}", SET_UP)


def check_home(home: Home, now: datetime) -> Iterator[Finding]:
    """Look at the folder and at what lies in it. Raises FileUnusable."""
    found = [*_loose(home), *_writable(home), *_left(home, now)]
    yield from found or [well("home", f"{home.path}, nobody else can read it")]


def _loose(home: Home) -> Iterator[Finding]:
    for loose in open_to_others(home):
        name = "the folder" if loose.path == home.path else loose.path.name
        yield wrong("home", f"{name} is open to other users (mode {loose.mode:o})", "ccops doctor --fix")


def _writable(home: Home) -> Iterator[Finding]:
    for path in (home.path, home.config, home.registry, home.ledger):
        if path.exists() and not os.access(path, os.W_OK):
            yield wrong("home", f"{clean(path.name)} can't be written to by this user", _to_write(path))
    with told(home.path):
        free = shutil.disk_usage(home.path).free
    if free < _ROOM:
        yield wrong("home", f"its disk has only {size(free)} left", f"make room on the disk of {clean(str(home.path))}")


def _to_write(path: Path) -> str:
    """Write the command that lets this user write to a file or folder."""
    quoted = clean(shlex.quote(str(path)))
    return f"chmod u+w {quoted}" if path.stat().st_uid == os.getuid() else f'sudo chown "$USER" {quoted}'


def _left(home: Home, now: datetime) -> Iterator[Finding]:
    for path in drafts(home, now):
        text = f"{clean(path.name)} is left from a write that was broken off, and may hold the key"
        yield wrong("home", text, "ccops doctor --fix")


def open_to_others(home: Home) -> list[LooseMode]:
    """List what others than its owner can get at. Raises FileUnusable."""
    with told(home.path):
        return loose_modes(home)


def drafts(home: Home, now: datetime) -> list[Path]:
    """List the drafts of files that a crash left behind. Raises FileUnusable."""
    with told(home.path):
        found = [path for name in names(home) for path in home.path.glob(f".{name}.*")]
        return sorted(path for path in found if path.stat().st_mtime < (now - LEFT_AFTER).timestamp())


# ---- what the registry names and the CRM must have: the operations' fields, and their trigger tags


def keys_of(registry: OperationsFile) -> frozenset[str]:
    """Name all fields that operations read or write, and those that have limits."""
    return frozenset(registry.fields).union(*map(fields_read, registry.operations.values()))


def fields_of(registry: OperationsFile, fields: list[CustomField], ledger: Ledger | CcopsError) -> Iterator[Finding]:
    """Look for the fields of all operations, and for those that the registry has limits for."""
    known = {field.key: field.label for field in fields}
    ids = {} if isinstance(ledger, CcopsError) else ledger.field_names.ids()
    of_ledger = frozenset[str]() if isinstance(ledger, CcopsError) else ledger.field_names.keys()
    renamed = renamed_fields(keys_of(registry) | of_ledger, fields, ids)
    operations = registry.operations.values()
    found = [_renamed(old, field) for old, field in renamed.items()]
    found += _taken(keys_of(registry) | of_ledger, fields, ids)
    found += [
        _gone(operation, key, known)
        for operation in operations
        for key in sorted(_lacking(operation, known) - renamed.keys())
    ]
    found += [_limits_of(key) for key in registry.fields if key not in known and key not in renamed]
    used = frozenset[str]().union(*map(fields_read, operations))
    yield from found or ([well("fields", f"{', '.join(sorted(used))}")] if used else [])


def _renamed(old: str, field: CustomField) -> Finding:
    text = f'the field "{clean(old)}" has the key "{clean(field.key)}" in Kit now: it was renamed there'
    return wrong("fields", text, "ccops doctor --fix")


def _taken(keys: Iterable[str], fields: list[CustomField], ids: Mapping[str, int]) -> Iterator[Finding]:
    """Look for keys that another field has now, while the one that had them before is there under a new key."""
    by_key, by_id = {field.key: field for field in fields}, {field.id: field for field in fields}
    for key in sorted(keys):
        now, before = by_key.get(key), by_id.get(ids.get(key, 0))
        if now is not None and before is not None and now.id != before.id:
            text = (
                f'"{clean(key)}" is the key of another field in Kit now; the one that had it is "{clean(before.key)}"'
            )
            yield wrong("fields", text, "give the new field another label in Kit, then: ccops doctor --fix")


def _lacking(operation: Operation, known: Mapping[str, str]) -> frozenset[str]:
    return fields_read(operation) - known.keys()


def _gone(operation: Operation, key: str, known: Mapping[str, str]) -> Finding:
    guess, edit = nearest(key, known), f"ccops op edit {operation.name}"
    text = f'{operation.name}: the field "{clean(key)}" is not in Kit: deleted or renamed'
    if not guess:
        return wrong("fields", text, f"{edit} --create-field")
    # The field of a single change can be named by an option; any other is put right in the editor.
    is_only = [change.field for change in operation.changes] == [key] and _lacking(operation, known) == {key}
    mend = f"{edit} --field {guess}" if is_only else edit
    return wrong("fields", f'{text}; there is "{guess}"', f"{mend}\nor, if it was deleted: {edit} --create-field")


def _limits_of(key: str) -> Finding:
    text = f'operations.toml has limits for the field "{clean(key)}", which is not in Kit: they hold for nothing'
    return wrong("fields", text, f"correct [fields.{clean(key)}] in operations.toml")


def tags_of(registry: OperationsFile, names: Mapping[int, str], ledger: Ledger | CcopsError) -> Iterator[Finding]:
    """Look for the trigger tags of all operations, and whether the ledger has counted them by the same name."""
    bound = [operation for operation in registry.operations.values() if operation.tag is not None]
    found = [finding for operation in bound for finding in _tag(operation, names, ledger)]
    for operation in registry.operations.values():
        for old, new in renamed_followups(operation, names, ledger).items():
            text = f"{operation.name}: its follow-up tag {shorten(old)} is called {shorten(new)} in Kit now"
            found.append(wrong("tags", text, "ccops doctor --fix"))
    yield from found or ([well("tags", f"{count(len(bound), 'trigger tag')}, each in its place")] if bound else [])


def renamed_followups(operation: Operation, names: Mapping[int, str], ledger: Ledger | CcopsError) -> dict[str, str]:
    """Return the follow-up tags of an operation that have another name in the CRM now, by their old names."""
    if isinstance(ledger, CcopsError):
        return {}
    known = {folded(name) for name in names.values()}
    gone = {name for name in (*operation.tags_if_applied, *operation.tags_if_refused) if folded(name) not in known}
    noted = {name: ledger.identity.followup_tag(name) for name in gone}
    return {name: names[tag] for name, tag in noted.items() if tag is not None and tag in names}


def _tag(operation: Operation, names: Mapping[int, str], ledger: Ledger | CcopsError) -> Iterator[Finding]:
    tag, name = operation.tag, operation.name
    if tag is None:
        return
    if tag.id not in names:
        yield wrong("tags", f"{name}: its tag {shorten(tag.name)} is not in Kit any more", _another(name, tag, names))
    elif names[tag.id] != tag.name:
        yield well("tags", f"{name}: its tag {shorten(tag.name)} is called {shorten(names[tag.id])} in Kit now")
    counted = None if isinstance(ledger, CcopsError) else ledger.identity.counted_as(tag.id)
    if counted is not None and counted != name:
        text = f'{name}: its tag was counted as "{counted}" so far; by another name, everything would be granted again'
        yield wrong(
            "tags", text, f"name it {counted} again in operations.toml\nor, if it is another: ccops tag unbind {name}"
        )


def _another(operation: str, gone: Tag, names: Mapping[int, str]) -> str:
    """Write the commands that give an operation another tag: the one that is called like the lost one, or a new one."""
    alike = next((name for name in names.values() if folded(name) == folded(gone.name)), None)
    another = f"create {operation}" if alike is None else f"bind {operation} {clean(shlex.quote(alike))}"
    return f"ccops tag unbind {operation}\nccops tag {another}"


# ---- the receipts: their field, and whether contacts carry any that this ledger lacks the entries of

MOST: Final = 10_000
"""Contacts that are looked at: ten pages of a list. Whoever has more waits no longer for an answer."""


def check_receipts(ledger: Ledger, crm: Crm, fields: list[CustomField]) -> Iterator[Finding]:
    """Look for the field that holds the receipts, and for those of another ledger, or of a newer copy of this one."""
    key = ledger.identity.receipt_field
    renamed = renamed_fields([key], fields, ledger.field_names.ids()).get(key)
    if renamed is not None:
        text = f'their field "{clean(key)}" has the key "{clean(renamed.key)}" in Kit now: it was renamed there'
        yield wrong("receipts", text, "ccops doctor --fix")
        return
    if all(field.key != key for field in fields):
        text = f'their field "{clean(key)}" is not in Kit: deleted, or renamed; then call it "{RECEIPT_LABEL}" again'
        yield wrong("receipts", f"{text}. Else:", "ccops doctor --fix")
        return
    unknown = unknown_among(ledger, _first(crm.contacts()))
    if unknown.contacts:
        yield _strange(unknown)
    if unknown.copied:
        yield _copied(unknown, ledger, key)
    if not unknown.contacts and not unknown.copied:
        yield well("receipts", f"in the field {key}")


def _first(contacts: Iterable[Contact]) -> Iterable[Contact]:
    return islice(contacts, MOST)


def _strange(unknown: Unknown) -> Finding:
    carry = "carries a receipt" if unknown.contacts == 1 else "carry receipts"
    text = (
        f"{count(unknown.contacts, 'contact')} {carry} that this ledger does not know, such as "
        f"{clean(unknown.carriers[0].email)}: another home is at work, or this is an older copy; use the one that "
        "wrote them. Only if it is lost for ever:"
    )
    return wrong("receipts", text, "ccops init --take-over")


def _copied(unknown: Unknown, ledger: Ledger, key: str) -> Finding:
    carrier, entry = unknown.copied[0]
    owner = ledger.people.by_id(entry.contact)
    name = owner.email if owner is not None and owner.email else f"contact {entry.contact}"
    carry = "carries the receipt" if len(unknown.copied) == 1 else "carry receipts"
    text = (
        f"{count(len(unknown.copied), 'contact')} {carry} of another contact's change: {clean(carrier.email)} that of "
        f"e{entry.id}, a change of {clean(name)}. Kit's import or a merge may have copied it"
    )
    return wrong("receipts", text, f'empty the field "{clean(key)}" there in Kit, once its other fields are right')


# ---- whether the CRM tells `serve` of the trigger tags: webhooks that are missing, broken, left over or sent
# elsewhere


def check_webhooks(
    patient: Examined, webhooks: Webhooks, registry: OperationsFile, base: str | None
) -> Iterator[Finding]:
    """Compare the webhooks with the registry. A home that looks for tags by `poll` alone needs none.

    Raises ConfigFaults and FileUnusable.
    """
    secrets = load_secrets(patient.home)
    rows = compare_hooks(webhooks, Wanted(registry.operations, secrets, base), patient.now)
    had_any = bool(base or secrets.kit_webhook_id or secrets.kit_hooks)
    if not had_any and all(row.state in {"missing", "foreign"} for row in rows):
        return
    yield from (_fault(row) for row in rows if row.mend and row.state != "foreign")
    fine = [row for row in rows if row.state == "ok"]
    if fine:
        yield well("webhooks", "; ".join(dict.fromkeys(_said(row, fine) for row in fine)))


def _said(row: HookStatus, fine: list[HookStatus]) -> str:
    if row.kind == "signed":
        return "Kit tells of all trigger tags, signed"
    alike = sum(each.kind == row.kind for each in fine)
    return f"Kit tells of {count(alike, 'trigger tag')}, unsigned"


def _fault(row: HookStatus) -> Finding:
    whose = "" if row.operation is None else f"{row.operation}: "
    where = f" ({clean(row.url)})" if row.url else ""
    return wrong("webhooks", f"{whose}{clean(row.why)}{where}", row.mend)

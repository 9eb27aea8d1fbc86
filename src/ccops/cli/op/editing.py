"""`op edit`: by options, or in the editor of the person at the terminal."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from ccops.cli import setup
from ccops.cli.ending import show
from ccops.cli.keys import check_unsaid
from ccops.cli.op import saving
from ccops.cli.op.adding import among, finish, in_crm
from ccops.cli.op.keys import Edit, edited_keys
from ccops.cli.op.rules import InKit, Rules
from ccops.cli.op.texts import does
from ccops.cli.questions import NobodyToAsk
from ccops.cli.signs import demand_signs
from ccops.cli.thousands import tell_of_thousands
from ccops.errors import CcopsError, Misconfigured
from ccops.operations.plan import fields_read
from ccops.text import clean, shorten

if TYPE_CHECKING:
    from ccops.cli.op.steps import Step
    from ccops.cli.session import Session
    from ccops.crm.base import CustomField
    from ccops.operations.model import Operation


_NAME_FIELDS: Final = frozenset({"field", "changes", "from", "formula"})
"""Keys of an operation that name fields of the CRM."""


class EditorFailed(Misconfigured):
    """The editor could not be started, or gave up."""

    mend = "EDITOR=nano ccops op edit"

    def __init__(self, editor: str, how: str) -> None:
        super().__init__(f"the editor {shorten(editor)} {how}. Nothing was changed. To use another:")


class NotSaved(Misconfigured):
    """An edited text has mistakes and was put aside."""

    def __init__(self, path: Path) -> None:
        self.mend = f"Your text is kept in {clean(str(path))}."
        super().__init__("the registry is as it was.")


def edit(session: "Session", name: str, rules: Rules, in_kit: InKit, without: Sequence[str]) -> None:
    """Change an operation as the options say, or open the editor if there are none."""
    table = saving.table_of(session, name)
    if rules == Rules() and in_kit == InKit() and not without:
        _edit_file(session, name)
        return
    demand_signs(session.argv, {"--increase": rules.increase, "--decrease": rules.decrease})
    tell_of_thousands(session, rules.numbers)
    before = session.operation(name)
    if in_kit.tag is not None and before.tag is not None:
        raise setup.TagBound(name, before.tag.name)
    tag = None if in_kit.tag is None else in_kit.tag or setup.default_tag(name)
    if tag is not None:
        setup.demand_free_tag(session, name, tag, saved=True)
    change = edited_keys(rules, without, table)
    if tag is not None or in_kit.create_field:
        change = _in_crm(session, change, before, create=in_kit.create_field)
    fields = setup.fields_if_reachable(session) if change.put.keys() & _NAME_FIELDS else None
    operation = saving.edit(session, name, change if fields is None else _among(session, change, fields))
    setup.warn_of_missing(session, operation, fields)
    setup.note_fields(session, operation, fields)
    session.console.tell(f"{name}: {does(operation)}.")
    if tag is not None:
        finish(session, operation, tag)


def _in_crm(session: "Session", change: Edit, before: "Operation", *, create: bool) -> Edit:
    """Return the change with the CRM's keys; fields that it leaves alone have to exist too."""
    put = dict(change.put)
    if "changes" in put:
        put["changes"] = [in_crm(session, step, create=create) for step in cast("list[Step]", put["changes"])]
    elif "field" in put:
        put |= in_crm(session, put, create=create)
    else:
        own = [each.field for each in before.changes]
        for key in dict.fromkeys([*own, *sorted(fields_read(before))]):
            setup.field_in_crm(session, key, create=create)
    return Edit(put, change.drop)


def _among(session: "Session", change: Edit, fields: "Sequence[CustomField]") -> Edit:
    """Return the change with the CRM's keys. Raises FieldMissing."""
    put = dict(change.put)
    if "changes" in put:
        put["changes"] = [among(session, step, fields) for step in cast("list[Step]", put["changes"])]
    elif "field" in put:
        put |= among(session, put, fields)
    return Edit(put, change.drop)


def _edit_file(session: "Session", name: str) -> None:
    """Let a person edit the registry until it can be saved, or it is put aside."""
    if not session.questions.possible:
        raise NobodyToAsk(f"What is to change in {name}?", "an option, such as --increase 20")
    from ccops.registry.load import read

    path = session.home.registry
    old = read(path)
    draft = _draft(path, old)
    while True:
        _open_editor(session, draft)
        new = draft.read_bytes().decode(errors="surrogateescape")  # its line ends as they are
        if new == old or _saved(session, path, old, new):
            draft.unlink()
            session.console.tell("Nothing was changed." if new == old else f"Saved. {_now(session, name)}")
            if new != old and name in session.registry.operations:
                setup.warn_of_missing(session, session.operation(name), setup.fields_if_reachable(session))
            return
        if not session.questions.confirm("Edit it again?", option="an option, such as --increase 20", default=True):
            raise NotSaved(draft)


def _draft(path: Path, text: str) -> Path:
    """Put the text into a file beside the registry, for its owner alone."""
    from ccops.registry.home import told

    with told(path.parent):
        handle, name = tempfile.mkstemp(prefix="operations.", suffix=".toml", dir=path.parent)
    os.close(handle)
    draft = Path(name)
    draft.write_text(text, encoding="utf-8", newline="")
    return draft


def _open_editor(session: "Session", draft: Path) -> None:
    editor = session.environ.get("VISUAL") or session.environ.get("EDITOR") or "vi"
    try:
        done = subprocess.run([*shlex.split(editor), str(draft)], check=False)  # noqa: S603 - the person's own editor
    except (OSError, ValueError) as error:
        draft.unlink()
        raise EditorFailed(
            editor, f"can't be started ({getattr(error, 'strerror', None) or 'a quote is open'})"
        ) from None
    if done.returncode:
        raise NotSaved(draft)


def _saved(session: "Session", path: Path, old: str, new: str) -> bool:
    from ccops.registry.edit import save_text

    try:
        check_unsaid(session, new, "the new text")
        save_text(path, old, new)
    except CcopsError as error:
        show(session.console, error, mended=False)
        return False
    return True


def _now(session: "Session", name: str) -> str:
    operation = session.registry.operations.get(name)
    return f"{name}: {does(operation)}." if operation else f"{name} is no longer in the registry."

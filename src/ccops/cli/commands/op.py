"""`ccops op …`: the command lines, each handed on to one function."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from ccops.cli import setup
from ccops.cli.command_line import command, new_app, show_error
from ccops.cli.commands.op_add import among, finish, in_crm
from ccops.cli.commands.op_options import CrmOptions, Edit, RuleOptions, edited_keys, save_edit, table_of
from ccops.cli.commands.op_view import does
from ccops.cli.context import session_of
from ccops.cli.options import JsonOption, YesOption, complete_operation
from ccops.cli.prompts import NobodyToAsk
from ccops.cli.value_checks import check_unsaid, demand_signs, tell_of_thousands
from ccops.errors import CcopsError, Misconfigured
from ccops.operations.plan import fields_read
from ccops.text import clean, shorten, tidy

if TYPE_CHECKING:
    from ccops.cli.commands.op_options import ChangeTable
    from ccops.cli.context import Session
    from ccops.crm.base import CustomField
    from ccops.operations.model import Operation

app = new_app(
    "Make, look at and change operations.",
    """
    ccops op add payment-credit --field credits --increase 10 --tag
    ccops op list
    ccops op show payment-credit --value 95
    ccops op pause payment-credit
    """,
)

NameArgument = Annotated[
    str, typer.Argument(metavar="OPERATION", autocompletion=complete_operation, parser=tidy, show_default=False)
]
NewName = Annotated[str | None, typer.Argument(metavar="OPERATION", help="Its name, such as payment-credit.")]
ValuesOption = Annotated[
    list[str] | None,
    typer.Option("--value", metavar="VALUE", help="Show what would become of it; of several fields: credits=95."),
]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", metavar="OPTION", help="Take this out, such as maximum; repeatable."),
]
WithTag = Annotated[bool, typer.Option("--with-tag", help="Unbind its tag and remove its webhook too.")]


@command(
    app,
    "add",
    """
    ccops op add
    ccops op add payment-credit --field credits --increase 10 --tag
    ccops op add monthly-grant --field credits --increase 10 \\
        --maximum 120 --beyond clamp --once-per month
    ccops op add unlock-replay --change "credits decrease 3" \\
        --change "replay_opened_on stamp" --tag-if-applied "access: replay"
    """,
)
def add(ctx: typer.Context, rules: RuleOptions, in_kit: CrmOptions, operation: NewName = None) -> None:
    """Make an operation.

    At a terminal and without options, ccops asks for everything, one question at a time.
    """
    from ccops.cli.commands.op_add import add_operation

    add_operation(session_of(ctx), operation, rules, in_kit)


@command(
    app,
    "list",
    """
    ccops op list
    ccops op list --json
    """,
    looks=True,
)
def list_(ctx: typer.Context, json: JsonOption = False) -> None:
    """List the operations with what each does."""
    from ccops.cli.commands.op_view import show_all

    session = session_of(ctx)
    show_all(session.console, list(session.registry.operations.values()), json=json)


@command(
    app,
    "show",
    """
    ccops op show payment-credit
    ccops op show payment-credit --value 95
    ccops op show unlock-replay --value credits=2
    """,
    looks=True,
)
def show(ctx: typer.Context, operation: NameArgument, value: ValuesOption = None, json: JsonOption = False) -> None:
    """Show an operation, and what it would do to a value."""
    from ccops.cli.commands.op_view import show_one

    show_one(session_of(ctx), operation, value or [], json=json)


@command(
    app,
    "edit",
    """
    ccops op edit payment-credit
    ccops op edit payment-credit --increase 20
    ccops op edit monthly-grant --without maximum
    """,
)
def edit(
    ctx: typer.Context, operation: NameArgument, rules: RuleOptions, in_kit: CrmOptions, without: Without = None
) -> None:
    """Change an operation: by options, or without any in your editor.

    What was begun before is ended as it was; the history stays.
    """
    edit_operation(session_of(ctx), operation, rules, in_kit, without or [])


@command(app, "pause", "ccops op pause payment-credit")
def pause(ctx: typer.Context, operation: NameArgument) -> None:
    """Let an operation's tags and POSTs wait; nothing is lost."""
    pause_operation(session_of(ctx), operation)


@command(app, "resume", "ccops op resume payment-credit")
def resume(ctx: typer.Context, operation: NameArgument) -> None:
    """Let a paused operation work again."""
    resume_operation(session_of(ctx), operation)


@command(
    app,
    "remove",
    """
    ccops op remove payment-credit
    ccops op remove payment-credit --with-tag --yes
    """,
)
def remove(ctx: typer.Context, operation: NameArgument, with_tag: WithTag = False, yes: YesOption = False) -> None:
    """Take an operation out of the registry; its history stays."""
    take_out_operation(session_of(ctx), operation, with_tag=with_tag, yes=yes)


# ---- `op edit`: by options, or in the editor of the person at the terminal

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


def edit_operation(
    session: "Session", name: str, rules: RuleOptions, in_kit: CrmOptions, without: Sequence[str]
) -> None:
    """Change an operation as the options say, or open the editor if there are none."""
    table = table_of(session, name)
    if rules == RuleOptions() and in_kit == CrmOptions() and not without:
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
    operation = save_edit(session, name, change if fields is None else _among(session, change, fields))
    setup.warn_of_missing(session, operation, fields)
    setup.note_fields(session, operation, fields)
    session.console.tell(f"{name}: {does(operation)}.")
    if tag is not None:
        finish(session, operation, tag)


def _in_crm(session: "Session", change: Edit, before: "Operation", *, create: bool) -> Edit:
    """Return the change with the CRM's keys; fields that it leaves alone have to exist too."""
    put = dict(change.put)
    if "changes" in put:
        put["changes"] = [in_crm(session, step, create=create) for step in cast("list[ChangeTable]", put["changes"])]
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
        put["changes"] = [among(session, step, fields) for step in cast("list[ChangeTable]", put["changes"])]
    elif "field" in put:
        put |= among(session, put, fields)
    return Edit(put, change.drop)


def _edit_file(session: "Session", name: str) -> None:
    """Let a person edit the registry until it can be saved, or it is put aside."""
    if not session.questions.possible:
        raise NobodyToAsk(f"What is to change in {name}?", "an option, such as --increase 20")
    from ccops.config.operations_file import read

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
    from ccops.config.home import told

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
    from ccops.config.operations_file import save_text

    try:
        check_unsaid(session, new, "the new text")
        save_text(path, old, new)
    except CcopsError as error:
        show_error(session.console, error, mended=False)
        return False
    return True


def _now(session: "Session", name: str) -> str:
    operation = session.registry.operations.get(name)
    return f"{name}: {does(operation)}." if operation else f"{name} is no longer in the registry."


# ---- `op pause`, `op resume` and `op remove`


class TagLives(Misconfigured):
    """An operation that still has its tag is to be removed."""

    def __init__(self, operation: str, tag: str) -> None:
        self.mend = f"ccops op remove {operation} --with-tag"
        super().__init__(
            f"{operation} is started by the tag {shorten(tag)}. Who gets the tag after the removal would get nothing, "
            "and nobody would be told. Nothing was changed. To unbind the tag too:"
        )


class WebhookLives(Misconfigured):
    """An operation that Kit sends a webhook to is to be removed."""

    def __init__(self, operation: str) -> None:
        self.mend = f"ccops op remove {operation} --with-tag"
        super().__init__(
            f"Kit still sends a webhook to {operation}, which would be turned away after the removal. Nothing was "
            "changed. To remove that too:"
        )


def pause_operation(session: "Session", name: str) -> None:
    """Let an operation's tags and POSTs wait."""
    if session.operation(name).paused:
        session.console.say(f"{name} is paused already.")
    else:
        save_edit(session, name, Edit({"paused": True}))
        session.console.tell(
            f"{name} is paused: tags and POSTs wait, nothing is lost, and lines from cron are turned away. At a "
            "terminal, ccops run still applies it."
        )
    session.console.advise(f"Go on with it: ccops op resume {name}")


def resume_operation(session: "Session", name: str) -> None:
    """Let an operation work again."""
    if not session.operation(name).paused:
        session.console.say(f"{name} is not paused.")
        return
    save_edit(session, name, Edit(drop=("paused",)))
    session.console.say(f"{name} works again.")
    if session.operation(name).tag is not None:
        session.console.advise(f"Work off what waited: ccops poll {name}")


def take_out_operation(session: "Session", name: str, *, with_tag: bool, yes: bool) -> None:
    """Take an operation out of the registry; what it did stays in the history."""
    operation = session.operation(name)
    if operation.tag is not None and not with_tag:
        raise TagLives(name, operation.tag.name)
    hooked = _is_hooked(session, name)
    if hooked and not with_tag:
        raise WebhookLives(name)
    if not yes and not session.questions.confirm(f"Remove {name}?"):
        session.console.note("Nothing was changed.")
        return
    if hooked:
        _unhook(session, name)
    from ccops.config.operations_file import remove_operation
    from ccops.config.webhook_secrets import forget_secret

    remove_operation(session.home.registry, name)
    forget_secret(session.home, name)
    setup.forget_tags(session, name)
    session.console.say(f"Removed {name}; its history stays.")
    if operation.tag is not None:
        setup.say_tag_stays(session, operation.tag.name)


def _is_hooked(session: "Session", name: str) -> bool:
    """Tell whether Kit sends a webhook to this operation alone; the signed one is for all, and may stay."""
    from ccops.config.webhook_secrets import load_secrets

    return name in load_secrets(session.home).kit_hooks


def _unhook(session: "Session", name: str) -> None:
    from ccops.app.webhooks import remove_legacy
    from ccops.cli.commands.webhook import bench_of

    remove_legacy(bench_of(session), name, session.settings.public_url)
    session.console.say("Removed its webhook from Kit.")

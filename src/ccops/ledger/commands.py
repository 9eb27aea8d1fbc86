"""The command that began a run, as a record with named keys: by its text, the run is known again."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal


@dataclass(frozen=True, slots=True)
class Selection:
    """Whom a run is for: contacts that were named, or all of a tag, of a file or of the account, in some states."""

    contacts: tuple[str, ...] = ()
    tagged: int | None = None
    """A tag's id: its name may change."""
    file: str | None = None
    """A path, or a digest of what came through a pipe."""
    everyone: bool = False
    states: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    """What a file's headings stand for, as (name, heading)."""
    tag: str = field(default="", compare=False)
    """The tag's name at that time, for people."""

    @property
    def is_named(self) -> bool:
        """Whether the contacts were named one by one."""
        return bool(self.contacts)


@dataclass(frozen=True, slots=True)
class RunCommand:
    """`ccops run`."""

    kind: ClassVar = "run"
    operation: str
    selection: Selection
    amount: str | None = None
    key: str | None = None
    """The occasion, as `key:NAME`."""
    once_per: str | None = None
    period: str | None = None
    """If it was said: `month:2026-11`."""


@dataclass(frozen=True, slots=True)
class AdjustCommand:
    """`ccops adjust`."""

    kind: ClassVar = "adjust"
    contact: str
    field: str
    action: str
    amount: str
    occasion: str | None = None
    """If a key was said: `adjust:FIELD:key:NAME`."""


@dataclass(frozen=True, slots=True)
class ImportCommand:
    """`ccops import`."""

    kind: ClassVar = "import"
    file: str
    field: str
    columns: tuple[tuple[str, str], ...] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class UndoCommand:
    """`ccops undo`, of entries or of a whole run."""

    kind: ClassVar = "undo"
    run: str | None
    entries: tuple[int, ...]
    force: bool
    reopen: bool


@dataclass(frozen=True, slots=True)
class ReconcileCommand:
    """`ccops reconcile`, in one of its two directions."""

    kind: ClassVar = "reconcile"
    field: str
    way: str


@dataclass(frozen=True, slots=True)
class BindTagCommand:
    """`ccops tag bind`, which runs the operation for the tag's carriers."""

    kind: ClassVar = "tag bind"
    operation: str
    tag: int


@dataclass(frozen=True, slots=True)
class SettleCommand:
    """`ccops settle` of one entry, by a person's word."""

    kind: ClassVar = "settle"
    entry: int
    word: str


@dataclass(frozen=True, slots=True)
class PlainCommand:
    """A command of which nothing but its name is remembered."""

    kind: Literal["poll", "serve", "take over"]


Command = (
    RunCommand
    | AdjustCommand
    | ImportCommand
    | UndoCommand
    | ReconcileCommand
    | BindTagCommand
    | SettleCommand
    | PlainCommand
)
POLL: Final = PlainCommand("poll")
SERVE: Final = PlainCommand("serve")
TAKE_OVER: Final = PlainCommand("take over")


def text_of(command: Command) -> str:
    """Write a command as the ledger keeps it. Two are the same if their texts are; names of tags are left out."""
    named = {name: _value(getattr(command, name)) for name in command.__dataclass_fields__ if name != "kind"}
    text = json.dumps({"command": command.kind} | named, ensure_ascii=False, separators=(",", ":"))
    # A path may have bytes that are no text; a database takes them escaped only.
    return _LONE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def beginning_of(operation: str) -> str:
    """Return how the texts of all runs of an operation begin."""
    return text_of(RunCommand(operation, Selection())).partition('"selection":')[0] + '"selection":{'


def command_from(text: str, tag: str = "") -> Command | None:
    """Read a command; `tag` is the name of the tag that it selects by. None for what is none."""
    try:
        found = json.loads(text)
        kind = found.pop("command")
        if kind == "run":
            return RunCommand(selection=_selection(found.pop("selection"), tag), **found)
        if kind in {"adjust", "reconcile", "tag bind", "settle"}:
            plain: Command = _PLAINLY[kind](**found)
            return plain
        if kind == "import":
            return ImportCommand(columns=_pairs(found.pop("columns")), **found)
        if kind == "undo":
            return UndoCommand(entries=tuple(found.pop("entries")), **found)
        return PlainCommand(kind) if kind in {POLL.kind, SERVE.kind, TAKE_OVER.kind} and not found else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


_LONE: Final = re.compile("[\ud800-\udfff]")
_PLAINLY: Final[Mapping[str, Any]] = {
    each.kind: each for each in (AdjustCommand, ReconcileCommand, BindTagCommand, SettleCommand)
}


def _value(value: object) -> object:
    if not isinstance(value, Selection):
        return value
    if value.is_named:
        return {"contacts": value.contacts}
    if value.everyone:
        return {"all": True, "states": value.states}
    if value.tagged is not None:
        return {"tagged": value.tagged, "states": value.states}
    mapped = {"columns": value.columns} if value.columns else {}
    return {"file": value.file, "states": value.states} | mapped


def _selection(found: Mapping[str, Any], tag: str) -> Selection:
    return Selection(
        tuple(found.get("contacts", ())),
        found.get("tagged"),
        found.get("file"),
        bool(found.get("all", False)),
        tuple(found.get("states", ())),
        _pairs(found.get("columns", ())),
        tag,
    )


def _pairs(found: Any) -> tuple[tuple[str, str], ...]:
    return tuple((name, heading) for name, heading in found)

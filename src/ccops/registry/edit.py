"""Commands that change `operations.toml`: each touches the lines of its own operation, and nothing else."""

import stat
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from ccops.operations.model import Registry
from ccops.registry.document import NotToml
from ccops.registry.draft import Draft
from ccops.registry.faults import OperationExists, RegistryChanged, RegistryFaults, UnknownOperation
from ccops.registry.home import folder_lock, told, write_private
from ccops.registry.load import parse, read
from ccops.registry.render import TomlValue


def add_operation(path: Path, name: str, keys: Mapping[str, TomlValue]) -> Registry:
    """Add an operation at the end of the file. Raises OperationExists, and all that `save_text` raises."""

    def change(draft: Draft) -> None:
        if draft.has(("operations", name)):
            raise OperationExists(name, draft.line(("operations", name)))
        draft.add(("operations", name), keys)

    return _edit(path, change)


def edit_operation(path: Path, name: str, put: Mapping[str, TomlValue], drop: Collection[str] = ()) -> Registry:
    """Set and take out keys of one operation. Raises UnknownOperation, and all that `save_text` raises."""

    def change(draft: Draft) -> None:
        _demand(draft, name)
        _revise(draft, ("operations", name), put, drop)

    return _edit(path, change)


def remove_operation(path: Path, name: str) -> Registry:
    """Take an operation out. Raises UnknownOperation, and all that `save_text` raises."""

    def change(draft: Draft) -> None:
        _demand(draft, name)
        draft.drop(("operations", name))

    return _edit(path, change)


def put_field(path: Path, field: str, put: Mapping[str, TomlValue], drop: Collection[str] = ()) -> Registry:
    """Set and take out rules of one field; a new table stands before the operations. Raises what `save_text` raises."""

    def change(draft: Draft) -> None:
        if draft.has(("fields", field)):
            _revise(draft, ("fields", field), put, drop)
        else:
            draft.add(("fields", field), put, before=("operations",))

    return _edit(path, change)


def check_text(text: str, file: str = "operations.toml") -> Registry:
    """Check a text that was edited by hand before it is saved. Raises RegistryFaults."""
    return parse(text, file)


def save_text(path: Path, old_text: str, new_text: str) -> Registry:
    """Put a new text for the old one, if that is still there.

    Raises RegistryFaults, RegistryChanged, RegistryMissing, FileUnusable, CantSplice; the file is then as it was.
    """
    registry = check_text(new_text, path.name)
    with folder_lock(path.parent):
        if read(path) != old_text:
            raise RegistryChanged(path)
        if new_text != old_text:
            with told(path):
                mode = stat.S_IMODE(path.stat().st_mode)
            write_private(path, new_text, mode)
    return registry


def _edit(path: Path, change: Callable[[Draft], None]) -> Registry:
    text = read(path)
    try:
        draft = Draft(text, path.name)
    except NotToml as wrong:
        raise RegistryFaults(path, [wrong.fault]) from None
    change(draft)
    return save_text(path, text, draft.whole)


def _demand(draft: Draft, name: str) -> None:
    if not draft.has(("operations", name)):
        raise UnknownOperation(name, draft.tables("operations"))


def _revise(draft: Draft, table: tuple[str, str], put: Mapping[str, TomlValue], drop: Collection[str]) -> None:
    for key in drop:
        draft.drop((*table, key))
    for key, value in put.items():
        draft.put(table, key, value)

"""New keys of fields put into `operations.toml`, wherever it names them; every other byte stays as it is."""

import re
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from ccops.operations.field_keys import formula_with_fields
from ccops.operations.model import Registry
from ccops.registry.document import Data, NotToml, parse_toml
from ccops.registry.edit import save_text
from ccops.registry.faults import CantSplice, RegistryFaults
from ccops.registry.load import read

_NAMED: Final = re.compile(r"""\b(field|from)(\s*=\s*)(["'])([A-Za-z0-9_]+)\3""")
_FORMULA: Final = re.compile(r"""\b(formula\s*=\s*)("(?:[^"\\\n]|\\.)*"|'[^'\n]*')""")
_TABLE: Final = re.compile(r"""(?m)^(\s*\[\s*fields\s*\.\s*)(["']?)([A-Za-z0-9_]+)\2(\s*\])""")


def rename_fields(path: Path, names: Mapping[str, str]) -> Registry:
    """Put new keys in place of old ones, of all fields at once.

    Raises CantSplice where the file names a field in a form that can't be changed safely, and all that `save_text`
    raises.
    """
    text = read(path)
    try:
        document = parse_toml(text)
        renamed = _renamed(text, names)
        if parse_toml(renamed).data != _meant(document.data, names):
            raise CantSplice(path.name, _line(text, names), f"fields.{next(iter(names))}")
    except NotToml as wrong:
        raise RegistryFaults(path, [wrong.fault]) from None
    return save_text(path, text, renamed)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    text = _NAMED.sub(lambda m: f"{m[1]}{m[2]}{m[3]}{names.get(m[4], m[4])}{m[3]}", text)
    text = _FORMULA.sub(lambda m: m[1] + m[2][0] + formula_with_fields(m[2][1:-1], names) + m[2][-1], text)
    return _TABLE.sub(lambda m: f"{m[1]}{m[2]}{names.get(m[3], m[3])}{m[2]}{m[4]}", text)


def _meant(data: Data, names: Mapping[str, str]) -> Data:
    """Return what the file is to say."""
    meant = deepcopy(data)
    operations = meant.get("operations")
    for operation in operations.values() if isinstance(operations, dict) else ():
        if isinstance(operation, dict):
            changes = operation.get("changes")
            for step in [operation, *(changes if isinstance(changes, list) else ())]:
                _put_in(step, names)
    fields = meant.get("fields")
    if isinstance(fields, dict):
        meant["fields"] = {names.get(key, key): rules for key, rules in fields.items()}
    return meant


def _put_in(step: Any, names: Mapping[str, str]) -> None:
    if not isinstance(step, dict):
        return
    for key in ("field", "from"):
        if isinstance(step.get(key), str):
            step[key] = names.get(step[key], step[key])
    if isinstance(step.get("formula"), str):
        step["formula"] = formula_with_fields(step["formula"], names)


def _line(text: str, names: Mapping[str, str]) -> int:
    """Return the first line that names one of the fields."""
    words = re.compile(r"\b(" + "|".join(map(re.escape, names)) + r")\b")
    return next((number for number, line in enumerate(text.splitlines(), 1) if words.search(line)), 1)

"""Operations and formulas with the keys that fields have now in place of those that they had."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ccops.operations.model import Change, Operation

_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def with_fields(operation: Operation, names: Mapping[str, str]) -> Operation:
    """Return an operation that reads and writes its fields under their new keys."""
    return replace(operation, changes=tuple(_changed(change, names) for change in operation.changes))


def formula_with_fields(formula: str, names: Mapping[str, str]) -> str:
    """Return a formula that reads its fields under their new keys; all else stays as it is written."""
    return _WORD.sub(lambda word: names.get(word[0], word[0]), formula)


def _changed(change: Change, names: Mapping[str, str]) -> Change:
    return replace(
        change,
        field=names.get(change.field, change.field),
        source=None if change.source is None else names.get(change.source, change.source),
        formula=None if change.formula is None else formula_with_fields(change.formula, names),
    )

"""Names in forms that stand for nested data: `customer[email]`, `items[0][email]`, `line_items[][id]`."""

import itertools
import re
from collections.abc import Iterable
from typing import Any, Final

_NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
_STEP: Final = re.compile(r"\[([^\[\]]*)\]")
_MOST_STEPS: Final = 20
_LONGEST: Final = 1000

Steps = tuple[str, ...]


def steps_of(name: str) -> Steps:
    """Split a name: `items[0][email]` has the steps `items`, `0`, `email`; a name without brackets is one step."""
    found = _NAME.fullmatch(name) if len(name) <= _LONGEST and "[][]" not in name else None
    steps = (found[1], *_STEP.findall(found[2])) if found else (name,)
    return steps if len(steps) <= _MOST_STEPS else (name,)


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Build nested data from a form's names and values; a value given twice counts once, different ones are a list.

    A name whose place is taken by another kind of value keeps its brackets, so that nothing is lost.
    """
    data: dict[str, Any] = {}
    for name, value in pairs:
        if not _put(data, steps_of(name), value):
            _add(data, name, value)
    return data


def _put(data: dict[str, Any], steps: Steps, value: str) -> bool:
    """Put a value in its place; False if something else is in the way."""
    here: Any = data
    for number, (step, after) in enumerate(itertools.pairwise(steps)):
        kind = dict if after else list
        if step == "":
            here = _last_of(here, steps[number + 1 :])
        elif isinstance(here.setdefault(step, kind()), kind):
            here = here[step]
        else:
            return False
    if isinstance(here, list):
        here.append(value)
    else:
        last = steps[-1]
        within = here.get(last)
        _add(within if isinstance(within, dict) else here, "" if isinstance(within, dict) else last, value)
    return True


def _last_of(items: list[Any], steps: Steps) -> Any:
    """Return the element that a name of `items[][name]` belongs to: the last, unless that has the name already."""
    if not items or not isinstance(items[-1], dict) or _has(items[-1], steps):
        items.append({})
    return items[-1]


def _has(here: Any, steps: Steps) -> bool:
    for step in steps:
        if not isinstance(here, dict) or step not in here:
            return False
        here = here[step]
    return not isinstance(here, list)


def _add(data: dict[str, Any], name: str, value: str) -> None:
    known = data.get(name)
    if known is None:
        data[name] = value
    elif isinstance(known, list):
        if value not in known:
            known.append(value)
    elif known != value:
        data[name] = [known, value]

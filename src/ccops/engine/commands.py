"""The command that began a run, written anew from the words by which the run is known again."""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Run
from ccops.operations.model import STATES, Operation

_CARRIERS: Final = re.compile(r'for the carriers of "(.+)"')
"""How the title of a run names a tag, of which its words have only the id."""

Operations = Mapping[str, Operation]


def command_of(run: Run, operations: Operations) -> str | None:
    """Write the command that goes on with a run; None if its words don't tell all of it."""
    if run.words == run.title:  # a look for trigger tags
        return shlex.join(["ccops", run.title])
    try:
        words = json.loads(run.words)
        parts = list(_PARTS[words[0]](words[1:], run, operations))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None  # such as what came through a pipe, or what an older ccops wrote
    return shlex.join(["ccops", *parts])


def last_of_many(ledger: Ledger, operation: Operation) -> str | None:
    """Write the command that last ran an operation for many contacts, as it is meant now; else for those it named."""
    begin = json.dumps(["run", operation.name])[:-1]
    run = ledger.runs.last_beginning(f"{begin}, {{") or ledger.runs.last_beginning(f"{begin}, [")
    if run is None:
        return None
    words = json.loads(run.words)
    words[4] = words[6] = None  # the occasion of then, named by --key or --period
    return command_of(replace(run, words=json.dumps(words)), {operation.name: operation})


def _run(words: list[Any], run: Run, operations: Operations) -> Iterator[str]:
    name, whom, amount, key, once_per, period = words
    yield from ("run", name)
    yield from _whom(whom, run, operations.get(name))
    yield from _given("--amount", amount)
    yield from _given("--key", key and key.removeprefix("key:"))
    if once_per and (name not in operations or operations[name].once_per != once_per):
        yield from ("--once-per", once_per)
    elif isinstance(whom, dict) and not (once_per or key):
        yield from ("--once-per", "run")
    yield from _given("--period", period and period.partition(":")[2])


def _whom(whom: list[str] | dict[str, Any], run: Run, operation: Operation | None) -> Iterable[str]:
    if isinstance(whom, list):
        return whom
    usual = frozenset(STATES) if operation is None else operation.states
    states = frozenset(whom["states"])
    state = () if states == usual else ("--state", "active" if states == {"active"} else "all")
    if "tagged" in whom:
        named = _CARRIERS.search(run.title)
        return ("--tagged", named[1] if named else str(whom["tagged"]), *state)
    if "file" not in whom:
        return ("--all", *state)
    columns = [part for name, heading in whom.get("columns", ()) for part in ("--column", f"{heading}={name}")]
    return ("--file", _path(whom["file"]), *columns, *state)


def _adjust(words: list[Any], _run: Run, _operations: Operations) -> Iterator[str]:
    who, field, said, named = words
    action, amount = said.split(" ")
    yield from ("adjust", who, field, f"--{action}", amount)
    yield from _given("--key", named and named.partition(":key:")[2])


def _import(words: list[Any], _run: Run, _operations: Operations) -> Iterator[str]:
    mark, field, mapped, key = words
    yield from ("import", _path(mark), "--field", field)
    for column, heading in mapped:
        yield from ("--column", f"{heading}={column}")
    yield from _given("--key", key and key.removeprefix("key:"))


def _undo(words: list[Any], _run: Run, _operations: Operations) -> Iterator[str]:
    what, force, reopen = words
    yield "undo"
    yield from ("--run", what) if isinstance(what, str) else (f"e{number}" for number in what)
    yield from ["--force"] * force + ["--reopen"] * reopen


def _reconcile(words: list[Any], _run: Run, _operations: Operations) -> Iterator[str]:
    yield from ("reconcile", words[0], f"--{words[1]}")


def _serve(_words: list[Any], _run: Run, _operations: Operations) -> Iterator[str]:
    yield "serve"


_PARTS: Final = {
    "run": _run,
    "adjust": _adjust,
    "import": _import,
    "undo": _undo,
    "reconcile": _reconcile,
    "serve": _serve,
}


def _given(option: str, value: str | None) -> Iterable[str]:
    return (option, value) if value else ()


def _path(mark: str) -> str:
    """Return the path of a file. Raises ValueError for the mark of what came through a pipe."""
    if not mark.startswith("/"):
        raise ValueError(mark)
    return mark

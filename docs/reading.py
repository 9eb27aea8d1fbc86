"""Reads what the code says of itself: the texts beneath attributes, constants and properties."""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from types import ModuleType
from typing import Final

Body = list[ast.stmt]
_NAMED: Final = (ast.ClassDef, ast.FunctionDef)


def constants(module: ModuleType) -> dict[str, str]:
    """Return the texts beneath the constants of a module, by name."""
    return dict(_beneath(_tree(module).body))


def attributes(cls: type) -> dict[str, str]:
    """Return the texts beneath the attributes of a class and of those that it is made from."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        found |= dict(_beneath(_body(base)))
    return found


def properties(cls: type) -> dict[str, str]:
    """Return the first sentence of each property of a class, by name."""
    body = _body(cls)
    return {each.name: ast.get_docstring(each) or "" for each in body if isinstance(each, ast.FunctionDef)}


@cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _body(cls: type) -> Body:
    module = inspect.getmodule(cls)
    if module is None or not cls.__module__.startswith("ccops."):
        return []
    named = (each for each in _tree(module).body if isinstance(each, _NAMED))
    return next((each.body for each in named if each.name == cls.__name__), [])


def _beneath(body: Body) -> Iterator[tuple[str, str]]:
    for above, below in pairwise(body):
        if isinstance(above, ast.AnnAssign) and isinstance(above.target, ast.Name) and isinstance(below, ast.Expr):
            value = below.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield above.target.id, inspect.cleandoc(value.value)

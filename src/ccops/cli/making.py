"""How a command's module makes its Typer app."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Any, TypeVar, get_type_hints

import typer

from ccops.cli.group import Command, Group
from ccops.cli.session import session_of

Function = TypeVar("Function", bound=Callable[..., object])


def new_app(sentence: str = "", examples: str = "") -> typer.Typer:
    """Return the app of a module: of one command, or of several that are called `ccops NAME COMMAND`.

    For several, `sentence` says what they are for and `examples` are lines to copy.
    """
    return typer.Typer(
        cls=Group,
        help=sentence,
        epilog=examples,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def command(app: typer.Typer, name: str, examples: str, *, looks: bool = False) -> Callable[[Function], Function]:
    """Make a function a command; its docstring is the help, `examples` are lines to copy.

    The function returns its exit status, or None for 0. A parameter that is a dataclass of options is given to
    it as one object. `looks`: it can send nothing, whatever its options.
    """

    def register(function: Function) -> Function:
        app.command(name, cls=Command, epilog=examples)(_looking(flattened(function)) if looks else flattened(function))
        return function

    return register


def _looking(function: Callable[..., object]) -> Callable[..., object]:
    """Return a function that says so to the session first."""

    @wraps(function)
    def call(**values: Any) -> object:
        session = session_of(values["ctx"])
        session.looks_only = session.only_shows = True
        return function(**values)

    return call


def flattened(function: Callable[..., object]) -> Callable[..., object]:
    """Return a function that takes the fields of its dataclass parameters one by one, as Typer needs them."""
    hints = get_type_hints(function, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if is_dataclass(hint) and isinstance(hint, type)}

    @wraps(function)
    def call(**values: object) -> object:
        made = {
            name: group(**{part.name: values.pop(part.name) for part in fields(group)})
            for name, group in groups.items()
        }
        return function(**values, **made)

    own = inspect.signature(function).parameters.values()
    parameters = [
        part
        for parameter in own
        for part in (
            _parts(groups[parameter.name])
            if parameter.name in groups
            else [parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)]
        )
    ]
    vars(call)["__signature__"] = inspect.Signature(parameters)
    call.__annotations__ = {part.name: part.annotation for part in parameters}
    return call


def _parts(group: type[Any]) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for part in fields(group):
        yield inspect.Parameter(
            part.name, inspect.Parameter.KEYWORD_ONLY, default=part.default, annotation=hints[part.name]
        )

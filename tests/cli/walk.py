"""Every option and argument of every command, each in a command line that is right but for its value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import typer.main
from typer._click import Command, Context
from typer._click.core import Parameter
from typer.core import TyperGroup, TyperOption

from ccops.cli.app import app

ANN = "ann@example.org"
BASES: Mapping[str, tuple[str, ...]] = {
    "demo": (),
    "init": ("--yes",),
    "login": ("--oauth", "--no-browser"),
    "logout": (),
    "doctor": (),
    "op add": ("OPERATION=gift", "--field=credits", "--increase=1"),
    "op list": (),
    "op show": ("OPERATION=payment-credit",),
    "op edit": ("OPERATION=payment-credit",),
    "op pause": ("OPERATION=payment-credit",),
    "op resume": ("OPERATION=payment-credit",),
    "op remove": ("OPERATION=payment-credit",),
    "tag create": ("OPERATION=payment-credit",),
    "tag bind": ("OPERATION=payment-credit", "TAG=Member: Gold"),
    "tag unbind": ("OPERATION=payment-credit",),
    "tag add": ("OPERATION=payment-credit", f"CONTACT={ANN}"),
    "schedule": ("OPERATION=monthly-grant", "--all", "--monthly"),
    "webhook create": ("OPERATION=payment-credit",),
    "webhook list": (),
    "webhook show": ("OPERATION=payment-credit",),
    "webhook rotate": ("OPERATION=payment-credit", "--yes"),
    "webhook remove": ("OPERATION=payment-credit", "--yes"),
    "run": ("OPERATION=payment-credit", f"CONTACT={ANN}"),
    "adjust": (f"CONTACT={ANN}", "FIELD=credits", "--add=1"),
    "import": ("FILE=rows.csv", "--field=credits"),
    "poll": (),
    "serve": (),
    "balance": (f"CONTACT={ANN}",),
    "history": (),
    "why": (f"CONTACT={ANN}",),
    "report": (),
    "reconcile": ("FIELD=credits",),
    "undo": ("ENTRY=e1",),
    "settle": ("ENTRY=e1", "--as=applied"),
    "backup": ("FILE=saved.tar.gz",),
    "restore": ("FILE=saved.tar.gz",),
    "sandbox": ("--port=0", "--file=."),
}
"""What each command needs, by the names of its options and arguments."""
APART: Mapping[str, frozenset[str]] = {
    "--set": frozenset({"--add", "--increase"}),
    "--take": frozenset({"--add"}),
    **dict.fromkeys(
        ("--decrease", "--multiply", "--top-up", "--append", "--copy-from", "--add-days", "--formula", "--change"),
        frozenset({"--increase"}),
    ),
    "--tagged": frozenset({"CONTACT", "--all"}),
    "--file": frozenset({"CONTACT", "--all"}),
    "--run": frozenset({"ENTRY"}),
    "--period": frozenset[str](),
}
"""Options that take the place of others."""
FURTHER: Mapping[str, tuple[str, ...]] = {"--period": ("--once-per=month",), "--field": ("--key=gift",)}
"""What an option needs beside it."""


@dataclass(frozen=True)
class Place:
    """One option or argument of a command."""

    command: str
    name: str
    """The option, or the argument's metavar."""
    metavar: str
    kind: object

    @property
    def is_path(self) -> bool:
        return self.metavar in {"FILE", "DIR"}

    @property
    def is_count(self) -> bool:
        return self.kind in {int, float}

    def line(self, value: str) -> list[str]:
        """Return the command line that has a value in this place."""
        apart = APART.get(self.name, frozenset())
        parts = [part.partition("=") for part in (*BASES[self.command], *FURTHER.get(self.name, ()))]
        kept = {name: given for name, given in ((part[0], part[2]) for part in parts) if name not in apart}
        kept[self.name] = value
        options = [
            f"{name}={given}" if given or name == self.name else name for name, given in kept.items() if name[0] == "-"
        ]
        return [*self.command.split(), *options, "--", *(given for name, given in kept.items() if name[0] != "-")]


def commands() -> Iterator[tuple[str, Command]]:
    """Give all commands with the words that lead to them."""
    root = typer.main.get_command(app)
    yield from _below(root, ())


def _below(command: Command, words: tuple[str, ...]) -> Iterator[tuple[str, Command]]:
    if not isinstance(command, TyperGroup):
        yield " ".join(words), command
        return
    context = Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _below(found, (*words, name))


def places() -> Iterator[Place]:
    """Give all options and arguments that take a value."""
    for words, command in commands():
        yield Place(words, "--home", "DIR", None)
        for param in command.params:
            if not (isinstance(param, TyperOption) and param.is_flag):
                yield Place(words, _name(param), param.metavar or "", _kind(param))


def _name(param: Parameter) -> str:
    return max(param.opts, key=len) if isinstance(param, TyperOption) else str(param.metavar)


def _kind(param: Any) -> object:
    return param.type_descriptor.annotation

"""The commands as a page: each with its arguments, options and examples, from the help that it has."""

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import typer.main
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from ccops.cli.app import app
from ccops.cli.help import CATALOG, CommandEntry, argument_rows, option_row, usage

Row = tuple[str, str]
AnyCommand = TyperCommand | TyperGroup

_MARKS: Final = re.compile(r"([*<>|\[\]])")


def listed_commands() -> Iterator[tuple[tuple[str, ...], AnyCommand]]:
    """Give every command with its path, in the order of the help: `ccops op`, then those within it."""
    for listed in CATALOG:
        command = typer.main.get_command(listed.load())
        inner = command.commands if isinstance(command, TyperGroup) else {}
        path = ("ccops", listed.name)
        if len(inner) > 1:
            assert isinstance(command, TyperGroup)
            yield path, command
            for name, each in inner.items():
                assert isinstance(each, TyperCommand)
                yield (*path, name), each
        else:
            only = next(iter(inner.values()), command)
            assert isinstance(only, TyperCommand)
            yield path, only


def everywhere() -> list[Row]:
    """Return the options that every command takes."""
    params = typer.main.get_command(app).params
    known = [param for param in params if isinstance(param, TyperOption) and param.name in {"home", "debug"}]
    return [*map(option_row, known), ("--help, -h", "Show this help.")]


def overview() -> Iterator[str]:
    """List the commands under their headings, each leading to its part of the page."""
    for heading in dict.fromkeys(listed.heading for listed in CATALOG):
        names = [_link(listed) for listed in CATALOG if listed.heading == heading]
        yield f"- **{heading}**: {', '.join(names)}"
    yield ""
    yield "Every command takes these too:"
    yield ""
    yield from _listed(everywhere())


def page() -> Iterator[str]:
    """Write all commands."""
    for path, command in listed_commands():
        yield from _part(path, command)


def _link(listed: CommandEntry) -> str:
    return f"[{listed.name}](#ccops-{listed.name})"


def _part(path: tuple[str, ...], command: AnyCommand) -> Iterator[str]:
    name = " ".join(path)
    arguments = [param for param in command.params if isinstance(param, TyperArgument)]
    yield from ("", f"{'#' * len(path)} {name}", "")
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield from (_safe(" ".join(paragraph.split())), "")
    if isinstance(command, TyperGroup):
        rows = [(f"{name} {inner}", _sentence(each.help)) for inner, each in command.commands.items()]
        yield from (f"- [{called}](#{called.replace(' ', '-')}): {_safe(meaning)}" for called, meaning in rows)
        return
    yield from ("```text", usage(name, arguments), "```", "")
    yield from _under("", _listed(argument_rows(arguments)))
    yield from _options([param for param in command.params if isinstance(param, TyperOption) and not param.hidden])
    yield from ("Examples:", "", "```sh", *inspect.cleandoc(command.epilog or "").splitlines(), "```")


def _options(options: Sequence[TyperOption]) -> Iterator[str]:
    """List options beneath the heading that each names, those without one at the end, as the help does."""
    panels = dict.fromkeys(option.rich_help_panel for option in options if option.rich_help_panel)
    for panel in (*panels, None):
        rows = [option_row(option) for option in options if option.rich_help_panel == panel]
        yield from _under(f"{panel or 'Options'}:", _listed(rows))


def _under(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield from (title, "") if title else ()
        yield from (*found, "")


def _listed(rows: Iterable[Row]) -> Iterator[str]:
    yield from (f"- `{term}`: {_safe(' '.join(meaning.split()))}" for term, meaning in rows)


def _sentence(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


def _safe(text: str) -> str:
    """Keep Markdown from taking a text of the help for its own; what looks like an option is set as one."""
    return re.sub(r"(?<![\w`-])(--[a-z][a-z-]*)", r"`\1`", _MARKS.sub(r"\\\1", text))

"""Help texts as lines: what it does, how it is called, its options, and examples to copy."""

import inspect
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from typer.core import TyperArgument, TyperOption

from ccops.cli.catalog import CATALOG, Listed
from ccops.cli.styles import Line, Styled

_WIDEST_TERM: Final = 26
_GAP: Final = 3
_OWN_WORDS: Final = {
    "--help": "Show this help.",
    "--install-completion": "Let the Tab key complete commands in your shell.",
    "--show-completion": "Print the shell's lines for that instead.",
}
"""What we say about the options that Typer adds."""

Row = tuple[str, str]


def section(title: str, rows: Sequence[Row], width: int) -> Iterator[Line]:
    """Lay out terms and their meanings under a title; nothing if there are none."""
    if rows:
        yield ()
        yield (Styled(title, "bold"),)
        indent = min(max(len(term) for term, _ in rows), _WIDEST_TERM) + _GAP + 2
        for term, meaning in rows:
            yield from ((line,) for line in _row(term, meaning, indent, width))


def _row(term: str, meaning: str, indent: int, width: int) -> Iterator[str]:
    lines = textwrap.wrap(meaning, max(width - indent, _WIDEST_TERM), break_on_hyphens=False) or [""]
    if len(term) + 2 + _GAP > indent:
        yield f"  {term}"
    else:
        yield f"  {term:<{indent - 2}}{lines.pop(0)}".rstrip()
    yield from (" " * indent + line for line in lines)


def prose(text: str, width: int) -> Iterator[Line]:
    """Wrap paragraphs to the width."""
    for number, paragraph in enumerate(inspect.cleandoc(text).split("\n\n")):
        if number:
            yield ()
        yield from ((line,) for line in textwrap.wrap(paragraph, width, break_on_hyphens=False))


def block(title: str, text: str) -> Iterator[Line]:
    """Show a text under a title, line by line as it stands, so that it can be copied."""
    if text.strip():
        yield ()
        yield (Styled(title, "bold"),)
        yield from ((f"  {line}".rstrip(),) for line in inspect.cleandoc(text).splitlines())


def usage(path: str, arguments: Sequence[TyperArgument]) -> str:
    """Write how a command is called: `ccops run OPERATION [CONTACT]... [options]`."""
    return " ".join([path, *map(_called, arguments), "[options]"])


def _called(argument: TyperArgument) -> str:
    name = argument.metavar or argument.name.upper()
    return (name if argument.required else f"[{name}]") + ("..." if argument.nargs == -1 else "")


def argument_rows(arguments: Sequence[TyperArgument]) -> list[Row]:
    """Return the arguments that have something to be said about them."""
    return [(argument.metavar or argument.name.upper(), argument.help) for argument in arguments if argument.help]


def option_sections(options: Sequence[TyperOption], width: int) -> Iterator[Line]:
    """Lay out options, under the panel that each names, else under "Options" at the end."""
    shown = [option for option in options if not option.hidden]
    panels = dict.fromkeys(option.rich_help_panel for option in shown if option.rich_help_panel)
    for panel in panels:
        rows = [option_row(option) for option in shown if option.rich_help_panel == panel]
        yield from section(panel, rows, width)
    yield from section("Options", [option_row(option) for option in shown if not option.rich_help_panel], width)


def option_row(option: TyperOption) -> Row:
    """Return how an option is written, and what it does."""
    names = ", ".join(sorted(option.opts, key=len)) + "".join(f" / {name}" for name in option.secondary_opts)
    value = "" if option.is_flag else f" {option.metavar or _choices(option)}"
    own = (_OWN_WORDS[name] for name in option.opts if name in _OWN_WORDS)
    return names + value, next(own, option.help or "")


def _choices(option: TyperOption) -> str:
    return "|".join(map(str, option.type_descriptor.choices or ("TEXT",)))


def catalog_sections(width: int) -> Iterator[Line]:
    """List all commands of the first level under their headings."""
    term = max(len(listed.name) for listed in CATALOG)
    headings = dict.fromkeys(listed.heading for listed in CATALOG)
    for heading in headings:
        rows = [_listed_row(listed, term) for listed in CATALOG if listed.heading == heading]
        yield from section(heading, rows, width)


def _listed_row(listed: Listed, width: int) -> Row:
    return listed.name.ljust(width), listed.sentence

"""Writes the man pages, `python -m docs.manpages FOLDER`: one for ccops, one for each command, from their help."""

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import typer.main
from docs import commands, facts
from typer.core import TyperArgument, TyperGroup, TyperOption

from ccops import __version__
from ccops.cli.app import app
from ccops.cli.help import CATALOG, argument_rows, option_row, usage

TOP: Final = Path(__file__).parents[1]
_FACTS: Final = (("EXIT STATUS", facts.exit_status), ("FILES", facts.files), ("ENVIRONMENT", facts.variables))


def main(folder: Path) -> None:
    """Write all pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages():
        (folder / f"{name}.1").write_text(page, encoding="utf-8")


def pages() -> Iterator[tuple[str, str]]:
    """Return the pages by name: `ccops`, `ccops-run`, `ccops-op-add`."""
    yield "ccops", "\n".join(_program()) + "\n"
    for path, command in commands.listed_commands():
        yield _page(path, command)


def _page(path: tuple[str, ...], command: commands.AnyCommand) -> tuple[str, str]:
    sentence, _, rest = inspect.cleandoc(command.help or "").partition("\n\n")
    arguments = [param for param in command.params if isinstance(param, TyperArgument)]
    options = [param for param in command.params if isinstance(param, TyperOption) and not param.hidden]
    inner = command.commands if isinstance(command, TyperGroup) else {}
    called = f"{' '.join(path)} COMMAND [options]" if inner else usage(" ".join(path), arguments)
    lines = [
        *_head(path, sentence.rstrip(".")),
        *_section("SYNOPSIS", [f".B {_safe(called)}"]),
        *_section("DESCRIPTION", _paragraphs(f"{sentence}\n\n{rest}")),
        *_section("COMMANDS", _terms((name, _sentence(each.help)) for name, each in inner.items())),
        *_section("ARGUMENTS", _terms(argument_rows(arguments))),
        *_section("OPTIONS", _terms([*map(option_row, options), *commands.everywhere()])),
        *_section("EXAMPLES", _examples(command.epilog)),
        *_section("SEE ALSO", [_also(path, inner)]),
    ]
    return "-".join(path), "\n".join(lines) + "\n"


def _program() -> Iterator[str]:
    command = typer.main.get_command(app)
    sentence = inspect.cleandoc(command.help or "").rstrip(".")
    options = [param for param in command.params if isinstance(param, TyperOption) and not param.hidden]
    yield from _head(("ccops",), sentence)
    yield from _section("SYNOPSIS", [".B ccops COMMAND [options]"])
    yield from _section("DESCRIPTION", _paragraphs(_opening()))
    headings = dict.fromkeys(listed.heading for listed in CATALOG)
    for heading in headings:
        rows = [(listed.name, f"{listed.sentence}.") for listed in CATALOG if listed.heading == heading]
        yield from _section(f"COMMANDS: {heading.upper()}", _terms(rows))
    yield from _section("OPTIONS", _terms(map(option_row, options)))
    for title, rows_of in _FACTS:
        yield from _section(title, _terms((term, _plain(meaning)) for term, meaning in rows_of()))
    yield from _section("EXAMPLES", _examples(command.epilog))
    yield from _section("SEE ALSO", [", ".join(f"ccops-{listed.name}(1)" for listed in CATALOG)])


def _head(path: tuple[str, ...], sentence: str) -> list[str]:
    name = "-".join(path)
    title = f'.TH {name.upper()} 1 "" "ccops {__version__}" "ccops"'
    return [title, *_section("NAME", [f"{_safe(name)} \\- {_safe(sentence[:1].lower() + sentence[1:])}"])]


def _also(path: tuple[str, ...], inner: Iterable[str]) -> str:
    around = ["-".join(path[:end]) for end in range(1, len(path))]
    return ", ".join(f"{name}(1)" for name in [*around, *("-".join([*path, name]) for name in inner)])


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield f".SH {title}"
        yield from found


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        yield ".PP"
        yield _safe(" ".join(paragraph.split()))


def _terms(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, meaning in rows:
        yield from (".TP", f".B {_safe(term)}", _safe(" ".join(meaning.split())))


def _examples(text: str | None) -> list[str]:
    lines = inspect.cleandoc(text or "").splitlines()
    return [".nf", *map(_safe, lines), ".fi"] if lines else []


def _sentence(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


def _safe(text: str) -> str:
    r"""Keep roff from taking a text for its own: a backslash, a hyphen, a dot or quote at its beginning."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _opening() -> str:
    """Return the README's first paragraph, without its marks."""
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    return _plain(readme.split("\n\n")[1])


def _plain(text: str) -> str:
    """Take the marks of Markdown out."""
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text.replace("`", "").replace("**", ""))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

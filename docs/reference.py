"""Fills in what pages take from the code, `python -m docs.reference`: all between two comments that name it.

A page says `<!-- generated: NAME -->`; what follows, down to `<!-- end -->`, is written anew.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from docs import commands, facts, registry

from ccops.config.templates import starter_config
from ccops.server import refusal as refusals

FOLDER: Final = Path(__file__).parent
_BLOCK: Final = re.compile(r"(?<=^<!-- generated: )([a-z-]+)( -->\n).*?(?=^<!-- end -->$)", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Write all pages anew whose parts are not those of the code."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if (filled := fill(text)) != text:
            page.write_text(filled, encoding="utf-8")
            print(f"written: {page.relative_to(FOLDER.parent)}")  # noqa: T201 - a script


def pages() -> list[Path]:
    """Return all pages of the site."""
    return sorted(FOLDER.rglob("*.md"))


def fill(text: str) -> str:
    """Return a page with its parts from the code written anew."""
    return _BLOCK.sub(lambda found: f"{found[1]}{found[2]}\n{block(found[1])}\n", text)


def block(name: str) -> str:
    """Write one part."""
    return "\n".join(BLOCKS[name]()).strip("\n") + "\n"


def _table(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f"| {head[0]} | {head[1]} |"
    yield "| --- | --- |"
    yield from (f"| `{term}` | {meaning} |" for term, meaning in rows)


def _variables() -> Iterator[str]:
    """List the variables; where a text names a page, it leads there."""
    told = ((name, re.sub(r"docs/([a-z-]+)\.md", r"[how](../\1.md)", text)) for name, text in facts.variables())
    yield from _table(("variable", "what it does"), told)


def _config() -> Iterator[str]:
    yield from ("```toml", *starter_config().splitlines(), "```")


def _refusals() -> Iterator[str]:
    """List why a request is turned away, by status."""
    kinds = [kind for kind in vars(refusals).values() if isinstance(kind, type) and hasattr(kind, "status")]
    told = sorted((str(kind.status.value), (kind.__doc__ or "").strip()) for kind in kinds)
    yield from _table(("status", "why"), told)


BLOCKS: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "commands-overview": commands.overview,
    "commands": commands.page,
    "registry-top": registry.top,
    "registry-fields": registry.fields,
    "registry-operations": registry.operations,
    "registry-inner": registry.inner,
    "registry-actions": registry.actions,
    "exit-status": lambda: _table(("status", "meaning"), facts.exit_status()),
    "files": lambda: _table(("file", "what it holds"), facts.files()),
    "variables": _variables,
    "config": _config,
    "refusals": _refusals,
}


if __name__ == "__main__":
    main()

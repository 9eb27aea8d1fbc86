"""Looks whether a built site stands alone, `python -m docs.alone FOLDER`: no page may load anything from elsewhere."""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

_LOADED: Final = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}
"""What a browser asks for by itself, and where its address stands; a link that somebody clicks on is another thing."""
_OF_LINKS: Final = frozenset({"canonical", "next", "prev"})
_IN_STYLES: Final = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")
_ELSEWHERE: Final = re.compile(r"(?:https?:)?//")


def main(site: Path) -> int:
    """Name what would be loaded from elsewhere; 1 if there is anything."""
    found = list(loaded_from_elsewhere(site))
    for where, address in found:
        print(f"{where}: loads {address}", file=sys.stderr)  # noqa: T201 - a script
    return 1 if found else 0


def loaded_from_elsewhere(site: Path) -> Iterator[tuple[Path, str]]:
    """Give each file of a site that makes a browser ask another server, and for what."""
    for page in sorted(site.rglob("*.html")):
        reader = _Reader()
        reader.feed(page.read_text(encoding="utf-8"))
        yield from ((page, address) for address in reader.loaded if _ELSEWHERE.match(address))
    for style in sorted(site.rglob("*.css")):
        yield from ((style, address) for address in _IN_STYLES.findall(style.read_text(encoding="utf-8")))


class _Reader(HTMLParser):
    """Collects what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag in _LOADED and told.get("rel") not in _OF_LINKS:
            self.loaded.append(told.get(_LOADED[tag]) or "")
        self.loaded += _IN_STYLES.findall(told.get("style") or "")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

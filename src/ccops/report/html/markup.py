"""HTML put together from elements; the one place where text becomes markup, and is escaped."""

from html import escape
from typing import Final

from ccops.text import clean

_VOID: Final = frozenset({"meta", "input", "rect", "line"})


class Markup(str):
    """Text that is HTML already; all other text is escaped before it goes into a page."""

    __slots__ = ()


def text_of(child: str) -> str:
    """Return a child as it stands in a page: markup as it is, text cleaned and escaped."""
    return child if isinstance(child, Markup) else escape(clean(child))


def joined(*children: str) -> Markup:
    """Put children side by side."""
    return Markup("".join(map(text_of, children)))


def element(name: str, /, *children: str, **attributes: str) -> Markup:
    """Make an element; `class_` stands for the attribute `class`, `aria_label` for `aria-label`."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(clean(value))}"' for key, value in attributes.items()
    )
    if name in _VOID and not children:
        return Markup(f"<{name}{written}>" if name in {"meta", "input"} else f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def raw(name: str, content: str, /, **attributes: str) -> Markup:
    """Make an element of our own script or style, whose text is not to be escaped."""
    return element(name, Markup(content), **attributes)

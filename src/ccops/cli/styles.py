"""Pieces of a line and how they look; whether colours are shown is decided where they are printed."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from ccops.text import clean

Style = Literal["bold", "dim", "good", "bad", "doubt"]

_COMMAND: Final = re.compile(r"(?<=: )ccops \S.*[^.]$")
"""A command to copy, at the end of a sentence that leads to it."""
_CODES: Final[dict[Style, str]] = {"bold": "1", "dim": "2", "good": "32", "bad": "31", "doubt": "33"}


@dataclass(frozen=True, slots=True)
class Styled:
    """A text that stands out where colours are shown, and is plain everywhere else."""

    text: str
    style: Style


Part = str | Styled
Line = tuple[Part, ...]


def text_of(part: Part) -> str:
    """Return the text of a piece."""
    return part.text if isinstance(part, Styled) else part


def like(part: Part, text: str) -> Part:
    """Return another text in the style of a piece."""
    return Styled(text, part.style) if isinstance(part, Styled) else text


def cleaned(part: Part, keep: str | None = None) -> Part:
    """Return a piece that can't do anything to a terminal; the control character `keep` stays."""
    text = text_of(part)
    return like(part, keep.join(map(clean, text.split(keep))) if keep else clean(text))


def painted(part: Part) -> str:
    """Return the text of a piece between the terminal's codes for its style."""
    text = text_of(part)
    return f"\x1b[{_CODES[part.style]}m{text}\x1b[0m" if isinstance(part, Styled) and text else text


def width_of(text: str) -> int:
    """Count the terminal cells of a text: a Chinese or Japanese character takes two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def fold(text: str, width: int) -> list[str]:
    """Break a text between words for `width` cells; a longer word (an address, an id) stays whole.

    So does a command that ends the text, on a line of its own if need be: broken, it could not be copied.
    """
    command = _COMMAND.search(text)
    words = text.split(" ") if command is None else [*text[: command.start() - 1].split(" "), command[0]]
    lines = [""]
    for word in words:
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and width_of(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines

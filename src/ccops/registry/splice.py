"""Changes to single keys and tables of a TOML text that leave every other byte as it is.

Each function takes a text that tomllib accepts and returns the new one. Comments directly above a header belong to its
table. Nothing here is trusted blindly: `draft` compares the outcome with what was meant.
"""

from collections.abc import Mapping

from ccops.registry.lines import Header, Keys, Layout, Pair
from ccops.registry.render import TomlValue, render_header, render_pair, render_value


class NotSplicable(Exception):  # noqa: N818 - never leaves the room: `draft` names the file
    """The table at hand stands within a value that holds more than it, at this line."""

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(line)


def put_key(text: str, table: Keys, key: str, value: TomlValue) -> str:
    """Set a key of a table: in place if it stands there as one value, else behind the table's last key."""
    for pair in Layout(text).pairs:
        if pair.keys == (*table, key):
            return text[: pair.value] + render_value(value, newline_of(text)) + text[pair.end :]
    text = drop(text, (*table, key))
    layout, newline = Layout(text), newline_of(text)
    if anchor := _anchor(layout, table):
        rest = [str(part) for part in table[len(anchor.table) :]]
        return line_behind(text, anchor.end, _indent(text, anchor.start) + render_pair([*rest, key], value, newline))
    if not table:
        return _add_before(text, layout.headers[:1], render_pair([key], value, newline) + newline)
    return add_table(text, table, {key: value}, before=table)


def add_table(text: str, table: Keys, keys: Mapping[str, TomlValue], before: Keys = ()) -> str:
    """Add a table, above the first header of the table `before` if there is one, else at the end."""
    layout, newline = Layout(text), newline_of(text)
    _refuse_inline(layout, table, len(table) + 1)
    lines = [render_header(table), *(render_pair([key], value, newline) for key, value in keys.items())]
    later = [header for header in layout.headers if before and header.keys[: len(before)] == before]
    return _add_before(text, later[:1], newline.join(lines) + newline)


def drop(text: str, keys: Keys) -> str:
    """Take a key or table out with all that is under it; what is not there needs no change."""
    layout = Layout(text)
    _refuse_inline(layout, keys, len(keys))
    spans = [_block(layout, header) for header in layout.headers if header.keys[: len(keys)] == keys]
    spans += [
        (_line_start(text, pair.start), _line_end(text, pair.end))
        for pair in layout.pairs
        if pair.keys[: len(keys)] == keys and pair.table[: len(keys)] != keys
    ]
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return text


def newline_of(text: str) -> str:
    """Return the line end that a text uses."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def line_behind(text: str, offset: int, line: str) -> str:
    """Put a line behind the one at an offset; a text without a last line end stays one."""
    at, newline = _line_end(text, offset), newline_of(text)
    if text[at - 1 : at] == "\n":
        return text[:at] + line + newline + text[at:]
    return text + newline + line


def _refuse_inline(layout: Layout, keys: Keys, shortest: int) -> None:
    for pair in layout.pairs:
        if len(pair.keys) < shortest and keys[: len(pair.keys)] == pair.keys:
            raise NotSplicable(layout.line_at(pair.start))


def _anchor(layout: Layout, table: Keys) -> Header | Pair | None:
    """Find what a new key goes behind: the table's last key, else its header, else its last dotted key elsewhere."""
    own = [pair for pair in layout.pairs if pair.table == table]
    heads = [header for header in layout.headers if header.keys == table]
    dotted = [pair for pair in layout.pairs if pair.keys[: len(table)] == table and len(pair.table) < len(table)]
    groups: tuple[list[Pair] | list[Header], ...] = (own, heads, dotted)
    return next((group[-1] for group in groups if group), None)


def _add_before(text: str, headers: list[Header], block: str) -> str:
    """Put a block above the first of the headers, or at the end; a blank line stands between it and its neighbours."""
    newline = newline_of(text)
    if headers:
        at = _lead(Layout(text), headers[0])
        return text[:at] + block + newline + text[at:]
    if text and not text.endswith("\n"):
        return text + newline + newline + block.removesuffix(newline)
    gap = newline if text.strip() and not text.endswith(("\n\n", "\n\r\n")) else ""
    return text + gap + block


def _block(layout: Layout, header: Header) -> tuple[int, int]:
    """Find a table's lines: comments right above and below, and the blank lines behind it (before it, at the end)."""
    text, start = layout.text, _lead(layout, header)
    own = [pair.end for pair in layout.pairs if pair.header is header]
    following = [later for later in layout.headers if later.start > header.start]
    limit = _lead(layout, following[0]) if following else len(text)
    end = _line_end(text, max([header.end, *own]))
    for stop in ("#", ""):
        while end < limit and text[end : _line_end(text, end)].strip()[:1] == stop:
            end = _line_end(text, end)
    if end == len(text):
        start = _climb(layout, start, "")
    return start, end


def _lead(layout: Layout, header: Header) -> int:
    """Find the start of the comment lines right above a header."""
    return _climb(layout, _line_start(layout.text, header.start), "#")


def _climb(layout: Layout, offset: int, mark: str) -> int:
    """Go up over lines that begin with a mark ("": that are blank), to the statement above at most."""
    items: list[Header | Pair] = [*layout.headers, *layout.pairs]
    above = [item.end for item in items if item.end < offset]
    floor = _line_end(layout.text, max(above)) if above else 0
    while offset > floor:
        start = _line_start(layout.text, offset - 1)
        if layout.text[start:offset].strip()[:1] != mark:
            break
        offset = start
    return offset


def _line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def _line_end(text: str, offset: int) -> int:
    found = text.find("\n", offset)
    return len(text) if found < 0 else found + 1


def _indent(text: str, offset: int) -> str:
    return text[_line_start(text, offset) : offset]

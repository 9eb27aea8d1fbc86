"""Changes to single keys and tables of a TOML text that leave every other byte as it is.

Each function takes a text that tomllib accepts and returns the new one. Comments directly above a header belong to its
table. Nothing here is trusted blindly: `draft` compares the outcome with what was meant.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from typing import Any, Final

import tomli_w

from ccops.config.errors import CantSplice
from ccops.config.toml_document import Data, Keys, KeyValue, Layout, NotToml, TableHeader, parse_toml, split_mark

TomlValue = bool | int | Decimal | str | Sequence["TomlValue"] | Mapping[str, "TomlValue"]
"""What a command can write into a file; numbers with places are Decimal, never float."""

_WIDEST: Final = 100


def render_key(key: str) -> str:
    """Write a key, in quotes if it needs them."""
    return tomli_w.dumps({key: 0}).removesuffix(" = 0\n")


def render_value(value: TomlValue, newline: str = "\n") -> str:
    """Write a value; a list too long for one line, or of tables, goes over several."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{render_key(key)} = {render_value(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _render_list([render_value(item) for item in value], newline, over=_has_tables(value))
    return tomli_w.dumps({"v": plain(value)}).removeprefix("v = ").removesuffix("\n")


def _has_tables(values: Sequence[TomlValue]) -> bool:
    return any(isinstance(value, Mapping) for value in values)


def _render_list(items: Sequence[str], newline: str, *, over: bool) -> str:
    line = f"[{', '.join(items)}]"
    if items and (over or len(line) > _WIDEST):
        return f"[{newline}" + "".join(f"  {item},{newline}" for item in items) + "]"
    return line


def plain(value: TomlValue) -> TomlValue:
    """Return a value as the file will give it back: a whole Decimal as int, lists and tables as built-in ones."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    if isinstance(value, Decimal) and value == value.to_integral_value() and value.as_tuple().exponent in range(99):
        return int(value)
    return value


def render_header(keys: Sequence[str | int]) -> str:
    """Write `[operations.x]`."""
    return f"[{'.'.join(render_key(str(key)) for key in keys)}]"


def render_pair(keys: Sequence[str], value: TomlValue, newline: str) -> str:
    """Write `key = value`, without a line end."""
    return f"{'.'.join(map(render_key, keys))} = {render_value(value, newline)}"


# ---- changes to single keys and tables of a TOML text that leave every other byte as it is
#
# Each function takes a text that tomllib accepts and returns the new one. Comments directly above a header belong to
# its table. Nothing here is trusted blindly: `draft` compares the outcome with what was meant.


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


def _anchor(layout: Layout, table: Keys) -> TableHeader | KeyValue | None:
    """Find what a new key goes behind: the table's last key, else its header, else its last dotted key elsewhere."""
    own = [pair for pair in layout.pairs if pair.table == table]
    heads = [header for header in layout.headers if header.keys == table]
    dotted = [pair for pair in layout.pairs if pair.keys[: len(table)] == table and len(pair.table) < len(table)]
    groups: tuple[list[KeyValue] | list[TableHeader], ...] = (own, heads, dotted)
    return next((group[-1] for group in groups if group), None)


def _add_before(text: str, headers: list[TableHeader], block: str) -> str:
    """Put a block above the first of the headers, or at the end; a blank line stands between it and its neighbours."""
    newline = newline_of(text)
    if headers:
        at = _lead(Layout(text), headers[0])
        return text[:at] + block + newline + text[at:]
    if text and not text.endswith("\n"):
        return text + newline + newline + block.removesuffix(newline)
    gap = newline if text.strip() and not text.endswith(("\n\n", "\n\r\n")) else ""
    return text + gap + block


def _block(layout: Layout, header: TableHeader) -> tuple[int, int]:
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


def _lead(layout: Layout, header: TableHeader) -> int:
    """Find the start of the comment lines right above a header."""
    return _climb(layout, _line_start(layout.text, header.start), "#")


def _climb(layout: Layout, offset: int, mark: str) -> int:
    """Go up over lines that begin with a mark ("": that are blank), to the statement above at most."""
    items: list[TableHeader | KeyValue] = [*layout.headers, *layout.pairs]
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


# ---- A TOML text under change, beside the data that the changes are meant to give

TablePath = tuple[str, ...]


class TomlDraft:
    """Each change is made to the text and to the data; then the text has to say what the data say, or nothing happens.

    A byte order mark, which Windows' editors write, is kept apart: an edit leaves it where it is.

    Every method raises CantSplice where the text is written in a form that can't be changed safely.
    """

    def __init__(self, text: str, file: str) -> None:
        """Take a text to be changed. Raises NotToml."""
        self._mark, self.text = split_mark(text)
        self._file = file
        self._original = parse_toml(text)
        self._meant: Data = deepcopy(self._original.data)

    @property
    def whole(self) -> str:
        """The text as it stands in the file."""
        return self._mark + self.text

    def has(self, table: TablePath) -> bool:
        """Tell whether a table or key is there."""
        inner: Any = self._meant
        for key in table:
            if not isinstance(inner, dict) or key not in inner:
                return False
            inner = inner[key]
        return True

    def tables(self, group: str) -> list[str]:
        """Return the names of the tables within one at the top."""
        inner = self._meant.get(group)
        return list(inner) if isinstance(inner, dict) else []

    def line(self, table: TablePath) -> int:
        """Return where a table stood in the text that was taken."""
        return self._original.layout.line(table)

    def put(self, table: TablePath, key: str, value: TomlValue, behind: int | None = None) -> None:
        """Set a key of a table; one that has this value already stays as it is written.

        A key at the top that is not there yet goes behind the line at the offset `behind`, if that is given.
        """
        inner = self._inner(table)
        if key in inner and _exact(inner[key]) == _exact(plain(value)):
            return
        new = key not in inner
        inner[key] = plain(value)
        if new and behind is not None:
            line = render_pair([key], value, newline_of(self.text))
            self._splice(table, lambda text: line_behind(text, behind, line))
        else:
            self._splice(table, lambda text: put_key(text, table, key, value))

    def drop(self, keys: TablePath) -> None:
        """Take a key or table out; it need not be there."""
        if self.has(keys):
            del self._inner(keys[:-1])[keys[-1]]
            self._splice(keys, lambda text: drop(text, keys))

    def add(self, table: TablePath, keys: Mapping[str, TomlValue], before: TablePath = ()) -> None:
        """Add a table that is not there yet."""
        self._inner(table).update({key: plain(value) for key, value in keys.items()})
        self._splice(table, lambda text: add_table(text, table, keys, before))

    def _inner(self, table: TablePath) -> Data:
        inner = self._meant
        for key in table:
            inner = inner.setdefault(key, {})
            if not isinstance(inner, dict):
                raise CantSplice(self._file, self.line(table), ".".join(table))
        return inner

    def _splice(self, table: TablePath, change: Callable[[str], str]) -> None:
        try:
            text = change(self.text)
            if _exact(_filled(parse_toml(text).data)) == _exact(_filled(self._meant)):
                self.text = text
                return
            line = self.line(table)
        except NotSplicable as stuck:
            line = stuck.line
        except NotToml:
            line = self.line(table)
        raise CantSplice(self._file, line, ".".join(table))


def _filled(data: Data) -> Data:
    """Leave out empty tables at the top: they come and go with the last table in them, and mean nothing."""
    return {key: value for key, value in data.items() if value != {}}


def _exact(value: Any) -> Any:
    """Make values comparable such that true is not 1 and 1.0 is not 1.00: the places of a number count."""
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return type(value), str(value)

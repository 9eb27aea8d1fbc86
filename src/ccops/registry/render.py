"""New TOML text, rendered with tomli-w in the style of the examples: lists of words in a line, tables inline."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import tomli_w

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

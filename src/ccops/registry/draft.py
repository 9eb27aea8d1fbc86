"""A TOML text under change, beside the data that the changes are meant to give."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from ccops.registry.document import Data, NotToml, parse_toml, split_mark
from ccops.registry.faults import CantSplice
from ccops.registry.render import TomlValue, plain, render_pair
from ccops.registry.splice import NotSplicable, add_table, drop, line_behind, newline_of, put_key

Table = tuple[str, ...]


class Draft:
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

    def has(self, table: Table) -> bool:
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

    def line(self, table: Table) -> int:
        """Return where a table stood in the text that was taken."""
        return self._original.layout.line(table)

    def put(self, table: Table, key: str, value: TomlValue, behind: int | None = None) -> None:
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

    def drop(self, keys: Table) -> None:
        """Take a key or table out; it need not be there."""
        if self.has(keys):
            del self._inner(keys[:-1])[keys[-1]]
            self._splice(keys, lambda text: drop(text, keys))

    def add(self, table: Table, keys: Mapping[str, TomlValue], before: Table = ()) -> None:
        """Add a table that is not there yet."""
        self._inner(table).update({key: plain(value) for key, value in keys.items()})
        self._splice(table, lambda text: add_table(text, table, keys, before))

    def _inner(self, table: Table) -> Data:
        inner = self._meant
        for key in table:
            inner = inner.setdefault(key, {})
            if not isinstance(inner, dict):
                raise CantSplice(self._file, self.line(table), ".".join(table))
        return inner

    def _splice(self, table: Table, change: Callable[[str], str]) -> None:
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

"""For any registry in any style, an edit changes what was meant, and every other byte survives.

A registry is made as a list of pieces, each with the operation and key that it belongs to; after an edit, all pieces
of others have to stand in the new text, in their order, with nothing between them but what the edit may write.
"""

import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccops.config.operations_file import add_operation, edit_operation, put_field, remove_operation
from ccops.config.toml_document import Layout
from ccops.config.toml_edit import TomlValue

pytestmark = pytest.mark.slow

NAMES = ("a", "b-2", "grant", "x_y", "7")
COMMENTS = ("# note", '# [operations.fake] = "', "#", "# it's ] } ''' \"\"\"", "#\tfield = 1", "# Ärger ✓")
TEXTS = ("plain", "", "with # hash", "[operations.z]", 'say "hi"', "it's", "two\nlines", "tab\there", "Ünï ✓", "a\\b")


@dataclass(frozen=True)
class Piece:
    """Some of a file's text: a value apart, so that it alone may be replaced; no owner: nobody may touch it."""

    head: str
    owner: str | None = None
    key: str | None = None
    value: str = ""
    tail: str = ""

    @property
    def text(self) -> str:
        """The whole of it."""
        return self.head + self.value + self.tail


@dataclass(frozen=True)
class Written:
    """A file in pieces, and what it says."""

    pieces: Sequence[Piece]
    data: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The whole file."""
        return "".join(piece.text for piece in self.pieces)

    def keys(self, operation: str) -> dict[str, Any]:
        """What an operation says."""
        keys: dict[str, Any] = self.data["operations"][operation]
        return keys


Draw = st.DrawFn


def spelt_text(draw: Draw, text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    forms = ['"' + escaped.replace("\n", "\\n") + '"', '"""\n' + escaped + '"""']
    if "'" not in text:
        forms.append(f"'''{text}'''")
        forms += [] if "\n" in text else [f"'{text}'"]
    return draw(st.sampled_from(forms))


def spelt_list(draw: Draw, items: Sequence[str]) -> str:
    if draw(st.booleans()):
        return f"[{', '.join(items)}]"
    note = draw(st.sampled_from(["", *(f" {comment}" for comment in COMMENTS)]))
    return f"[{note}\n" + "".join(f"  {item},{note}\n" for item in items) + "]"


def spelt(draw: Draw, value: Any) -> str:
    """Write a value in one of the ways that TOML has for it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return spelt_text(draw, value)
        case int():
            return draw(st.sampled_from([str(value), f"+{value}", hex(value)]))
        case list():
            return spelt_list(draw, [spelt_item(draw, item) for item in value])
    return spelt_item(draw, value)


def spelt_item(draw: Draw, value: Any) -> str:
    """Write a value that has to stay in one line."""
    if isinstance(value, dict):
        gap = draw(st.sampled_from(["", " "]))
        return (
            f"{{{gap}" + ", ".join(f"{key}={gap}{spelt_item(draw, item)}" for key, item in value.items()) + f"{gap}}}"
        )
    return '"' + value + '"' if isinstance(value, str) else spelt(draw, value)


def quoted(draw: Draw, key: str) -> str:
    return draw(st.sampled_from([key, f'"{key}"', f"'{key}'"]))


def header(draw: Draw, *keys: str, double: bool = False) -> str:
    gap, around = draw(st.sampled_from(["", " "])), draw(st.sampled_from(["", " ", "\t"]))
    dotted = f"{gap}.{gap}".join(quoted(draw, key) for key in keys)
    return f"[[{around}{dotted}{around}]]" if double else f"[{around}{dotted}{around}]"


def trailing(draw: Draw) -> str:
    return draw(st.sampled_from(["", "  ", *(f" {comment}" for comment in COMMENTS)])) + "\n"


def between(draw: Draw, owner: str | None) -> Iterator[Piece]:
    """Comments and blank lines between statements; blank lines at the edge of a block belong to nobody."""
    for line in draw(st.lists(st.sampled_from([*COMMENTS, "", "  "]), max_size=3)):
        yield Piece(f"{line}\n", owner)


def pair(draw: Draw, owner: str, key: str, value: Any, dotted: str = "") -> Piece:
    equals = draw(st.sampled_from([" = ", "=", "\t=  "]))
    indent = draw(st.sampled_from(["", "", "  "]))
    name = dotted or quoted(draw, key)
    return Piece(f"{indent}{name}{equals}", owner, key, spelt(draw, value), trailing(draw))


def tables_of(draw: Draw, operation: str, key: str, value: Any) -> list[Piece]:
    """Write a table or a list of tables under headers of its own."""
    pieces = []
    for table in value if isinstance(value, list) else [value]:
        line = header(draw, "operations", operation, key, double=isinstance(value, list))
        pieces.append(Piece(line + trailing(draw), operation, key))
        pieces += [replace(pair(draw, operation, inner, item), key=key) for inner, item in table.items()]
    return pieces


@st.composite
def operations(draw: Draw, number: int) -> dict[str, Any]:
    """Make what an operation says."""
    if draw(st.booleans()):
        keys: dict[str, Any] = {"field": "credits", "action": "increase", "amount": draw(st.integers(1, 99))}
    else:
        keys = {"changes": [{"field": "credits", "action": "decrease", "amount": 3}, {"field": "o", "action": "stamp"}]}
    extras = {
        "description": draw(st.sampled_from(TEXTS)),
        "paused": draw(st.booleans()),
        "states": ["active", "bounced"],
        "tag": {"id": number, "name": f"tag {number}"},
        "post": {"contact": "data.email", "occasion": "id"},
        "once_per": "month",
    }
    chosen = draw(st.sets(st.sampled_from(sorted(extras))))
    return dict(draw(st.permutations(list((keys | {key: extras[key] for key in sorted(chosen)}).items()))))


def block(draw: Draw, name: str, keys: Mapping[str, Any]) -> tuple[list[Piece], list[Piece]]:
    """Write an operation under its header; its tables with headers of their own come apart."""
    pieces = [Piece(header(draw, "operations", name) + trailing(draw), name)]
    apart: list[Piece] = []
    for key, value in keys.items():
        gap = list(between(draw, name))
        tables = isinstance(value, dict) or key == "changes"
        form = draw(st.sampled_from(["inline", "header", "dotted"])) if tables else "inline"
        if form == "header":
            apart += [Piece("\n"), *tables_of(draw, name, key, value)]
        elif form == "dotted" and isinstance(value, dict):
            dot = draw(st.sampled_from([".", " . "]))
            dotted = [pair(draw, name, inner, item, dotted=f"{key}{dot}{inner}") for inner, item in value.items()]
            pieces += [*gap, *(replace(piece, key=key) for piece in dotted)]
        else:
            pieces += [*gap, pair(draw, name, key, value)]
    if draw(st.booleans()):
        pieces.append(Piece(draw(st.sampled_from(COMMENTS)) + "\n", name))
    return pieces, apart


def dotted_block(draw: Draw, name: str, keys: Mapping[str, Any]) -> Iterator[Piece]:
    """Write an operation in lines such as `a.field = "x"`, to stand under `[operations]`."""
    for key, value in keys.items():
        yield from between(draw, None)
        yield pair(draw, name, key, value, dotted=f"{name}.{key}")


@st.composite
def registries(draw: Draw) -> Written:
    """Make a registry without mistakes, in any style."""
    names = draw(st.permutations(NAMES))[: draw(st.integers(1, 4))]
    data = {name: draw(operations(number)) for number, name in enumerate(names, 1)}
    pieces = [*between(draw, None), Piece(f"timezone = 'UTC'{trailing(draw)}")]
    pieces += [Piece(f"\n[fields.credits]{trailing(draw)}minimum = 0{trailing(draw)}")] if draw(st.booleans()) else []
    dotted = names[: draw(st.integers(0, 2))] if draw(st.booleans()) else []
    pieces += [Piece("\n[operations]\n")] if dotted else []
    late: list[Piece] = []
    for name, keys in data.items():
        if name in dotted:
            pieces += dotted_block(draw, name, keys)
            continue
        pieces.append(Piece(draw(st.sampled_from(["\n# ---- a section ----\n\n", "\n", "\n\n"]))))
        if draw(st.booleans()):
            pieces.append(Piece(draw(st.sampled_from(COMMENTS)) + "\n", name))
        own, apart = block(draw, name, keys)
        pieces += own
        (late if draw(st.booleans()) else pieces).extend(apart)
    return ended(draw, [*pieces, *late])


def ended(draw: Draw, pieces: list[Piece]) -> Written:
    """Choose the line ends, with or without the last one."""
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    if draw(st.booleans()):
        last = pieces[-1]
        pieces[-1] = replace(last, head=last.head.removesuffix("\n"), tail=last.tail.removesuffix("\n"))
    pieces = [
        replace(
            piece,
            head=piece.head.replace("\n", newline),
            value=piece.value.replace("\n", newline),
            tail=piece.tail.replace("\n", newline),
        )
        for piece in pieces
    ]
    return Written(pieces, tomllib.loads("".join(piece.text for piece in pieces)))


def edited(written: Written, edit: Any, *arguments: Any) -> str:
    """Return what an edit makes of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "operations.toml")
        path.write_bytes(written.text.encode())
        edit(path, *arguments)
        return path.read_bytes().decode()


PUTS: dict[str, TomlValue] = {
    "description": "new\r\ntext",
    "paused": True,
    "states": ["cancelled"],
    "tag": {"id": 99, "name": 'the "new" one'},
    "post": {"contact": "x"},
    "once_per": "week",
    "tags_if_applied": ["one", "two"],
    "repeat_window": "5m",
}
OPTIONAL = ("description", "paused", "states", "tag", "post", "once_per")
ANY = "(?s:.*?)"
few = settings(max_examples=40)


def squeezed(text: str) -> str:
    """Leave out blank lines: those around a table that is taken out go with it."""
    return "".join(line for line in text.splitlines(keepends=True) if line.strip())


def survivors(written: Written, operation: str, put: set[str], drop: set[str]) -> str:
    """Write a pattern of all that an edit of some keys has to leave as it is."""
    keys = [piece.key for piece in written.pieces if piece.owner == operation]
    pattern = ""
    for piece in written.pieces:
        mine = piece.owner == operation
        if mine and piece.key in put and keys.count(piece.key) == 1:
            pattern += re.escape(piece.head) + ANY + re.escape(piece.tail) + ANY
        elif mine and piece.key in put | drop:
            pattern += ANY
        else:
            pattern += re.escape(piece.text) + (ANY if mine else "")
    return pattern


def has_header(written: Written, operation: str, keys: set[str]) -> bool:
    """Tell whether one of the keys is written under a header of its own."""
    return any(piece.owner == operation and piece.key in keys and not piece.value for piece in written.pieces)


@st.composite
def edits(draw: Draw) -> tuple[Written, str, dict[str, TomlValue], set[str]]:
    """Make a file, one of its operations, and what is to be set and taken out."""
    written = draw(registries())
    operation = draw(st.sampled_from(sorted(written.data["operations"])))
    put = draw(st.sets(st.sampled_from(sorted(PUTS)), max_size=3))
    drop = draw(st.sets(st.sampled_from(OPTIONAL), max_size=2)) - put
    return written, operation, {key: PUTS[key] for key in sorted(put)}, drop


@given(edits())
def test_an_edit_changes_the_keys_that_it_names_and_no_other_byte(
    edit: tuple[Written, str, dict[str, TomlValue], set[str]],
) -> None:
    written, operation, put, drop = edit
    text = edited(written, edit_operation, operation, put, drop)
    keys = {key: value for key, value in {**written.keys(operation), **put}.items() if key not in drop}
    assert tomllib.loads(text) == {**written.data, "operations": {**written.data["operations"], operation: keys}}
    if has_header(written, operation, set(put) | drop):
        others = [ANY if piece.owner == operation else re.escape(squeezed(piece.text)) for piece in written.pieces]
        assert re.fullmatch("".join(others), squeezed(text))
    else:
        assert re.fullmatch(survivors(written, operation, set(put), drop), text)


@given(registries(), st.data())
def test_removing_takes_out_the_lines_of_the_operation_alone(written: Written, data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(sorted(written.data["operations"])))
    text = edited(written, remove_operation, operation)
    left = "".join(piece.text for piece in written.pieces if piece.owner != operation)
    assert squeezed(text) == squeezed(left)
    assert tomllib.loads(text).get("operations", {}) == {
        name: keys for name, keys in written.data["operations"].items() if name != operation
    }


@few
@given(registries(), operations(50))
def test_adding_leaves_all_that_was_there(written: Written, keys: dict[str, Any]) -> None:
    text = edited(written, add_operation, "new", keys)
    assert text.startswith(written.text)
    assert tomllib.loads(text) == {**written.data, "operations": {**written.data["operations"], "new": keys}}


@few
@given(registries())
def test_rules_of_another_field_leave_all_that_was_there(written: Written) -> None:
    text = edited(written, put_field, "level", {"maximum": 5, "label": "Level"})
    newline = "\r\n" if "\r\n" in text else "\n"
    added = newline.join(["[fields.level]", "maximum = 5", 'label = "Level"', "", ""])
    assert text.replace(added, "", 1) == written.text


@few
@given(registries())
def test_putting_back_what_is_there_changes_nothing(written: Written) -> None:
    for name, keys in written.data["operations"].items():
        assert edited(written, edit_operation, name, keys) == written.text


@few
@given(registries())
def test_every_line_can_be_found(written: Written) -> None:
    layout, data = Layout(written.text), cast("Any", written.data)
    for pair in layout.pairs:
        inner = reduce(lambda table, key: table[key], pair.keys, data)
        assert tomllib.loads(f"v = {written.text[pair.value : pair.end]}") == {"v": inner}

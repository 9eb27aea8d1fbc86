"""Where things stand in a TOML text, whatever style it is written in."""

import tomllib
from functools import reduce
from typing import Any

import pytest

from ccops.config.toml_document import Keys, Layout

TRICKY = '''\
# [operations.fake] # key = "value"
timezone = "UTC"   # [not a header]
text = """
[operations.inside]
key = \\"""still inside\\"""
two quotes at the end"""""
literal = \'\'\'
# no comment, no [header]
it's one quote at the end\'\'\'\'
empty = ""
path = 'C:\\new\\'
day = 2026-11-22 10:00:00
  [ operations . "x y" ]   # a comment with ] and }
  field="credits"
  "amount" = 10
  post.contact = "a.b"
  post . occasion = "id"
  states = [ # [ one
    "active", # "cancelled",
    # "bounced" ]
    "in]active",
  ]
  tag = { id = 5, "name" = "a, b } # c" } # after
[[operations.b.changes]]
field = "x"
[[operations.b.changes]]
field = "y"
[operations.b.changes.deep]
key = 1
[operations]
c.field = "z"
c.changes = [ { field = "q", list = [[1], [2,
  3]] },
]
'''

LINES: dict[Keys, int] = {
    ("timezone",): 2,
    ("text",): 3,
    ("literal",): 7,
    ("empty",): 10,
    ("path",): 11,
    ("day",): 12,
    ("operations", "x y"): 13,
    ("operations", "x y", "field"): 14,
    ("operations", "x y", "amount"): 15,
    ("operations", "x y", "post"): 16,
    ("operations", "x y", "post", "contact"): 16,
    ("operations", "x y", "post", "occasion"): 17,
    ("operations", "x y", "states"): 18,
    ("operations", "x y", "states", 0): 19,
    ("operations", "x y", "states", 1): 21,
    ("operations", "x y", "tag", "name"): 23,
    ("operations", "b"): 24,
    ("operations", "b", "changes", 0): 24,
    ("operations", "b", "changes", 0, "field"): 25,
    ("operations", "b", "changes", 1): 26,
    ("operations", "b", "changes", 1, "field"): 27,
    ("operations", "b", "changes", 1, "deep"): 28,
    ("operations", "b", "changes", 1, "deep", "key"): 29,
    ("operations", "c"): 31,
    ("operations", "c", "field"): 31,
    ("operations", "c", "changes", 0, "list"): 32,
    ("operations", "c", "changes", 0, "list", 1, 1): 33,
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_key_has_its_line(newline: str) -> None:
    layout = Layout(TRICKY.replace("\n", newline))
    assert {keys: layout.line(keys) for keys in LINES} == LINES


def test_every_statement_has_its_value_between_its_offsets() -> None:
    data: Any = tomllib.loads(TRICKY)
    for pair in Layout(TRICKY).pairs:
        inner = reduce(lambda table, key: table[key], pair.keys, data)
        assert tomllib.loads(f"v = {TRICKY[pair.value : pair.end]}") == {"v": inner}


def test_a_key_that_is_not_there_has_the_line_of_the_table_around_it() -> None:
    layout = Layout(TRICKY)
    missing: list[Keys] = [("operations", "x y", "action"), ("operations", "b", "changes", 1, "action"), ("fields",)]
    assert [layout.line(keys) for keys in missing] == [13, 26, 1]


def test_an_empty_text_has_one_line() -> None:
    assert Layout("").line(("timezone",)) == 1

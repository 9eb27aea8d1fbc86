"""Commands change the lines of their own operation, and refuse what they can't change safely."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from ccops.config.errors import (
    CantSplice,
    OperationExists,
    OperationsFileFaults,
    RegistryChanged,
    RegistryMissing,
    UnknownOperation,
)
from ccops.config.operations_file import (
    add_operation,
    check_text,
    edit_operation,
    load,
    parse,
    put_field,
    read,
    remove_operation,
    save_text,
)
from ccops.config.templates import starter
from ccops.operations.model import OperationsFile

TEXT = """\
# Ann's Studio
timezone = "America/New_York"     # the account's

[fields.credits]
minimum = 0   # never below

# ---- every month ----

# The big one.
[operations.grant]
field = "credits"
action = "increase"   # by ten
amount = 10
# once_per = "week"

# ---- by tag ----

[operations.unlock]
  description = "Open"
  changes = [ # both or none
    { field = "credits", action = "decrease", amount = 3 },
    { field = "opened", action = "stamp" },
  ]   # end

# The last one.
[operations.last]
field = "points"
action = "stamp"
"""

Edit = Callable[[Path], OperationsFile]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A registry in a folder of its own."""
    path = tmp_path / "operations.toml"
    path.write_text(TEXT)
    return path


def after(text: str, folder: Path, edit: Edit) -> str:
    """Return what an edit makes of a text."""
    path = folder / "operations.toml"
    path.write_bytes(text.encode())
    assert edit(path) == load(path)
    return path.read_bytes().decode()


def test_a_value_is_put_in_its_place_and_the_comment_behind_it_stays(path: Path) -> None:
    edit_operation(path, "grant", {"action": "top-up", "amount": Decimal("12.50")})
    wanted = TEXT.replace('"increase"   # by ten\namount = 10', '"top-up"   # by ten\namount = 12.50')
    assert path.read_text() == wanted


def test_a_new_key_goes_behind_the_last_and_a_dropped_one_takes_its_line_along(path: Path) -> None:
    edit_operation(path, "unlock", {"tag": {"id": 5, "name": 'a "b"'}, "paused": True}, ["description"])
    wanted = TEXT.replace('  description = "Open"\n', "").replace(
        "  ]   # end\n", '  ]   # end\n  tag = { id = 5, name = "a \\"b\\"" }\n  paused = true\n'
    )
    assert path.read_text() == wanted


def test_a_value_that_is_there_already_keeps_its_spelling(tmp_path: Path) -> None:
    text = TEXT.replace("amount = 10", "amount = 1_0")
    assert after(text, tmp_path, lambda path: edit_operation(path, "grant", {"amount": 10})) == text


def test_a_number_of_other_places_is_another_number(tmp_path: Path) -> None:
    text = TEXT.replace("amount = 10", "amount = 10.0")
    edited = after(text, tmp_path, lambda path: edit_operation(path, "grant", {"amount": Decimal("10.00")}))
    assert edited == text.replace("10.0", "10.00")


def test_removing_takes_the_comments_right_above_and_below_along(path: Path) -> None:
    remove_operation(path, "grant")
    begin, end = TEXT.index("# The big one."), TEXT.index("# ---- by tag")
    assert path.read_text() == TEXT[:begin] + TEXT[end:]


def test_a_text_that_ends_like_a_comment_is_none(tmp_path: Path) -> None:
    text = TEXT.replace('# once_per = "week"\n\n# ---- by tag ----\n\n', 'description = """\n\n# by tag"""\n')
    edited = after(text, tmp_path, lambda path: remove_operation(path, "unlock"))
    begin, end = text.index("[operations.unlock]"), text.index("# The last one.")
    assert edited == text[:begin] + text[end:]


def test_removing_the_last_leaves_no_blank_lines_behind(path: Path) -> None:
    remove_operation(path, "last")
    assert path.read_text() == TEXT[: TEXT.index("\n# The last one.")]


def test_adding_goes_to_the_end(path: Path) -> None:
    add_operation(path, "silver", {"description": "Für Ärzte", "field": "points", "action": "stamp"})
    added = '\n[operations.silver]\ndescription = "Für Ärzte"\nfield = "points"\naction = "stamp"\n'
    assert path.read_text(encoding="utf-8") == TEXT + added


def test_a_file_keeps_its_windows_line_ends_and_its_missing_last_one(tmp_path: Path) -> None:
    text = TEXT.replace("\n", "\r\n").removesuffix("\r\n")
    keys = {"changes": [{"field": "a", "action": "stamp"}]}
    edited = after(text, tmp_path, lambda path: add_operation(path, "silver", keys))
    added = '\n\n[operations.silver]\nchanges = [\n  { field = "a", action = "stamp" },\n]'
    assert edited == text + added.replace("\n", "\r\n")


def test_a_key_can_be_added_where_the_last_line_end_is_missing(tmp_path: Path) -> None:
    text = TEXT.removesuffix("\n")
    edited = after(text, tmp_path, lambda path: edit_operation(path, "last", {"paused": True}))
    assert edited == text + "\npaused = true"


def test_rules_of_a_new_field_stand_before_the_operations(path: Path) -> None:
    put_field(path, "level", {"maximum": 500, "label": "Gold"})
    added = '[fields.level]\nmaximum = 500\nlabel = "Gold"\n\n# The big one.'
    assert path.read_text() == TEXT.replace("# The big one.", added)


def test_rules_of_a_field_are_changed_in_place(path: Path) -> None:
    put_field(path, "credits", {"maximum": 500}, ["minimum", "label"])
    assert path.read_text() == TEXT.replace("minimum = 0   # never below", "maximum = 500")


def test_tables_of_changes_give_way_to_a_list(tmp_path: Path) -> None:
    text = """\
timezone = "UTC"
[operations.a]
paused = true

# first
[[operations.a.changes]]
field = "x"
action = "stamp"

[[operations.a.changes]]
field = "y"
action = "stamp"

[operations.b]
field = "x"
action = "stamp"
"""
    keys = {"changes": [{"field": "z", "action": "stamp"}]}
    edited = after(text, tmp_path, lambda path: edit_operation(path, "a", keys))
    begin, end = text.index("\n# first"), text.index("\n[operations.b]")
    added = 'changes = [\n  { field = "z", action = "stamp" },\n]\n'
    assert edited == text[:begin] + added + text[end:]


def test_a_long_list_goes_over_several_lines(path: Path) -> None:
    tags = [f"a rather long name of a tag, number {number}" for number in range(3)]
    edit_operation(path, "last", {"tags_if_applied": tags})
    added = "".join(f'  "{tag}",\n' for tag in tags)
    assert path.read_text() == f"{TEXT}tags_if_applied = [\n{added}]\n"


def test_an_operation_without_a_header_of_its_own_gets_one(tmp_path: Path) -> None:
    text = 'timezone = "UTC"\n\n# x\n[[operations.a.changes]]\nfield = "x"\naction = "stamp"\n'
    edited = after(text, tmp_path, lambda path: edit_operation(path, "a", {"paused": True}))
    assert edited == text.replace("# x\n", "[operations.a]\npaused = true\n\n# x\n")


def test_dotted_keys_are_edited_where_they_stand(tmp_path: Path) -> None:
    text = """\
timezone = "UTC"
operations.a.field = "x"   # top
operations.a.action = "stamp"
[operations.b]
field = "x"
action = "stamp"
post.contact = "a"  # gone
post.occasion = "b"
"""
    edited = after(text, tmp_path, lambda path: edit_operation(path, "a", {"paused": True}))
    edited = after(edited, tmp_path, lambda path: edit_operation(path, "b", {"post": {"contact": "c"}}))
    assert edited == text.replace('"stamp"\n[', '"stamp"\noperations.a.paused = true\n[').replace(
        'post.contact = "a"  # gone\npost.occasion = "b"', 'post = { contact = "c" }'
    )


@pytest.mark.parametrize(
    ("form", "line", "table"),
    [
        ('[operations]\na = { field = "x", action = "stamp" }\n', 3, "operations.a"),
        ('operations = { a = { field = "x", action = "stamp" } }\n', 2, "operations.a"),
        ("[operations]\na = 5\n", 3, "operations.a"),
    ],
)
def test_what_cant_be_spliced_is_refused_with_line_and_way_out(
    form: str, line: int, table: str, tmp_path: Path
) -> None:
    path = tmp_path / "operations.toml"
    text = f'timezone = "UTC"\n{form}'
    path.write_text(text)
    with pytest.raises(CantSplice) as caught:
        edit_operation(path, "a", {"paused": True})
    assert (caught.value.line, path.read_text()) == (line, text)
    assert caught.value.mend == (
        f"Write it as a table of its own, [{table}], with one key a line; then give the same command again."
    )


def test_an_inline_operation_can_be_removed(tmp_path: Path) -> None:
    inline = 'timezone = "UTC"\n[operations]\na = { field = "x", action = "stamp" }  # a\n# b\n'
    edited = after(inline, tmp_path, lambda path: remove_operation(path, "a"))
    assert edited == 'timezone = "UTC"\n[operations]\n# b\n'


@pytest.mark.parametrize(
    "edit", [lambda path: remove_operation(path, "a"), lambda path: add_operation(path, "b", {"field": "x"})]
)
def test_operations_that_share_a_line_are_left_alone(edit: Edit, tmp_path: Path) -> None:
    path = tmp_path / "operations.toml"
    path.write_text('timezone = "UTC"\noperations = { a = { field = "x", action = "stamp" } }\n')
    with pytest.raises(CantSplice, match=r"^operations\.toml:2: \[operations\.[ab]\] is written in a form"):
        edit(path)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda path: edit_operation(path, "grant", {"amount": 0}), '13 grant: "amount" must be more than 0, not 0'),
        (lambda path: edit_operation(path, "grant", {"amont": 1}), '14 grant: "amont" is not a key; did you mean '),
        (lambda path: edit_operation(path, "grant", {}, ["field"]), '10 grant: "field" is missing'),
        (lambda path: add_operation(path, "undo", {"field": "x", "action": "stamp"}), '30 undo: "undo" is a word of '),
        (lambda path: put_field(path, "opened", {"minimum": 0}), "stamp"),
    ],
)
def test_an_edit_that_would_be_a_mistake_is_not_written(edit: Edit, said: str, path: Path) -> None:
    with pytest.raises(OperationsFileFaults) as caught:
        edit(path)
    assert (said in str(caught.value), path.read_text()) == (True, TEXT)


def test_an_operation_is_added_once(path: Path) -> None:
    with pytest.raises(OperationExists) as caught:
        add_operation(path, "grant", {"field": "x", "action": "stamp"})
    assert str(caught.value) == 'an operation is called "grant" already (line 10 of the registry).'


@pytest.mark.parametrize(
    "edit", [lambda path: edit_operation(path, "grnt", {}), lambda path: remove_operation(path, "grnt")]
)
def test_an_unknown_operation_is_told_with_the_nearest(edit: Edit, path: Path) -> None:
    with pytest.raises(UnknownOperation) as caught:
        edit(path)
    assert str(caught.value) == 'no operation is called "grnt"; did you mean "grant"?'


def test_a_broken_operation_can_be_removed(tmp_path: Path) -> None:
    broken = TEXT.replace('action = "increase"', 'action = "incrase"')
    edited = after(broken, tmp_path, lambda path: remove_operation(path, "grant"))
    assert "grant" not in edited


def test_a_broken_registry_is_told_before_anything_is_changed(path: Path) -> None:
    path.write_text("timezone = UTC\n")
    with pytest.raises(OperationsFileFaults, match=r"^operations\.toml:1: this is not TOML"):
        add_operation(path, "a", {"field": "x", "action": "stamp"})


def test_another_ones_change_meanwhile_is_kept(path: Path) -> None:
    old = read(path)
    path.write_text(TEXT + "# mine\n")
    with pytest.raises(RegistryChanged):
        save_text(path, old, TEXT + "# ours\n")
    assert path.read_text() == TEXT + "# mine\n"


def test_edits_at_the_same_time_lose_nothing(path: Path) -> None:
    def add(name: str) -> None:
        while True:
            with suppress(RegistryChanged):
                add_operation(path, name, {"field": "x", "action": "stamp"})
                return

    names = [f"o{number}" for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, names))
    assert sorted(load(path).operations) == sorted(["grant", "unlock", "last", *names])


def test_a_text_from_an_editor_is_checked_and_saved(path: Path) -> None:
    text = TEXT.replace("amount = 10", "amount = 20")
    assert check_text(text) == save_text(path, TEXT, text)
    assert path.read_text() == text


def test_a_bad_text_from_an_editor_is_refused(path: Path) -> None:
    with pytest.raises(OperationsFileFaults):
        save_text(path, TEXT, "amount = 20")
    assert path.read_text() == TEXT


def test_a_file_keeps_its_mode_and_a_link_stays_one(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "ops.toml"
    real.parent.mkdir()
    path.rename(real)
    real.chmod(0o640)
    path.symlink_to(real)
    edit_operation(path, "last", {"paused": True})
    assert (path.is_symlink(), real.stat().st_mode & 0o777, load(real).operations["last"].paused) == (True, 0o640, True)


def test_nothing_else_is_left_in_the_folder(path: Path) -> None:
    edit_operation(path, "last", {"paused": True})
    assert list(path.parent.iterdir()) == [path]


def test_there_has_to_be_a_registry(tmp_path: Path) -> None:
    with pytest.raises(RegistryMissing):
        add_operation(tmp_path / "operations.toml", "a", {})


def test_a_new_registry_is_empty_and_can_be_added_to(tmp_path: Path) -> None:
    text = starter("Europe/Berlin")
    assert parse(text) == OperationsFile("Europe/Berlin")
    edited = after(text, tmp_path, lambda path: add_operation(path, "a", {"field": "x", "action": "stamp"}))
    assert edited == text + '\n[operations.a]\nfield = "x"\naction = "stamp"\n'


def test_the_examples_in_a_new_registry_are_right() -> None:
    text = starter("Europe/Berlin")
    begin = text.index("# [fields.credits]")
    examples = [line.removeprefix("# ") for line in text[begin:].splitlines()]
    example = "\n".join(line for line in examples if line[:1] in "[] " or " = " in line)
    registry = parse(f'timezone = "UTC"\n{example}\n')
    assert (list(registry.fields), list(registry.operations)) == (["credits"], ["monthly-grant", "unlock-replay"])

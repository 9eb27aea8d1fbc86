"""A dry run tells what the run then does, also where later contacts and rows depend on earlier ones."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cli.import_files import ANN, BOB, GUS, Call, credits_of
from tests.cli.sites import Site

Prepare = Callable[[Site, Call], None]

TAGGED = """
[operations.first]
field = "credits"
action = "increase"
amount = 10
maximum = 20
tag = {{ id = {first}, name = "first" }}

[operations.second]
field = "credits"
action = "increase"
amount = 8
maximum = 20
tag = {{ id = {second}, name = "second" }}
"""


def table(*rows: str) -> str:
    return "\n".join(rows) + "\n"


def nothing(_site: Site, _ccops: Call) -> None:
    """Leave all as it is."""


def set_twice(site: Site, ccops: Call) -> None:
    file = site.home.with_name("before.csv")
    file.write_text(table("email,key,set", f"{ANN},a,10", f"{ANN},b,20", f"{BOB},a,1"))
    assert ccops("import", str(file), "--field", "credits").status == 0


def spend_after_a_gift(_site: Site, ccops: Call) -> None:
    for words in (("--add", "10"), ("--take", "12")):
        assert ccops("adjust", ANN, "credits", *words).status == 0


def tag_twice(site: Site, _ccops: Call) -> None:
    numbers = {name: site.kit.add_tag(name) for name in ("first", "second")}
    site.registry.write_text(site.registry.read_text() + TAGGED.format(**numbers))
    for name in numbers:
        site.kit.tag(site.ann, name)


CASES: dict[str, tuple[Prepare, str, tuple[str, ...], list[str]]] = {
    "two rows take more than there is": (
        nothing,
        table("email,key,take", f"{ANN},a,3", f"{ANN},b,3"),
        ("import", "FILE", "--field", "credits"),
        ["previewed", "refused"],
    ),
    "a row that stands twice": (
        nothing,
        table("email,key,add", f"{ANN},a,3", f"{ANN},a,3", f"{ANN},b,1"),
        ("import", "FILE", "--field", "credits"),
        ["previewed", "repeated", "previewed"],
    ),
    "the last of several values stands": (
        nothing,
        table("email,key,set", f"{ANN},a,3", f"{ANN},b,30", f"{BOB},a,7", f"{ANN},c,3"),
        ("import", "FILE", "--field", "credits"),
        ["previewed"] * 4,
    ),
    "a contact by its address and its id": (
        nothing,
        "",
        ("run", "payment-credit", ANN, "ID", BOB, "--key", "k"),
        ["previewed", "repeated", "previewed"],
    ),
    "so with the period as the occasion": (
        nothing,
        "",
        ("run", "monthly-grant", "ID", GUS, ANN),
        ["previewed", "previewed", "repeated"],
    ),
    "so without any occasion": (nothing, "", ("run", "payment-credit", ANN, "ID"), ["previewed", "repeated"]),
    "entries that changed one value": (
        set_twice,
        "",
        ("undo", "--run", "r1"),
        ["previewed"] * 3,
    ),
    "the older one first": (set_twice, "", ("undo", "e1", "e2"), ["refused", "previewed"]),
    "a gift and what was spent of it": (spend_after_a_gift, "", ("undo", "e1", "e2"), ["refused", "previewed"]),
    "the other way round": (spend_after_a_gift, "", ("undo", "e2", "e1"), ["previewed", "previewed"]),
}


def seen(rows: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what both kinds of runs tell of each contact."""
    return [
        (row["contact"]["id"], row["occasion"], row["status"].replace("previewed", "applied"), row["before"],
         row["after"], row["reason"])
        for row in rows
    ]  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_dry_run_tells_what_the_run_does(site: Site, ccops: Call, tmp_path: Path, name: str) -> None:
    prepare, text, words, statuses = CASES[name]
    prepare(site, ccops)
    file = tmp_path / "rows.csv"
    file.write_text(text)
    given = [word.replace("FILE", str(file)).replace("ID", str(site.ann)) for word in words]
    before, sent = site.database.read_bytes(), site.sent
    told = [json.loads(line) for line in ccops(*given, "--dry-run", "--json").out.splitlines()]
    assert [row["status"] for row in told] == statuses
    assert (site.database.read_bytes() == before, site.sent) == (True, sent)
    done = [json.loads(line) for line in ccops(*given, "--json").out.splitlines()]
    assert seen(told) == seen(done)


def test_the_sum_of_a_dry_run_is_that_of_the_run(site: Site, ccops: Call, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(table("email,key,add", f"{ANN},a,3", f"{ANN},a,3", f"{ANN},b,4"))
    words = ("import", str(file), "--field", "credits")
    assert "    2 would be applied    credits +7\n" in ccops(*words, "--dry-run").err
    assert "    2 applied             credits +7\n" in ccops(*words).err
    assert credits_of(site, ANN) == ["12"]


def test_operations_that_are_polled_together_find_what_the_others_left(site: Site, ccops: Call) -> None:
    tag_twice(site, ccops)
    before = site.database.read_bytes()
    told = [json.loads(line) for line in ccops("poll", "--dry-run", "--json").out.splitlines()]
    assert [(row["operation"], row["status"], row["before"]) for row in told] == [
        ("first", "previewed", {"credits": "5"}),
        ("second", "refused", None),
    ]
    assert (site.database.read_bytes() == before, site.sent) == (True, 0)
    ccops("poll")
    assert sorted(site.statuses()) == ["applied", "refused"]


def test_an_operation_that_is_polled_twice_counts_a_tagging_once(site: Site, ccops: Call) -> None:
    tag_twice(site, ccops)
    told = [json.loads(line) for line in ccops("poll", "first", "first", "--dry-run", "--json").out.splitlines()]
    assert [row["status"] for row in told] == ["previewed", "repeated"]


@pytest.mark.usefixtures("site")
def test_each_dry_run_begins_with_what_is_there(ccops: Call, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(table("email,key,take", f"{ANN},a,3", f"{ANN},b,3"))
    words = ("import", str(file), "--field", "credits")
    for _ in range(2):
        told = [json.loads(line)["status"] for line in ccops(*words, "--dry-run", "--json").out.splitlines()]
        assert told == ["previewed", "refused"]

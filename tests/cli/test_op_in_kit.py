"""`ccops op add` with Kit: the field, the tag, the questions, and the editor."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended

Call = Callable[..., Ended]


@pytest.fixture
def environ(environ: dict[str, str], kit: Sandbox) -> dict[str, str]:
    return environ | {"KIT_API_URL": kit.url, "KIT_API_KEY": kit.settings.key, "CCOPS_RATE": "0", "TERM": "dumb"}


def saved(home: Path) -> dict[str, Any]:
    return dict(tomllib.loads((home / "operations.toml").read_text()).get("operations", {}))


def test_field_and_tag_are_made(ccops: Call, home: Path, kit: Sandbox) -> None:
    done = ccops("op", "add", "pay", "--field", "points", "--increase", "10", "--create-field", "--tag")
    assert done.status == 0
    assert done.out == ('pay is in the registry: points +10.\nMade the tag "ccops: pay" in Kit; it starts pay.\n')
    assert 'Made the field "points" in Kit.' in done.err
    assert 'the tag "ccops: pay"' in done.err
    tag = saved(home)["pay"]["tag"]
    assert tag["name"] == "ccops: pay"
    assert tag["id"] == kit.add_tag("ccops: pay"), "which returns the one that is there"


def test_the_key_that_kit_chose_is_used_and_said(ccops: Call, home: Path) -> None:
    done = ccops("op", "add", "pay", "--field", "Member Points", "--increase", "10", "--create-field")
    assert done.status == 0
    assert 'Kit calls this field "member_points"; that is what is used.' in done.err
    assert saved(home)["pay"]["field"] == "member_points"


def test_a_field_that_is_there_is_found_by_its_label_and_not_made_again(ccops: Call, home: Path) -> None:
    done = ccops("op", "add", "pay", "--field", "CREDITS", "--increase", "10", "--create-field")
    assert done.status == 0
    assert "Made the field" not in done.err
    assert saved(home)["pay"]["field"] == "credits"


def test_a_field_that_is_missing_is_not_made_unasked(ccops: Call, home: Path) -> None:
    refused = ccops("op", "add", "pay", "--field", "kredits", "--increase", "10", "--tag")
    assert refused == Ended(
        2,
        "",
        'error: Kit has no field "kredits". Nothing was changed. Did you mean credits?\n'
        "       ccops op add pay --field credits --increase 10 --tag\n"
        "       or, to make the field: ccops op add pay --field kredits --increase 10 --tag --create-field\n",
    )
    assert saved(home) == {}


def test_a_tag_that_is_there_is_not_taken(ccops: Call, home: Path, kit: Sandbox) -> None:
    kit.add_tag("Ccops: PAY")
    refused = ccops("op", "add", "pay", "--field", "credits", "--increase", "10", "--tag")
    assert (refused.status, refused.out) == (2, "")
    assert 'ccops tag bind pay "ccops: pay"' in refused.err
    assert saved(home) == {}


def test_without_a_key_login_is_named_and_nothing_is_saved(ccops: Call, home: Path) -> None:
    refused = ccops("op", "add", "pay", "--field", "credits", "--increase", "10", "--tag", KIT_API_KEY="")
    assert refused.status == 3
    assert refused.err.endswith("\n       ccops login\n")
    assert saved(home) == {}


def test_edit_gives_an_operation_its_tag_once(ccops: Call, home: Path) -> None:
    ccops("op", "add", "pay", "--field", "credits", "--increase", "10")
    assert ccops("op", "edit", "pay", "--tag", "paid").status == 0
    assert saved(home)["pay"]["tag"]["name"] == "paid"
    again = ccops("op", "edit", "pay", "--tag")
    assert again.status == 2
    assert "ccops tag unbind pay" in again.err


def test_at_a_terminal_everything_is_asked(terminal: Call, home: Path) -> None:
    answers = [
        "Pay",
        "pay",
        "10 credits",
        "another",
        "Points",
        "1",
        "ten",
        "10",
        "n",
        "120",
        "",
        "clamp",
        "month",
        "",
        "",
    ]
    done = terminal("op", "add", answers=answers)
    assert done.status == 0, done.out
    made = saved(home)["pay"]
    assert made.pop("tag")["name"] == "ccops: pay"
    assert made == {
        "description": "10 credits",
        "field": "points",
        "action": "increase",
        "amount": 10,
        "maximum": 120,
        "beyond": "clamp",
        "once_per": "month",
    }
    assert '"ten" is not a number' in done.out


def test_at_a_terminal_without_kit_the_tag_is_left_for_later(terminal: Call, home: Path) -> None:
    answers = ["", "credits", "stamp", "y", "points", "increase", "3", "n", "no"]
    done = terminal("op", "add", "pay", answers=answers, KIT_API_KEY="")
    assert done.status == 0, done.out
    assert saved(home)["pay"] == {
        "changes": [
            {"field": "credits", "action": "stamp"},
            {"field": "points", "action": "increase", "amount": 3},
        ]
    }


def editor(path: Path, *expressions: str) -> str:
    """A program that edits as sed would, one expression each time it is called."""
    path.write_text(
        "#!/bin/sh\n"
        f'n=$(cat "{path}.n" 2>/dev/null || echo 0); n=$((n + 1)); echo $n > "{path}.n"\n'
        + "".join(f'[ $n = {n} ] && sed -i "{each}" "$1"\n' for n, each in enumerate(expressions, 1))
        + "exit 0\n"
    )
    path.chmod(0o700)
    return str(path)


def test_the_editor_is_opened_again_until_the_text_can_be_saved(
    ccops: Call, terminal: Call, home: Path, tmp_path: Path
) -> None:
    ccops("op", "add", "pay", "--field", "credits", "--increase", "10")
    program = editor(tmp_path / "ed", "s/increase/incrase/", "s/incrase/decrease/")
    done = terminal("op", "edit", "pay", answers=["y"], EDITOR=program, VISUAL="")
    assert done.status == 0, done.out
    assert '"incrase" is not an action' in done.out
    assert "give the same command again" not in done.out
    assert saved(home)["pay"]["action"] == "decrease"
    assert sorted(path.name for path in home.iterdir() if path.suffix == ".toml") == ["operations.toml"]


def test_an_edited_text_that_can_not_be_saved_is_kept(ccops: Call, terminal: Call, home: Path, tmp_path: Path) -> None:
    ccops("op", "add", "pay", "--field", "credits", "--increase", "10")
    before = (home / "operations.toml").read_text()
    done = terminal(
        "op", "edit", "pay", answers=["n"], EDITOR=editor(tmp_path / "ed", "s/increase/incrase/"), VISUAL=""
    )
    assert done.status == 2
    (kept,) = [path for path in home.glob("*.toml") if path.name != "operations.toml"]
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == (before.replace("increase", "incrase"), 0o600)
    assert str(kept) in done.out.replace("\n", "")
    assert (home / "operations.toml").read_text() == before


@pytest.mark.usefixtures("home")
def test_an_unchanged_text_changes_nothing(ccops: Call, terminal: Call) -> None:
    ccops("op", "add", "pay", "--field", "credits", "--increase", "10")
    assert "Nothing was changed." in terminal("op", "edit", "pay", EDITOR="true", VISUAL="").out


@pytest.mark.parametrize(("program", "told"), [("/no/such/editor", "can't be started"), ("'", "a quote is open")])
def test_an_editor_that_can_not_be_started_is_named(
    ccops: Call, terminal: Call, home: Path, program: str, told: str
) -> None:
    ccops("op", "add", "pay", "--field", "credits", "--increase", "10")
    done = terminal("op", "edit", "pay", EDITOR=program, VISUAL="")
    assert done.status == 2
    assert told in done.out
    assert [path.name for path in home.glob("*.toml")] == ["operations.toml"]


def test_remove_at_a_terminal_takes_no_for_no(ccops: Call, terminal: Call, home: Path) -> None:
    ccops("op", "add", "pay", "--field", "credits", "--increase", "10")
    assert terminal("op", "remove", "pay", answers=["n"]).status == 0
    assert "pay" in saved(home)
    assert terminal("op", "remove", "pay", answers=["y"]).status == 0
    assert saved(home) == {}


@pytest.mark.usefixtures("home")
def test_a_list_at_a_terminal_fits_80_columns(ccops: Call, terminal: Call) -> None:
    ccops(
        "op",
        "add",
        "monthly-grant",
        "--field",
        "credits",
        "--increase",
        "10",
        "--maximum",
        "120",
        "--once-per",
        "month",
        "--tag",
    )
    shown = terminal("op", "list").out.splitlines()
    assert shown == [
        "OPERATION      WHAT IT DOES                          TRIGGER TAG           STATE",
        "monthly-grant  credits +10, at most 120, once a      ccops: monthly-grant  ready",
        "               month",
    ]


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        (
            ("op", "add", "pay", "--field", "creditz", "--increase", "10"),
            "ccops op add pay --field credits --increase 10",
        ),
        (("op", "edit", "old", "--field", "creditz"), "ccops op edit old --field credits"),
        (
            ("op", "edit", "old", "--change", "creditz increase 3"),
            "ccops op edit old --change 'creditz increase 3' --create-field",
        ),
    ],
)
def test_a_misspelt_field_is_refused_whatever_else_is_wanted(
    ccops: Call, home: Path, words: tuple[str, ...], mend: str
) -> None:
    assert ccops("op", "add", "old", "--field", "plan", "--set", "gold", "--create-field").status == 0
    before = saved(home)
    refused = ccops(*words)
    assert (refused.status, saved(home)) == (2, before)
    assert 'Kit has no field "creditz". Nothing was changed. Did you mean credits?' in refused.err
    assert mend in [line.strip() for line in refused.err.splitlines()]


@pytest.mark.usefixtures("home")
def test_what_an_operation_reads_is_looked_for_too(ccops: Call) -> None:
    done = ccops("op", "add", "pay", "--field", "credits", "--formula", "credits + bonus")
    assert (done.status, done.err.splitlines()[0]) == (
        0,
        'warning: Kit has no field "bonus", which pay needs. To make it: ccops op edit pay --create-field',
    )
    assert ccops("op", "edit", "pay", "--create-field").status == 0
    assert "warning" not in ccops("op", "edit", "pay", "--formula", "credits + bonus").err


def test_without_kit_an_operation_is_made_all_the_same(ccops: Call, home: Path) -> None:
    done = ccops("op", "add", "pay", "--field", "creditz", "--increase", "10", KIT_API_URL="http://127.0.0.1:9")
    assert (done.status, "pay" in saved(home)) == (0, True)
    assert done.err.startswith("Whether Kit has the field could not be looked up: ")


@pytest.mark.usefixtures("home")
def test_a_yes_to_nothing_is_told_to_be_left_out(ccops: Call) -> None:
    refused = ccops("op", "add", "pay", "--field", "credits", "--increase", "10", "--yes")
    assert refused == Ended(
        2,
        "",
        "error: ccops op add asks nothing that --yes would answer. Leave it out:\n"
        "       ccops op add pay --field credits --increase 10\n",
    )

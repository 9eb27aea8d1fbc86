"""The command that began a run is written anew from what the ledger has of it."""

import json
from datetime import UTC, datetime

import pytest

from ccops.app.run_commands import command_of
from ccops.ledger.model import Run
from ccops.operations.model import STATES
from tests.engine.conftest import increase

ALL = sorted(STATES)
GRANT = increase(once_per="month", states=frozenset({"active", "cancelled"}))


def written(words: object, title: str = "") -> str | None:
    text = words if isinstance(words, str) else json.dumps(words)
    run = Run(31, text, title, "maria", datetime(2026, 11, 22, tzinfo=UTC), None, None)
    return command_of(run, {"pay": increase(), "grant": GRANT})


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["run", "pay", ["a@x.org", "7"], None, None, None, None], "ccops run pay a@x.org 7"),
        (["run", "pay", ["a@x.org"], "5", "key:no 7", None, None], "ccops run pay a@x.org --amount 5 --key 'no 7'"),
        (
            ["run", "pay", ["7"], None, None, "day", "day:2026-11-22"],
            "ccops run pay 7 --once-per day --period 2026-11-22",
        ),
        (
            ["run", "grant", {"all": True, "states": ["active", "cancelled"]}, None, None, "month", None],
            "ccops run grant --all",
        ),
        (
            ["run", "grant", {"all": True, "states": ALL}, None, None, "month", None],
            "ccops run grant --all --state all",
        ),
        (
            ["run", "pay", {"all": True, "states": ["active"]}, None, None, None, None],
            "ccops run pay --all --state active --once-per run",
        ),
        (
            ["run", "pay", {"file": "/a b.csv", "states": ALL}, None, None, None, None],
            "ccops run pay --file '/a b.csv' --once-per run",
        ),
        (
            ["run", "pay", {"tagged": 5, "states": ALL}, None, None, None, None],
            "ccops run pay --tagged 5 --once-per run",
        ),
        (["run", "gone", ["7"], None, None, "month", None], "ccops run gone 7 --once-per month"),
        (["adjust", "a@x.org", "credits", "take 3", None], "ccops adjust a@x.org credits --take 3"),
        (["adjust", "7", "credits", "add 3", "adjust:credits:key:x"], "ccops adjust 7 credits --add 3 --key x"),
        (
            ["import", "/in.csv", "credits", [["set", "My credits"]], None],
            "ccops import /in.csv --field credits --column 'My credits=set'",
        ),
        (["import", "/in.csv", "credits", [], "key:spring"], "ccops import /in.csv --field credits --key spring"),
        (["undo", [1, 2], True, False], "ccops undo e1 e2 --force"),
        (["undo", "r7", False, True], "ccops undo --run r7 --reopen"),
        (["reconcile", "credits", "adopt"], "ccops reconcile credits --adopt"),
        (["serve"], "ccops serve"),
    ],
)
def test_a_command_is_written_as_it_was_given(words: object, command: str) -> None:
    assert written(words) == command


def test_a_tag_is_named_as_the_run_named_it() -> None:
    words = ["run", "pay", {"tagged": 5, "states": ALL}, None, None, None, None]
    title = 'run pay for the carriers of "Member: Gold"'
    assert written(words, title) == "ccops run pay --tagged 'Member: Gold' --once-per run"


def test_a_look_for_tags_is_written_too() -> None:
    assert written("poll", "poll") == "ccops poll"


@pytest.mark.parametrize(
    "words",
    [
        ["import", "d41d8cd98f", "credits", [], None],
        ["run", "pay", {"file": "d41d8cd98f", "states": ALL}, None, None, None, None],
        ["tag bind", "pay", 5],
        ["run", "pay"],
        "not ours",
    ],
)
def test_what_the_words_do_not_tell_is_not_made_up(words: object) -> None:
    assert written(words) is None

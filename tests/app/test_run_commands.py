"""The command that began a run is written anew from what the ledger has of it, old ledgers' too."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccops.app.run_commands import command_of
from ccops.ledger.commands import (
    POLL,
    SERVE,
    TAKE_OVER,
    AdjustCommand,
    BindTagCommand,
    Command,
    ImportCommand,
    ReconcileCommand,
    RunCommand,
    Selection,
    SettleCommand,
    UndoCommand,
    beginning_of,
    command_from,
    text_of,
)
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Run
from ccops.ledger.store.schema import APPLICATION_ID, MIGRATIONS
from ccops.operations.model import STATES
from tests.engine.conftest import increase

UNDO = UndoCommand(None, (1, 2), force=True, reopen=False)
ALL = tuple(sorted(STATES))
GRANT = increase(once_per="month", states=frozenset({"active", "cancelled"}))
NAMED = Selection(("a@x.org", "7"))
SEVEN = Selection(("7",))
GOLD = Selection(tagged=5, states=ALL, tag="Member: Gold")

COMMANDS: list[tuple[list[object], str, Command, str | None]] = [
    (["run", "pay", ["a@x.org", "7"], None, None, None, None], "", RunCommand("pay", NAMED), "ccops run pay a@x.org 7"),
    (
        ["run", "pay", ["7"], "5", "key:no 7", None, None],
        "",
        RunCommand("pay", SEVEN, "5", "key:no 7"),
        "ccops run pay 7 --amount 5 --key 'no 7'",
    ),
    (
        ["run", "pay", ["7"], None, None, "day", "day:2026-11-22"],
        "",
        RunCommand("pay", SEVEN, once_per="day", period="day:2026-11-22"),
        "ccops run pay 7 --once-per day --period 2026-11-22",
    ),
    (
        ["run", "grant", {"all": True, "states": ["active", "cancelled"]}, None, None, "month", None],
        "",
        RunCommand("grant", Selection(everyone=True, states=("active", "cancelled")), once_per="month"),
        "ccops run grant --all",
    ),
    (
        ["run", "grant", {"all": True, "states": ALL}, None, None, "month", None],
        "",
        RunCommand("grant", Selection(everyone=True, states=ALL), once_per="month"),
        "ccops run grant --all --state all",
    ),
    (
        ["run", "pay", {"all": True, "states": ["active"]}, None, None, None, None],
        "",
        RunCommand("pay", Selection(everyone=True, states=("active",))),
        "ccops run pay --all --state active --once-per run",
    ),
    (
        ["run", "pay", {"file": "/a b.csv", "states": ALL, "columns": [["email", "E-Mail"]]}, None, None, None, None],
        "",
        RunCommand("pay", Selection(file="/a b.csv", states=ALL, columns=(("email", "E-Mail"),))),
        "ccops run pay --file '/a b.csv' --column E-Mail=email --once-per run",
    ),
    (
        ["run", "pay", {"tagged": 5, "states": ALL}, None, None, None, None],
        "",
        RunCommand("pay", Selection(tagged=5, states=ALL)),
        "ccops run pay --tagged 5 --once-per run",
    ),
    (
        ["run", "pay", {"tagged": 5, "states": ALL}, None, None, None, None],
        'pay for the carriers of "Member: Gold", today',
        RunCommand("pay", GOLD),
        "ccops run pay --tagged 'Member: Gold' --once-per run",
    ),
    (
        ["run", "gone", ["7"], None, None, "month", None],
        "",
        RunCommand("gone", SEVEN, once_per="month"),
        "ccops run gone 7 --once-per month",
    ),
    (
        ["adjust", "zoë@x.org", "credits", "take 3", None],
        "",
        AdjustCommand("zoë@x.org", "credits", "take", "3"),
        "ccops adjust 'zoë@x.org' credits --take 3",
    ),
    (
        ["adjust", "7", "credits", "add 3", "adjust:credits:key:x"],
        "",
        AdjustCommand("7", "credits", "add", "3", "adjust:credits:key:x"),
        "ccops adjust 7 credits --add 3 --key x",
    ),
    (
        ["import", "/in.csv", "credits", [["set", "My credits"]], None],
        "",
        ImportCommand("/in.csv", "credits", (("set", "My credits"),)),
        "ccops import /in.csv --field credits --column 'My credits=set'",
    ),
    (
        ["import", "/in.csv", "credits", [], "key:spring"],
        "",
        ImportCommand("/in.csv", "credits", (), "key:spring"),
        "ccops import /in.csv --field credits --key spring",
    ),
    (
        ["undo", [1, 2], True, False],
        "",
        UndoCommand(None, (1, 2), force=True, reopen=False),
        "ccops undo e1 e2 --force",
    ),
    (["undo", "r7", False, True], "", UndoCommand("r7", (), force=False, reopen=True), "ccops undo --run r7 --reopen"),
    (["reconcile", "credits", "adopt"], "", ReconcileCommand("credits", "adopt"), "ccops reconcile credits --adopt"),
    (["serve"], "", SERVE, "ccops serve"),
    (["import", "d41d8cd98f", "credits", [], None], "", ImportCommand("d41d8cd98f", "credits"), None),
    (
        ["run", "pay", {"file": "d41d8cd98f", "states": ALL}, None, None, None, None],
        "",
        RunCommand("pay", Selection(file="d41d8cd98f", states=ALL)),
        None,
    ),
    (["tag bind", "pay", 5], "", BindTagCommand("pay", 5), None),
    (["settle", 3, "lost"], "", SettleCommand(3, "lost"), None),
]
"""What an older ccops wrote, by place; the title of such a run; the command that it is; how it is given again."""


def written(text: str, tag: str | None = None) -> str | None:
    run = Run(31, text, "", "maria", datetime(2026, 11, 22, tzinfo=UTC), None, None, tag)
    return command_of(run, {"pay": increase(), "grant": GRANT})


@pytest.mark.parametrize(("command", "spelled"), [(command, spelled) for _, _, command, spelled in COMMANDS])
def test_a_command_is_written_as_it_was_given(command: Command, spelled: str | None) -> None:
    tag = command.selection.tag if isinstance(command, RunCommand) else None
    assert command_from(text_of(command), tag or "") == command
    assert written(text_of(command), tag) == spelled


def test_a_look_for_tags_is_written_too() -> None:
    assert written(text_of(POLL)) == "ccops poll"


@pytest.mark.parametrize("text", ["not ours", "[]", "{}", '{"command":"run"}', '{"command":"poll","more":1}', "7"])
def test_what_is_no_command_is_none(text: str) -> None:
    assert written(text) is None


def test_a_path_that_is_no_text_is_kept() -> None:
    command = ImportCommand("/no\udcfftext.csv", "credits")
    assert text_of(command).encode()
    assert command_from(text_of(command)) == command


def test_a_renamed_tag_is_the_same_command() -> None:
    other = RunCommand("pay", Selection(tagged=5, states=ALL, tag="Member: Platinum"))
    assert text_of(other) == text_of(RunCommand("pay", GOLD))


def test_runs_of_an_operation_begin_alike() -> None:
    for _, _, command, _ in COMMANDS:
        is_of_pay = isinstance(command, RunCommand) and command.operation == "pay"
        assert text_of(command).startswith(beginning_of("pay")) is is_of_pay


def test_commands_of_an_older_ledger_are_known_again(tmp_path: Path) -> None:
    """The ledger's format 5 had them by place, and the tag's name only in the title."""
    path = tmp_path / "ledger.sqlite3"
    olds = [(json.dumps(words), title, command) for words, title, command, _ in COMMANDS]
    olds += [("poll", "poll", POLL), ("init --take-over --grants-done", "", TAKE_OVER)]
    Ledger.create(path, tmp_path / "locks").close()
    path.unlink()
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for statement in (each for migration in MIGRATIONS[:5] for each in migration):
            file.execute(statement)
        file.execute("PRAGMA user_version = 5")
        file.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for number, (words, title, _) in enumerate(olds, 1):
            row = (number, words, title, "maria", "2026-11-22T10:00:00Z", None, None)
            file.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    with closing(Ledger.open(path, tmp_path / "locks")) as ledger:
        for number, (_, _, command) in enumerate(olds, 1):
            run = ledger.runs.get(number)
            assert (run.words, command_from(run.words, run.tag or "")) == (text_of(command), command)

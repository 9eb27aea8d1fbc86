"""A change is said in a few words."""

# ruff: noqa: RUF001 - a minus and a times sign, for people

import pytest

from ccops.operations.model import REGISTRY_ACTIONS, Action, Change
from ccops.operations.plan import describe_change
from tests.operations.builders import dec


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change("credits", "increase", amount=dec("10")), "credits +10"),
        (Change("credits", "increase", amount=dec("10"), maximum=dec("120")), "credits +10, at most 120"),
        (Change("credits", "increase", amount=dec("10"), minimum=dec("0")), "credits +10"),
        (Change("credits", "decrease", amount=dec("3"), minimum=dec("0"), maximum=dec("9")), "credits −3, at least 0"),
        (Change("credits", "increase", amount=dec("-3"), minimum=dec("0")), "credits −3, at least 0"),
        (Change("credits", "decrease", amount=dec("-3"), maximum=dec("9")), "credits +3, at most 9"),
        (Change("credits", "increase", amount=dec("1E+3")), "credits +1000"),
        (Change("credits", "increase"), "credits + the amount given"),
        (Change("credits", "decrease", minimum=dec("0")), "credits − the amount given, at least 0"),
        (Change("credits", "set", amount=dec("40")), "credits = 40"),
        (
            Change("credits", "set", minimum=dec("0"), maximum=dec("9")),
            "credits = the amount given, at least 0, at most 9",
        ),
        (Change("level", "set", value="gold"), 'level = "gold"'),
        (Change("level", "set", value="\x1b[1m"), 'level = "\\x1b[1m"'),
        (Change("level", "set", value=""), "level emptied"),
        (Change("credits", "multiply", amount=dec("1.5")), "credits × 1.5"),
        (Change("credits", "top-up", amount=dec("10")), "credits topped up to 10"),
        (Change("level", "append", value=", gold"), 'level with ", gold" appended'),
        (Change("old", "copy", source="level"), "old = value of level"),
        (Change("expires_on", "add-days", amount=dec("30")), "expires_on +30 days"),
        (Change("expires_on", "add-days", amount=dec("-1")), "expires_on −1 day"),
        (Change("expires_on", "add-days"), "expires_on + the days given"),
        (Change("replay_opened_on", "stamp"), "replay_opened_on = today"),
        (Change("score", "formula", formula="min(a,\n  3)", maximum=dec("9")), "score = min(a, 3), at most 9"),
        (Change("credits", "restore", value="5"), 'credits back to "5"'),
        (Change("credits", "restore", value=None), "credits back to empty"),
    ],
)
def test_a_change_is_said_in_a_few_words(change: Change, words: str) -> None:
    assert describe_change(change) == words


@pytest.mark.parametrize("action", REGISTRY_ACTIONS)
def test_every_action_has_its_words(action: Action) -> None:
    assert describe_change(Change("credits", action)).startswith("credits ")

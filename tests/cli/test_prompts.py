"""Questions are for people at a terminal; a script is told which option answers them."""

import io
from collections.abc import Sequence

import pytest

from ccops.cli.output import Console
from ccops.cli.prompts import NobodyToAsk, Prompts
from ccops.errors import Misconfigured
from tests.cli.calls import Terminal


def at_terminal(answers: Sequence[str]) -> tuple[Prompts, Terminal]:
    screen = Terminal()
    console = Console(io.StringIO(), screen, {"NO_COLOR": "1"})
    return Prompts(console, Terminal("".join(f"{answer}\n" for answer in answers))), screen


@pytest.mark.parametrize(
    ("answers", "default", "meant"),
    [(["y"], False, True), (["YES"], False, True), (["n"], True, False), ([""], False, False), ([""], True, True)],
)
def test_an_empty_answer_means_the_default(answers: list[str], default: bool, meant: bool) -> None:
    questions, _ = at_terminal(answers)
    assert questions.confirm("Go on?", default=default) is meant


def test_an_unclear_answer_is_asked_again() -> None:
    questions, screen = at_terminal(["perhaps", "y"])
    assert questions.confirm("Go on?")
    assert screen.getvalue() == 'Go on? [y/N] Please answer "y" or "n".\nGo on? [y/N] '


def test_an_answer_is_asked_for_until_it_is_good() -> None:
    def even(text: str) -> int:
        if int(text) % 2:
            raise Misconfigured("that is odd.")
        return int(text)

    questions, screen = at_terminal(["3", "4"])
    assert questions.ask("Number?", even, option="--n") == 4
    assert screen.getvalue() == "Number? that is odd.\nNumber? "


def test_a_choice_is_made_by_number_or_by_word() -> None:
    choices = [("refuse", "change nothing"), ("clamp", "go to the limit")]
    questions, screen = at_terminal(["2", "refuse", "", "7", "1"])
    chosen = [questions.choose("And then?", choices, option="--beyond", default="clamp") for _ in range(4)]
    assert chosen == ["clamp", "refuse", "clamp", "refuse"]
    assert screen.getvalue().startswith(
        "And then?\n   1  refuse  change nothing\n   2  clamp   go to the limit\nNumber or word [clamp]: "
    )
    assert "Please give a number from 1 to 2" in screen.getvalue()


def test_the_end_of_input_is_an_interruption() -> None:
    questions, _ = at_terminal([])
    with pytest.raises(KeyboardInterrupt):
        questions.confirm("Go on?")


@pytest.mark.parametrize("stdin", [None, io.StringIO("y\n")])
def test_without_a_terminal_the_option_is_named(stdin: io.StringIO | None) -> None:
    questions = Prompts(Console(io.StringIO(), Terminal(), {}), stdin)
    assert not questions.possible
    with pytest.raises(NobodyToAsk, match=r'nobody is here to answer "Go on\?" Nothing was done\. Give --yes\.'):
        questions.confirm("Go on?")
    with pytest.raises(NobodyToAsk, match=r"Give --field\."):
        questions.choose("Which?", [("a", "b")], option="--field")

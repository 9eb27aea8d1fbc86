"""Runs: which one the same command goes on with."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccops.ledger.errors import NoSuchRun
from ccops.ledger.ledger import Ledger
from ccops.ledger.runs import Started
from tests.engine.conftest import new_ledger

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
WORDS = "run payment-credit ann@example.org"
AT_WORK = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ccops.ledger.ledger import Ledger

home = Path(sys.argv[1])
ledger = Ledger.open(home / "ledger.sqlite3", home / "locks")
started = ledger.runs.start(sys.argv[2], "a run", "maria", datetime.now(UTC))
print(started.run.id, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = new_ledger(tmp_path)
    yield made
    made.close()


@pytest.fixture
def another_process(tmp_path: Path) -> Iterator[Callable[[str], tuple[int, subprocess.Popen[str]]]]:
    """Begin a run in a process of its own; return the run, and the process, which is at work until it is killed."""
    children: list[subprocess.Popen[str]] = []

    def begin(words: str) -> tuple[int, subprocess.Popen[str]]:
        child = subprocess.Popen(
            [sys.executable, "-c", AT_WORK, str(tmp_path), words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        assert child.stdout is not None
        return int(child.stdout.readline()), child

    yield begin
    for child in children:
        child.kill()
        child.communicate()


def start(ledger: Ledger, words: str = WORDS, *, new: bool = False) -> Started:
    return ledger.runs.start(words, "a run", "maria", NOW, new=new)


def die(started: Started) -> None:
    """Let go of the lock as a dying process does: nothing is said to the ledger, and the lock's file stays."""
    started.lock.drop()


def test_a_run_that_never_reported_its_end_is_gone_on_with(ledger: Ledger) -> None:
    first = start(ledger)
    die(first)
    second = start(ledger)
    assert (second.run.id, second.resumed) == (first.run.id, True)


def test_a_run_that_was_told_to_stay_open_is_gone_on_with(ledger: Ledger) -> None:
    first = start(ledger)
    ledger.runs.stop(first, 4, NOW, ended=False)
    second = start(ledger)
    assert (second.run.id, second.resumed, second.run.exit_status) == (first.run.id, True, 4)


def test_a_run_that_ended_is_not(ledger: Ledger) -> None:
    first = start(ledger)
    ledger.runs.stop(first, 0, NOW, ended=True)
    second = start(ledger)
    assert (second.run.id, second.resumed) == (first.run.id + 1, False)


def test_another_command_is_another_run(ledger: Ledger) -> None:
    die(start(ledger))
    assert not start(ledger, "run payment-credit bob@example.org").resumed


def test_a_new_run_may_be_asked_for(ledger: Ledger) -> None:
    die(start(ledger))
    assert not start(ledger, new=True).resumed


def test_a_run_that_was_given_up_by_a_new_one_is_not_dug_out_later(ledger: Ledger) -> None:
    die(start(ledger))
    ledger.runs.stop(start(ledger, new=True), 0, NOW, ended=True)
    assert not start(ledger).resumed


def test_a_run_at_work_in_another_process_is_left_alone(
    ledger: Ledger, another_process: Callable[[str], tuple[int, subprocess.Popen[str]]]
) -> None:
    run, _ = another_process(WORDS)
    mine = start(ledger)
    assert (mine.resumed, mine.run.id != run) == (False, True)
    assert ledger.runs.unfinished() == []


def test_a_run_whose_process_was_killed_is_gone_on_with(
    ledger: Ledger, another_process: Callable[[str], tuple[int, subprocess.Popen[str]]]
) -> None:
    run, child = another_process(WORDS)
    child.kill()
    child.wait()
    assert [left.id for left in ledger.runs.unfinished()] == [run]
    mine = start(ledger)
    assert (mine.resumed, mine.run.id) == (True, run)


def test_a_resumed_run_that_ends_is_over(ledger: Ledger) -> None:
    die(start(ledger))
    ledger.runs.stop(start(ledger), 0, NOW, ended=True)
    assert (start(ledger).resumed, ledger.runs.get(1).exit_status) == (False, 0)


def test_an_ended_run_leaves_no_lock_file_behind(ledger: Ledger, tmp_path: Path) -> None:
    ledger.runs.stop(start(ledger), 0, NOW, ended=True)
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["start"]


def test_an_unknown_run_is_told_so(ledger: Ledger) -> None:
    with pytest.raises(NoSuchRun, match="r7"):
        ledger.runs.get(7)


def test_a_run_of_the_same_words_at_work_is_named_to_the_one_beside_it(ledger: Ledger) -> None:
    first = start(ledger)
    beside = start(ledger).beside
    assert beside is not None
    assert (beside.id, start(ledger, new=True).beside) == (first.run.id, None)


def test_only_a_run_whose_lock_is_held_is_alive(ledger: Ledger, tmp_path: Path) -> None:
    started = start(ledger)
    assert [ledger.runs.is_alive(run) for run in (1, 7)] == [True, False]
    die(started)
    assert not ledger.runs.is_alive(1)
    assert not (tmp_path / "locks" / "run-7").exists(), "a look leaves nothing behind"


def test_a_run_that_was_given_up_for_another_of_the_same_words_is_not_unfinished(ledger: Ledger) -> None:
    die(start(ledger))
    assert [run.id for run in ledger.runs.unfinished()] == [1]
    ledger.runs.stop(ledger.runs.start(WORDS, WORDS, "maria", NOW, new=True), 0, NOW, ended=True)
    assert ledger.runs.unfinished() == []

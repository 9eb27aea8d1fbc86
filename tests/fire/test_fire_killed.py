"""A real run is killed at every commit and at every request, and the same command is given again: one change."""

import os
import signal
from collections.abc import Iterator
from itertools import count

import pytest

from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from tests.fire.conftest import RECEIPT, Place

KILLED = -signal.SIGKILL

RUN = ("run", "payment-credit", "{contact}")
RUN_WITH_KEY = ("run", "payment-credit", "{contact}", "--key", "invoice-{round}")
GRANT = ("run", "monthly-grant", "{contact}")
GRANT_WITH_KEY = (*GRANT, "--key", "november-{round}")
RUN_BY_ID = ("run", "payment-credit", "{id}", "--amount", "10")
TWO_FIELDS = ("run", "unlock-replay", "{contact}")
ADJUST = ("adjust", "{contact}", "credits", "--add", "10")
UNDO = ("undo", "{entry}")

COMMANDS = {
    "run": (RUN, {"credits": "15"}),
    "run with a key": (RUN_WITH_KEY, {"credits": "15"}),
    "grant of the month": (GRANT, {"credits": "15"}),
    "two fields": (TWO_FIELDS, {"credits": "2", "replays": "1"}),
    "run by id": (RUN_BY_ID, {"credits": "15"}),
    "grant with a key": (GRANT_WITH_KEY, {"credits": "15"}),
    "adjust": (ADJUST, {"credits": "15"}),
    "undo": (UNDO, {"credits": "5"}),
}
AT_EACH_GATE = {"run with a key", "grant of the month", "two fields", "undo"}
"""More than a hundred rounds; the other commands, which differ from these in little, are for `make campaign`."""
NAMES = [pytest.param(name, marks=() if name in AT_EACH_GATE else pytest.mark.campaign) for name in COMMANDS]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]  # dozens of processes, one after the other


class Round:
    """One contact with 5 credits, on whom one command is killed and given again."""

    def __init__(self, place: Place, command: tuple[str, ...], number: int) -> None:
        self.place = place
        self.email = f"contact{number}@example.org"
        self.contact = place.kit.add_contact(self.email, credits="5")
        self.before: list[Entry] = []
        entry = ""
        if "{entry}" in command:
            place.run("run", "payment-credit", self.email)
            self.before = place.entries()
            entry = f"e{self.before[-1].id}"
        self.written_before = len(place.kit.writes(self.contact))
        self.words = [word.format(contact=self.email, id=self.contact, round=number, entry=entry) for word in command]

    def again(self) -> None:
        """Give the same command until it has ended, as a person or cron would."""
        for _ in range(3):
            status, said = self.place.run(*self.words)
            if status == 0 or "already" in said:
                return
        pytest.fail(f"{self.words} did not come to its end: {said}")

    def has_ended(self) -> bool:
        """Whether the killed run had reported its end, so that the same words would be another occasion."""
        new = self._new_entries()
        return bool(new) and new[0].status == "applied" and _run_ended(self.place, new[0].run)

    def check(self, expected: dict[str, str]) -> None:
        """Demand one change in Kit, and a ledger that tells the same."""
        kit = self.place.kit
        values = kit.field_values(self.contact)
        assert {key: values[key] for key in expected} == expected
        new = self._new_entries()
        assert [entry.status for entry in new] == ["applied"]
        assert {key: (new[0].after or {})[key] for key in expected} == expected
        assert values[RECEIPT] == self.place.receipt(new[0])
        assert len(kit.writes(self.contact)) == self.written_before + 1

    def _new_entries(self) -> list[Entry]:
        known = {entry.id for entry in self.before}
        return [entry for entry in self.place.entries() if entry.contact == self.contact and entry.id not in known]


def _run_ended(place: Place, run: int) -> bool:
    ledger = Ledger.open(place.path / "ledger.sqlite3", place.path / "locks", readonly=True)
    try:
        return ledger.runs.get(run).ended_at is not None
    finally:
        ledger.close()


def rounds(place: Place, command: tuple[str, ...]) -> Iterator[Round]:
    return (Round(place, command, number) for number in count(1))


@pytest.mark.parametrize("name", NAMES)
def test_killed_before_each_commit_it_counts_once(place: Place, name: str) -> None:
    command, expected = COMMANDS[name]
    for number, each in enumerate(rounds(place, command), 1):
        child = place.start(*each.words, kill_at_commit=number)
        child.communicate(timeout=250)
        if child.returncode != KILLED:  # there are fewer commits than that: all were visited
            assert number > 5
            break
        if not each.has_ended():
            each.again()
        each.check(expected)


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("name", NAMES)
def test_killed_at_each_request_it_counts_once(place: Place, name: str, phase: str) -> None:
    """`before`: the request has left and still takes effect; `after`: it took effect, the answer is lost."""
    command, expected = COMMANDS[name]
    for number, each in enumerate(rounds(place, command), 1):
        child = place.start(*each.words)
        asked = count(1 - number)

        def kill(now: str, _method: str, _path: str, pid: int = child.pid, asked: Iterator[int] = asked) -> None:
            if now == phase and next(asked) == 0:
                os.kill(pid, signal.SIGKILL)

        place.kit.on_request = kill
        child.communicate(timeout=250)
        place.kit.on_request = lambda *_: None
        if child.returncode != KILLED:
            assert number > 2
            break
        if not each.has_ended():
            each.again()
        each.check(expected)

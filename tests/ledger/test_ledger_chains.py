"""The ledger alone, in any order of its steps: of an occasion, and of a period, one entry counts at most."""

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ccops.ledger.errors import BroughtBack, ComingBack, OccasionTaken, UndoStopped
from ccops.ledger.model import Claim, Entry, Origin
from tests.engine.conftest import new_ledger

NOW: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)
MEMORY: Final = Path("/dev/shm")
PERIODS: Final = {"key:1": "month:2026-11", "key:2": "month:2026-11", "key:3": None}
NUMBERS: Final = st.integers(0, 30)


class Chains(RuleBasedStateMachine):
    """Runs, undos, undos of undos and reruns of one contact; each may stop after each of its steps."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.ledger = new_ledger(Path(self._folder.name))
        self.ledger.runs.stop(self.ledger.runs.start("run", "run", "maria", NOW), 0, NOW, ended=True)
        self.arrived: set[int] = set()
        """The entries whose write has arrived, as their commands have seen it."""
        self.seen: list[Entry] = []
        """All entries, as they are before the next step."""

    def teardown(self) -> None:
        self.ledger.close()
        self._folder.cleanup()

    # ---- what commands begin

    @rule(occasion=st.sampled_from(sorted(PERIODS)))
    def run(self, occasion: str) -> None:
        self._claim(occasion, period=PERIODS[occasion])

    @precondition(lambda self: self._entries())
    @rule(number=NUMBERS, reopens=st.booleans())
    def undo(self, number: int, *, reopens: bool) -> None:
        undone = self._any(number)
        self._claim(f"undo:{undone.id}", undoes=undone.id, reopens=reopens)

    @precondition(lambda self: self._entries("undone"))
    @rule(number=NUMBERS)
    def reopen(self, number: int) -> None:
        with suppress(BroughtBack, ComingBack):
            self.ledger.entries.reopen(self._any(number, "undone").id)

    # ---- how they go on, or do not

    @precondition(lambda self: self._entries("intended") and not self._entries("sending"))
    @rule(number=NUMBERS)
    def send(self, number: int) -> None:
        entry = self._any(number, "intended")
        try:
            self.ledger.entries.send(entry, {"credits": "5"}, {"credits": "15"}, None, None, NOW)
        except UndoStopped:
            self.ledger.entries.refuse(entry, "overtaken", "overtaken", NOW)

    @precondition(lambda self: self._entries("sending"))
    @rule()
    def arrive(self) -> None:
        entry = self.ledger.entries.arrive(self._any(0, "sending"), NOW, released=True)
        if entry.status == "applied":
            self.arrived.add(entry.id)

    @precondition(lambda self: self._entries("sending"))
    @rule(certain=st.booleans())
    def come_to_nothing(self, *, certain: bool) -> None:
        entry, entries = self._any(0, "sending"), self.ledger.entries
        (entries.not_sent if certain else entries.unsend)(entry)

    @precondition(lambda self: self._entries("intended"))
    @rule(number=NUMBERS, refused=st.booleans())
    def end(self, number: int, *, refused: bool) -> None:
        entry, entries = self._any(number, "intended"), self.ledger.entries
        if refused:
            entries.refuse(entry, "limit", "too much", NOW)
        else:
            entries.fail(entry, "no longer in Kit", NOW)

    # ---- what a person sees to

    @precondition(lambda self: self._sent("intended", "sending", "refused", "failed"))
    @rule(number=NUMBERS)
    def park(self, number: int) -> None:
        """Also what had come to nothing, and whose write came late."""
        sent = self._sent("intended", "sending", "refused", "failed")
        self.ledger.entries.park(sent[number % len(sent)], "its write came late", NOW)

    @precondition(lambda self: self._entries("parked"))
    @rule(number=NUMBERS, applied=st.booleans())
    def settle(self, number: int, *, applied: bool) -> None:
        entry = self._any(number, "parked")
        if not applied:
            self.ledger.entries.fail(entry, "maria said so", NOW)
            return
        with suppress(OccasionTaken):
            self.ledger.entries.confirm(entry, NOW, released=True)
            self.arrived.add(entry.id)

    @rule()
    def take_over(self) -> None:
        """Nothing that was begun is sent any more, under the number that it had."""
        if not self._entries("sending"):
            self.ledger.identity.take_over(frozenset(), self.ledger.entries.highest())

    # ---- what always holds

    @invariant()
    def what_counts_follows_the_chains_and_counts_once(self) -> None:
        self.seen = self.ledger.entries.of_run(1)
        counting = self._counting()
        for entry in self._entries("applied", "undone"):
            assert entry.id in self.arrived
            assert (entry.status == "applied") == (entry.id in counting)
            assert entry.undone_by is None or entry.undone_by in counting
        held = [entry for entry in self.seen if entry.id in counting]
        assert max(Counter(entry.occasion for entry in held).values(), default=0) <= 1
        assert max(Counter(entry.period for entry in held if entry.period).values(), default=0) <= 1

    def _counting(self) -> set[int]:
        """Say which entries count, by nothing but what has arrived and what undoes what."""
        counting: set[int] = set()
        for entry in reversed(self.seen):
            undos = [each.id for each in self.seen if each.undoes == entry.id]
            if entry.id in self.arrived and not counting.intersection(undos):
                counting.add(entry.id)
        return counting

    # ---- help

    def _claim(self, occasion: str, **more: object) -> None:
        plain = Claim("grant", "{}", 7, occasion, 1, Origin("maria", "run"), NOW)
        self.ledger.entries.claim(replace(plain, **more))  # type: ignore[arg-type]

    def _entries(self, *statuses: str) -> list[Entry]:
        return [each for each in self.seen if not statuses or each.status in statuses]

    def _any(self, number: int, *statuses: str) -> Entry:
        found = self._entries(*statuses)
        return found[number % len(found)]

    def _sent(self, *statuses: str) -> list[Entry]:
        return [each for each in self._entries(*statuses) if each.sends]


TestChains = Chains.TestCase

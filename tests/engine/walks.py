"""Walks every way in which requests for one contact can go, from state to state, each state once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ccops.engine.apply import Applier
from ccops.engine.batch import BulkApplier, ContactGroup
from ccops.engine.errors import NotUndoable
from ccops.engine.outcomes import Outcome, Request
from ccops.engine.preview import Preview
from ccops.engine.settle import SettleWord, settle_as
from ccops.errors import CcopsError
from ccops.ledger.errors import NoSuchEntry
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.locks import Locks
from tests.engine.conftest import StandingClock, new_ledger
from tests.engine.frail import SETTLE_AFTER, Crash, Fate, FrailCrm, FrailSqlite, Kit

START = datetime(2026, 11, 22, 10, tzinfo=UTC)
STEP = SETTLE_AFTER + timedelta(seconds=1)

Ask = Callable[[Ledger], Request]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Requests for one contact, and how the contact and the ledger are before them."""

    asks: Mapping[str, Ask]
    kit: Kit
    before: tuple[Ask, ...] = ()
    """Requests that have come to their end, without trouble."""
    listed: frozenset[str] = frozenset()
    """The requests that come with the contact's row in a list, by the way of many contacts in one request."""
    once: frozenset[str] = frozenset()
    """The requests that may do something again when they are made after the end of all."""

    @property
    def repeatable(self) -> Mapping[str, Ask]:
        """The requests that do nothing when they are made again after the end of all."""
        return {name: ask for name, ask in self.asks.items() if name not in self.once}


@dataclass(frozen=True, slots=True)
class State:
    """All that outlives a request: both sides, the time, and what is still asked for."""

    file: bytes
    entries: tuple[Entry, ...]
    kit: Kit
    moment: datetime
    waiting: tuple[str, ...]
    troubles: int
    """How many more may happen."""
    story: tuple[str, ...] = ()
    """How it came to this, for people."""

    @property
    def young(self) -> bool:
        """Whether it is too early to tell what became of a write."""
        return any(entry.status == "sending" and self.moment < _due(entry) for entry in self.entries)

    @property
    def key(self) -> str:
        """What makes a difference for all that may still happen, and for the judgement of it."""
        entries = tuple(replace(entry, run=0, at=START, sent_at=None, ended_at=None) for entry in self.entries)
        under_way = tuple(late.effect for late in self.kit.under_way)
        kit = replace(self.kit, under_way=())
        return repr((entries, self.young, kit, under_way, self.waiting, self.troubles))


@dataclass(frozen=True, slots=True)
class Step:
    """One request, from its beginning to its answer or its death."""

    ask: str
    after: State
    outcome: Outcome | None
    written: tuple[int, ...]
    """The entries of which a write left, in their order."""


class Walker:
    """Makes states, and goes on from them, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ledger.sqlite3"
        self._locks = Locks(folder / "locks")
        self.states = 0

    def start(self, scenario: Scenario, troubles: int) -> State:
        """Return the state in which nothing was asked for yet."""
        ledger = new_ledger(self._path.parent)
        ledger.runs.stop(ledger.runs.start("run", "run", "maria", START), 0, START, ended=True)
        ledger.close()
        waiting, hands = tuple(scenario.asks), scenario.kit.hands
        state = State(self._path.read_bytes(), (), replace(scenario.kit, hands=()), START, waiting, 0)
        for ask in scenario.before:
            state = self.ask(state, "before", ask).after
        return replace(state, kit=replace(state.kit, hands=hands), troubles=troubles, story=())

    def ends(self, scenario: Scenario, troubles: int, check: Callable[[Step], None]) -> Iterator[State]:
        """Go every way that there is, check every step, and give each state in which nothing is waiting any more."""
        stack = [self.start(scenario, troubles)]
        known = {stack[0].key}
        while stack:
            state = stack.pop()
            if not state.waiting:
                yield state
            for step in self._steps(state, scenario):
                check(step)
                new = {after.key: after for after in _nexts(step) if after.key not in known}
                known |= new.keys()
                stack += new.values()
        self.states = len(known)

    def ask(self, state: State, name: str, ask: Ask, fate: Fate | None = None, *, listed: bool = False) -> Step:
        """Carry one request out as fate has it."""

        def act(applier: Applier) -> Outcome | None:
            try:
                request = ask(applier.ledger)
                return from_list(applier, request) if listed else applier.apply(request)
            except (NotUndoable, NoSuchEntry):
                return None  # it was undone already, or is not there yet

        return self._act(state, name, act, fate or Fate())

    def foresee(self, state: State, ask: Ask) -> Outcome | type[CcopsError]:
        """Tell what a dry run says of a request, or what stops it."""
        clock = StandingClock()
        clock.moment = state.moment
        self._path.write_bytes(state.file)
        ledger = Ledger(FrailSqlite(self._path, Fate()), self._locks)
        try:
            return Preview(ledger, FrailCrm(state.kit, Fate(), clock), clock).look(ask(ledger))
        except CcopsError as error:
            return type(error)
        finally:
            ledger.close()

    def settle(self, state: State, entry: int, word: SettleWord) -> State:
        """End a parked entry by a person's word."""
        step = self._act(state, f"{entry} was {word}", lambda applier: settle_as(applier, entry, word, "maria"), Fate())
        return step.after

    def _act(self, state: State, name: str, act: Callable[[Applier], Outcome | None], fate: Fate) -> Step:
        clock = StandingClock()
        clock.moment = state.moment
        crm = FrailCrm(state.kit, fate, clock)
        self._path.write_bytes(state.file)
        ledger = Ledger(FrailSqlite(self._path, fate), self._locks)
        outcome, crashed = None, False
        try:
            outcome = act(Applier(ledger, crm, clock, SETTLE_AFTER))
        except Crash:
            crashed = True
        entries = tuple(ledger.entries.of_run(1))
        ledger.close()
        left = crashed or (outcome is not None and outcome.status == "open")
        answer = "dead" if crashed else "nothing to do" if outcome is None else outcome.status
        after = State(
            self._path.read_bytes(),
            entries,
            replace(crm.kit, lost=crm.kit.lost or crashed),
            clock.moment,
            tuple(other for other in state.waiting if other != name or left),
            fate.troubles,
            (*state.story, f"{name}: {'; '.join(fate.story) or 'no trouble'} -> {answer}"),
        )
        return Step(name, after, outcome, tuple(crm.written))

    def _steps(self, state: State, scenario: Scenario) -> Iterator[Step]:
        for name in state.waiting:
            for start in _times(state):
                scripts: list[tuple[int, ...]] = [()]
                while scripts:
                    fate = Fate(scripts.pop(), state.troubles)
                    yield self.ask(start, name, scenario.asks[name], fate, listed=name in scenario.listed)
                    scripts += fate.others()


def from_list(applier: Applier, request: Request) -> Outcome:
    """Carry a request out as a run over a list does."""
    assert isinstance(applier.crm, FrailCrm)
    (task,) = BulkApplier(applier).tasks([replace(request, row=applier.crm.listed())])
    if not isinstance(task, ContactGroup):
        return task()
    (outcome,) = task.do()
    return outcome or task.each[0]()


def _times(state: State) -> list[State]:
    """The next request may come at once; and later, if then more can be known."""
    later = replace(state, moment=state.moment + STEP, story=(*state.story, "later"))
    return [state, later] if state.young else [state]


def _nexts(step: Step) -> Iterator[State]:
    """Give the states from which to go on: what failed may be asked for again, or be left."""
    yield step.after
    if step.outcome is not None and step.outcome.status == "failed":
        yield replace(step.after, waiting=(*step.after.waiting, step.ask))


def _due(entry: Entry) -> datetime:
    return (entry.sent_at or entry.at) + SETTLE_AFTER

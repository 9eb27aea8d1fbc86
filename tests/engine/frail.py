"""A CRM and a database that fail wherever a script of fate says so, and remember every write that took effect."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Final, Literal, NoReturn

from ccops.clock import Clock
from ccops.crm.base import (
    Account,
    Contact,
    CustomField,
    HeldTag,
    KnownTag,
    Listing,
    ManyWritten,
    NotSent,
    OutcomeUnknown,
    Rejected,
    StateFilter,
)
from ccops.ledger.store.sqlite import Sqlite, Transaction
from tests.engine.conftest import RECEIPT

ANN: Final = 7
SETTLE_AFTER: Final = timedelta(seconds=60)

How = Literal["in time", "late", "belated", "partial", "by hand"]
"""How an effect came about. `late`: after the answer was lost, but before anybody looked what had become of the write;
`belated`: after a look that was made late enough had found that it had not arrived."""


class Crash(BaseException):
    """The process dies here; nothing of ours may catch it."""


class Fate:
    """Decides what happens at each point of a request: first what the script says, then always the ordinary thing."""

    def __init__(self, script: tuple[int, ...] = (), troubles: int = 0) -> None:
        self.troubles = troubles
        """How many more may happen."""
        self.taken: list[int] = []
        self.widths: list[int] = []
        self.story: list[str] = []
        self._script = script

    def choose(self, ordinary: str, troubles: Sequence[str], free: Sequence[str] = ()) -> str:
        """Say what happens; `free` are things other than the ordinary that do not count as trouble."""
        options = [ordinary, *free, *(troubles if self.troubles else ())]
        index = self._script[len(self.taken)] if len(self.taken) < len(self._script) else 0
        self.taken.append(index)
        self.widths.append(len(options))
        if index:
            self.story.append(options[index])
        if index > len(free):
            self.troubles -= 1
        return options[index]

    def others(self) -> list[tuple[int, ...]]:
        """Return the scripts that go another way at a point where this one went its ordinary way unscripted."""
        points = range(len(self._script), len(self.taken))
        return [(*self.taken[:at], other) for at in points for other in range(1, self.widths[at])]


class FrailSqlite(Sqlite):
    """A database whose process may die right before or right after any commit."""

    def __init__(self, path: Path, fate: Fate) -> None:
        super().__init__(path)
        self._fate = fate

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        joined = self._joined() is not None  # to a commit that is made of several steps
        with super().write() as db:
            yield db
            if joined:
                return
            happens = self._fate.choose("goes on", ("dies before a commit", "dies after a commit"))
            if happens == "dies before a commit":
                raise Crash
        if happens == "dies after a commit":
            raise Crash


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that changed the contact's fields."""

    how: How
    values: tuple[tuple[str, str], ...]
    entry: int = 0
    """Whose write it was; 0: a hand's."""
    base: str = ""
    """The credits that were read before it."""
    read_at: int = 0
    """How many effects there were at that read."""
    apart: bool = False
    """Whether it is a part of a write whose rows arrive each on its own, or not at all."""

    @property
    def credits(self) -> str | None:
        """What it made of the credits; None if it left them alone."""
        return dict(self.values).get("credits")


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A write that has left and not arrived."""

    effect: Effect
    since: datetime


@dataclass(frozen=True, slots=True)
class Kit:
    """All there is on the CRM's side."""

    fields: tuple[tuple[str, str | None], ...]
    effects: tuple[Effect, ...] = ()
    under_way: tuple[UnderWay, ...] = ()
    hands: tuple[str, ...] = ()
    """What somebody may do by hand, once."""
    tagged: datetime | None = None
    """Since when the contact carries the trigger tag."""
    untagged: tuple[datetime, ...] = ()
    """Taggings that were taken off by a request."""
    lost: bool = False
    """Whether an answer was lost, or a process died."""
    earlier: tuple[tuple[str, str | None], ...] | None = None
    """The fields as they were before the last effect, as a list that lags still shows them."""

    def after(self, effect: Effect) -> "Kit":
        """Let an effect take place."""
        fields = tuple((dict(self.fields) | dict(effect.values)).items())
        return replace(self, fields=fields, effects=(*self.effects, effect), earlier=self.fields)

    def arrival(self, which: int) -> "Kit":
        """Let a write arrive that is under way."""
        left = (*self.under_way[:which], *self.under_way[which + 1 :])
        return replace(self.after(self.under_way[which].effect), under_way=left)


PARTS: Final = ("only the receipt arrives", "only the values arrive")
MORE_PARTS: Final = (*PARTS, "only the first value arrives", "the first value and the receipt arrive")
LOST: Final = ("lost before", "lost after", "late", "dies before", "dies after", "dies, late")
OTHER_ANSWERS: Final = ("the answer shows something else", "nothing arrives, and the answer does not tell")
WHOLE: Final = "arrives"
ANSWERS: Final = ("told", "lost")
"""Of a write in rows: the answer shows those that arrived, or is lost."""


@dataclass
class FrailCrm:
    """A stand-in for the service, for one contact and one request at a time."""

    kit: Kit
    fate: Fate
    clock: Clock
    _base: tuple[str, int] | None = field(default=None, init=False)
    written: list[int] = field(default_factory=list, init=False)
    clock_ahead: timedelta | None = None

    # ---- what the applier uses

    def reserve(self, requests: int) -> None:
        """Wait for nothing."""

    def contact(self, contact_id: int) -> Contact | None:
        self._meanwhile()
        if self.fate.choose("is read", ("dies at a read",)) == "dies at a read":
            raise Crash
        self.kit = replace(self.kit, under_way=tuple(self._judged(late) for late in self.kit.under_way))
        values = dict(self.kit.fields)
        self._base = (values["credits"] or "", len(self.kit.effects))
        return Contact(contact_id, "ann@example.org", "active", values)

    def write(self, contact_id: int, values: Mapping[str, str]) -> Mapping[str, str | None]:
        assert contact_id == ANN
        assert self._base is not None, "a write without a read"
        self.written.append(_entry_of(values))
        self._meanwhile()
        parts = MORE_PARTS if len(values) > 2 else PARTS
        happens = self.fate.choose("arrives", (*LOST, "rejected", "not sent", *OTHER_ANSWERS, *parts))
        effect = Effect("in time", tuple(values.items()), _entry_of(values), *self._base)
        if happens == "rejected":
            raise Rejected(422, ["no"])
        if happens == "not sent":
            raise NotSent("come back later")
        before = dict(self.kit.fields)
        if happens in {"arrives", "lost after", "dies after", OTHER_ANSWERS[0]}:
            self.kit = self.kit.after(effect)
        if happens == "arrives":
            return values
        self.kit = replace(self.kit, lost=True)
        if happens not in OTHER_ANSWERS:
            self._lose(happens, effect)
        return before

    def find(self, email: str) -> Contact | None:
        return Contact(ANN, email, "active")

    def tags_of(self, contact_id: int) -> list[HeldTag]:
        assert contact_id == ANN
        if self.kit.tagged is not None and self.fate.choose("nothing", ("is tagged anew",)) == "is tagged anew":
            self._tag_anew()
        return [] if self.kit.tagged is None else [HeldTag(1, "credit", self.kit.tagged)]

    def remove_tag(self, contact_id: int, tag_id: int, tagged_at: datetime | None = None) -> None:  # noqa: ARG002
        assert (contact_id, tag_id) == (ANN, 1)
        happens = self.fate.choose("is taken off", ("dies before untagging", "dies after untagging", "untagging lost"))
        if happens == "dies before untagging":
            raise Crash
        if self.kit.tagged is not None:
            self.kit = replace(self.kit, tagged=None, untagged=(*self.kit.untagged, self.kit.tagged))
        if happens == "dies after untagging":
            raise Crash
        if happens == "untagging lost":
            raise OutcomeUnknown("the answer was lost")

    # ---- many contacts at once

    @property
    def most_at_once(self) -> int:
        return 100

    def listed(self) -> Contact:
        """Return the contact's row in a list, which may be older than the last thing that happened to it."""
        stale = () if self.kit.earlier is None else ("its row lags",)
        lags = self.fate.choose("its row is of now", (), free=stale) in stale
        values = dict(self.kit.earlier if lags and self.kit.earlier is not None else self.kit.fields)
        self._base = (values["credits"] or "", len(self.kit.effects) - lags)
        return Contact(ANN, "ann@example.org", "active", values, self.kit.tagged)

    def write_many(self, values: Mapping[int, Mapping[str, str]]) -> ManyWritten:
        """Let each row arrive in time, late or never, whatever becomes of the others and of the answer."""
        assert values.keys() == {ANN}
        assert self._base is not None, "a write without a row"
        self.written.append(_entry_of(values[ANN]))
        self._meanwhile()
        rows = tuple(values[ANN].items())
        ways = {f"{', '.join(way)}; {answer}": (way, answer) for way in _ways(len(rows)) for answer in ANSWERS}
        del ways[f"{', '.join(['in time'] * len(rows))}; told"]
        happens = self.fate.choose(WHOLE, ("rejected", "not sent", "is told to be untouched", "dies before", *ways))
        if happens == "rejected":
            raise Rejected(422, ["no"])
        if happens == "not sent":
            raise NotSent("come back later")
        if happens == "dies before":
            raise Crash
        if happens == "is told to be untouched":
            return ManyWritten({}, frozenset({ANN}))
        way, answer = ways.get(happens, (("in time",) * len(rows), "told"))
        arrived = self._let_arrive(rows, way)
        self.kit = replace(self.kit, lost=self.kit.lost or happens != WHOLE)
        if answer == "lost":
            raise OutcomeUnknown("the answer was lost")
        return ManyWritten({ANN: dict(arrived)} if arrived else {}, frozenset())

    def _let_arrive(self, rows: tuple[tuple[str, str], ...], way: Sequence[str]) -> tuple[tuple[str, str], ...]:
        assert self._base is not None
        whole = Effect("in time", rows, _entry_of(dict(rows)), *self._base)
        arrived = tuple(row for row, how in zip(rows, way, strict=True) if how == "in time")
        if arrived:
            self.kit = self.kit.after(replace(whole, values=arrived, apart=arrived != rows))
        late = [row for row, how in zip(rows, way, strict=True) if how == "late"]
        under_way = [UnderWay(replace(whole, how="late", values=(row,), apart=True), self.clock.now()) for row in late]
        self.kit = replace(self.kit, under_way=(*self.kit.under_way, *under_way))
        return arrived

    def remove_tag_of_many(self, tag_id: int, contacts: Sequence[int]) -> frozenset[int]:
        assert list(contacts) == [ANN]
        if self.fate.choose("all are told", ("nothing is told",)) == "nothing is told":
            return frozenset()
        self.remove_tag(ANN, tag_id)
        return frozenset({ANN})

    # ---- what happens on the way

    def _meanwhile(self) -> None:
        """Let something happen between two requests: a late write arrives, or a field or tag is changed by hand."""
        late = [f"a late write arrives ({at})" for at in range(len(self.kit.under_way))]
        again = () if self.kit.tagged is None else ("is tagged anew",)
        happens = self.fate.choose("nothing", (*self.kit.hands, *again), free=late)
        if happens in late:
            self.kit = self.kit.arrival(late.index(happens))
        elif happens in again:
            self._tag_anew()
        elif happens != "nothing":
            self._by_hand(happens)

    def _tag_anew(self) -> None:
        assert self.kit.tagged is not None
        self.kit = replace(self.kit, tagged=self.kit.tagged + timedelta(minutes=5))

    def _by_hand(self, act: str) -> None:
        self.kit = replace(self.kit, hands=())
        key, value = act.split("=")
        self.kit = self.kit.after(Effect("by hand", ((key, value),)))

    def _judged(self, late: UnderWay) -> UnderWay:
        if self.clock.now() < late.since + SETTLE_AFTER:
            return late
        return replace(late, effect=replace(late.effect, how="belated"))

    def _lose(self, happens: str, effect: Effect) -> NoReturn:
        if "late" in happens:
            under_way = UnderWay(replace(effect, how="late"), self.clock.now())
            self.kit = replace(self.kit, under_way=(*self.kit.under_way, under_way))
        if happens in MORE_PARTS:
            self.kit = self.kit.after(replace(effect, how="partial", values=_part(happens, effect.values)))
        if happens.startswith("dies"):
            raise Crash
        raise OutcomeUnknown("the answer was lost")

    # ---- what it does not

    def account(self) -> Account:
        raise NotImplementedError

    def fields(self) -> list[CustomField]:
        raise NotImplementedError

    def create_field(self, label: str) -> CustomField:
        raise NotImplementedError

    def tags(self) -> list[KnownTag]:
        raise NotImplementedError

    def create_tag(self, name: str) -> tuple[KnownTag, bool]:
        raise NotImplementedError

    def carriers(self, tag_id: int, state: StateFilter = "all") -> Listing:
        raise NotImplementedError

    def contacts(self, state: StateFilter = "all") -> Listing:
        raise NotImplementedError

    def add_tag(self, contact_id: int, tag_id: int) -> bool:
        raise NotImplementedError


def _entry_of(values: Mapping[str, str]) -> int:
    """Tell by its receipt of which entry a write is."""
    return int(values[RECEIPT].split(".")[1])


def _ways(rows: int) -> list[tuple[str, ...]]:
    """Say how each of so many rows may arrive."""
    return list(product(("in time", "late", "never"), repeat=rows))


def _part(happens: str, values: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    receipt = tuple(pair for pair in values if pair[0] == RECEIPT)
    others = tuple(pair for pair in values if pair[0] != RECEIPT)
    return {
        "only the receipt arrives": receipt,
        "only the values arrive": others,
        "only the first value arrives": others[:1],
        "the first value and the receipt arrive": (*others[:1], *receipt),
    }[happens]

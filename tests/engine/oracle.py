"""Judges the states of a walk by what took effect at the CRM, knowing nothing of how the engine decides.

Amounts are powers of ten, so that the credits themselves tell which operations are in them, and how often.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from ccops.ledger.model import Entry
from tests.engine.conftest import RECEIPT
from tests.engine.frail import Effect
from tests.engine.walks import State, Step

AMOUNTS: Final = {"earlier": 1, "a": 10, "b": 100, "probe": 1000}
"""What each operation adds to the credits, or takes when it is undone."""
WALKED: Final = ("a", "b", "probe")


class Broken(AssertionError):  # noqa: N818 - reads as a state
    """The promise was broken; says by which way of things."""

    def __init__(self, what: str, state: State) -> None:
        told = "\n  ".join((*state.story, *map(str, state.kit.effects), *map(str, state.entries)))
        super().__init__(f"{what}:\n  {told}")


def check_step(step: Step) -> None:
    """Hold one request against what no request may ever do."""
    state, status = step.after, step.outcome.status if step.outcome else None
    if _beyond_telling(state):
        return
    own = step.outcome.entry if step.outcome else None
    # What brings an entry back comes to its end before its occasion is told to be done.
    if status == "repeated" and own is not None and own.id in step.written:
        raise Broken("a repeated occasion was written", state)
    for number, effect in enumerate(state.kit.effects):
        if any(counted(effect.credits, name) > 1 for name in WALKED):
            raise Broken("an operation counted twice", state)
        if effect.how == "in time" and not _starts_well(effect, state.kit.effects[effect.read_at : number]):
            raise Broken("a write did not start from what was read last", state)


def _starts_well(effect: Effect, between: Sequence[Effect]) -> bool:
    """Whether a write starts from the read before it, and only hands and belated writes came between."""
    if effect.credits is None:  # a row of its own for another field
        return True
    moved = abs(int(effect.credits) - int(effect.base))
    return moved in AMOUNTS.values() and {other.how for other in between} <= {"by hand", "belated"}


def check_end(state: State) -> None:
    """Hold the ledger, once nothing is waiting, against what took effect: each change once, or a person is asked."""
    for entry in () if _beyond_telling(state) else mine(state):
        own = [effect for effect in state.kit.effects if effect.entry == entry.id]
        fault = _fault_of(entry, own, state)
        if fault:
            raise Broken(f"e{entry.id} ({entry.status}) {fault}", state)
    check_chains(state)


def check_chains(state: State) -> None:
    """Hold what the ledger says to count against its whole chains of undos: of an occasion or a period, one at most."""
    done = [entry for entry in state.entries if entry.status in {"applied", "undone"}]
    counting: set[int] = set()
    for entry in reversed(done):  # an undo is younger than what it undoes
        if not any(undo.undoes == entry.id and undo.id in counting for undo in done):
            counting.add(entry.id)
    for entry in done:
        if (entry.status == "applied") != (entry.id in counting):
            raise Broken(f"e{entry.id} ({entry.status}) tells otherwise than its chain", state)
    for key in ("occasion", "period"):
        held = Counter((each.operation, getattr(each, key)) for each in done if each.id in counting)
        if any(count > 1 and value is not None for (_, value), count in held.items()):
            raise Broken(f"one {key} counts twice", state)


def takes_off(entry: Entry, state: State) -> bool:
    """Whether an entry takes its operation out of the credits: an undo does, and the undo of that puts it back."""
    below = {each.id: each for each in state.entries}
    return entry.undoes is not None and not takes_off(below[entry.undoes], state)


def _fault_of(entry: Entry, own: list[Effect], state: State) -> str | None:
    match entry.status:
        case "applied" | "undone":
            return _fault_of_applied(entry, own)
        case "refused" | "failed":
            return "took effect" if any(_lasts(effect, state) for effect in own) else None
        case "parked":
            return None if _undecidable(entry, state) else "was parked without need"
        case _:
            return "was left behind"


def _fault_of_applied(entry: Entry, own: list[Effect]) -> str | None:
    whole = [effect for effect in own if effect.how != "partial" and not effect.apart]
    whole += _put_together(entry, [effect for effect in own if effect.apart])
    if not whole:
        return "never took effect"
    if len([effect for effect in whole if effect.how != "belated"]) > 1:
        return "took effect twice"
    told = (dict(entry.after or {}), (entry.before or {}).get("credits"))
    true = [({key: value for key, value in effect.values if key != RECEIPT}, effect.base) for effect in whole]
    return None if told in true else "tells of another change than took effect"


def _put_together(entry: Entry, rows: list[Effect]) -> list[Effect]:
    """Take rows that arrived one by one as one write, if all of them have."""
    values = {key: value for row in rows for key, value in row.values}
    if not rows or values.keys() != {*(entry.after or {}), RECEIPT}:
        return []
    how = max((row.how for row in rows), key=("in time", "late", "belated").index)
    return [replace(rows[0], how=how, values=tuple(values.items()), apart=False)]


def _lasts(effect: Effect, state: State) -> bool:
    """Whether an effect is there for all to see: not belated, nor a part that was overwritten before anybody looked."""
    later = state.kit.effects[state.kit.effects.index(effect) + 1 :]
    return effect.how != "belated" and not ((effect.how == "partial" or effect.apart) and _set_by_hand(later))


def _beyond_telling(state: State) -> bool:
    """Whether of a write the receipt arrived and not all else, and somebody changed the values after they were read.

    No read tells that from a whole write that was changed afterwards. Kit writes all fields of a request that it has,
    or none. Without the other change it is found out.
    """
    effects = state.kit.effects
    return any(
        RECEIPT in dict(effect.values) and effect.how == "partial" and _others(effects[effect.read_at :])
        for effect in effects
    )


def _others(effects: Iterable[Effect]) -> bool:
    return any(effect.how in {"by hand", "belated"} and effect.credits is not None for effect in effects)


def _set_by_hand(effects: Iterable[Effect]) -> bool:
    return any(effect.how == "by hand" and effect.credits is not None for effect in effects)


def _undecidable(entry: Entry, state: State) -> bool:
    """Whether nobody could tell what became of an entry, or of one before it."""
    kit = state.kit
    if any(effect.how in {"partial", "belated"} for effect in kit.effects):
        return True
    rows = [effect for effect in kit.effects if effect.apart and effect.entry == entry.id]
    if rows and not _put_together(entry, rows):
        return True
    by_hand = [dict(effect.values) for effect in kit.effects if effect.how == "by hand"]
    unclear = entry.receipt_seen is None or any(
        RECEIPT in values or values.get("credits") == (entry.before or {}).get("credits") for values in by_hand
    )
    return bool(by_hand) and kit.lost and unclear


def check_noticed(state: State) -> None:
    """After one more request has looked at the contact: what is missing from the credits must have been noticed."""
    if _beyond_telling(state):
        return
    if unfounded(state) and not any(entry.status == "parked" for entry in state.entries):
        raise Broken(f"silently lost, or counted without an entry: {unfounded(state)}", state)


def unfounded(state: State) -> set[str]:
    """Return the operations that are in the credits although they should not be, or are not although they should."""
    value = dict(state.kit.fields)["credits"]
    return {name for name in WALKED if counted(value, name) not in _right(name, state)}


def _right(operation: str, state: State) -> set[int]:
    """Say how often an operation should be in the credits; a hand that set them later may have taken it out."""
    entries = [entry for entry in mine(state) if entry.operation == operation and entry.undoes is None]
    applied = sum(entry.status == "applied" for entry in entries)
    since = [_since(effect, number) for number, effect in enumerate(state.kit.effects) if _is_of(effect, entries)]
    return {applied, 0} if _set_by_hand(state.kit.effects[min(since, default=0) :]) else {applied}


def _since(effect: Effect, number: int) -> int:
    return effect.read_at if effect.how == "partial" or effect.apart else number


def _is_of(effect: Effect, entries: list[Entry]) -> bool:
    return effect.entry in {entry.id for entry in entries}


def counted(value: str | None, operation: str) -> int:
    """Say how often an operation is in a value of the credits."""
    return int(value or "0") // AMOUNTS[operation] % 10


def mine(state: State) -> list[Entry]:
    """Return the entries of the walk itself."""
    return [entry for entry in state.entries if entry.operation in WALKED]

"""How a value came about: entries, and what happened by hand between them."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ccops.app.balance import Balance, BalanceStep, ByHand, balances, steps
from ccops.crm.base import Contact
from ccops.ledger.model import Entry, Status
from ccops.operations.model import Change, Operation, OperationsFile

START = datetime(2026, 11, 22, 10, tzinfo=UTC)


def entry(
    number: int, before: str | None, after: str, status: Status = Status.APPLIED, field: str = "credits"
) -> Entry:
    moment = START + timedelta(minutes=number)
    # What the walk does not look at is left empty, whatever else an entry has.
    parts: dict[str, Any] = dict.fromkeys(part.name for part in fields(Entry))
    parts |= {
        "id": number,
        "status": status,
        "before": {field: before},
        "after": {field: after},
        "turn": number,
        "at": moment,
        "sent_at": moment,
        "ended_at": None if status == "sending" else moment + timedelta(seconds=1),
    }
    return Entry(**parts)


def walked(value: str | None, *entries: Entry) -> list[tuple[str | None, str | None, int | str]]:
    """Walk back from a value; `entries` are given oldest first."""
    return [
        (step.before, step.after, step.entry.id if isinstance(step, BalanceStep) else "by hand")
        for step in steps("credits", value, reversed(entries))
    ]


def test_entries_that_follow_one_another_explain_a_value() -> None:
    assert walked("25", entry(1, None, "5"), entry(2, "5", "15"), entry(3, "15", "25")) == [
        ("15", "25", 3),
        ("5", "15", 2),
        (None, "5", 1),
    ]


def test_a_change_between_two_entries_was_made_by_hand() -> None:
    first, second = entry(1, "5", "15"), entry(2, "20", "30")
    assert list(steps("credits", "30", [second, first])) == [
        BalanceStep(second, "20", "30"),
        ByHand("15", "20", START + timedelta(minutes=1, seconds=1), START + timedelta(minutes=2)),
        BalanceStep(first, "5", "15"),
    ]


def test_a_change_since_the_last_entry_was_made_by_hand() -> None:
    first = entry(1, "5", "15")
    assert next(steps("credits", None, [first])) == ByHand("15", None, START + timedelta(minutes=1, seconds=1), None)


def test_an_empty_value_is_the_same_however_it_is_told() -> None:
    assert walked("", entry(1, "5", "")) == [("5", None, 1)]


def test_a_parked_write_may_have_arrived_or_not() -> None:
    arrived = walked("25", entry(1, "5", "15"), entry(2, "15", "25", Status.PARKED))
    lost = walked("15", entry(1, "5", "15"), entry(2, "15", "25", Status.PARKED))
    assert arrived == lost == [("15", "25", 2), ("5", "15", 1)]


def test_entries_of_other_fields_are_passed_over() -> None:
    assert walked("15", entry(1, "5", "15"), entry(2, None, "gold", field="plan")) == [("5", "15", 1)]


REGISTRY = OperationsFile("UTC", operations={"mark": Operation("mark", (Change("plan", "set", value="gold"),), "UTC")})


def test_fields_are_those_that_operations_or_entries_write() -> None:
    contact = Contact(7, "ann@example.org", "active", {"credits": "15", "plan": None, "city": "Rome"})
    first = entry(1, "5", "15")
    assert balances(contact, [first], REGISTRY, 5) == (
        Balance("plan", None, exists=True, steps=(), more=False, course=(None,)),
        Balance("credits", "15", exists=True, steps=(BalanceStep(first, "5", "15"),), more=False, course=("5", "15")),
    )


def test_a_field_that_the_crm_lacks_is_said_to_be_missing() -> None:
    (balance,) = balances(Contact(7, "ann@example.org", "active"), [], REGISTRY, 5)
    assert (balance.value, balance.exists) == (None, False)


def test_only_the_newest_steps_are_shown_and_that_there_are_more_is_said() -> None:
    contact = Contact(7, "ann@example.org", "active", {"credits": "15"})
    entries = [entry(2, "5", "15"), entry(1, "0", "5")]
    for limit, shown in ((0, 0), (1, 1), (2, 2)):
        (balance,) = balances(contact, entries, OperationsFile("UTC"), limit)
        assert (len(balance.steps), balance.more) == (shown, limit < 2)


AMOUNT = st.integers(0, 3).map(str)
EVENT = st.tuples(st.sampled_from(["entry", "hand", "parked, arrived", "parked, lost"]), AMOUNT)


@given(st.lists(EVENT, max_size=12))
def test_every_value_on_the_way_is_explained(events: list[tuple[str, str]]) -> None:
    """Walked back from the end, each step begins where an earlier one may have ended, and no entry is left out."""
    value, entries = "0", []
    for number, (kind, after) in enumerate(events, 1):
        if kind != "hand":
            entries.append(entry(number, value, after, Status.APPLIED if kind == "entry" else Status.PARKED))
        value = value if kind == "parked, lost" else after
    found = list(steps("credits", value, reversed(entries)))
    assert [step.entry for step in found if isinstance(step, BalanceStep)] == entries[::-1]
    for later, earlier in zip([None, *found], found, strict=False):
        begun = value if later is None else later.before
        unknown = isinstance(earlier, BalanceStep) and earlier.entry.status == "parked"
        assert begun in ({earlier.after, earlier.before} if unknown else {earlier.after})
        assert not (isinstance(later, ByHand) and isinstance(earlier, ByHand))


@given(st.lists(AMOUNT, min_size=1, max_size=8))
def test_without_hands_nothing_is_said_to_be_by_hand(values: list[str]) -> None:
    entries = [entry(number, before, after) for number, (before, after) in enumerate(zip(values, values[1:]), 1)]  # noqa: RUF007, B905 - one shorter
    assert not [step for step in steps("credits", values[-1], reversed(entries)) if isinstance(step, ByHand)]


def test_an_entry_that_was_undone_did_change_the_value() -> None:
    undone = replace(entry(1, "5", "15"), status=Status.UNDONE, undone_by=2)
    assert walked("5", undone, entry(2, "15", "5")) == [("15", "5", 2), ("5", "15", 1)]


def test_the_course_goes_further_back_than_the_steps_that_are_shown() -> None:
    contact = Contact(7, "ann@example.org", "active", {"credits": "30"})
    entries = [entry(number, str(number), str(number + 1)) for number in range(29, -1, -1)]
    (balance,) = balances(contact, entries, OperationsFile("UTC"), 1)
    assert (len(balance.steps), balance.course) == (1, tuple(str(number) for number in range(7, 31)))

"""What the report adds up from a ledger that was written by hand."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccops.app.statistics import (
    Extent,
    Flow,
    Holding,
    Month,
    ReasonCount,
    Report,
    balances_of,
    last_months,
    report_of,
    walk,
)
from ccops.ledger.inbox import Arrival, Ending, EventKind
from ccops.ledger.model import Values
from ccops.ledger.queries import Written
from ccops.operations.model import Change, Operation, OperationsFile
from tests.books import NOON, ZONE, Books

NOW = datetime(2026, 11, 26, 17, tzinfo=UTC)
SETTLE = timedelta(seconds=60)
PAUSED = Operation("paused", (Change("credits", "increase"),), ZONE, paused=True)
REGISTRY = OperationsFile(ZONE, operations={"paused": PAUSED})


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    made = Books.open(tmp_path)
    yield made
    made.ledger.close()


@pytest.fixture
def report(books: Books) -> Callable[..., Report]:
    """Make the report of the books as they are when it is called."""

    def make(**extent: int) -> Report:
        return report_of(books.ledger, REGISTRY, NOW, SETTLE, Extent(**extent))

    return make


def numbers(*values: int) -> list[Decimal]:
    return [*map(Decimal, values)]


def test_the_last_value_written_counts_whatever_came_before(books: Books, report: Callable[..., Report]) -> None:
    books.write(1, "grant", {"credits": "10"})
    books.write(2, "grant", {"credits": "30"})
    books.write(1, "spend", {"credits": "7"})
    books.ledger.people.seen(1, "ann@example.org")
    (found,) = report().balances
    assert (found.field, found.contacts, [found.total, found.median]) == ("credits", 2, numbers(37, 7))
    assert found.lowest == (Holding(1, "ann@example.org", Decimal(7)), Holding(2, None, Decimal(30)))
    assert found.highest == found.lowest[::-1]


def test_a_total_is_explained_by_what_was_there_and_what_moved_it(books: Books, report: Callable[..., Report]) -> None:
    books.write(1, "grant", {"credits": "15"}, before={"credits": "5"})
    books.write(1, "spend", {"credits": "12"})
    books.undo(books.write(1, "grant", {"credits": "22"}))
    books.write(1, "grant", {"credits": "60"}, before={"credits": "50"})  # somebody added 38 by hand
    (found,) = report().balances
    assert found.flow == Flow(*numbers(5, 30, 3, 10, 38))
    assert found.total == 60


def test_what_is_not_known_to_have_arrived_does_not_count(books: Books, report: Callable[..., Report]) -> None:
    books.write(1, "grant", {"credits": "10"})
    books.park(1, "grant", {"credits": "20"}, "nobody can tell")
    books.send(books.begin(2, "grant"), {"credits": "10"})
    (found,) = report().balances
    assert (found.contacts, found.total) == (1, Decimal(10))


def test_fields_that_hold_no_numbers_have_no_balances_but_their_changes_count(
    books: Books, report: Callable[..., Report]
) -> None:
    books.write(1, "mark", {"plan": "gold", "opened": "2026-11-22"})
    made = report()
    assert made.balances == ()
    assert made.moved == (
        Month("2026-11", "mark", "opened", 1, None, None, None),
        Month("2026-11", "mark", "plan", 1, None, None, None),
    )


def test_a_few_values_that_are_no_numbers_are_left_out_and_counted(books: Books, report: Callable[..., Report]) -> None:
    for contact, value in enumerate(("1", "2", "lots")):
        books.write(contact, "set", {"credits": value})
    (found,) = report().balances
    assert (found.contacts, found.unreadable, found.total) == (2, 1, Decimal(3))


def test_a_value_that_was_emptied_is_nothing(books: Books, report: Callable[..., Report]) -> None:
    books.write(1, "grant", {"credits": "10"})
    books.write(1, "clear", {"credits": ""})
    (found,) = report().balances
    assert (found.contacts, found.total, found.flow) == (1, Decimal(0), Flow(*numbers(0, 10, 10, 0, 0)))


def test_months_are_those_of_the_registry_s_zone(books: Books, report: Callable[..., Report]) -> None:
    """Midnight in New York is four o'clock in Greenwich before the clocks go back, and five after."""
    for moment in ((2026, 10, 1, 3, 58), (2026, 10, 1, 3, 59), (2026, 11, 1, 3, 58), (2026, 11, 1, 3, 59)):
        books.now = datetime(*moment, tzinfo=UTC)
        value = int(books.values.get((1, "credits"), "0"))
        books.write(1, "grant", {"credits": str(value + 10)})
    assert [(moved.month, moved.changes, moved.granted) for moved in report().moved] == [
        ("2026-11", 1, Decimal(10)),
        ("2026-10", 2, Decimal(20)),
        ("2026-09", 1, Decimal(10)),
    ]


def test_only_so_many_months_are_told_but_balances_are_whole(books: Books, report: Callable[..., Report]) -> None:
    books.now = NOON - timedelta(days=60)
    books.write(1, "grant", {"credits": "10"})
    books.refuse(1, "grant", "limit", "too much")
    books.now = NOON
    books.write(1, "spend", {"credits": "4"})
    made = report(months=2)
    assert made.months == ("2026-10", "2026-11")
    assert made.moved == (Month("2026-11", "spend", "credits", 1, *numbers(0, 6, 0)),)
    assert (made.refusals, made.balances[0].flow.granted) == ((), Decimal(10))


def test_an_undo_counts_in_its_own_month_for_the_operation_it_undoes(
    books: Books, report: Callable[..., Report]
) -> None:
    books.now = NOON - timedelta(days=30)
    spent = books.write(1, "spend", {"credits": "2"}, before={"credits": "5"})
    books.now = NOON
    undo = books.undo(spent)
    books.undo(undo)
    assert report().moved == (
        Month("2026-11", "spend", "credits", 2, *numbers(0, 0, 0)),
        Month("2026-10", "spend", "credits", 1, *numbers(0, 3, 0)),
    )


def test_refusals_are_put_together_by_the_rule_that_was_in_the_way(books: Books, report: Callable[..., Report]) -> None:
    for contact, reason in enumerate(("-1", "-2", "-2", "-3", "-3", "-3", "-4", "-5")):
        books.refuse(contact, "spend", "limit", f"would be {reason}")
    books.refuse(1, "grant", "state", "unsubscribed in Kit")
    books.fail(2, "grant", "rejected by Kit")
    limit, *others = report().refusals
    assert (limit.operation, limit.kind, limit.cause, limit.count, limit.more) == ("spend", "refused", "limit", 8, 2)
    assert limit.reasons[:2] == (ReasonCount("would be -3", 3), ReasonCount("would be -2", 2))
    assert {(each.operation, each.kind, each.reasons[0].text) for each in others} == {
        ("grant", "left-out", "unsubscribed in Kit"),
        ("grant", "failed", "rejected by Kit"),
    }


def test_what_needs_a_person_comes_with_the_command_that_mends_it(books: Books, report: Callable[..., Report]) -> None:
    books.park(1, "grant", {"credits": "20"}, "nobody can tell")
    left = books.begin(2, "grant")
    books.now = NOW - timedelta(seconds=90)
    books.begin(3, "grant")  # 30 seconds ago: somebody is at work on it
    assert [(need.kind, need.name, need.contact, need.mend) for need in report().needs] == [
        ("parked", "e1", "1", ("ccops settle e1 --as applied", "ccops settle e1 --as not-applied")),
        ("open", f"e{left.id}", "2", ("ccops settle",)),
    ]


def test_tags_left_behind_need_a_person(books: Books, report: Callable[..., Report]) -> None:
    entry = books.send(books.begin(1, "grant"), {"credits": "10"})
    books.ledger.entries.confirm(entry, books.now, released=False)
    assert [(need.kind, need.mend) for need in report().needs] == [("tags", ("ccops settle",))]


def test_events_of_the_inbox_need_a_person_when_parked_or_overdue(books: Books, report: Callable[..., Report]) -> None:
    inbox = books.ledger.inbox

    def arrive(kind: EventKind, operation: str, at: datetime, *, park: bool) -> None:
        (accepted,) = inbox.accept([Arrival(kind, operation, "ann@example.org", at, at)])
        if park:
            inbox.park([accepted.event], Ending("missing", "no such contact"), at)

    arrive("legacy", "grant", NOON, park=True)
    arrive("post", "grant", NOON, park=True)
    arrive("post", "grant", NOON, park=False)
    arrive("post", "paused", NOON, park=False)
    arrive("post", "grant", NOW, park=False)
    assert [(need.kind, need.name, need.mend) for need in report().needs] == [
        ("inbox", "i1", ("ccops poll grant",)),
        ("inbox", "i2", ()),
        ("waiting", "i3", ("ccops serve",)),
    ]


def test_of_many_that_need_a_person_the_rest_is_counted(books: Books, report: Callable[..., Report]) -> None:
    for contact in range(43):
        books.begin(contact, "grant")
    made = report()
    assert (len(made.needs), made.more_needs) == (40, 3)


def test_the_newest_entries_are_told_whatever_became_of_them(books: Books, report: Callable[..., Report]) -> None:
    for contact in range(3):
        books.refuse(contact, "grant", "limit", "too much")
    made = report(recent=2)
    assert [seen.entry.contact for seen in made.recent.lines] == [2, 1]
    assert made.recent.more


def test_months_before_a_january_are_of_the_year_before() -> None:
    assert last_months(datetime(2026, 2, 3, tzinfo=UTC), 4) == ("2025-11", "2025-12", "2026-01", "2026-02")


STEP = st.tuples(
    st.integers(1, 3),
    st.sampled_from(["grant", "spend", "undo", "hand"]),
    st.integers(0, 999).map(lambda cents: Decimal(cents).scaleb(-2)),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no finding
@given(st.lists(STEP, max_size=20))
def test_grants_less_spendings_and_undos_are_the_balances(steps: list[tuple[int, str, Decimal]]) -> None:
    """All contacts start empty; what hands have changed between entries is told apart."""
    have: dict[int, Decimal] = {}
    entries: list[Written] = []
    by_hand = Decimal(0)
    for contact, kind, by in steps:
        before = have.get(contact)
        mine = [entry for entry in entries if entry.contact == contact]
        if kind == "hand" and before is not None:
            before += by
            by_hand += by
        change = by if kind in {"grant", "hand"} else -by
        if kind == "undo":
            change = amount_of(mine[-1].before) - amount_of(mine[-1].after) if mine else Decimal(0)
        have[contact] = (before or Decimal(0)) + change
        found = {"credits": None if before is None else str(before)}
        entries.append(Written(kind, contact, found, {"credits": str(have[contact])}, kind == "undo", NOON))
    walked = walk(sorted(entries, key=lambda entry: entry.contact), ("2026-11",), ZONE)
    if entries:
        balance = balances_of("credits", walked, lambda _: None)
        assert balance is not None
        flow = balance.flow
        assert balance.total == sum(have.values()) == flow.granted - flow.spent - flow.undone + by_hand
        assert (flow.started, flow.otherwise) == (Decimal(0), by_hand)
        assert sum(moved.granted - moved.spent - moved.undone for moved in walked.places.values()) + by_hand == sum(
            have.values()
        )
        assert sum(moved.changes for moved in walked.places.values()) == len(entries)


def amount_of(values: Values) -> Decimal:
    return Decimal(values["credits"] or 0)

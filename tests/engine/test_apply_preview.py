"""The dry run: it tells how each request would end, by reads alone, and leaves the ledger as it was."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from functools import partial
from hashlib import sha256

import pytest

from ccops.engine.batch import spread
from ccops.engine.errors import FieldGone, OtherLedger, ReceiptFieldGone
from ccops.engine.outcomes import ContactRef, Outcome, Request
from ccops.engine.preview import Preview
from ccops.errors import CcopsError
from ccops.ledger.ledger import Ledger
from ccops.operations.model import Operation
from ccops.sandbox.faults import Fault
from tests.engine.conftest import RECEIPT, Bench, increase
from tests.engine.owner import delete_field, later, lost, rename_field, requests_made

MONTH = "month:2026-11"


def limited(maximum: int) -> Operation:
    operation = increase()
    return replace(operation, changes=(replace(operation.changes[0], maximum=Decimal(maximum)),))


def trace(bench: Bench) -> tuple[str, str]:
    """Hash the file, and all that it and its write-ahead log say."""
    path = bench.ledger.database.path
    with closing(sqlite3.connect(path)) as connection:
        told = "\n".join(connection.iterdump())
    return sha256(path.read_bytes()).hexdigest(), told


def look(
    bench: Bench, occasion: str = "key:1", who: ContactRef = "ann@example.org", period: str | None = None
) -> Outcome:
    """Preview with a ledger opened for reading only; nothing may be written, there or in Kit."""
    request = bench.request(occasion, who, period=period)
    writes, before = len(bench.kit.writes(bench.ann)), trace(bench)
    ledger = Ledger.open(bench.ledger.database.path, bench.ledger.database.path.parent / "locks", readonly=True)
    bench.kit.forget()
    try:
        return Preview(ledger, bench.crm, bench.clock).look(request)
    finally:
        ledger.close()
        assert set(requests_made(bench)) <= {"GET"}
        assert (len(bench.kit.writes(bench.ann)), trace(bench)) == (writes, before)


def spoil(bench: Bench) -> None:
    bench.kit.set_field(bench.ann, "credits", "abc")


def limit(bench: Bench) -> None:
    bench.operation = limited(10)


def repeat(bench: Bench) -> None:
    bench.run()


def use_up_the_period(bench: Bench) -> None:
    bench.run("key:0", period=MONTH)


def write_into_the_receipt(bench: Bench) -> None:
    bench.kit.set_field(bench.ann, RECEIPT, "ask Maria")


def park(bench: Bench) -> None:
    lost(bench, Fault("partial", "PUT", keep=("credits",)))
    later(bench)
    bench.run()


def lose(bench: Bench) -> None:
    lost(bench)


def doubt(bench: Bench) -> None:
    """A run died once it had found that its write had not arrived; then the contact was changed by hand."""
    entry = lost(bench, Fault("reset", "PUT")).entry
    assert entry is not None
    later(bench)
    bench.ledger.entries.unsend(entry)
    bench.kit.set_field(bench.ann, "credits", "40")


def delete(bench: Bench) -> None:
    bench.kit.delete_contact(bench.ann)


def nothing(_: Bench) -> None:
    """Leave all as it is."""


@pytest.mark.parametrize(
    ("prepare", "status"),
    [
        (nothing, "previewed"),
        (repeat, "repeated"),
        (limit, "refused"),
        (spoil, "refused"),
        (use_up_the_period, "refused"),
        (write_into_the_receipt, "parked"),
        (park, "parked"),
        (doubt, "parked"),
        (lose, "open"),
        (delete, "failed"),
    ],
)
def test_each_end_is_told_and_the_real_run_ends_so(bench: Bench, prepare: Callable[[Bench], None], status: str) -> None:
    prepare(bench)
    seen = look(bench, period=MONTH)
    assert seen.status == status
    done = bench.run(period=MONTH)
    assert (done.status, done.reason) == ("applied" if status == "previewed" else status, done.reason)
    if status != "open":
        assert (seen.before, seen.after, seen.reason) == (done.before, done.after, done.reason)


def gone(bench: Bench) -> None:
    rename_field(bench, "credits", "Points")


def without_receipts(bench: Bench) -> None:
    delete_field(bench, RECEIPT)


def stranger(bench: Bench) -> None:
    bench.kit.set_field(bench.ann, RECEIPT, "zzzzzzzz.7")


@pytest.mark.parametrize(
    ("prepare", "error"), [(gone, FieldGone), (without_receipts, ReceiptFieldGone), (stranger, OtherLedger)]
)
def test_what_would_stop_the_run_stops_the_dry_run(
    bench: Bench, prepare: Callable[[Bench], None], error: type[CcopsError]
) -> None:
    prepare(bench)
    with pytest.raises(error):
        look(bench)
    with pytest.raises(error):
        bench.run()


def test_an_entry_that_was_begun_is_previewed_as_it_was_begun(bench: Bench) -> None:
    bench.kit.faults.add(Fault("reset", "GET", times=None))
    with pytest.raises(CcopsError):
        bench.run(who=bench.ann)
    bench.kit.faults.clear()
    bench.operation = increase(1000)
    assert look(bench).after == {"credits": "15"}


def test_an_entry_that_was_refused_is_previewed_with_the_operation_of_today(bench: Bench) -> None:
    limit(bench)
    bench.run()
    bench.operation = increase(20)
    assert look(bench).after == {"credits": "25"}


def test_what_a_limit_would_do_is_told(bench: Bench) -> None:
    bench.operation = limited(12)
    bench.operation = replace(bench.operation, changes=(replace(bench.operation.changes[0], beyond="clamp"),))
    assert look(bench).reason == bench.run().reason == "stopped at the maximum of 12"


def test_a_preview_costs_one_read_of_a_known_contact(bench: Bench) -> None:
    bench.run("key:0")
    look(bench)
    assert requests_made(bench) == {"GET": 1}


def test_a_preview_does_not_remember_whom_it_looked_up(bench: Bench) -> None:
    assert look(bench).contact == bench.ann
    assert bench.ledger.people.by_email("ann@example.org") is None


def look_at_all(bench: Bench, *requests: Request) -> list[Outcome]:
    """Preview several requests as one dry run, and be sure that nothing was written."""
    before = trace(bench)
    ledger = Ledger.open(bench.ledger.database.path, bench.ledger.database.path.parent / "locks", readonly=True)
    try:
        preview = Preview(ledger, bench.crm, bench.clock)
        return [preview.look(request) for request in requests]
    finally:
        ledger.close()
        assert trace(bench) == before


def test_a_period_that_an_earlier_request_takes_is_taken(bench: Bench) -> None:
    requests = [bench.request(f"key:{n}", period=period) for n, period in enumerate((MONTH, MONTH, "month:2026-12"))]
    seen = look_at_all(bench, *requests)
    assert [outcome.status for outcome in seen] == ["previewed", "refused", "previewed"]
    assert seen[1].reason == "this month would be done already by then"
    assert [outcome.after for outcome in seen] == [{"credits": "15"}, None, {"credits": "25"}]
    assert [bench.applier.apply(request).status for request in requests] == ["applied", "refused", "applied"]


def test_a_refused_request_leaves_its_period_to_the_next(bench: Bench) -> None:
    bench.operation = limited(10)
    first = bench.request("key:1", period=MONTH)
    bench.operation = increase(3)
    second = bench.request("key:2", period=MONTH)
    assert [outcome.status for outcome in look_at_all(bench, first, second)] == ["refused", "previewed"]
    assert [bench.applier.apply(request).status for request in (first, second)] == ["refused", "applied"]


def test_an_occasion_with_another_amount_is_refused_within_a_dry_run(bench: Bench) -> None:
    requests = [bench.request(asked=asked) for asked in ("10", "10", "7", None)]
    statuses = ["previewed", "repeated", "refused", "refused"]
    assert [outcome.status for outcome in look_at_all(bench, *requests)] == statuses
    done = [bench.applier.apply(request).status for request in requests]
    assert done == ["applied", *statuses[1:]]


@pytest.mark.parametrize(("occasion", "statuses"), [("post:1", ["refused", "repeated"]), ("key:1", ["refused"] * 2)])
def test_a_refusal_uses_an_occasion_up_as_it_does_in_a_run(bench: Bench, occasion: str, statuses: list[str]) -> None:
    bench.operation = limited(10)
    requests = [bench.request(occasion) for _ in range(2)]
    seen = look_at_all(bench, *requests)
    done = [bench.applier.apply(request) for request in requests]
    assert [outcome.status for outcome in seen] == [outcome.status for outcome in done] == statuses
    assert [outcome.reason for outcome in seen] == [outcome.reason for outcome in done]


def test_what_a_dry_run_would_park_is_parked_once_more(bench: Bench) -> None:
    write_into_the_receipt(bench)
    requests = [bench.request() for _ in range(2)]
    seen = look_at_all(bench, *requests)
    done = [bench.applier.apply(request) for request in requests]
    assert [(outcome.status, outcome.reason) for outcome in seen] == [(each.status, each.reason) for each in done]


def test_many_looked_at_by_several_threads_are_each_counted(bench: Bench) -> None:
    requests = [bench.request(f"key:{n}") for n in range(20)]
    preview = Preview(bench.ledger, bench.crm, bench.clock)
    looks = (partial(preview.look, request) for request in requests)
    after = sorted(int((outcome.after or {})["credits"] or 0) for outcome in spread(looks, 4, lambda: False))
    assert after == list(range(15, 206, 10))

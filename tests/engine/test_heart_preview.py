"""The dry run: it tells how each request would end, by reads alone, and leaves the ledger as it was."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256

import pytest

from ccops.engine.errors import FieldGone, OtherLedger, ReceiptFieldGone
from ccops.engine.preview import Preview
from ccops.engine.request import Outcome, Who
from ccops.errors import CcopsError
from ccops.ledger.ledger import Ledger
from ccops.operations.model import Operation
from ccops.sandbox import Fault
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


def look(bench: Bench, occasion: str = "key:1", who: Who = "ann@example.org", period: str | None = None) -> Outcome:
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

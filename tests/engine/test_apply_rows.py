"""The row of a list in place of a read: only where the ledger vouches for it, and then one request a contact."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ccops.crm.base import Contact
from ccops.engine.outcomes import Outcome, claim_of
from ccops.engine.preview import Preview
from ccops.ledger.model import Claim
from ccops.operations.model import Change, Operation
from tests.engine.conftest import RECEIPT, Bench, increase

READ, WRITE = ("GET", "/v4/subscribers/{id}"), ("PUT", "/v4/subscribers/{id}")
OURS = Operation("grant", (Change("credits", "increase", amount=Decimal(10), sole_writer=True),), "America/New_York")


@pytest.fixture
def granted(bench: Bench) -> Bench:
    """A bench at which Ann was given 10 credits once: 5 became 15."""
    bench.operation = OURS
    assert bench.run("key:first", bench.ann).status == "applied"
    bench.kit.forget()
    return bench


def row_of(bench: Bench, **fields: str | None) -> Contact:
    """Return Ann as a list shows her now, with some fields otherwise."""
    shown = next(row for row in bench.crm.contacts() if row.id == bench.ann)
    bench.kit.forget()
    return replace(shown, fields={**shown.fields, **fields})


def run(bench: Bench, row: Contact, occasion: str = "key:next", **more: object) -> Outcome:
    return bench.run(occasion, bench.ann, row=row, **more)


def asked(bench: Bench) -> tuple[int, int]:
    return bench.kit.counts[READ], bench.kit.counts[WRITE]


def test_a_row_with_our_last_receipt_is_as_good_as_a_read(granted: Bench) -> None:
    assert run(granted, row_of(granted)).status == "applied"
    assert (granted.credits, asked(granted)) == ("25", (0, 1))


def test_a_row_older_than_our_last_write_is_not_believed(granted: Bench) -> None:
    old = row_of(granted)
    granted.run("key:meanwhile", granted.ann)
    granted.kit.forget()
    assert run(granted, old).after == {"credits": "35"}
    assert asked(granted) == (1, 1)


def test_a_contact_that_we_never_wrote_to_is_read(bench: Bench) -> None:
    bench.operation = OURS
    assert run(bench, row_of(bench)).after == {"credits": "15"}
    assert asked(bench) == (1, 1)


def test_a_value_that_is_not_as_we_left_it_is_read(granted: Bench) -> None:
    """Somebody writes the field although we were promised to be the only one."""
    assert run(granted, row_of(granted, credits="7")).after == {"credits": "25"}
    assert asked(granted) == (1, 1)


def test_a_field_that_others_write_too_is_read(granted: Bench) -> None:
    row = row_of(granted)
    granted.operation = increase()
    assert run(granted, row).status == "applied"
    assert asked(granted) == (1, 1)


def test_a_field_that_is_only_looked_at_has_to_be_ours_too(granted: Bench) -> None:
    change = Change("credits", "formula", formula="credits + bonus", sole_writer=True)
    granted.kit.add_field("Bonus")
    granted.kit.set_field(granted.ann, "bonus", "3")
    row = row_of(granted)
    granted.operation = replace(OURS, changes=(change,))
    assert run(granted, row).after == {"credits": "18"}
    assert asked(granted) == (1, 1)


@pytest.mark.parametrize("lacking", ["credits", RECEIPT])
def test_a_row_that_lacks_a_field_is_read(granted: Bench, lacking: str) -> None:
    row = row_of(granted)
    slim = replace(row, fields={key: value for key, value in row.fields.items() if key != lacking})
    assert run(granted, slim).status == "applied"
    assert asked(granted) == (1, 1)


def test_a_parked_entry_is_looked_at(granted: Bench) -> None:
    row = row_of(granted)
    entry = granted.ledger.entries.claim(_claim(granted, "key:parked")).entry
    assert entry is not None
    granted.ledger.entries.park(entry, "odd", granted.clock.now())
    sent = granted.ledger.entries.claim(_claim(granted, "key:sent")).entry
    assert sent is not None
    sending = granted.ledger.entries.send(sent, {"credits": "15"}, {"credits": "25"}, "x", None, granted.clock.now())
    granted.ledger.entries.park(sending, "odd", granted.clock.now())
    run(granted, row)
    assert granted.kit.counts[READ] == 1


def test_a_repeated_occasion_costs_no_request(granted: Bench) -> None:
    assert run(granted, row_of(granted), "key:first").status == "repeated"
    assert asked(granted) == (0, 0)


def test_a_row_in_a_state_that_is_not_asked_for_costs_no_request(granted: Bench) -> None:
    row = replace(row_of(granted), state="cancelled")
    left = run(granted, row, states=frozenset({"active"}))
    assert (left.status, left.reason) == ("left-out", "cancelled in Kit; grant is for active")
    assert (asked(granted), granted.credits) == ((0, 0), "15")


def test_without_a_row_the_state_is_read_once_and_serves_the_write(granted: Bench) -> None:
    assert granted.run("key:next", granted.ann, states=frozenset({"active"})).status == "applied"
    assert asked(granted) == (1, 1)


def test_who_was_left_out_is_done_once_the_state_fits(granted: Bench) -> None:
    row = row_of(granted)
    assert run(granted, replace(row, state="inactive"), states=frozenset({"active"})).status == "left-out"
    assert run(granted, row, states=frozenset({"active"})).status == "applied"
    assert granted.credits == "25"


def test_a_second_row_of_the_same_occasion_is_not_applied_again(granted: Bench) -> None:
    row = row_of(granted)
    assert [run(granted, row).status for _ in range(3)] == ["applied", "repeated", "repeated"]
    assert granted.credits == "25"


def test_a_dry_run_believes_the_same_rows(granted: Bench) -> None:
    row = row_of(granted)
    preview = Preview(granted.ledger, granted.crm, granted.clock)
    assert preview.look(granted.request("key:next", granted.ann, row=row)).after == {"credits": "25"}
    assert asked(granted) == (0, 0)
    left = preview.look(granted.request("key:next", granted.ann, row=row, states=frozenset({"inactive"})))
    assert left.status == "left-out"


def _claim(bench: Bench, occasion: str) -> Claim:
    return claim_of(bench.request(occasion, bench.ann), bench.ann, bench.clock.now())

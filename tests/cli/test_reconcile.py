"""`ccops reconcile`: who was changed by hand since ccops wrote last, and by how much."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ccops.ledger.model import Claim, Origin
from ccops.operations.model import Change, Operation, to_json
from tests.cli.calls import Ended, told
from tests.cli.sites import RECEIPT, Site

Call = Callable[..., Ended]

ANN, BOB, GUS, HAL = (f"{name}@example.org" for name in ("ann", "bob", "gus", "hal"))
READ = ("GET", "/v4/subscribers/{id}")
LIST = ("GET", "/v4/subscribers")


@pytest.fixture
def granted(site: Site, ccops: Call) -> Site:
    """Ann, Bob and Gus have got ten credits, by maria: 15, 22 and 128."""
    assert ccops("run", "payment-credit", ANN, BOB, GUS, "--reason", "paid", CCOPS_ACTOR="maria").status == 0
    return site


def by_hand(site: Site, email: str, value: str | None, field: str = "credits") -> None:
    site.kit.set_field(site.kit.contact_id(email), field, value)


def lines(ended: Ended) -> list[list[str]]:
    """Return the rows of a pipe without their moments."""
    cells = [line.split("\t") for line in ended.out.splitlines()]
    assert all(datetime.fromisoformat(row.pop(7)).tzinfo for row in cells)
    return cells


def test_what_is_as_ccops_left_it_is_no_difference(granted: Site, ccops: Call) -> None:
    assert ccops("reconcile", "credits") == Ended(
        0,
        "",
        "    0 changed by hand\n"
        "    3 as ccops left them\n"
        "    5 never written to by ccops, so credits was not compared\n",
    )
    assert granted.kit.counts[READ] == 3  # those of the run


def test_who_was_changed_by_hand_is_named_with_by_how_much(granted: Site, ccops: Call) -> None:
    by_hand(granted, ANN, "40")
    by_hand(granted, BOB, None)
    by_hand(granted, HAL, "7")  # nobody's business: ccops never wrote to Hal
    found = ccops("reconcile", "Credits")  # by its label
    assert found.status == 1
    assert lines(found) == [
        [ANN, "credits", "by-hand", "15", "40", "25", "e1", "payment-credit", "maria", ""],
        [BOB, "credits", "by-hand", "22", "", "-22", "e2", "payment-credit", "maria", ""],
    ]
    assert found.err.splitlines()[0] == "    2 changed by hand (credits +3)"


def test_the_object_of_a_difference(granted: Site, ccops: Call) -> None:
    by_hand(granted, ANN, "many")
    found = ccops("reconcile", "credits", "--json")
    row = json.loads(found.out)
    assert datetime.fromisoformat(row.pop("at")).tzinfo
    assert (found.status, found.err) == (1, "")
    assert row == {
        "contact": {"id": granted.ann, "email": ANN},
        "field": "credits",
        "status": "by-hand",
        "ccops": "15",
        "kit": "many",
        "difference": None,
        "reason": None,
        "entry": "e1",
        "operation": "payment-credit",
        "by": "maria",
        "via": "run",
    }


def test_an_undo_is_what_ccops_wrote_last(granted: Site, ccops: Call) -> None:
    ccops("undo", "e1")
    assert ccops("reconcile", "credits").status == 0
    by_hand(granted, ANN, "15")
    assert lines(ccops("reconcile", "credits"))[0][3:7] == ["5", "15", "10", "e4"]


def test_only_the_field_that_is_asked_about_is_compared(granted: Site, ccops: Call) -> None:
    ccops("run", "mark", ANN)
    by_hand(granted, ANN, "40")
    assert ccops("reconcile", "plan").err.splitlines()[1:] == [
        "    1 as ccops left them",
        "    7 never written to by ccops, so plan was not compared",
    ]
    by_hand(granted, ANN, "silver", "plan")
    assert [row[1:6] for row in lines(ccops("reconcile", "plan"))] == [["plan", "by-hand", "gold", "silver", ""]]


def test_a_row_that_lags_is_a_suspect_that_a_read_clears(site: Site, ccops: Call) -> None:
    start = datetime.now(UTC)
    site.kit.settings.clock = lambda: start + timedelta(seconds=10)
    ccops("run", "payment-credit", ANN, BOB)
    site.kit.settings.clock = lambda: start + timedelta(seconds=20)
    by_hand(site, ANN, "40")
    site.kit.settings.lag = 15
    site.kit.forget()
    found = ccops("reconcile", "credits")
    assert [row[0] for row in lines(found)] == [ANN]
    assert (site.kit.counts[LIST], site.kit.counts[READ]) == (1, 2)


def sending(site: Site, email: str, after: str, *, parked: bool = False) -> None:
    """Leave an entry of which nobody knows whether its write arrived, as a process does that was killed."""
    ledger, now, contact = site.ledger(readonly=False), datetime.now(UTC), site.kit.contact_id(email)
    operation = Operation("payment-credit", (Change("credits", "increase", amount=Decimal(10)),), "UTC")
    claim = Claim(operation.name, to_json(operation), contact, "key:lost", 1, Origin("maria", "run"), now)
    entry = ledger.entries.claim(claim).entry
    assert entry is not None
    entry = ledger.entries.send(entry, {"credits": "15"}, {"credits": after}, None, None, now)
    if parked:
        ledger.entries.park(entry, "nobody knows", now)
    ledger.close()


@pytest.mark.parametrize("way", [[], ["--adopt", "--yes"], ["--restore", "--yes"]], ids=["", "adopt", "restore"])
def test_an_entry_whose_write_may_have_arrived_explains_a_difference(
    granted: Site, ccops: Call, way: list[str]
) -> None:
    sending(granted, ANN, "25")
    sending(granted, BOB, "32", parked=True)
    by_hand(granted, ANN, "25")
    by_hand(granted, BOB, "1")
    sending(granted, GUS, "138")  # its write has not arrived, as far as can be seen
    found = ccops("reconcile", "credits", *way)
    assert [(row[0], row[2], row[9]) for row in lines(found)] == [
        (ANN, "open", "e4 is open"),
        (BOB, "parked", "e5 needs you"),
    ]
    assert (found.status, granted.statuses()[3:]) == (1, ["sending", "parked", "sending"])


def test_a_receipt_that_is_none_leaves_it_unclear_and_untouched(granted: Site, ccops: Call) -> None:
    by_hand(granted, ANN, "40")
    by_hand(granted, ANN, "hello", RECEIPT)
    found = ccops("reconcile", "credits", "--restore", "--yes")
    assert [(row[2], row[9]) for row in lines(found)] == [
        ("unclear", "its receipt field holds a text that is no receipt")
    ]
    assert (found.status, granted.credits()) == (1, "40")


def test_an_emptied_receipt_is_said(granted: Site, ccops: Call) -> None:
    by_hand(granted, ANN, "40")
    by_hand(granted, ANN, None, RECEIPT)
    assert lines(ccops("reconcile", "credits"))[0][9] == "its receipt was emptied since e1"


@pytest.mark.parametrize("who", [ANN, HAL], ids=["written to", "never written to"])
def test_another_ledger_at_work_ends_it(granted: Site, ccops: Call, who: str) -> None:
    by_hand(granted, who, "strange1.7", RECEIPT)
    ended = ccops("reconcile", "credits")
    assert ended.status == 5
    assert "was last changed by another ledger (strange1)" in ended.err


def test_whoever_was_deleted_in_kit_is_counted(granted: Site, ccops: Call) -> None:
    granted.kit.delete_contact(granted.kit.contact_id(BOB))
    found = ccops("reconcile", "credits")
    assert found.status == 0
    assert "    1 written to by ccops, but not in Kit's list: deleted there" in found.err.splitlines()


@pytest.mark.usefixtures("granted")
def test_a_field_that_can_t_be_compared(ccops: Call) -> None:
    misspelt = 'Kit has no field "credit"; there is "credits".'
    assert ccops("reconcile", "credit") == Ended(2, "", told(misspelt))
    receipts = f'ccops keeps its receipts in the field "{RECEIPT}", so there is nothing to reconcile.'
    assert ccops("reconcile", RECEIPT) == Ended(2, "", told(receipts))


def test_a_look_leaves_the_ledger_as_it_is(granted: Site, ccops: Call) -> None:
    by_hand(granted, ANN, "40")
    before = granted.database.read_bytes()
    for more in ([], ["--json"], ["--restore", "--dry-run"], ["--adopt", "--dry-run"]):
        ccops("reconcile", "credits", *more)
    assert (granted.database.read_bytes(), granted.credits()) == (before, "40")


def test_on_a_terminal_it_is_a_table_that_says_what_may_be_done(granted: Site, terminal: Call) -> None:
    by_hand(granted, ANN, "1015")
    screen = terminal("reconcile", "credits", NO_COLOR="1")
    assert screen.status == 1
    shown = [line.rstrip() for line in screen.out.splitlines()]
    at = shown.index(next(line for line in shown if line.startswith("CONTACT")))
    assert shown[at].split() == ["CONTACT", "CCOPS", "KIT", "BY", "CCOPS", "WROTE", "LAST"]
    assert shown[at + 1].split()[:4] == [ANN, "15", "1015", "+1,000"]
    assert shown[at + 1].endswith(", payment-credit, maria (e1)")
    assert shown[at + 3] == "    1 changed by hand (credits +1,000)"
    assert shown[-2:] == [
        "Take them into the history as they are: ccops reconcile credits --adopt",
        "Write back what ccops wrote: ccops reconcile credits --restore",
    ]

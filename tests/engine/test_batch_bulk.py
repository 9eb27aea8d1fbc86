"""Many contacts in one request: the same promise as for one, whatever becomes of the request."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ccops.crm.http.exchange import HttpLimits
from ccops.crm.http.rate_limit import NoRateLimit
from ccops.crm.kit.client import KitCrm
from ccops.engine.apply import Applier
from ccops.engine.batch import BatchOptions, BulkApplier, ContactGroup, work_off
from ccops.engine.errors import OtherLedger
from ccops.engine.outcomes import Outcome, Request
from ccops.engine.settle import settle_as
from ccops.ledger.ledger import Ledger
from ccops.operations.model import AfterRun, Change, Operation, Tag
from ccops.operations.occasion import for_tag
from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import Sandbox
from ccops.secret import Secret
from tests.engine.conftest import ORIGIN, RECEIPT, StandingClock, new_ledger

pytestmark = pytest.mark.slow

READ, WRITE = ("GET", "/v4/subscribers/{id}"), ("PUT", "/v4/subscribers/{id}")
MANY, UNTAG = ("POST", "/v4/bulk/custom_fields/subscribers"), ("DELETE", "/v4/bulk/tags/subscribers")
GRANT = Operation("grant", (Change("credits", "increase", amount=Decimal(10), sole_writer=True),), "UTC")
LOOK = ("GET", "/v4/subscribers/{subscriber_id}/tags")
TAG = "ccops: grant"
COUNT = 52


class Crowd:
    """Two more contacts than one request takes, all given 10 credits once, and an applier."""

    def __init__(self, kit: Sandbox, ledger: Ledger, clock: StandingClock, crm: KitCrm) -> None:
        self.kit, self.ledger, self.clock, self.crm = kit, ledger, clock, crm
        self.applier = Applier(ledger, crm, clock, timedelta(seconds=60))
        self.operation = GRANT
        self.ids = [kit.add_contact(f"c{number}@example.org", credits="0") for number in range(COUNT)]
        kit.add_tag(TAG)
        for contact in self.ids:
            self.applier.apply(self.request(contact, "key:first"))
        kit.forget()

    def request(self, contact: int, occasion: str, **more: object) -> Request:
        started = self.ledger.runs.start(occasion, occasion, "maria", self.clock.now())
        self.ledger.runs.stop(started, 4, self.clock.now(), ended=False)
        plain = Request(self.operation, contact, occasion, started.run.id, ORIGIN)
        return replace(plain, **more)  # type: ignore[arg-type]

    def grant(self, occasion: str = "key:next") -> list[Outcome]:
        """Run the operation for all of them, from a list."""
        rows = [row for row in self.crm.contacts() if row.id in self.ids]
        self.kit.forget()
        return self.work(self.request(row.id, occasion, row=row) for row in rows)

    def grant_tagged(self) -> list[Outcome]:
        """Run it for those who carry the tag."""
        tag = self.kit.add_tag(TAG)
        self.operation = replace(GRANT, tag=Tag(tag, TAG), after_run="remove-tag")
        rows = list(self.crm.carriers(tag))
        self.kit.forget()
        return self.work(
            self.request(row.id, for_tag(tag, row.tagged_at), row=row) for row in rows if row.tagged_at is not None
        )

    def work(self, requests: Iterator[Request]) -> list[Outcome]:
        manners = BatchOptions(self.clock, lambda: False, lambda *_: None)
        return list(work_off(BulkApplier(self.applier).tasks(requests), manners))

    @property
    def credits(self) -> list[str | None]:
        return [self.kit.field_values(contact)["credits"] for contact in self.ids]


@pytest.fixture
def crowd(kit: Sandbox, tmp_path: Path) -> Iterator[Crowd]:
    clock, ledger = StandingClock(), new_ledger(tmp_path / "home")
    kit.settings.clock = clock.now
    token, limits = Secret(kit.settings.token), HttpLimits(5, 5, 10, patience=5)
    crm = KitCrm(token, oauth=True, api_url=kit.url, pacer=NoRateLimit(), clock=clock, limits=limits)
    crm.create_field("ccops receipt")
    yield Crowd(kit, ledger, clock, crm)
    ledger.close()
    crm.close()


def test_what_one_request_does_not_take_goes_in_a_second(crowd: Crowd) -> None:
    outcomes = crowd.grant()
    assert [outcome.status for outcome in outcomes] == ["applied"] * COUNT
    assert crowd.credits == ["20"] * COUNT
    assert (crowd.kit.counts[MANY], crowd.kit.counts[READ], crowd.kit.counts[WRITE]) == (2, 0, 0)
    assert all(crowd.kit.field_values(contact)[RECEIPT] for contact in crowd.ids)


def test_the_same_occasion_again_sends_nothing(crowd: Crowd) -> None:
    crowd.grant()
    assert {outcome.status for outcome in crowd.grant()} == {"repeated"}
    assert (crowd.credits, crowd.kit.counts[MANY]) == (["20"] * COUNT, 0)


def test_rows_of_one_contact_after_another_are_right_each_time(crowd: Crowd) -> None:
    for number in range(3):
        assert {outcome.status for outcome in crowd.grant(f"key:{number}")} == {"applied"}
    assert crowd.credits == ["40"] * COUNT


def test_with_a_key_each_contact_is_a_request(crowd: Crowd) -> None:
    key = KitCrm(Secret(crowd.kit.settings.key), api_url=crowd.kit.url, pacer=NoRateLimit(), clock=crowd.clock)
    crowd.applier = Applier(crowd.ledger, key, crowd.clock, timedelta(seconds=60))
    assert {outcome.status for outcome in crowd.grant()} == {"applied"}
    assert (crowd.kit.counts[MANY], crowd.kit.counts[WRITE]) == (0, COUNT)
    key.close()


def test_what_needs_a_read_or_is_refused_goes_its_own_way(crowd: Crowd) -> None:
    strange, gone, full = crowd.ids[:3]
    crowd.kit.set_field(strange, "credits", "7")
    limited = Change("credits", "increase", amount=Decimal(10), sole_writer=True, maximum=Decimal(25))
    crowd.operation = replace(GRANT, changes=(limited,))
    crowd.applier.apply(crowd.request(full, "key:more"))
    rows = [row for row in crowd.crm.contacts() if row.id in crowd.ids]
    crowd.kit.delete_contact(gone)
    outcomes = crowd.work(crowd.request(row.id, "key:next", row=row) for row in rows)
    by_contact = {outcome.contact: (outcome.status, outcome.after and outcome.after["credits"]) for outcome in outcomes}
    assert by_contact.pop(strange) == ("applied", "17")
    assert by_contact.pop(gone)[0] == "failed"
    assert by_contact.pop(full) == ("refused", None)
    assert set(by_contact.values()) == {("applied", "20")}


def test_tags_come_off_in_one_request_for_each_request_of_values(crowd: Crowd) -> None:
    for contact in crowd.ids:
        crowd.kit.tag(contact, TAG)
    assert {outcome.status for outcome in crowd.grant_tagged()} == {"applied"}
    assert (crowd.credits, crowd.kit.counts[MANY], crowd.kit.counts[UNTAG]) == (["20"] * COUNT, 2, 2)
    assert crowd.kit.counts[LOOK] == COUNT, "a look at each: rows lag"
    assert all(TAG not in crowd.kit.tags_of(contact) for contact in crowd.ids)
    assert crowd.ledger.entries.unreleased() == []


def test_tags_that_could_not_be_taken_off_together_come_off_one_by_one(crowd: Crowd) -> None:
    for contact in crowd.ids:
        crowd.kit.tag(contact, TAG)
    crowd.kit.faults.add(Fault("reset", "DELETE", "bulk/tags", when="after", times=None))
    assert {outcome.status for outcome in crowd.grant_tagged()} == {"applied"}
    assert all(TAG not in crowd.kit.tags_of(contact) for contact in crowd.ids)
    assert crowd.ledger.entries.unreleased() == []


def test_a_tagging_newer_than_the_list_stays_on_among_many(crowd: Crowd) -> None:
    again = crowd.ids[7]
    for contact in crowd.ids:
        crowd.kit.tag(contact, TAG)

    def observe(phase: str, method: str, _path: str) -> None:
        if (phase, method) == ("after", "POST"):
            crowd.kit.on_request = lambda *_: None
            crowd.kit.untag(again, TAG)
            crowd.clock.sleep(1)
            crowd.kit.tag(again, TAG)

    crowd.kit.on_request = observe
    assert {outcome.status for outcome in crowd.grant_tagged()} == {"applied"}
    assert [contact for contact in crowd.ids if TAG in crowd.kit.tags_of(contact)] == [again]
    assert [outcome.status for outcome in crowd.grant_tagged()] == ["applied"]
    assert crowd.kit.field_values(again)["credits"] == "30"


def test_looks_at_many_do_not_grow_old_before_the_tags_come_off(crowd: Crowd) -> None:
    for contact in crowd.ids:
        crowd.kit.tag(contact, TAG)

    def observe(phase: str, _method: str, path: str) -> None:
        if phase == "before" and path.endswith("/tags"):
            crowd.clock.sleep(0.5)

    crowd.kit.on_request = observe
    assert {outcome.status for outcome in crowd.grant_tagged()} == {"applied"}
    assert crowd.kit.counts[UNTAG] == 10, "50 looks and 2, of which 6 are young enough at a time"
    assert not any(TAG in crowd.kit.tags_of(contact) for contact in crowd.ids)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_settled_one_by_one_and_counts_once(crowd: Crowd, when: str) -> None:
    crowd.kit.faults.add(Fault("reset", "POST", "bulk/custom", when=when))  # type: ignore[arg-type]
    assert {outcome.status for outcome in crowd.grant()} == {"applied"}
    assert crowd.credits == ["20"] * COUNT


@pytest.mark.parametrize("status", [429, 422, 503])
def test_a_request_that_is_turned_away_counts_once(crowd: Crowd, status: int) -> None:
    crowd.kit.faults.add(Fault("status", "POST", "bulk/custom", status=status))
    assert {outcome.status for outcome in crowd.grant()} == {"applied"}
    assert crowd.credits == ["20"] * COUNT


def test_a_receipt_that_came_without_its_value_needs_a_person(crowd: Crowd) -> None:
    """Value and receipt are rows of their own, so one may have arrived without the other."""
    one, other = crowd.ids[:2]
    crowd.kit.faults.add(Fault("reset", "POST", "bulk/custom", when="after"))
    rows = [row for row in crowd.crm.contacts() if row.id in {one, other}]
    open_ones = [
        outcome
        for task in BulkApplier(crowd.applier).tasks(crowd.request(row.id, "key:next", row=row) for row in rows)
        if isinstance(task, ContactGroup)
        for outcome in task.do()
    ]
    assert [outcome and outcome.status for outcome in open_ones] == ["open", "open"]
    crowd.kit.set_field(one, "credits", "10")  # the receipt is there, the value is not
    first = crowd.kit.field_values(other)[RECEIPT]
    assert first is not None
    crowd.kit.set_field(other, RECEIPT, crowd.kit.writes(other)[0][RECEIPT])  # the value is there, the receipt is not
    crowd.clock.sleep(60)
    again = [crowd.applier.apply(crowd.request(contact, "key:next")) for contact in (one, other)]
    assert [outcome.status for outcome in again] == ["parked", "parked"]


def test_what_was_begun_together_and_broken_off_is_ended_by_the_same_again(crowd: Crowd) -> None:
    rows = [row for row in crowd.crm.contacts() if row.id in crowd.ids]
    requests = {row.id: crowd.request(row.id, "key:next", row=row) for row in rows[:10]}
    dying = BulkApplier(crowd.applier)
    dying._write = lambda _parts: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        dying.apply(requests)
    assert {crowd.ledger.entries.sending(contact) is not None for contact in requests} == {True}
    crowd.clock.sleep(60)
    assert {outcome.status for outcome in crowd.grant()} == {"applied"}
    assert crowd.credits == ["20"] * COUNT


def test_a_contact_twice_in_a_row_is_not_put_together(crowd: Crowd) -> None:
    rows = [row for row in crowd.crm.contacts() if row.id == crowd.ids[0]]
    requests = [crowd.request(rows[0].id, f"key:{number}", row=rows[0]) for number in range(3)]
    outcomes = crowd.work(iter(requests))
    assert [outcome.after for outcome in outcomes] == [{"credits": "20"}, {"credits": "30"}, {"credits": "40"}]


def test_what_an_operation_keeps_is_kept(crowd: Crowd) -> None:
    keep: AfterRun = "keep-tag"
    tag = crowd.kit.tag(crowd.ids[0], TAG)
    crowd.operation = replace(GRANT, tag=Tag(tag, TAG), after_run=keep)
    row = next(iter(crowd.crm.carriers(tag)))
    assert row.tagged_at is not None
    assert crowd.work(iter([crowd.request(row.id, for_tag(tag, row.tagged_at), row=row)]))[0].status == "applied"
    assert TAG in crowd.kit.tags_of(crowd.ids[0])


def test_a_row_that_comes_late_and_alone_over_a_later_change_needs_a_person(crowd: Crowd) -> None:
    """Its receipt does not tell: that is a row of its own, which never came."""
    ann = crowd.ids[0]
    open_one = begin_and_lose(crowd, ann)
    assert open_one.status == "open"
    crowd.clock.sleep(60)
    assert crowd.applier.apply(crowd.request(ann, "key:next")).after == {"credits": "20"}
    assert crowd.applier.apply(crowd.request(ann, "key:other")).after == {"credits": "30"}
    crowd.kit.set_field(ann, "credits", "20")  # the lost row of "key:next"
    said = crowd.applier.apply(crowd.request(ann, "key:third"))
    assert (said.status, crowd.kit.field_values(ann)["credits"]) == ("parked", "20")
    assert said.reason is not None
    assert "whose write may have come late and in part" in said.reason


def test_what_a_person_called_not_applied_is_tried_again_though_others_came_between(crowd: Crowd) -> None:
    ann = crowd.ids[0]
    begin_and_lose(crowd, ann)
    crowd.kit.set_field(ann, RECEIPT, None)
    crowd.clock.sleep(60)
    parked = crowd.applier.apply(crowd.request(ann, "key:next"))
    assert (parked.status, parked.entry is None) == ("parked", False)
    crowd.applier.apply(crowd.request(ann, "key:between"))
    assert parked.entry is not None
    settle_as(crowd.applier, parked.entry.id, "not-applied", "maria")
    assert crowd.applier.apply(crowd.request(ann, "key:between again")).after == {"credits": "30"}
    assert crowd.applier.apply(crowd.request(ann, "key:next")).after == {"credits": "40"}


def test_a_period_that_was_done_is_refused_as_one_by_one(crowd: Crowd) -> None:
    month = "month:2026-11"
    for contact in crowd.ids[:2]:
        crowd.applier.apply(crowd.request(contact, "key:month", period=month))
        crowd.kit.tag(contact, TAG)
    tag = crowd.kit.add_tag(TAG)
    crowd.operation = replace(GRANT, tag=Tag(tag, TAG))
    rows = list(crowd.crm.carriers(tag))
    outcomes = crowd.work(
        crowd.request(row.id, for_tag(tag, row.tagged_at), row=row, period=month)
        for row in rows
        if row.tagged_at is not None
    )
    assert [outcome.status for outcome in outcomes] == ["refused", "refused"]


def begin_and_lose(crowd: Crowd, contact: int) -> Outcome:
    """Send for one contact what is lost on the way, and give how that was told."""
    crowd.kit.faults.add(Fault("reset", "POST", "bulk/custom"))
    row = next(row for row in crowd.crm.contacts() if row.id == contact)
    (task,) = BulkApplier(crowd.applier).tasks([crowd.request(contact, "key:next", row=row)])
    assert isinstance(task, ContactGroup)
    (outcome,) = task.do()
    assert outcome is not None
    return outcome


def test_two_that_take_the_same_contacts_in_opposite_order_both_end(crowd: Crowd) -> None:
    """Each holds all of its contacts at once; a second ledger on the same files is what another process has."""
    path = crowd.ledger.database.path
    other = Applier(Ledger.open(path, path.parent / "locks"), crowd.crm, crowd.clock, timedelta(seconds=60))
    rows = [row for row in crowd.crm.contacts() if row.id in crowd.ids][:40]
    both = [
        (crowd.applier, {row.id: crowd.request(row.id, "key:forwards", row=row) for row in rows}),
        (other, {row.id: crowd.request(row.id, "key:backwards", row=row) for row in reversed(rows)}),
    ]

    def grant(applier: Applier, requests: dict[int, Request]) -> set[str]:
        together = BulkApplier(applier).apply(requests)
        return {
            (outcome or applier.apply(request)).status
            for outcome, request in zip(together, requests.values(), strict=True)
        }

    with ThreadPoolExecutor(2) as pool:
        ended = [pool.submit(grant, applier, requests) for applier, requests in both]
        assert [each.result(timeout=120) for each in ended] == [{"applied"}] * 2
    assert Counter(crowd.credits) == {"30": 40, "10": COUNT - 40}
    other.ledger.close()


def test_trouble_of_one_hides_nothing_of_the_others(crowd: Crowd) -> None:
    """What was done together is told before the one that was not plain is done alone, and stops all."""
    odd, rows = crowd.ids[0], [row for row in crowd.crm.contacts() if row.id in crowd.ids[:10]]
    requests = [crowd.request(row.id, "key:next", row=row) for row in rows]
    tasks = list(BulkApplier(crowd.applier).tasks(requests))
    crowd.applier.apply(crowd.request(odd, "key:between"))  # its row is old by now
    crowd.kit.set_field(odd, RECEIPT, "zzzzzzzz.7")
    told: list[Outcome] = []
    with pytest.raises(OtherLedger):
        told.extend(work_off(tasks, BatchOptions(crowd.clock, lambda: False, lambda *_: None)))
    assert [outcome.status for outcome in told] == ["applied"] * 9

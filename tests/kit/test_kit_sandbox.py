"""The client against the sandbox over real HTTP, each exchange held against Kit's own description of its API."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ccops.crm.base import Missing, NotSent, OutcomeUnknown, RateLimited
from ccops.crm.http.rate_limit import SharedRateLimiter
from ccops.crm.kit.errors import KeyRefused, KitUnreachable, RedirectRefused
from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from ccops.crm.base import Crm
    from ccops.crm.kit.client import KitCrm
    from tests.kit.conftest import Connect, FakeClock

pytestmark = pytest.mark.slow


@pytest.fixture
def box(kit: Sandbox) -> Sandbox:
    """The sandbox."""
    return kit


@pytest.fixture
def crm(box: Sandbox, connect: Connect) -> KitCrm:
    """A client of the sandbox."""
    return connect(box.url, key="sandbox-key")


def test_the_client_is_a_crm(crm: KitCrm) -> None:
    general: Crm = crm
    assert general.account().name
    general.reserve(2)
    assert crm.server_date is not None


def test_a_contact_is_written_and_read(crm: KitCrm, box: Sandbox) -> None:
    zoe = box.add_contact("zoe@example.org", credits="5", note=None)
    before = crm.contact(zoe)
    echoed = crm.write(zoe, {"credits": "15", "note": "Grüße"})
    after = crm.contact(zoe)
    assert before is not None
    assert after is not None
    assert before.fields["credits"] == "5"
    assert echoed == after.fields
    assert (after.fields["credits"], after.fields["note"]) == ("15", "Grüße")
    assert len(box.writes(zoe)) == 1


@pytest.mark.parametrize("state", ["active", "inactive", "bounced", "complained", "cancelled"])
def test_a_contact_in_any_state_is_found(state: str, crm: KitCrm, box: Sandbox) -> None:
    wanted = box.add_contact("zoe+a@example.org", state=state)
    found = crm.find("Zoe+A@Example.org")
    assert found is not None
    assert (found.id, found.state) == (wanted, state)


@pytest.mark.parametrize("email", ["nobody@example.org", "zoe@example.org,yan@example.org", "@", "a b@c", "a@b@c,"])
def test_nobody_is_found_for_an_address_nobody_has(email: str, crm: KitCrm, box: Sandbox) -> None:
    box.add_contact("zoe@example.org")
    box.add_contact("yan@example.org")
    assert crm.find(email) is None


def test_what_is_not_there_is_none_or_missing(crm: KitCrm, box: Sandbox) -> None:
    zoe, tag = box.add_contact("zoe@example.org"), box.add_tag("VIP")
    assert crm.contact(1) is None
    crm.remove_tag(1, tag)
    crm.remove_tag(zoe, tag)
    for wrong in (
        lambda: crm.write(1, {"credits": "5"}),
        lambda: crm.add_tag(1, tag),
        lambda: crm.add_tag(zoe, 1),
        lambda: crm.tags_of(1),
        lambda: list(crm.carriers(1)),
    ):
        with pytest.raises(Missing):
            wrong()


def test_a_tag_goes_on_and_comes_off(crm: KitCrm, box: Sandbox) -> None:
    zoe = box.add_contact("zoe@example.org")
    tag, made = crm.create_tag("VIP")
    again, made_again = crm.create_tag("vip")
    assert (tag, made, made_again) == (again, True, False)
    assert (crm.add_tag(zoe, tag.id), crm.add_tag(zoe, tag.id)) == (True, False)
    held, carrier = crm.tags_of(zoe), next(crm.carriers(tag.id))
    assert [one.name for one in held] == ["VIP"]
    assert carrier.tagged_at == held[0].tagged_at
    crm.remove_tag(zoe, tag.id)
    assert crm.tags_of(zoe) == []


def test_fields_and_tags_are_listed(crm: KitCrm) -> None:
    field, tag = crm.create_field("Loyalty points"), crm.create_tag("Access: replay")[0]
    assert crm.create_field("Loyalty points") == field
    assert field in crm.fields()
    assert tag in crm.tags()


def test_everybody_is_listed_over_many_pages(crm: KitCrm, box: Sandbox) -> None:
    tag = box.add_tag("VIP")
    people = {box.add_contact(f"c{number}@example.org") for number in range(1100)}
    box.tag(min(people), tag)
    assert people <= {contact.id for contact in crm.contacts()}
    assert [contact.id for contact in crm.carriers(tag)] == [min(people)]
    assert box.counts["GET", "/v4/subscribers"] == 2


def test_cancelled_carriers_are_seen_unless_only_active_ones_are_wanted(crm: KitCrm, box: Sandbox) -> None:
    tag, gone = box.add_tag("VIP"), box.add_contact("gone@example.org", state="cancelled")
    box.tag(gone, tag)
    assert [contact.state for contact in crm.carriers(tag)] == ["cancelled"]
    assert list(crm.carriers(tag, "active")) == []


UNCLEAR = [
    Fault("reset", "PUT"),
    Fault("reset", "PUT", when="after"),
    Fault("hang", "PUT"),
    Fault("half", "PUT"),
    Fault("drip", "PUT", pace=60),
    Fault("status", "PUT", when="after"),
    Fault("status", "PUT", status=502),
    Fault("garbage", "PUT", when="after"),
    Fault("warnings", "PUT", warnings=("credits was ignored",)),
    Fault("accepted", "PUT"),
    Fault("late", "PUT"),
]


@pytest.mark.parametrize("fault", UNCLEAR, ids=lambda fault: f"{fault.kind} {fault.when}")
def test_an_unclear_write_is_told_and_sent_once(fault: Fault, crm: KitCrm, box: Sandbox) -> None:
    zoe = box.add_contact("zoe@example.org", credits="5")
    box.faults.add(fault)
    with pytest.raises(OutcomeUnknown):
        crm.write(zoe, {"credits": "15"})
    assert box.counts["PUT", "/v4/subscribers/{id}"] == 1
    assert box.faults.left == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault("reset"),
        Fault("hang"),
        Fault("half"),
        Fault("drip", pace=60),
        Fault("status"),
        Fault("garbage"),
        Fault("status", status=429),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status}",
)
def test_a_read_outlives_any_fault(fault: Fault, crm: KitCrm, box: Sandbox) -> None:
    zoe = box.add_contact("zoe@example.org")
    box.faults.add(fault)
    contact = crm.contact(zoe)
    assert contact is not None
    assert contact.id == zoe


def test_lost_answers_of_tag_calls_are_made_good(crm: KitCrm, box: Sandbox) -> None:
    zoe, tag = box.add_contact("zoe@example.org"), box.add_tag("VIP")
    box.faults.add(Fault("reset", "POST", when="after"))
    assert crm.add_tag(zoe, tag) is True
    box.faults.add(Fault("reset", "DELETE", when="after"))
    crm.remove_tag(zoe, tag)
    assert box.tags_of(zoe) == []


def test_a_service_that_is_down_and_comes_back(crm: KitCrm, box: Sandbox) -> None:
    zoe = box.add_contact("zoe@example.org", credits="5")
    crm.contact(zoe)
    box.stop()
    with pytest.raises(NotSent):
        crm.write(zoe, {"credits": "15"})
    with pytest.raises(KitUnreachable):
        crm.contact(zoe)
    box.start()
    assert crm.write(zoe, {"credits": "15"})["credits"] == "15"


def test_a_redirect_and_a_wrong_key_are_refused(crm: KitCrm, box: Sandbox, connect: Connect) -> None:
    box.faults.add(Fault("redirect"))
    with pytest.raises(RedirectRefused):
        crm.account()
    with pytest.raises(KeyRefused):
        connect(box.url, key="another-key").account()
    assert connect(box.url, key="sandbox-token", oauth=True).account() == crm.account()


def test_a_write_over_the_limit_is_not_sent(connect: Connect) -> None:
    with Sandbox(rate=2, window=60) as box:
        zoe = box.add_contact("zoe@example.org", credits="5")
        crm = connect(box.url, key="sandbox-key")
        crm.write(zoe, {"credits": "6"})
        crm.write(zoe, {"credits": "7"})
        with pytest.raises(RateLimited):
            crm.write(zoe, {"credits": "8"})
        assert box.field_values(zoe)["credits"] == "7"


def test_a_paced_client_keeps_to_the_limit_as_kit_sees_it(connect: Connect, clock: FakeClock, tmp_path: Path) -> None:
    with Sandbox(rate=20, window=60, clock=clock.now) as box:
        crm = connect(box.url, key="sandbox-key", paced_by=SharedRateLimiter(tmp_path / "pace", 20, 60, clock))
        started = clock.now()
        for _ in range(100):
            crm.account()
        assert box.statuses == {200: 100}
        assert clock.now() - started < timedelta(seconds=100 / 20 * 60)


PROCESS = """
import sys
from pathlib import Path
from ccops.clock import SystemClock
from ccops.crm.kit.client import KitCrm
from ccops.crm.http.rate_limit import SharedRateLimiter
from ccops.secret import Secret

pacer = SharedRateLimiter(Path(sys.argv[2]), 30, 1.0, SystemClock(), margin=3)
with KitCrm(Secret("sandbox-key"), api_url=sys.argv[1], pacer=pacer, clock=SystemClock()) as crm:
    for _ in range(20):
        crm.account()
"""


def test_three_processes_never_trip_over_the_limit_they_share(tmp_path: Path) -> None:
    """The wide margin is for requests that a busy machine is long about; without sharing, 60 would come at once."""
    with Sandbox(rate=30, window=1.0) as box:
        words = [sys.executable, "-c", PROCESS, box.url, str(tmp_path / "pace")]
        workers = [subprocess.Popen(words) for _ in range(3)]
        assert ([worker.wait() for worker in workers], box.statuses) == ([0, 0, 0], {200: 60})

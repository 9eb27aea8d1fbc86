"""Many contacts in one request against the sandbox, each exchange held against Kit's own description of its API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ccops.crm.base import ManyWritten, Missing, OutcomeUnknown
from ccops.sandbox.faults import Fault

if TYPE_CHECKING:
    from ccops.crm.kit.client import KitCrm
    from ccops.sandbox.faults import FaultKind
    from ccops.sandbox.sandbox import Sandbox
    from tests.kit.conftest import Connect

GONE = 99


@pytest.fixture
def crm(kit: Sandbox, connect: Connect) -> KitCrm:
    """A client with an access token."""
    return connect(kit.url, key="sandbox-token", oauth=True)


def people(kit: Sandbox, count: int) -> list[int]:
    """Contacts with two fields."""
    return [kit.add_contact(f"c{number}@example.org", credits="5", receipt=None) for number in range(count)]


def values(*contacts: int) -> dict[int, dict[str, str]]:
    """What is to be written."""
    return {contact: {"credits": str(number), "receipt": f"a.{number}"} for number, contact in enumerate(contacts)}


def test_as_many_as_fit_are_written_at_once(crm: KitCrm, kit: Sandbox) -> None:
    wanted = values(*people(kit, crm.most_at_once // 2))
    assert crm.write_many(wanted) == ManyWritten(wanted, frozenset())
    assert [kit.writes(contact) for contact in wanted] == [[each] for each in wanted.values()]
    assert kit.counts["POST", "/v4/bulk/custom_fields/subscribers"] == 1


def test_a_contact_that_is_gone_is_known_to_be_untouched(crm: KitCrm, kit: Sandbox) -> None:
    zoe, yan = people(kit, 2)
    wanted = values(zoe, yan)
    kit.delete_contact(yan)
    assert crm.write_many(wanted) == ManyWritten({zoe: wanted[zoe]}, frozenset({yan}))


def test_an_emptied_field_is_written(crm: KitCrm, kit: Sandbox) -> None:
    (zoe,) = people(kit, 1)
    assert crm.write_many({zoe: {"credits": ""}}) == ManyWritten({zoe: {"credits": ""}}, frozenset())
    assert kit.field_values(zoe)["credits"] is None


def test_a_field_that_is_not_there_is_missing_and_nothing_is_written(crm: KitCrm, kit: Sandbox) -> None:
    (zoe,) = people(kit, 1)
    with pytest.raises(Missing):
        crm.write_many({zoe: {"credits": "9", "nothing": "1"}})
    assert kit.writes(zoe) == []


@pytest.mark.parametrize("kind", ["part", "late_part", "late", "accepted", "warnings", "garbage", "reset", "half"])
def test_a_call_that_goes_wrong_is_of_unknown_outcome_and_sent_once(kind: FaultKind, crm: KitCrm, kit: Sandbox) -> None:
    zoe, yan = people(kit, 2)
    kit.faults.add(Fault(kind, "POST"), Fault(kind, "DELETE"))
    with pytest.raises(OutcomeUnknown):
        crm.write_many(values(zoe, yan))
    tag = kit.tag(zoe, "VIP")
    with pytest.raises(OutcomeUnknown):
        crm.remove_tag_of_many(tag, [zoe, yan])
    assert kit.counts["POST", "/v4/bulk/custom_fields/subscribers"] == 1
    assert kit.counts["DELETE", "/v4/bulk/tags/subscribers"] == 1


def test_rows_that_an_answer_does_not_mention_are_left_open(crm: KitCrm, kit: Sandbox) -> None:
    zoe, yan = people(kit, 2)
    wanted = values(zoe, yan)
    kit.faults.add(Fault("part", "POST", rows=3, status=200))
    assert crm.write_many(wanted) == ManyWritten({zoe: wanted[zoe], yan: {"credits": "1"}}, frozenset())


def test_a_tag_comes_off_many(crm: KitCrm, kit: Sandbox) -> None:
    zoe, yan, bare = people(kit, 3)
    tag = kit.add_tag("VIP")
    kit.tag(zoe, tag)
    kit.tag(yan, tag)
    assert crm.remove_tag_of_many(tag, [zoe, yan, bare]) == {zoe, yan, bare}
    assert [kit.tags_of(contact) for contact in (zoe, yan, bare)] == [[], [], []]
    assert crm.remove_tag_of_many(tag, [zoe, GONE]) == frozenset()


@pytest.mark.parametrize("state", ["active", "all"])
def test_a_total_counts_all_pages(state: str, crm: KitCrm, kit: Sandbox) -> None:
    tag = kit.add_tag("VIP")
    for contact in people(kit, 3):
        kit.tag(contact, tag)
    kit.tag(kit.add_contact("gone@example.org", state="cancelled"), tag)
    listing = crm.carriers(tag, "active" if state == "active" else "all")
    assert listing.total == len(list(listing)) == (3 if state == "active" else 4)
    assert crm.contacts().total == len(list(crm.contacts()))
    assert kit.counts["GET", "/v4/tags/{tag_id}/subscribers"] == 1

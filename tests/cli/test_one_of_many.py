"""Trouble with one contact or operation stops no other, and the end says which; trouble with all ends soon."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ccops.operations.model import Change, Operation
from ccops.sandbox.faults import Fault
from tests.cli.calls import Ended
from tests.cli.past import begun
from tests.cli.sites import Site

Call = Callable[..., Ended]

BY_ID = ("GET", "/v4/subscribers/{id}")
AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)

MARK = Operation("mark", (Change("plan", "set", value="gold"),), "UTC")
TAG, GONE, OTHER = "ccops: payment-credit", "ccops: gone", "ccops: mark"

pytestmark = pytest.mark.usefixtures("lucky_dice")


def failing(site: Site, contact: int) -> None:
    """Let Kit fail for a contact, for ever."""
    site.kit.faults.add(Fault("status", path=f"/v4/subscribers/{contact}(/|$)", status=500, times=None))


def people(site: Site, count: int = 4) -> list[int]:
    return [site.kit.add_contact(f"p{number}@example.org", credits="5") for number in range(count)]


def bind(site: Site, operation: str, tag: int, name: str) -> None:
    text, head = site.registry.read_text(), f"[operations.{operation}]"
    site.registry.write_text(text.replace(head, f'{head}\ntag = {{ id = {tag}, name = "{name}" }}'))


def credits_of(site: Site, contacts: list[int]) -> list[str | None]:
    return [site.kit.field_values(contact)["credits"] for contact in contacts]


def test_a_run_goes_on_behind_a_contact_for_which_kit_fails(site: Site, ccops: Call) -> None:
    contacts = people(site)
    failing(site, contacts[1])
    command = ("run", "payment-credit", *map(str, contacts), "--key", "1")
    ended = ccops(*command)
    assert (ended.status, credits_of(site, contacts)) == (4, ["15", "5", "15", "15"])
    assert f"{contacts[1]}\topen: Kit" in ended.out
    assert "the same command later goes on" in ended.err
    site.kit.faults.clear()
    assert (ccops(*command).status, credits_of(site, contacts)) == (0, ["15"] * 4)


def test_the_last_contact_of_a_run_may_fail_too(site: Site, ccops: Call) -> None:
    contacts = people(site)
    failing(site, contacts[-1])
    told = ccops("run", "payment-credit", *map(str, contacts), "--key", "1", "--json")
    rows = [json.loads(line) for line in told.out.splitlines()]
    assert (told.status, [row["status"] for row in rows]) == (4, ["applied"] * 3 + ["open"])
    assert "500" in rows[-1]["reason"]


def test_a_run_ends_soon_when_kit_fails_for_all(site: Site, ccops: Call) -> None:
    contacts = people(site, 20)
    site.kit.faults.add(Fault("status", path="/v4/subscribers/", status=500, times=None))
    ended = ccops("run", "payment-credit", *map(str, contacts), "--key", "1")
    assert (ended.status, ended.out) == (4, "")
    assert ended.err.splitlines()[-2].startswith("error: Kit")
    assert site.kit.counts[BY_ID] == 3 * 6


def test_an_import_goes_on_behind_a_contact_for_which_kit_fails(site: Site, ccops: Call) -> None:
    contacts = people(site)
    failing(site, contacts[0])
    file = site.home / "rows.csv"
    file.write_text("id,add\n" + "".join(f"{contact},1\n" for contact in contacts))
    ended = ccops("import", str(file), "--field", "credits", "--key", "gift")
    assert (ended.status, credits_of(site, contacts)) == (4, ["5", "6", "6", "6"])


def test_an_undo_goes_on_behind_a_contact_for_which_kit_fails(site: Site, ccops: Call) -> None:
    contacts = people(site)
    ccops("run", "payment-credit", *map(str, contacts), "--key", "1")
    failing(site, contacts[2])
    ended = ccops("undo", "--run", "r1")
    assert (ended.status, credits_of(site, contacts)) == (4, ["5", "5", "15", "5"])
    site.kit.faults.clear()
    assert (ccops("undo", "--run", "r1").status, credits_of(site, contacts)) == (0, ["5"] * 4)


def test_settle_goes_on_behind_a_contact_for_which_kit_fails(site: Site, ccops: Call) -> None:
    contacts, ledger = people(site), site.ledger(readonly=False)
    for contact in contacts:
        begun(ledger, contact, "key:1", AT, MARK)
    ledger.close()
    failing(site, contacts[0])
    ended = ccops("settle")
    assert (ended.status, site.statuses()) == (4, ["intended", "applied", "applied", "applied"])
    assert f"{contacts[0]}\topen: Kit" in ended.out


def test_a_poll_goes_on_behind_a_contact_for_which_kit_fails(site: Site, ccops: Call) -> None:
    contacts = people(site)
    bind(site, "payment-credit", site.kit.add_tag(TAG), TAG)
    for contact in contacts:
        site.kit.tag(contact, TAG)
    failing(site, contacts[3])
    ended = ccops("poll")
    assert (ended.status, credits_of(site, contacts)) == (4, ["15", "15", "15", "5"])
    assert "open: Kit" in ended.out
    site.kit.faults.clear()
    assert (ccops("poll").status, credits_of(site, contacts)) == (0, ["15"] * 4)


def test_a_deleted_trigger_tag_stops_no_other_operation(site: Site, ccops: Call) -> None:
    bind(site, "payment-credit", site.kit.add_tag(TAG), TAG)
    bind(site, "unlock-replay", 987654, GONE)
    site.kit.tag(site.ann, TAG)
    dry = ccops("poll", "--dry-run")
    ended = ccops("poll")
    for each in (dry, ended):
        assert (each.status, "credits 5 → 15" in each.out) == (2, True)
        assert f"warning: unlock-replay: its trigger tag {GONE} (987654) is no longer in Kit." in each.err
        assert "ccops tag unbind unlock-replay" in each.err
    assert site.credits() == "15"


def test_a_list_that_kit_fails_to_give_stops_no_other_operation(site: Site, ccops: Call) -> None:
    one, other = site.kit.add_tag(TAG), site.kit.add_tag(OTHER)
    bind(site, "payment-credit", one, TAG)
    bind(site, "mark", other, OTHER)
    for tag in (TAG, OTHER):
        site.kit.tag(site.ann, tag)
    site.kit.faults.add(Fault("status", "GET", f"/v4/tags/{one}/subscribers", status=500, times=None))
    ended = ccops("poll")
    assert (ended.status, site.kit.field_values(site.ann)["plan"]) == (4, "gold")
    assert "warning: payment-credit: Kit" in ended.err


def test_a_field_that_is_gone_stops_no_other_operation(site: Site, ccops: Call) -> None:
    site.registry.write_text(site.registry.read_text().replace('field = "plan"', 'field = "plam"'))
    one, other = site.kit.add_tag(TAG), site.kit.add_tag(OTHER)
    bind(site, "payment-credit", one, TAG)
    bind(site, "mark", other, OTHER)
    for tag in (TAG, OTHER):
        site.kit.tag(site.ann, tag)
    ended = ccops("poll")
    assert (ended.status, site.credits()) == (2, "15")
    assert 'warning: mark: Kit has no field "plam"' in ended.err


def test_a_poll_of_a_kit_that_is_away_ends_as_before(site: Site, ccops: Call) -> None:
    bind(site, "payment-credit", site.kit.add_tag(TAG), TAG)
    site.kit.faults.add(Fault("status", status=500, times=None))
    ended = ccops("poll")
    assert (ended.status, ended.err.startswith("error: Kit")) == (4, True)


def test_a_refused_credential_ends_all_at_once(site: Site, ccops: Call) -> None:
    contacts = people(site)
    site.kit.faults.add(Fault("status", path="/v4/subscribers/", status=401, times=None))
    assert ccops("run", "payment-credit", *map(str, contacts), "--key", "1").status == 3
    assert site.kit.counts[BY_ID] == 1

"""`ccops settle`, `doctor` and `report` tell how many need a person, also if they are more than a thousand."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ccops.ledger.inbox import Arrival, Ending
from ccops.ledger.model import Claim, Origin
from ccops.operations.model import to_json
from tests.cli.calls import Ended
from tests.cli.past import CREDIT, begun
from tests.cli.sites import Site

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
MANY = 1_105


@pytest.fixture
def crowded(site: Site) -> Site:
    """As many entries need a person, and as many POSTs."""
    ledger = site.ledger(readonly=False)
    run = begun(ledger, site.ann, "key:first", AT).run
    with ledger.at_once():
        for number in range(MANY):
            claim = Claim("payment-credit", to_json(CREDIT), site.ann, f"key:{number}", run, Origin("maria", "run"), AT)
            entry = ledger.entries.claim(claim).entry
            assert entry is not None
            ledger.entries.park(entry, "nobody can tell", AT)
        ledger.entries.fail(ledger.entries.get(1), "no longer in Kit", AT)
    posts = [Arrival("post", "payment-credit", "fay@example.org", AT, AT, str(number)) for number in range(MANY)]
    events = [accepted.event for accepted in ledger.inbox.accept(posts)]
    ledger.inbox.park(events, Ending("missing", "no such contact in Kit"), AT)
    ledger.close()
    return site


@pytest.mark.usefixtures("crowded")
def test_settle_says_how_many_more_need_a_person(ccops: Call) -> None:
    ended = ccops("settle")
    assert (ended.status, ended.out.splitlines()[-1]) == (
        1, "1,085 more entries need you; settle these first, or see all: ccops history --status parked",
    )  # fmt: skip
    assert len(ccops("settle", "--json").out.splitlines()) == MANY


@pytest.mark.usefixtures("crowded")
def test_the_doctor_counts_all_that_need_a_person(ccops: Call) -> None:
    found = [json.loads(line) for line in ccops("doctor", "--json").out.splitlines()]
    told = {(each["area"], each["text"]) for each in found}
    assert ("parked", "1,100 more") in told
    assert ("inbox", "1,100 more events of the inbox need you") in told


@pytest.mark.usefixtures("crowded")
def test_the_report_counts_all_that_need_a_person(ccops: Call) -> None:
    assert ccops("report").err.splitlines()[0] == "2,170 more need you: ccops settle"


@pytest.mark.usefixtures("crowded")
def test_a_quiet_settle_says_how_many_more_there_are(ccops: Call) -> None:
    assert ccops("settle", "--quiet").out.splitlines()[-1].startswith("1,085 more entries need you")

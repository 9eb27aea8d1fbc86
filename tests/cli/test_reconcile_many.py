"""`ccops reconcile` over ten thousand contacts: whom it names, and what that costs at Kit."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ccops.ledger.ledger import Ledger
from ccops.operations.model import Change, Operation, to_json
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.sites import Site, set_up, way_to

COUNT = 10_000
BY_HAND = range(500, 10_000, 575)
LATELY = range(3, 10_000, 2000)
"""Written to by ccops a moment ago: lists don't show it yet."""
READ, LIST = ("GET", "/v4/subscribers/{id}"), ("GET", "/v4/subscribers")


@pytest.fixture
def site(environ: dict[str, str]) -> Iterator[Site]:
    """A site whose Kit keeps no exchanges: these are too long to be held against Kit's description each time."""
    begun = datetime.now(UTC) - timedelta(minutes=1)
    with Sandbox(examples=False, keep_exchanges=0, clock=lambda: begun) as kit:
        environ |= way_to(kit)
        yield set_up(kit, Path(environ["CCOPS_HOME"]), environ)


def fill(site: Site) -> None:
    """Let all have 15 credits by a grant, of which nine in ten know; then hands come, and ccops itself."""
    kit, start = site.kit, datetime.now(UTC)
    ledger = site.ledger(readonly=False)
    written = [number for number in range(COUNT) if number % 10 != 9]
    entries = {number: entry for entry, number in enumerate(written, 1)}
    kit.settings.clock = lambda: start - timedelta(seconds=30)
    contacts = [
        kit.add_contact(
            f"c{number}@example.org",
            credits="5" if number in LATELY else "15",
            ccops_receipt=ledger.identity.lineage.receipt(entries[number]) if number in entries else None,
        )
        for number in range(COUNT)
    ]
    enter(ledger, [contacts[number] for number in written])
    kit.settings.clock = lambda: start - timedelta(seconds=20)
    for number in BY_HAND:
        kit.set_field(contacts[number], "credits", "20")
    kit.settings.clock = lambda: start
    for number in LATELY:
        kit.set_field(contacts[number], "credits", "15")
    kit.settings.lag = 10
    ledger.close()
    kit.forget()


def enter(ledger: Ledger, contacts: list[int]) -> None:
    """Write an entry for each, as a grant would have done."""
    moment = "2026-11-22T10:00:00.000Z"
    copy = to_json(Operation("grant", (Change("credits", "increase"),), "UTC"))
    with ledger.database.write() as db:
        db.run("INSERT INTO runs (words, title, \"by\", started_at) VALUES ('', '', 'maria', :at)", at=moment)
        db.run("INSERT INTO copies (text) VALUES (:text)", text=copy)
        for contact in contacts:
            db.run(
                'INSERT INTO entries (run, operation, copy, contact, occasion, status, "by", via, "before", "after",'
                " turn, sends, at, sent_at, ended_at, released) VALUES (1, 'grant', 1, :contact, 'run:1', 'applied',"
                " 'maria', 'run', '{\"credits\":\"5\"}', '{\"credits\":\"15\"}', 1, 1, :at, :at, :at, 1)",
                contact=contact,
                at=moment,
            )


def test_the_seventeen_of_ten_thousand_that_a_hand_changed_are_named_for_a_page_a_thousand_and_a_read_a_suspect(
    site: Site, ccops: Callable[..., Ended]
) -> None:
    fill(site)
    ended = ccops("reconcile", "credits", "--json")
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert len(BY_HAND) == 17
    assert ended.status == 1
    assert [row["contact"]["email"] for row in rows] == [f"c{number}@example.org" for number in BY_HAND]
    assert {(row["status"], row["difference"]) for row in rows} == {("by-hand", "5")}
    assert site.kit.counts[LIST] == COUNT / 1000
    assert site.kit.counts[READ] == len(BY_HAND) + len(LATELY)

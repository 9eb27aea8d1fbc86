"""`ccops settle` shows, of each entry that needs a person, what was tried, what Kit shows now, and the choices."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

from ccops.ledger.inbox import Arrival, Ending
from ccops.sandbox.faults import Fault
from tests.cli import calls as calling
from tests.cli.calls import Ended
from tests.cli.past import at_noon, begun, parked
from tests.cli.sites import RECEIPT, Site

Call = Callable[..., Ended]

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
APPLIED = "It counts as done: the same occasion never runs it again, its tags are put in order. No field is changed."
NOT_APPLIED = "It counts as not done: the same command may run it again, from what Kit shows now."


def test_it_shows_what_was_tried_what_kit_shows_and_both_choices(site: Site, ccops: Call) -> None:
    parked(site, AT)
    site.kit.set_field(site.ann, "credits", "7")
    ended = ccops("settle")
    assert (ended.status, ended.err) == (1, "")
    assert at_noon(ended.out).splitlines() == [
        f"{site.ann}\tneeds you: nobody can tell\te1",
        "  tried   credits 5 → 15, sent 22 Nov 12:00; payment-credit, key lost, by maria (run)",
        "  Kit     credits 7, no receipt",
        "  ccops settle e1 --as applied",
        f"    {APPLIED}",
        "  ccops settle e1 --as not-applied",
        f"    {NOT_APPLIED}",
    ]


def test_its_choices_do_what_they_say(site: Site, ccops: Call) -> None:
    parked(site, AT)
    again = ("run", "payment-credit", "ann@example.org", "--key", "lost")
    assert ccops(*again).status == 1, "it waits for a person"
    assert ccops("settle", "e1", "--as", "not-applied").status == 0
    assert (ccops(*again).status, site.credits()) == (0, "15")
    assert ccops("settle") == Ended(0, "Nothing is open.\n", "")
    assert site.statuses() == ["applied"]


def test_what_is_taken_as_applied_is_done(site: Site, ccops: Call) -> None:
    parked(site, AT)
    assert ccops("settle", "e1", "--as", "applied").status == 0
    again = ccops("run", "payment-credit", "ann@example.org", "--key", "lost")
    assert ("already done" in again.out, site.credits(), site.sent) == (True, "5", 0)


def test_what_was_never_sent_can_only_be_taken_as_not_applied(site: Site, ccops: Call) -> None:
    site.kit.set_field(site.ann, RECEIPT, "my notes")
    ccops("run", "payment-credit", "ann@example.org")
    shown = ccops("settle").out.splitlines()
    assert "; nothing was sent" not in shown[0]
    assert shown[1].endswith("(run); nothing was sent")
    assert shown[2] == '  Kit     credits 5, "my notes" in place of a receipt'
    assert [line for line in shown if "--as" in line] == ["  ccops settle e1 --as not-applied"]


def test_it_says_whose_receipt_is_there(site: Site, ccops: Call) -> None:
    ccops("run", "mark", "ann@example.org")
    parked(site, AT)
    assert "receipt of e1\n" in ccops("settle").out
    site.kit.set_field(site.ann, RECEIPT, "someones7.12")
    assert "the receipt of e12 of another ledger\n" in ccops("settle").out
    ledger = site.ledger()
    site.kit.set_field(site.ann, RECEIPT, ledger.identity.lineage.receipt(2))
    ledger.close()
    assert "the receipt of this entry\n" in ccops("settle").out


def test_a_contact_that_is_gone_is_said(site: Site, ccops: Call) -> None:
    parked(site, AT)
    site.kit.faults.add(Fault("status", "GET", f"/subscribers/{site.ann}", status=404, times=None))
    assert "  Kit     the contact is no longer there\n" in ccops("settle").out


def test_many_are_read_up_to_a_limit_and_the_rest_is_counted(site: Site, ccops: Call) -> None:
    ledger = site.ledger(readonly=False)
    for number in range(23):
        contact = site.kit.add_contact(f"c{number}@example.org", credits="1")
        ledger.entries.park(begun(ledger, contact, f"key:{number}", AT), "nobody can tell", AT)
    ledger.close()
    site.kit.forget()
    shown = ccops("settle").out.splitlines()
    reads = sum(count for (method, path), count in site.kit.counts.items() if method == "GET" and "subscribers" in path)
    assert (reads, sum("needs you:" in line for line in shown)) == (20, 20)
    assert shown[-1] == "3 more entries need you; settle these first, or see all: ccops history --status parked"
    rows = [json.loads(line) for line in ccops("settle", "--json").out.splitlines()]
    assert [row["kit"] is None for row in rows] == [False] * 20 + [True] * 3


def test_without_kit_they_are_listed_all_the_same(site: Site, ccops: Call) -> None:
    parked(site, AT)
    ccops("doctor")  # asks whose account the key opens
    ended = ccops("settle")
    assert ended.status == 1
    site.kit.faults.add(Fault("status", "GET", f"/subscribers/{site.ann}", status=401, times=None))
    ended = ccops("settle")
    assert (ended.status, "  Kit     not known\n" in ended.out) == (3, True)
    assert ended.err.startswith("warning: what Kit shows now is not known: ")


def test_an_event_of_the_inbox_ends_by_a_persons_word(site: Site, ccops: Call) -> None:
    ledger = site.ledger(readonly=False)
    for number in (1, 2):
        post = Arrival("post", "payment-credit", "fay@example.org", AT, AT, f"invoice-{number}")
        ledger.inbox.park([ledger.inbox.accept([post])[0].event], Ending("missing", "no such contact in Kit"), AT)
    ledger.close()
    ended = ccops("settle", "i1", "--as", "applied", CCOPS_ACTOR="maria")
    assert ended == Ended(0, "i1 for fay@example.org, payment-credit: maria said that it was applied\n", "")
    told = json.loads(ccops("settle", "i2", "--as", "not-applied", "--json", CCOPS_ACTOR="maria").out)
    assert (told["event"], told["status"], told["reason"]) == ("i2", "missing", "maria said that it was not applied")
    again = ccops("settle", "i2", "--as", "applied")
    assert (again.status, again.err) == (
        2,
        calling.told("the inbox has no event i2 that needs a person. Nothing was changed.\nccops doctor"),
    )


def test_doctor_names_the_lost_tags_of_a_refusal_and_settle_adds_them(site: Site, ccops: Call) -> None:
    text = site.registry.read_text().replace("amount = 3, minimum = 0 }", "amount = 9, minimum = 0 }")
    site.registry.write_text(text.replace("[operations.mark]", 'tags_if_refused = ["poor"]\n\n[operations.mark]'))
    site.kit.faults.add(Fault("status", "POST", "/v4/tags/.*/subscribers", status=422, times=None))
    assert ccops("run", "unlock-replay", "ann@example.org", "--key", "1").status == 1
    site.kit.faults.clear()
    assert "1 change ended, tags not in order yet: e1" in ccops("doctor").out
    assert ccops("settle").status == 0
    assert "poor" in site.kit.tags_of(site.ann)
    assert "tags not in order" not in ccops("doctor").out


def test_quiet_leaves_nothing_out_that_needs_a_person(site: Site, ccops: Call) -> None:
    parked(site, AT)
    assert ccops("settle", "--quiet").out == ccops("settle").out


def test_a_terminal_gets_lines_that_fit(site: Site, terminal: Call) -> None:
    parked(site, AT)
    shown = terminal("settle", NO_COLOR="1").out.splitlines()
    assert max(map(len, shown)) <= 80
    assert "  ccops settle e1 --as applied" in shown

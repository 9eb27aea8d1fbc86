"""Trouble with the key and with Kit, as the commands that write meet it: told whole, with the right exit status."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ccops.ledger.ledger import Ledger
from ccops.sandbox.faults import Fault
from tests.cli.calls import Ended, told
from tests.cli.sites import KEY, OPERATIONS, RECEIPT, Site

Call = Callable[..., Ended]

ANN, BOB = "ann@example.org", "bob@example.org"
RUN = ("run", "payment-credit", ANN)
UNUSABLE_KEY = (
    "The credential from KIT_API_KEY has blanks, line ends or letters outside ASCII in it; it was not used.\n"
    "Copy it from Kit again, without blanks and line ends; then: ccops login"
)
NO_ADDRESS = (
    "KIT_API_URL is not the address of a server.\n"
    "Write KIT_API_URL like https://host.example.org, without user, password, ? and #."
)
UNREACHABLE = (
    "Kit ({}): no connection could be made ({}) (tried 6 times). Nothing is lost: the same command later goes on.\n"
    "ccops doctor"
)
TROUBLES: dict[str, tuple[dict[str, str], int, str]] = {
    "no key": (
        {"KIT_API_KEY": ""},
        3,
        (
            "there is no API key for Kit, in the environment (KIT_API_KEY) or in config.toml. Nothing was sent.\n"
            "ccops login"
        ),
    ),
    "a wrong key": (
        {"KIT_API_KEY": "kit_wrong_one"},
        3,
        (
            'Kit refused the API key: "The access token is invalid". It may be mistyped, expired, deleted or made for '
            "Kit's old API v3, or the account's plan has no API.\nccops login"
        ),
    ),
    "a key with a blank": ({"KIT_API_KEY": f"{KEY} "}, 2, UNUSABLE_KEY),
    "a key with a line end": ({"KIT_API_KEY": f"{KEY}\n"}, 2, UNUSABLE_KEY),
    "a key of other letters": ({"KIT_API_KEY": f"{KEY}ö"}, 2, UNUSABLE_KEY),
    "nobody at the port": (
        {"KIT_API_URL": "http://127.0.0.1:9"},
        4,
        UNREACHABLE.format("127.0.0.1:9", "Connection refused"),
    ),
    "plain http to the world": (
        {"KIT_API_URL": "http://api.kit.com"},
        2,
        (
            "KIT_API_URL is plain http to api.kit.com; only this machine itself may be reached without https.\n"
            "Write KIT_API_URL with https://."
        ),
    ),
    "another protocol": ({"KIT_API_URL": "ftp://api.kit.com"}, 2, NO_ADDRESS),
    "a password in the address": ({"KIT_API_URL": f"https://me:{KEY}@api.kit.com"}, 2, NO_ADDRESS),
    "escapes in the address": ({"KIT_API_URL": "https://api.kit.com\x1b[31m"}, 2, NO_ADDRESS),
}


@pytest.mark.usefixtures("lucky_dice")
@pytest.mark.parametrize("how", [(), ("--dry-run",), ("--json",)])
@pytest.mark.parametrize("kind", TROUBLES)
def test_without_kit_nothing_is_sent(site: Site, ccops: Call, kind: str, how: tuple[str, ...]) -> None:
    environ, status, error = TROUBLES[kind]
    assert ccops(*RUN, *how, **environ) == Ended(status, "", told(error))
    assert (site.sent, site.credits(), site.statuses()) == (0, "5", [])
    site.kit.forget()
    assert ccops(*RUN).status == 0
    assert (site.sent, site.credits()) == (1, "15")


def test_the_key_of_a_command_is_asked_for_once_and_never_shown(site: Site, ccops: Call, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    script = tmp_path / "key.sh"
    script.write_text(f"echo once >> {asked}; echo {KEY}")
    (site.home / "config.toml").write_text(f'api_key_command = "sh {script}"\n')
    ended = ccops(*RUN, "--key", "invoice-7", "--reason", "paid", KIT_API_KEY="")
    assert (ended.status, asked.read_text()) == (0, "once\n")
    typed = ccops(*RUN, "--key", KEY, KIT_API_KEY="")
    assert (typed.status, KEY in typed.err, typed.err.startswith("error: --key names the occasion")) == (2, False, True)


def test_another_account_is_refused(site: Site, ccops: Call) -> None:
    other = site.home.with_name("other")
    other.mkdir()
    (other / "operations.toml").write_text(OPERATIONS)
    new_ledger(other, 10, "Zoe\x1b[31m[/b]")
    error = (
        "this ledger belongs to the account Zoe\\x1b[31m[/b] (10), but the credential opens Ann's Studio (9). Nothing "
        "was sent. Use the first account's key (ccops login), or another --home for the second account."
    )
    for how in ((), ("--dry-run",)):
        assert ccops(*RUN, *how, CCOPS_HOME=str(other)) == Ended(5, "", told(error))
    assert site.sent == 0


def test_a_receipt_of_another_ledger_stops_the_run(site: Site, ccops: Call) -> None:
    ccops(*RUN)
    theirs = receipt_of(site).partition(".")[0]
    site.database.unlink()
    ours = new_ledger(site.home, 9, "Ann's Studio")
    error = (
        f"contact {site.ann} was last changed by another ledger ({theirs}), not by this one ({ours}, in {site.home}). "
        "Nothing was sent. Two ledgers at work on one account would count twice: use the home of the other ledger. "
        "Only if that is lost for ever, go on from where it stopped.\nccops init --take-over"
    )
    for how in ((), ("--dry-run",)):
        assert ccops(*RUN, *how) == Ended(5, "", told(error))
    assert (site.sent, site.credits()) == (1, "15")


def test_a_receipt_ends_a_run_over_several_contacts_where_it_is_met(site: Site, ccops: Call) -> None:
    site.kit.set_field(site.kit.contact_id(BOB), RECEIPT, "someones7.12")
    ended = ccops("run", "payment-credit", ANN, BOB, "hal@example.org")
    assert (ended.status, ended.out) == (5, f"{ANN}\tcredits 5 → 15\te1\n")
    assert ended.err.startswith("warning: 2 of 3 contacts were not reached, for this reason:\nerror: ")
    site.kit.set_field(site.kit.contact_id(BOB), RECEIPT, None)
    again = ccops("run", "payment-credit", ANN, BOB, "hal@example.org")
    assert [line.split("\t")[1].partition(",")[0] for line in again.out.splitlines()] == [
        "already done",
        "credits 12 → 22",
        "credits 0 → 10",
    ]


def test_an_older_copy_of_the_ledger_is_found_out(site: Site, ccops: Call) -> None:
    ccops(*RUN)
    copy = site.database.read_bytes()
    ccops(*RUN)
    receipt = receipt_of(site)
    site.database.write_bytes(copy)
    error = (
        f'contact {site.ann} carries the receipt "{receipt}", which the ledger in {site.home} does not know. '
        "Nothing was sent. This ledger is an older copy of the one that wrote it: use that one. Only if it is "
        "lost for ever, go on with this one.\nccops init --take-over"
    )
    for how in ((), ("--dry-run",)):
        assert ccops(*RUN, *how) == Ended(5, "", told(error))
    assert (site.sent, site.credits()) == (2, "25")


def test_a_text_in_the_receipt_field_is_a_case_for_a_person(site: Site, ccops: Call) -> None:
    site.kit.set_field(site.ann, RECEIPT, "my notes [/b]")
    parked = ccops(*RUN)
    reason = "needs you: its receipt field holds a text that is no receipt"
    assert parked == Ended(1, f"{ANN}\t{reason}\te1\n", "warning: e1 needs you: ccops settle\n")
    open_entry = (
        "e1 needs a person first, who says whether it was applied. Nothing was sent.\n"
        "ccops settle e1 --as applied\nccops settle e1 --as not-applied"
    )
    assert ccops("undo", "e1") == Ended(2, "", told(open_entry))
    never = "e1 was parked before anything was sent, so it can't have been applied.\nccops settle e1 --as not-applied"
    assert ccops("settle", "e1", "--as", "applied") == Ended(2, "", told(never))
    assert ccops("settle", "e1", "--as", "not-applied").status == 0
    assert (site.sent, site.credits()) == (0, "5")
    assert ccops(*RUN).status == 0
    assert site.credits() == "15"


def test_a_field_renamed_in_kit_is_told_and_the_same_command_works_once_it_is_mended(site: Site, ccops: Call) -> None:
    text = OPERATIONS.replace('"plan"', '"plans"')
    site.registry.write_text(text)
    error = (
        'Kit has no field "plans" (any more), which mark needs; there is "plan". Nothing was sent '
        "for this contact. If the field was renamed in Kit, this follows it, with all that was counted:\n"
        "ccops doctor --fix"
    )
    for how in ((), ("--dry-run",)):
        assert ccops("run", "mark", ANN, *how) == Ended(2, "", told(error))
    assert site.sent == 0
    site.registry.write_text(OPERATIONS)
    again = ccops("run", "mark", ANN)
    assert (again.status, again.out.rpartition("\t")[0]) == (0, f"{ANN}\tplan (empty) → gold")
    assert (site.sent, site.kit.field_values(site.ann)["plan"]) == (1, "gold")


def test_without_its_receipt_field_ccops_writes_nothing(site: Site, ccops: Call) -> None:
    ccops(*RUN)
    ledger = site.ledger(readonly=False)
    ledger.identity.set_receipt_field("ccops_receipt_deleted")
    ledger.close()
    error = (
        'the field "ccops_receipt_deleted", in which ccops keeps its receipts, is not in Kit (any more). Nothing was '
        "sent for this contact, since without a receipt no change could be counted exactly once. Make the field again."
        "\nccops init --yes"
    )
    for how in ((), ("--dry-run",)):
        assert ccops(*RUN, *how) == Ended(2, "", told(error))
    assert (site.sent, site.credits()) == (1, "15")


@pytest.mark.usefixtures("lucky_dice")
def test_an_open_entry_is_settled_before_it_can_be_undone(site: Site, ccops: Call) -> None:
    """Kit takes the change, its answer is lost, and then Kit is out of reach."""
    reads = r"/subscribers/\d+$"
    site.kit.faults.add(Fault("reset", "PUT", when="after"), Fault("reset", "GET", reads, skip=1, times=6))
    ended = ccops(*RUN)
    assert (ended.status, site.statuses(), site.credits()) == (4, ["sending"], "15")
    error = "e1 has not come to its end yet. Nothing was sent.\nccops settle"
    assert ccops("undo", "e1") == Ended(2, "", told(error))
    settling = (
        "e1 is open, and needs nobody's word: there is nothing to settle by hand. Nothing was changed.\nccops settle"
    )
    assert ccops("settle", "e1", "--as", "applied") == Ended(2, "", told(settling))
    assert ccops("settle") == Ended(0, f"{ANN}\tcredits 5 → 15\te1\n", "")
    assert ccops("undo", "e1").status == 0
    assert (site.credits(), len(site.kit.writes(site.ann))) == ("5", 2)


def receipt_of(site: Site) -> str:
    return site.kit.field_values(site.ann)[RECEIPT] or ""


def new_ledger(home: Path, account: int, name: str) -> str:
    """Make another ledger in a home and return its id."""
    ledger = Ledger.create(home / "ledger.sqlite3", home / "locks")
    ledger.identity.found(account, name, RECEIPT)
    made = ledger.identity.lineage.current
    ledger.close()
    return made

"""`ccops doctor` looks: each thing that is wrong gets its line and what mends it, and hides no other."""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ccops.ledger.inbox import Arrival, Ending
from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.dialogs import KEY, OTHER_KEY, call_kit, keeps_secrets, piped, rename_field, talk
from tests.cli.practice import Practice, open_practice

pytestmark = pytest.mark.slow

TAG = "ccops: payment-credit"
FOR_NOTHING = "or, if it is to count for nothing: ccops settle"


@pytest.fixture
def practice(kit: Sandbox, environ: dict[str, str], ccops: Callable[..., Ended]) -> Practice:
    return open_practice(kit, environ, ccops)


def bytes_of(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}


# ---- the whole


def test_a_home_in_order_is_well(practice: Practice) -> None:
    before = bytes_of(practice.home)
    ended = practice("doctor")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        f"✓ home     {practice.home}, nobody else can read it",
        "✓ Kit      Ann's Studio (9), key from config.toml (cron has it), without a limit",
        "✓ clock    agrees with Kit's",
        "✓ settings what is done here is put down to maria",
        "✓ registry 2 operations, time zone America/New_York",
        *ended.out.splitlines()[5:8],
        "✓ runs     all reported their end",
        "✓ open     nothing was left half-way",
        "✓ grant    no period was left out",
        "✓ receipts in the field ccops_receipt",
        "✓ fields   credits",
        "✓ tags     1 trigger tag, each in its place",
        "✓ waiting  nobody who carries a trigger tag",
        "All is well.",
    ]
    assert ended.out.splitlines()[5].startswith("✓ ledger   0 entries of Ann's Studio, ")
    assert ended.out.splitlines()[6].startswith(f"✓ ledger   SQLite {sqlite3.sqlite_version}, ")
    assert ended.out.splitlines()[7].startswith("✓ backup   last made ")
    assert {name: content for name, content in bytes_of(practice.home).items() if name in before} == before


def test_json_gives_one_object_a_finding(practice: Practice) -> None:
    rows = [json.loads(line) for line in practice("doctor", "--json").out.splitlines()]
    assert rows[2] == {"area": "clock", "ok": True, "text": "agrees with Kit's", "mend": None}
    assert {tuple(row) for row in rows} == {("area", "ok", "text", "mend")}


def test_quiet_prints_only_what_needs_a_person(practice: Practice) -> None:
    assert practice("doctor", "--quiet") == Ended(0, "", "")
    practice.home.chmod(0o755)
    ended = practice("doctor", "--quiet")
    assert ended.status == 1
    assert ended.out.splitlines() == [
        "✗ home     the folder is open to other users (mode 755)",
        "           ccops doctor --fix",
        "1 thing needs you.",
    ]


def test_a_terminal_gets_lines_that_fit(practice: Practice) -> None:
    practice.kit.tag(practice.kit.contact_id("ann@example.org"), TAG)
    ended = keeps_secrets(talk(practice.environ | {"NO_COLOR": "1"}, ["doctor"], []))
    assert ended.status == 1
    assert max(len(line) for line in ended.out.splitlines() if str(practice.home) not in line) <= 80
    assert "           ccops poll payment-credit\n" in ended.out


def test_no_home_is_all_there_is_to_say(ccops: Callable[..., Ended], environ: dict[str, str]) -> None:
    ended = ccops("doctor", **environ)
    home = environ["CCOPS_HOME"]
    assert ended.out.splitlines() == [
        f"✗ home     there is no home at {home}",
        "           ccops init",
        "           or, if it is elsewhere: --home DIR, or CCOPS_HOME",
        "           or, from a backup: ccops restore FILE",
        "1 thing needs you.",
    ]
    assert (ended.status, ended.err) == (1, "")
    assert not Path(home).exists()


def test_a_rehearsal_is_examined_too(ccops: Callable[..., Ended], environ: dict[str, str]) -> None:
    ccops("init", "--sandbox", **environ)
    ended = ccops("doctor", **environ)
    assert ended.status == 0
    assert ended.out.startswith("[sandbox]\n✓ home ")
    assert "the embedded sandbox" in ended.out


def test_no_finding_hides_another(practice: Practice) -> None:
    practice.home.chmod(0o755)
    (practice.home / "config.toml").write_text("rate = many\n")
    (practice.home / "operations.toml").write_text('timezone = "Mars"\n[operations.x]\nfeild = "credits"\n')
    (practice.home / "ledger.sqlite3").write_bytes(b"no database, surely" * 100)
    areas = [area for area, _, _ in practice.wrong()]
    assert {"home", "settings", "registry", "ledger"} <= set(areas)
    assert areas.count("registry") > 1, "each fault of a file is a line of its own"
    assert areas.count("ledger") == 1


# ---- the key, the account and the way to Kit


def test_an_unreachable_kit_is_said_once_and_the_rest_is_checked(practice: Practice) -> None:
    practice.home.chmod(0o755)
    found = practice.findings(KIT_API_URL="http://127.0.0.1:9")
    assert [(row["ok"], "no connection" in row["text"]) for row in found["Kit"]] == [(False, True)]
    assert not found["home"][0]["ok"]
    assert found["ledger"][0]["ok"]
    assert "fields" not in found


def test_a_kit_that_fails_half_way_is_said_once(practice: Practice) -> None:
    practice.kit.faults.add(Fault("status", method="GET", path="custom_fields", status=401, times=None))
    assert [(area, mend) for area, _, mend in practice.wrong()] == [("Kit", "ccops login")]


@pytest.mark.parametrize(
    ("config", "shell", "text", "mend"),
    [
        ("", {}, "there is no API key", "ccops login"),
        (f'api_key = "{OTHER_KEY}"\n', {}, "Kit refused the API key", "ccops login"),
        ("", {"KIT_API_KEY": KEY}, "key from KIT_API_KEY in this shell alone (cron lacks it)", "ccops init --save-key"),
        ('api_key_command = "false"\n', {}, "gave no key", "Try it yourself: false"),
    ],
)
def test_a_key_that_cron_lacks_or_kit_refuses_is_found(
    practice: Practice, config: str, shell: dict[str, str], text: str, mend: str
) -> None:
    (practice.home / "config.toml").write_text(config)
    found = practice.wrong(**shell)
    assert [area for area, _, _ in found] == ["Kit"]
    assert text in found[0][1]
    assert found[0][2] == mend


def test_a_key_of_the_shell_is_no_fault_where_cron_has_another(practice: Practice) -> None:
    found = practice.findings(KIT_API_KEY=KEY)
    assert found["Kit"][0]["ok"]
    assert "cron takes that of config.toml" in found["Kit"][0]["text"]
    (practice.home / "config.toml").write_text(f'api_key_command = "echo {KEY}"\n')
    assert "cron runs it too" in practice.findings()["Kit"][0]["text"]


def test_a_key_of_another_account_is_found(practice: Practice) -> None:
    with sqlite3.connect(practice.home / "ledger.sqlite3") as database:
        database.execute("UPDATE identity SET value = '10' WHERE name = 'account'")
    database.close()
    assert ("Kit", "the key opens Ann's Studio (9), but this home is of Ann's Studio (10)", "ccops login") in (
        practice.wrong()
    )


@pytest.mark.parametrize(
    ("shift", "said"), [(timedelta(minutes=5), "5 min behind"), (timedelta(seconds=-90), "ahead of")]
)
def test_a_clock_that_is_wrong_is_found(practice: Practice, shift: timedelta, said: str) -> None:
    practice.kit.settings.clock = lambda: datetime.now(UTC) + shift
    found = practice.wrong()
    assert [area for area, _, _ in found] == ["clock"]
    assert said in found[0][1]


def test_a_clock_that_is_almost_right_is_well(practice: Practice) -> None:
    practice.kit.settings.clock = lambda: datetime.now(UTC) + timedelta(seconds=50)
    assert practice.wrong() == []


# ---- what must be in Kit


def test_a_field_that_was_renamed_is_found(practice: Practice) -> None:
    rename_field(practice.kit, "Credits", "Credits left")
    assert practice.wrong() == [
        (
            "fields",
            'the field "credits" has the key "credits_left" in Kit now: it was renamed there',
            "ccops doctor --fix",
        )
    ]


def test_a_receipt_field_that_was_renamed_is_found(practice: Practice) -> None:
    rename_field(practice.kit, "ccops receipt", "Something")
    assert [(area, mend) for area, _, mend in practice.wrong()] == [("receipts", "ccops doctor --fix")]


def test_a_tag_that_is_gone_or_renamed_is_found(practice: Practice) -> None:
    registry = practice.home / "operations.toml"
    tag = practice.kit.add_tag(TAG)
    call_kit(practice.kit, "PUT", f"/v4/tags/{tag}", {"name": "Paid"})
    found = practice.findings()["tags"]
    assert [(row["ok"], row["text"]) for row in found] == [
        (True, f'payment-credit: its tag "{TAG}" is called "Paid" in Kit now')
    ]
    registry.write_text(registry.read_text().replace(f"id = {tag}", "id = 4711"))
    assert [(area, mend) for area, _, mend in practice.wrong()] == [
        ("tags", "ccops tag unbind payment-credit\nccops tag create payment-credit")
    ]


def test_an_operation_that_was_renamed_is_found_by_its_tag(practice: Practice) -> None:
    practice("run", "payment-credit", "ann@example.org")
    registry = practice.home / "operations.toml"
    registry.write_text(registry.read_text().replace("payment-credit]", "paid]"))
    found = practice.wrong()
    assert [area for area, _, _ in found] == ["tags"]
    assert 'was counted as "payment-credit"' in found[0][1]


def test_contacts_whose_tag_waits_are_counted(practice: Practice) -> None:
    for name in ("ann", "di", "ed"):
        practice.kit.tag(practice.kit.contact_id(f"{name}@example.org"), TAG)
    found = practice.wrong()
    assert [(area, mend) for area, _, mend in found] == [("waiting", "ccops poll payment-credit")]
    assert found[0][1].startswith(f'3 contacts carry "{TAG}" since ')
    practice("op", "edit", "payment-credit", "--state", "active")
    assert practice.wrong()[0][1].startswith("1 contact carries ")
    practice("op", "pause", "payment-credit")
    row = practice.findings()["waiting"][0]
    assert (row["ok"], row["text"].endswith("payment-credit is paused")) == (True, True)


# ---- the ledger


@pytest.mark.parametrize(("name", "text"), [("ledger.sqlite3", "is gone"), ("operations.toml", "no registry")])
def test_a_file_that_is_gone_is_found(practice: Practice, name: str, text: str) -> None:
    for path in practice.home.glob(f"{name}*"):
        path.unlink()
    found = practice.wrong()
    assert len(found) == 1
    assert text in found[0][1]


def test_a_damaged_ledger_is_found(practice: Practice) -> None:
    database = practice.home / "ledger.sqlite3"
    content = bytearray(database.read_bytes())
    content[8192:16384] = b"\x99" * 8192
    database.write_bytes(content)
    found = practice.wrong()
    assert [area for area, _, _ in found] == ["ledger"]
    assert "is damaged" in found[0][1]


def test_a_run_that_never_reported_its_end_is_found(practice: Practice) -> None:
    with practice.ledger() as ledger:
        started = ledger.runs.start("words", "run payment-credit ann@example.org", "maria", datetime.now(UTC))
        assert practice.findings()["runs"][0]["ok"], "it is at work"
        started.lock.drop()
        text = practice.wrong()[0][1]
    assert text.startswith("r1 (run payment-credit ann@example.org, ")
    assert text.endswith("by maria) never reported its end")


def test_a_run_broken_off_long_ago_is_left_alone(practice: Practice) -> None:
    with practice.ledger() as ledger:
        ledger.runs.start("words", "run x", "maria", datetime.now(UTC) - timedelta(days=40)).lock.drop()
    assert practice.wrong() == []


def test_changes_left_half_way_are_found(practice: Practice) -> None:
    practice.begin("ann")
    assert practice.findings()["open"][0]["text"] == "1 change under way now"
    assert practice.wrong(CCOPS_SETTLE_AFTER="0") == [("open", "1 change begun and not ended: e1", "ccops settle")]


def test_entries_that_need_a_person_are_found(practice: Practice) -> None:
    practice("run", "payment-credit", "ann@example.org")
    practice.kit.set_field(practice.kit.contact_id("ann@example.org"), "ccops_receipt", "call her")
    practice("run", "payment-credit", "ann@example.org")
    found = practice.wrong()
    assert [(area, mend) for area, _, mend in found] == [("parked", "ccops settle e2 --as not-applied")]
    assert found[0][1].startswith("e2 ann@example.org, payment-credit: ")


def test_events_that_nobody_works_off_are_found(practice: Practice) -> None:
    now = datetime.now(UTC)
    with practice.ledger() as ledger:
        for at in (now - timedelta(hours=1), now):
            ledger.inbox.accept([Arrival("post", "payment-credit", "ann@example.org", at, at, f"invoice {at}")])
    ((area, text, mend),) = practice.wrong()
    assert (area, mend) == ("inbox", "ccops serve")
    assert text.startswith("1 event waits since ")


def test_events_that_need_a_person_are_found(practice: Practice) -> None:
    now = datetime.now(UTC)
    with practice.ledger() as ledger:
        post = Arrival("post", "payment-credit", "fay@example.org", now, now, "invoice-7")
        hint = Arrival("legacy", "payment-credit", "5", now, now)
        events = [accepted.event for accepted in ledger.inbox.accept([post, hint])]
        ledger.inbox.park(events, Ending("failed", "no such contact in Kit"), now)
    assert practice.wrong() == [
        (
            "inbox",
            "i1 for fay@example.org, payment-credit: no such contact in Kit",
            f"mend it, then let the sender send it again\n{FOR_NOTHING} i1 --as not-applied",
        ),
        (
            "inbox",
            "i2 for 5, payment-credit: no such contact in Kit",
            f"ccops poll payment-credit && ccops settle i2 --as applied\n{FOR_NOTHING} i2 --as not-applied",
        ),
    ]


def test_a_read_only_home_is_found(practice: Practice) -> None:
    practice.home.chmod(0o500)
    ended = piped(practice.environ, ["doctor"], as_anybody=True)
    practice.home.chmod(0o700)
    assert ended.status == 1
    assert "can't be written to by this user" in ended.out


# ---- the backup


def last_backup(practice: Practice, ago: timedelta | None) -> None:
    with practice.ledger() as ledger:
        if ago is not None:
            ledger.identity.note_backup(datetime.now(UTC) - ago)
            return
        with ledger.database.write() as db:
            db.run("DELETE FROM identity WHERE name = 'last_backup'")


def test_a_backup_that_is_old_is_found(practice: Practice) -> None:
    last_backup(practice, timedelta(days=7, minutes=-1))
    assert practice.wrong() == []
    last_backup(practice, timedelta(days=7, minutes=1))
    ((area, text, mend),) = practice.wrong()
    assert (area, mend) == ("backup", "ccops backup ~/ccops-backup.tar.gz")
    assert text.endswith(", more than 7 days ago")
    practice("backup", str(practice.home.with_name("first-backup.tar.gz")))
    assert practice.wrong() == []


def test_a_ledger_that_was_never_saved_is_found_once_there_is_something_in_it(practice: Practice) -> None:
    last_backup(practice, None)
    assert practice.findings()["backup"][0]["text"] == "there is nothing to save yet"
    practice("run", "payment-credit", "ann@example.org")
    assert practice.wrong() == [
        ("backup", "none was ever made, and the ledger has 1 entry", "ccops backup ~/ccops-backup.tar.gz")
    ]


# ---- grants that did not come


ZONE = ZoneInfo("America/New_York")
"""The registry's, where a month begins some hours later."""


def last_month(practice: Practice) -> str:
    before = datetime.now(ZONE).replace(day=1) - timedelta(days=3)
    period = f"{before:%Y-%m}"
    assert practice("run", "monthly-grant", "ann@example.org", "--period", period).status == 0
    return period


def test_a_period_that_nobody_was_granted_is_found(practice: Practice) -> None:
    last_month(practice)
    found = practice.wrong()
    assert [(area, mend) for area, _, mend in found] == [("grant", "ccops run monthly-grant ann@example.org")]
    assert f"nobody has {datetime.now(ZONE):%B %Y} yet; last run " in found[0][1]
    practice("op", "pause", "monthly-grant")
    assert practice.wrong() == []


def test_a_period_that_somebody_was_granted_is_well(practice: Practice) -> None:
    last_month(practice)
    practice("run", "monthly-grant", "bob@example.org")
    assert practice.wrong() == []

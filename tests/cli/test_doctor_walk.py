"""Whatever can be wrong with a home is broken here on purpose: the doctor finds it, and what it proposes mends it."""

import shlex
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from ccops.ledger.inbox import TAKEN_OFF, Arrival, Ending
from ccops.ledger.ledger import Ledger
from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.dialogs import KEY, call_kit, delete_field, rename_field
from tests.cli.practice import Practice, open_practice

pytestmark = pytest.mark.slow

TAG: Final = "ccops: payment-credit"
ANN: Final = "ann@example.org"
ZONE: Final = ZoneInfo("America/New_York")
"""The registry's."""


@dataclass(frozen=True)
class Trouble:
    """What is broken, the lines that tell of it, and what is typed then; `{home}` stands for the home."""

    area: str
    breaks: Callable[[Practice], object]
    mend: str
    """How what the doctor proposes begins; its lines that are commands are pasted."""
    by_hand: Callable[[Practice], object] | None = None
    """What a person does instead, where no command can."""
    shell: tuple[tuple[str, str], ...] = ()


@pytest.fixture
def practice(
    kit: Sandbox, environ: dict[str, str], ccops: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Practice:
    environ["HOME"] = str(tmp_path)  # a backup goes there
    monkeypatch.setenv("HOME", str(tmp_path))
    practice = open_practice(kit, environ, ccops)
    environ["CCOPS_SETTLE_AFTER"] = "0"
    return practice


def ann(practice: Practice) -> int:
    return practice.kit.contact_id(ANN)


def paid(practice: Practice, *words: str) -> None:
    assert practice("run", "payment-credit", ANN, *words).status == 0


def broken_off(practice: Practice, words: tuple[str, ...]) -> None:
    """Let a run break off before its first contact."""
    practice.kit.faults.add(Fault("status", method="GET", path=f"/v4/subscribers/{ann(practice)}", status=401))
    assert practice(*words).status == 3


def settled_wrongly(practice: Practice) -> None:
    """Have an entry that needs a person: its answer was lost, and somebody wrote into the receipt field."""
    paid(practice)
    practice.kit.set_field(ann(practice), "ccops_receipt", "call her")
    assert practice("run", "payment-credit", ANN).status == 1
    practice.kit.set_field(ann(practice), "ccops_receipt", "")


def arrived(practice: Practice, kind: str, who: str, *, parked: bool) -> None:
    then = datetime.now(UTC) - timedelta(hours=1)
    key = "invoice-7" if kind == "post" else None
    with practice.ledger() as ledger:
        event = ledger.inbox.accept([Arrival(kind, "payment-credit", who, then, then, key)])[0].event  # type: ignore[arg-type]
        if parked:
            ledger.inbox.park([event], Ending("failed", "no such contact in Kit"), then)


def taken_off(practice: Practice) -> None:
    """Let Kit tell twice of one tagging that somebody took back before ccops saw it."""
    then = datetime.now(UTC) - timedelta(days=1)
    with practice.ledger() as ledger:
        arrivals = [Arrival("legacy", "payment-credit", str(ann(practice)), then, then) for _ in range(2)]
        for accepted in ledger.inbox.accept(arrivals):
            ledger.inbox.park([accepted.event], Ending("failed", f"{TAKEN_OFF} (event of then)"), then)


def served(practice: Practice) -> None:
    with practice.ledger() as ledger:
        ledger.inbox.end(ledger.inbox.unended(), Ending("applied"), datetime.now(UTC))


def forget_backup(practice: Practice, ago: timedelta | None) -> None:
    with practice.ledger() as ledger, ledger.database.write() as db:
        db.run("DELETE FROM identity WHERE name = 'last_backup'")
    if ago is None:
        paid(practice)
        return
    with practice.ledger() as ledger:
        ledger.identity.note_backup(datetime.now(UTC) - ago)


def last_month(practice: Practice, *words: str) -> None:
    before = datetime.now(ZONE).replace(day=1) - timedelta(days=3)
    practice.kit.tag(ann(practice), "Gold")
    assert practice("run", "monthly-grant", *words, "--period", f"{before:%Y-%m}").status == 0


def replaced_ledger(practice: Practice) -> None:
    """Put a new ledger in the place of the one that wrote the receipts, as if it had been at work for long."""
    paid(practice)
    with practice.ledger() as ledger:
        account, field = ledger.identity.account, ledger.identity.receipt_field
    unlink(practice, "ledger.sqlite3*")
    with_new = Ledger.create(practice.home / "ledger.sqlite3", practice.home / "locks")
    with_new.identity.found(*account, field)
    with_new.close()


def unlink(practice: Practice, pattern: str) -> None:
    for path in practice.home.glob(pattern):
        path.unlink()


def damaged(practice: Practice) -> None:
    database = practice.home / "ledger.sqlite3"
    content = bytearray(database.read_bytes())
    content[8192:16384] = b"\x99" * 8192
    database.write_bytes(content)


def restored(practice: Practice) -> None:
    saved = practice.home.with_name("first-backup.tar.gz")
    assert practice("restore", str(saved), "--yes").status == 0


def other_account(practice: Practice) -> None:
    with sqlite3.connect(practice.home / "ledger.sqlite3") as database:
        database.execute("UPDATE identity SET value = '10' WHERE name = 'account'")
    database.close()


def right_account(practice: Practice) -> None:
    with sqlite3.connect(practice.home / "ledger.sqlite3") as database:
        database.execute("UPDATE identity SET value = '9' WHERE name = 'account'")
    database.close()


def rewrite(name: str, old: str, new: str) -> Callable[[Practice], object]:
    def act(practice: Practice) -> None:
        file = practice.home / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    return act


def clock(shift: timedelta) -> Callable[[Practice], object]:
    def act(practice: Practice) -> None:
        practice.kit.settings.clock = lambda: datetime.now(UTC) + shift

    return act


def lost_tag(practice: Practice, there: str) -> None:
    """Bind an operation to a tag that Kit does not have; it has one of another name, or of the same."""
    tag = practice.kit.add_tag(TAG)
    rewrite("operations.toml", f"id = {tag}", "id = 4711")(practice)
    call_kit(practice.kit, "PUT", f"/v4/tags/{tag}", {"name": there})


def hooked_elsewhere(practice: Practice) -> None:
    """Let Kit tell of the tag, and then move the receiver."""
    practice.kit.settings.webhook_endpoints = 404
    assert practice("webhook", "create", "--url", "https://hooks.example.org").status == 0
    rewrite("config.toml", "https://hooks.example.org", "https://new.example.org")(practice)


TROUBLES = {
    "the folder is open to others": Trouble("home", lambda site: site.home.chmod(0o755), "ccops doctor --fix"),
    "the key is open to others": Trouble(
        "home", lambda site: (site.home / "config.toml").chmod(0o644), "ccops doctor --fix"
    ),
    "the key is in this shell alone": Trouble(
        "Kit",
        rewrite("config.toml", f'api_key = "{KEY}"', ""),
        "ccops init --save-key",
        shell=(("KIT_API_KEY", KEY),),
    ),
    "the account is another": Trouble("Kit", other_account, "ccops login", by_hand=right_account),
    "the clock is wrong": Trouble(
        "clock", clock(timedelta(hours=1)), "let this machine take its time", by_hand=clock(timedelta())
    ),
    "the settings have a mistake": Trouble(
        "settings",
        rewrite("config.toml", "# rate = 120", 'rate = "many"'),
        "correct {home}/config.toml",
        by_hand=rewrite("config.toml", 'rate = "many"', "rate = 0"),
    ),
    "the registry has a mistake": Trouble(
        "registry",
        rewrite("operations.toml", "amount = 10", "amuont = 10"),
        "correct {home}/operations.toml",
        by_hand=rewrite("operations.toml", "amuont = 10", "amount = 10"),
    ),
    "the ledger is gone": Trouble(
        "ledger", lambda site: unlink(site, "ledger.sqlite3*"), "ccops restore FILE", by_hand=restored
    ),
    "the ledger is damaged": Trouble("ledger", damaged, "ccops restore FILE", by_hand=restored),
    "the ledger was replaced": Trouble("receipts", replaced_ledger, "ccops init --take-over"),
    "there is no backup": Trouble(
        "backup", lambda site: forget_backup(site, None), "ccops backup ~/ccops-backup.tar.gz"
    ),
    "the backup is old": Trouble(
        "backup", lambda site: forget_backup(site, timedelta(days=8)), "ccops backup ~/ccops-backup.tar.gz"
    ),
    "a run was broken off": Trouble(
        "runs",
        lambda site: broken_off(site, ("run", "payment-credit", ANN, "--key", "invoice 7")),
        f"ccops run payment-credit {ANN} --key 'invoice 7'",
    ),
    "an adjustment was broken off": Trouble(
        "runs",
        lambda site: broken_off(site, ("adjust", ANN, "credits", "--add", "10")),
        f"ccops adjust {ANN} credits --add 10",
    ),
    "an entry was left half-way": Trouble("open", lambda site: site.begin("ann"), "ccops settle"),
    "an entry needs a person": Trouble("parked", settled_wrongly, "ccops settle e2 --as not-applied"),
    "an event waits": Trouble(
        "inbox", lambda site: arrived(site, "post", ANN, parked=False), "ccops serve", by_hand=served
    ),
    "an event needs a person": Trouble(
        "inbox",
        lambda site: arrived(site, "legacy", str(ann(site)), parked=True),
        "ccops poll payment-credit && ccops settle i1 --as applied",
    ),
    "two events tell of a tag that is off": Trouble(
        "inbox", taken_off, "ccops run payment-credit {ann} && ccops settle i1"
    ),
    "a POST needs a person": Trouble(
        "inbox",
        lambda site: arrived(site, "post", "fay@example.org", parked=True),
        "mend it, then let the sender send it again",
        by_hand=lambda site: site("settle", "i1", "--as", "not-applied"),
    ),
    "a period was left out": Trouble(
        "grant", lambda site: last_month(site, "--tagged", "Gold"), "ccops run monthly-grant --tagged Gold"
    ),
    "a period was left out by name": Trouble(
        "grant", lambda site: last_month(site, ANN), f"ccops run monthly-grant {ANN}"
    ),
    "the receipt field is gone": Trouble(
        "receipts", lambda site: delete_field(site.kit, "ccops receipt"), "ccops doctor --fix"
    ),
    "a field is gone": Trouble(
        "fields",
        lambda site: delete_field(site.kit, "Credits"),
        "ccops op edit {operation} --create-field",
    ),
    "a field was renamed": Trouble(
        "fields",
        lambda site: rename_field(site.kit, "Credits", "Credits left"),
        "ccops doctor --fix",
    ),
    "limits are for a field that is gone": Trouble(
        "fields",
        rewrite("operations.toml", "[operations.payment-credit]", "[fields.coins]\n\n[operations.payment-credit]"),
        "correct [fields.coins] in operations.toml",
        by_hand=rewrite("operations.toml", "[fields.coins]", ""),
    ),
    "a tag is gone": Trouble(
        "tags",
        lambda site: lost_tag(site, "Paid"),
        "ccops tag unbind payment-credit\nccops tag create payment-credit",
    ),
    "a tag was made anew": Trouble(
        "tags",
        lambda site: lost_tag(site, TAG),
        "ccops tag unbind payment-credit\nccops tag bind payment-credit 'ccops: payment-credit'",
    ),
    "a tag waits": Trouble("waiting", lambda site: site.kit.tag(ann(site), TAG), "ccops poll payment-credit"),
    "a webhook leads elsewhere": Trouble("webhooks", hooked_elsewhere, "ccops webhook create payment-credit"),
}


def paste(practice: Practice, lines: list[str], shell: dict[str, str]) -> None:
    """Do what lines say; whoever is asked says yes."""
    for command in (each for line in lines for each in line.split(" && ")):
        words = shlex.split(command)[1:]
        ended = practice(*words, *(["--yes"] if "--take-over" in words else []), **shell)
        assert ended.status == 0 or "--fix" in words, ended


@pytest.mark.parametrize("name", TROUBLES)
def test_what_is_broken_is_found_and_mended(name: str, practice: Practice) -> None:
    trouble = TROUBLES[name]
    shell = dict(trouble.shell)
    assert practice("doctor").status == 0
    trouble.breaks(practice)
    told = practice("doctor", **shell)
    found = practice.wrong(**shell)
    assert told.status == 1
    assert {area for area, _, _ in found} == {trouble.area}
    assert f"✗ {trouble.area}" in told.out
    for _, text, mend in found:
        wanted = trouble.mend.format(ann=ann(practice), operation=text.partition(":")[0], home=practice.home)
        assert mend is not None
        assert mend.startswith(wanted)
        if trouble.by_hand is None:
            paste(practice, [line for line in mend.splitlines() if line.startswith("ccops ")], shell)
    if trouble.by_hand is not None:
        trouble.by_hand(practice)
    if trouble.breaks is taken_off:
        assert practice.kit.field_values(ann(practice))["credits"] == "15", "told twice, counted once"
    assert practice.wrong() == []
    assert practice("doctor").status == 0

"""What the database itself forbids, whoever writes to it: an occasion twice, a period twice, two writes under way."""

import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccops.ledger.errors import EntryMoved
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Claim, Claimed, Entry, Origin
from tests.engine.conftest import new_ledger

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
MONTH = "month:2026-11"
HELD = ("intended", "sending", "applied", "undone", "parked")
FREE = ("refused", "failed")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = new_ledger(tmp_path)
    made.runs.stop(made.runs.start("run", "run", "maria", NOW), 0, NOW, ended=True)
    yield made
    made.close()


def claim(ledger: Ledger, occasion: str = "key:1", contact: int = 7, period: str | None = None) -> Claimed:
    return ledger.entries.claim(Claim("grant", "{}", contact, occasion, 1, Origin("maria", "run"), NOW, period=period))


def entry(ledger: Ledger, occasion: str = "key:1", contact: int = 7) -> Entry:
    found = claim(ledger, occasion, contact).entry
    assert found is not None
    return found


def sent(ledger: Ledger, occasion: str = "key:1", contact: int = 7) -> Entry:
    return ledger.entries.send(entry(ledger, occasion, contact), {"credits": "5"}, {"credits": "15"}, None, None, NOW)


def insert(ledger: Ledger, status: str, occasion: str, period: str | None = None, contact: int = 7) -> None:
    """Write an entry past the services."""
    with ledger.database.write() as db:
        db.run("INSERT INTO copies (id, text) VALUES (1, '{}') ON CONFLICT DO NOTHING")
        db.run(
            'INSERT INTO entries (run, operation, copy, contact, occasion, period, status, "by", via, at)'
            " VALUES (1, 'grant', 1, :contact, :occasion, :period, :status, 'maria', 'run', '2026-11-22T10:00:00Z')",
            contact=contact,
            occasion=occasion,
            period=period,
            status=status,
        )


@pytest.mark.parametrize("status", HELD + FREE)
def test_an_occasion_is_there_once(ledger: Ledger, status: str) -> None:
    insert(ledger, status, "key:1")
    with pytest.raises(sqlite3.IntegrityError, match=r"entries\.occasion"):
        insert(ledger, "intended", "key:1")
    insert(ledger, "intended", "key:1", contact=8)


@pytest.mark.parametrize("status", HELD)
def test_a_period_is_held_once(ledger: Ledger, status: str) -> None:
    insert(ledger, status, "key:1", MONTH)
    with pytest.raises(sqlite3.IntegrityError, match=r"entries\.period"):
        insert(ledger, "intended", "key:2", MONTH)
    insert(ledger, "refused", "key:2", MONTH)


@pytest.mark.parametrize("status", FREE)
def test_a_period_is_not_held_by_what_changed_nothing(ledger: Ledger, status: str) -> None:
    insert(ledger, status, "key:1", MONTH)
    insert(ledger, "intended", "key:2", MONTH)


def test_two_writes_to_one_contact_are_never_under_way_together(ledger: Ledger) -> None:
    sent(ledger, "key:1")
    with pytest.raises(sqlite3.IntegrityError, match=r"entries\.contact"):
        sent(ledger, "key:2")
    sent(ledger, "key:1", contact=8)


def test_a_status_that_nobody_knows_is_no_status(ledger: Ledger) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        insert(ledger, "done", "key:1")


def test_an_entry_is_of_a_run_that_is_there(ledger: Ledger) -> None:
    sent(ledger)
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"), ledger.database.write() as db:
        db.run("DELETE FROM runs")


def test_a_step_of_an_entry_that_moved_on_is_refused(ledger: Ledger) -> None:
    under_way = sent(ledger)
    ledger.entries.confirm(under_way, NOW, released=True)
    for step in (ledger.entries.unsend, ledger.entries.not_sent):
        with pytest.raises(EntryMoved, match=f"e{under_way.id}"):
            step(under_way)
    with pytest.raises(EntryMoved):
        ledger.entries.fail(under_way, "no", NOW)
    with pytest.raises(EntryMoved):
        ledger.entries.park(under_way, "why", NOW)
    assert ledger.entries.get(under_way.id).status == "applied"


def test_an_entry_is_sent_once_until_it_is_known_what_became_of_it(ledger: Ledger) -> None:
    under_way = sent(ledger)
    with pytest.raises(EntryMoved):
        ledger.entries.send(under_way, {}, {}, None, None, NOW)


def test_sends_are_told_apart_only_if_one_may_have_arrived(ledger: Ledger) -> None:
    assert sent(ledger).sends == 1
    certain = ledger.entries.not_sent(ledger.entries.get(1))
    assert (certain.sends, certain.turn) == (0, None)
    assert sent(ledger).sends == 1
    assert ledger.entries.unsend(ledger.entries.get(1)).sends == 1
    assert sent(ledger).sends == 2
    assert ledger.entries.not_sent(ledger.entries.get(1)).sends == 2


def test_a_step_that_breaks_off_leaves_nothing(ledger: Ledger) -> None:
    def break_off(claimed: str) -> None:
        with ledger.database.write() as db:
            db.run("INSERT INTO copies (text) VALUES (:text)", text=claimed)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        break_off("half")
    with ledger.database.read() as db:
        assert db.rows("SELECT * FROM copies") == []


def test_of_many_threads_that_claim_an_occasion_one_begins_it(ledger: Ledger) -> None:
    """Each thread has a connection of its own."""
    together = threading.Barrier(8)

    def work(_: int) -> list[str]:
        together.wait()
        return [claim(ledger, f"key:{number}").kind for number in range(20)]

    with ThreadPoolExecutor(8) as threads:
        kinds = list(threads.map(work, range(8)))
    assert Counter(kind for found in kinds for kind in found) == {"begun": 20, "taken up": 140}
    assert ledger.entries.highest() == 20


CLAIMS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Claim, Origin

home = Path(sys.argv[1])
ledger = Ledger.open(home / "ledger.sqlite3", home / "locks")
print("ready", flush=True)
sys.stdin.readline()
now = datetime.now(UTC)
for number in range(20):
    claim = Claim("grant", "{}", 7, f"key:{number}", 1, Origin("maria", "run"), now, period=f"day:{number}")
    print(ledger.entries.claim(claim).kind.replace(" ", "-"))
"""


def test_of_four_processes_that_claim_an_occasion_one_begins_it(ledger: Ledger, tmp_path: Path) -> None:
    command = [sys.executable, "-c", CLAIMS, str(tmp_path)]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    kinds = [child.communicate(timeout=60)[0].split() for child in children]
    assert Counter(kind for found in kinds for kind in found) == {"begun": 20, "taken-up": 60}
    assert ledger.entries.highest() == 20


def test_a_contact_is_worked_on_by_one_at_a_time(ledger: Ledger, tmp_path: Path) -> None:
    """Whoever comes second waits; another contact is free meanwhile."""
    order: list[str] = []
    inside, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with ledger.locks.contact(7):
            inside.set()
            go_on.wait(60)
            order.append("first")

    def second() -> None:
        with Ledger.open(tmp_path / "ledger.sqlite3", tmp_path / "locks").locks.contact(7):
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert inside.wait(60)
    threads[1].start()
    with ledger.locks.contact(8):
        order.append("another")
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert order == ["another", "first", "second"]


@pytest.mark.parametrize(
    ("holder", "kept"), [("intended", "late"), ("parked", "late"), ("applied", "holder"), ("undone", "holder")]
)
def test_an_entry_whose_write_came_late_holds_its_period_again_unless_it_was_done(
    ledger: Ledger, holder: str, kept: str
) -> None:
    insert(ledger, "failed", "key:late", MONTH)
    insert(ledger, holder, "key:holder", MONTH)
    ledger.entries.park(ledger.entries.get(1), "its write arrived late", NOW)
    late, other = ledger.entries.get(1), ledger.entries.get(2)
    assert (late.status, other.status) == ("parked", "refused" if holder == "intended" else holder)
    assert (late.period, claim(ledger, "key:3", period=MONTH).kind) == (MONTH if kept == "late" else None, "period")


def test_a_transaction_within_another_is_a_mistake_that_harms_neither(ledger: Ledger) -> None:
    with ledger.database.write() as db:
        db.run("INSERT INTO contacts (id, email, email_key) VALUES (1, 'a@b.c', 'a@b.c')")
        with pytest.raises(sqlite3.ProgrammingError, match="a transaction within"):
            ledger.people.accept(2, None)
    with ledger.database.read() as db:
        with pytest.raises(sqlite3.ProgrammingError, match="a transaction within"):
            ledger.people.by_id(1)
        assert [row["id"] for row in db.rows("SELECT id FROM contacts")] == [1]
    assert (ledger.people.by_id(1) is None, ledger.people.by_id(2) is None) == (False, True)

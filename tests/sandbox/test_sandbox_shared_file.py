"""One file, several processes: each `ccops` of a rehearsal home embeds a sandbox of its own over it."""

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ccops.sandbox.sandbox import Sandbox
from ccops.sandbox.store import StateUnusable
from tests.plain import Client

ANN = 4_300_000_001

_INCREMENT = """
import sys, requests
from pathlib import Path
from ccops.sandbox.sandbox import Sandbox
with Sandbox(Path(sys.argv[1])) as sandbox, requests.Session() as session:
    session.headers["X-Kit-Api-Key"] = "sandbox-key"
    for number in range(int(sys.argv[2])):
        name = f"{sys.argv[3]}-{number}"
        made = session.post(f"{sandbox.url}/v4/subscribers", json={"email_address": f"{name}@example.org"})
        session.post(f"{sandbox.url}/v4/tags/1041/subscribers/{made.json()['subscriber']['id']}")
        session.put(f"{sandbox.url}/v4/subscribers/4300000001", json={"fields": {"credits": name}})
"""


def _worker(path: Path, count: int, name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-W", "error", "-c", _INCREMENT, str(path), str(count), name])


def test_two_processes_make_one_file_and_lose_nothing_in_it(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    workers = [_worker(path, 20, name) for name in ("a", "b")]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    with Sandbox(path) as sandbox:
        client = Client(sandbox)
        everyone = client.rows("/v4/subscribers", status="all")
        members = client.rows("/v4/tags/1041/subscribers", status="all")
        client.session.close()
        written = [write["credits"] for write in sandbox.writes(ANN)]
    assert len({row["id"] for row in everyone}) == 8 + 40
    assert len(members) == 6 + 40
    assert sorted(map(str, written)) == sorted(f"{name}-{number}" for name in "ab" for number in range(20))


def test_a_process_that_is_killed_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with Sandbox(path) as sandbox:
        worker = _worker(path, 100_000, "a")
        while len(sandbox.writes(ANN)) < 3:
            assert worker.poll() is None
            time.sleep(0)
        worker.kill()
        worker.wait()
        sandbox.set_field(ANN, "credits", "after")
        assert sandbox.field_values(ANN) == {"credits": "after"}


def test_each_sandbox_sees_at_once_what_the_other_did(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with Sandbox(path) as one, Sandbox(path, examples=False) as other:
        one.set_field(ANN, "credits", "1")
        assert other.field_values(ANN) == {"credits": "1"}
        other.delete_contact(ANN)
        with pytest.raises(LookupError):
            one.field_values(ANN)


def test_a_file_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    text, ledger = tmp_path / "notes.txt", tmp_path / "ledger.sqlite3"
    text.write_text("not a database, and long enough to be sure of it\n" * 50)
    connection = sqlite3.connect(ledger)
    connection.execute("CREATE TABLE entry (id)")
    connection.close()
    for path, why in (
        (text, "not a database"),
        (ledger, "not a sandbox's file"),
        (tmp_path / "no" / "x", "No such file"),
    ):
        before = path.read_bytes() if path.exists() else None
        with pytest.raises(StateUnusable, match=why) as caught:
            Sandbox(path)
        assert str(path) in caught.value.mend
        assert (path.read_bytes() if path.exists() else None) == before

"""`ccops serve` as somebody meets it who starts it on a server."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.calls import Ended
from tests.cli.sites import Site

pytestmark = pytest.mark.slow

SECRET = "0123456789abcdef"


class Serving:
    """A `ccops serve` that runs, and all that it has said so far."""

    def __init__(self, environ: dict[str, str], words: tuple[str, ...]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ccops", "serve", "--listen", "127.0.0.1:0", "--poll", "0", *words],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        # Bytes as they come: what a buffered reader took in would be lost to `communicate`.
        self.first = b""
        while not self.first.endswith(b"\n"):
            self.first += os.read(self.process.stdout.fileno(), 1)
        found = re.search(rb":(\d+)", self.first)
        self.port = int(found[1]) if found else 0

    def post(self, body: object) -> tuple[int, dict[str, object]]:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/operations/payment-credit",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {SECRET}", "Prefer": "wait=10"},
        )
        with urllib.request.urlopen(asked, timeout=120) as answer:
            return answer.status, json.load(answer)

    def end(self, number: signal.Signals = signal.SIGTERM) -> Ended:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=120)
        return Ended(self.process.returncode, (self.first + out).decode(), err.decode())


@pytest.fixture
def serve(site: Site) -> Iterator[Callable[..., Serving]]:
    (site.home / "config.toml").write_text(f'[secrets]\npayment-credit = "{SECRET}"\n')
    running: list[Serving] = []

    def start(*words: str) -> Serving:
        running.append(Serving(site.environ, words))
        return running[-1]

    yield start
    for each in running:
        each.process.kill()
        each.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_serves_and_ends_when_asked(
    serve: Callable[..., Serving], site: Site, number: signal.Signals
) -> None:
    serving = serve()
    status, told = serving.post({"email": "ann@example.org", "event_id": "1"})
    ended = serving.end(number)
    assert (status, told["status"], site.credits()) == (200, "applied", "15")
    assert ended.status == 0
    assert ended.out.splitlines()[0] == f"ccops serve listens on 127.0.0.1:{serving.port}. Ctrl-C stops it."
    assert f"POST http://127.0.0.1:{serving.port}/operations/payment-credit" in ended.out
    assert "monthly-grant has no secret for POSTs yet: ccops webhook show monthly-grant" in ended.out
    assert re.search(r"Z POST /operations/payment-credit 200\n", ended.err)
    assert ended.err.splitlines()[-1].startswith("ccops serve has stopped")
    assert SECRET not in ended.out + ended.err


def test_the_ledger_tells_that_a_post_was_it(serve: Callable[..., Serving], program: Callable[..., Ended]) -> None:
    serving = serve()
    serving.post({"email": "ann@example.org", "event_id": "invoice-7", "reason": "Invoice 7"})
    serving.end()
    entry = json.loads(program("history", "--json").out)
    assert (entry["occasion"], entry["via"], entry["note"]) == ("post:invoice-7", "post", "Invoice 7")


def test_a_registry_edited_meanwhile_holds_and_a_broken_one_does_not(serve: Callable[..., Serving], site: Site) -> None:
    serving, text = serve(), site.registry.read_text()
    site.registry.write_text(text.replace("amount = 10", "amount = 20"))
    serving.post({"email": "ann@example.org", "event_id": "1"})
    site.registry.write_text(text.replace("increase", "incraese"))
    serving.post({"email": "ann@example.org", "event_id": "2"})
    ended = serving.end()
    assert site.credits() == "45"
    assert 'did you mean "increase"?' in ended.err
    assert "warning: until that is mended, what was last in order goes on to hold" in ended.err


def test_a_second_one_at_the_same_home_is_refused(serve: Callable[..., Serving], program: Callable[..., Ended]) -> None:
    serve()
    ended = program("serve", "--listen", "127.0.0.1:0")
    assert ended.status == 5
    assert ended.err.startswith("error: another ccops serve is at work on this home")


def test_a_port_in_use_is_told(serve: Callable[..., Serving], site: Site, program: Callable[..., Ended]) -> None:
    port = serve().port
    other = {"CCOPS_HOME": str(copied(site))}
    ended = program("serve", "--listen", f"127.0.0.1:{port}", **other)
    assert ended.status == 2
    assert ended.err.startswith(f"error: can't listen on 127.0.0.1:{port}: Address already in use")


def copied(site: Site) -> Path:
    """Make a second home of its own ledger, as nobody should."""
    other = site.home.with_name("other")
    other.mkdir(mode=0o700)
    for name in ("operations.toml", "config.toml", "ledger.sqlite3"):
        (other / name).write_bytes((site.home / name).read_bytes())
    return other


@pytest.mark.parametrize(
    "words", [("--listen", "8750x"), ("--listen", "h:99999"), ("--poll", "often"), ("--poll", "-1m")]
)
def test_what_it_can_not_understand_is_told(site: Site, program: Callable[..., Ended], words: tuple[str, str]) -> None:
    ended = program("serve", *words)
    assert ended.status == 2
    assert words[1] in ended.err
    assert "ccops serve --" in ended.err
    assert site.sent == 0


def test_a_tag_counted_under_another_name_stops_it(
    site: Site, program: Callable[..., Ended], serve: Callable[..., Serving]
) -> None:
    number = site.kit.add_tag("ccops: payment-credit")
    bound = f'[operations.payment-credit]\ntag = {{ id = {number}, name = "ccops: payment-credit" }}'
    text = site.registry.read_text().replace("[operations.payment-credit]", bound)
    site.registry.write_text(text)
    serve().end()
    site.registry.write_text(text.replace("[operations.payment-credit]", "[operations.renamed]"))
    ended = program("serve", "--listen", "127.0.0.1:0")
    assert ended.status == 2
    assert 'the ledger has counted it as "payment-credit"' in ended.err

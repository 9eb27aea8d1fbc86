"""`ccops sandbox` as somebody meets it who copies its lines."""

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended

URL = re.compile(r"http://127\.0\.0\.1:\d+")


@contextmanager
def running(environ: dict[str, str], *options: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run the sandbox on a free port, and give the process and the lines of its guide."""
    words = [sys.executable, "-m", "ccops", "sandbox", "--port", "0", *options]
    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        guide: list[str] = []
        while not any("_sandbox/faults" in line for line in guide):
            guide.append(process.stdout.readline().rstrip("\n"))
        try:
            yield process, guide
        finally:
            process.kill()


def emails(url: str) -> list[str]:
    asked = urllib.request.Request(f"{url}/v4/subscribers?status=all", headers={"X-Kit-Api-Key": "sandbox-key"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return [row["email_address"] for row in json.load(answer)["subscribers"]]


def url_in(lines: Sequence[str]) -> str:
    found = URL.search("\n".join(lines))
    assert found is not None
    return found[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_it_is_asked_to_stop(environ: dict[str, str], number: signal.Signals) -> None:
    with running(environ) as (process, guide):
        url = url_in(guide)
        assert emails(url)[-1] == "ann@example.org"
        process.send_signal(number)
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == "The sandbox has stopped.\n"
        with pytest.raises(urllib.error.URLError):
            emails(url)


def test_its_guide_holds_lines_that_can_be_copied(environ: dict[str, str]) -> None:
    with running(environ) as (_, guide):
        url = url_in(guide)
        assert {line.strip() for line in guide} >= {
            'export CCOPS_HOME="$(mktemp -d)" CCOPS_RATE=0',
            f"export KIT_API_URL={url} KIT_API_KEY=sandbox-key",
            "ccops init --yes",
            f"curl -H 'X-Kit-Api-Key: sandbox-key' '{url}/v4/subscribers?status=all'",
        }
        fault = next(line for line in guide if "_sandbox/faults" in line)
        body = fault.partition("-d '")[2].rstrip("'").encode()
        with urllib.request.urlopen(f"{url}/_sandbox/faults", data=body, timeout=60) as answer:
            assert answer.status == 204


def test_a_file_keeps_its_contacts(environ: dict[str, str], tmp_path: Path) -> None:
    state = tmp_path / "contacts"
    with Sandbox(state, examples=False) as sandbox:
        sandbox.add_contact("zoe@example.org")
    with running(environ, "--file", str(state)) as (_, guide):
        assert f"Its contacts are kept in {state}." in guide
        assert emails(url_in(guide)) == ["zoe@example.org"]


def test_lag_and_rate_are_those_asked_for(environ: dict[str, str]) -> None:
    with running(environ, "--rate", "1", "--lag", "3600") as (_, guide):
        url = url_in(guide)
        emails(url)
        with pytest.raises(urllib.error.HTTPError) as refused:
            emails(url)
        assert refused.value.code == 429
        refused.value.close()


def test_a_port_in_use_is_told(ccops: Callable[..., Ended]) -> None:
    with Sandbox() as sandbox:
        port = sandbox.url.rpartition(":")[2]
        ended = ccops("sandbox", "--port", port)
    assert ended == Ended(
        2,
        "",
        f"error: The sandbox can't listen on port {port}: Address already in use.\n"
        "       ccops sandbox --port 0   (any free port)\n",
    )

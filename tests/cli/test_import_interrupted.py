"""An import that is killed, or asked to stop, and the same command after that: each row counts once."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.cli.calls import Ended
from tests.cli.import_files import Call, table
from tests.cli.sites import Site
from tests.cli.test_interrupted import HASTY

COUNT = 24
GOES_ON = "Going on with run r1 of "


@pytest.fixture
def members(site: Site) -> list[int]:
    return [site.kit.add_contact(f"member{n}@example.org", credits="5") for n in range(COUNT)]


@pytest.fixture
def words(tmp_path: Path) -> tuple[str, ...]:
    """Import a gift for each member, by address, and one for somebody who is none."""
    file = tmp_path / "gifts.csv"
    rows = "".join(f"member{n}@example.org,10\n" for n in range(COUNT))
    file.write_text(f"email,add\nnobody@example.org,10\n{rows}")
    return ("import", str(file), "--field", "credits", "--key", "gift")


@pytest.fixture
def stopped(site: Site, environ: dict[str, str]) -> Iterator[Callable[..., Ended]]:
    """Call ccops, and send it a signal as Kit gets its n-th write."""
    children = []

    def call(words: tuple[str, ...], number: int, phase: str, nth: int) -> Ended:
        child = subprocess.Popen(
            [sys.executable, str(HASTY), *words],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        writes = count(1)

        def observe(now: str, method: str, _path: str) -> None:
            if (now, method) == (phase, "PUT") and next(writes) == nth:
                os.kill(child.pid, number)

        site.kit.on_request = observe
        out, err = child.communicate(timeout=60)
        site.kit.on_request = lambda *_: None
        return Ended(child.returncode, out, err)

    yield call
    for child in children:
        child.kill()
        child.communicate()


def all_counted_once(site: Site, members: list[int]) -> None:
    assert {site.kit.field_values(member)["credits"] for member in members} == {"15"}
    entries = site.entries()
    assert ([entry.status for entry in entries], len({entry.contact for entry in entries})) == (
        ["applied"] * COUNT,
        COUNT,
    )


@pytest.mark.parametrize("phase", ["before", "after"])
def test_killed_in_the_middle_the_same_command_counts_each_row_once(
    site: Site, ccops: Call, stopped: Callable[..., Ended], members: list[int], words: tuple[str, ...], phase: str
) -> None:
    for nth in (9, 5):
        assert stopped(words, signal.SIGKILL, phase, nth).status == -signal.SIGKILL
    again = ccops(*words)
    assert (again.status, again.err.startswith(GOES_ON)) == (1, True), "nobody@example.org is not in Kit"
    all_counted_once(site, members)
    assert ccops(*words).status == 1
    all_counted_once(site, members)


def test_asked_to_stop_it_finishes_what_is_in_hand_and_goes_on_without_reading_what_is_done(
    site: Site,
    ccops: Call,
    stopped: Callable[..., Ended],
    members: list[int],
    words: tuple[str, ...],
    tmp_path: Path,
) -> None:
    failed = tmp_path / "again.csv"
    words = (*words, "--failed-to", str(failed))
    ended = stopped(words, signal.SIGTERM, "before", 10)
    assert (ended.status, failed.exists()) == (143, False), "it goes through all rows again"
    done = len(site.entries())
    assert 10 <= done < COUNT
    assert set(site.statuses()) == {"applied"}
    before = site.kit.counts.total()
    again = ccops(*words)
    assert (again.status, again.err.startswith(GOES_ON)) == (1, True)
    assert site.kit.counts.total() - before == 2 + 3 * (COUNT - done), "the fields, a failed row, three a row left"
    all_counted_once(site, members)
    assert [row[0] for row in table(failed)] == ["email", "nobody@example.org"]

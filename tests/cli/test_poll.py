"""`ccops poll`: whoever carries a trigger tag has the operation run, once a tagging."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ccops.locks import HeldLock, Locks
from tests.cli.calls import Ended
from tests.cli.sites import Site

TAG = "ccops: payment-credit"


@pytest.fixture
def bound(site: Site) -> Site:
    number = site.kit.add_tag(TAG)
    text = site.registry.read_text()
    binding = f'[operations.payment-credit]\ntag = {{ id = {number}, name = "{TAG}" }}'
    site.registry.write_text(text.replace("[operations.payment-credit]", binding))
    return site


def hold(site: Site, hours: float) -> HeldLock:
    held = Locks(site.home / "locks").take("poll")
    assert held is not None
    held.mark()
    begun = time.time() - hours * 3600
    os.utime(site.home / "locks" / "poll", (begun, begun))
    return held


def test_a_tagging_counts_once_and_the_tag_comes_off(bound: Site, ccops: Callable[..., Ended]) -> None:
    bound.kit.tag(bound.ann, TAG)
    first = ccops("poll")
    assert (first.status, first.out) == (0, "ann@example.org\tcredits 5 → 15\te1\n")
    again = ccops("poll")
    assert (again.status, again.out, again.err) == (0, "", "")
    assert bound.kit.tags_of(bound.ann) == ["Member: Gold"]


def test_a_dry_run_changes_nothing(bound: Site, ccops: Callable[..., Ended]) -> None:
    bound.kit.tag(bound.ann, TAG)
    looked = ccops("poll", "--dry-run")
    assert (looked.status, looked.out) == (0, "ann@example.org\tcredits 5 → 15\t\n")
    assert (bound.sent, bound.entries()) == (0, [])


def test_a_second_poll_is_told_that_the_first_is_busy(bound: Site, ccops: Callable[..., Ended]) -> None:
    held = hold(bound, hours=0.5)
    told = ccops("poll")
    assert (told.status, told.err) == (0, "busy: another poll is at work (since 30 min).\n")
    held.drop()


def test_a_poll_that_is_kept_out_for_over_an_hour_needs_a_person(bound: Site, ccops: Callable[..., Ended]) -> None:
    held = hold(bound, hours=1.1)
    assert ccops("poll").status == 1
    held.drop()


@pytest.mark.usefixtures("bound")
def test_an_operation_without_a_tag_is_refused(ccops: Callable[..., Ended]) -> None:
    told = ccops("poll", "monthly-grant")
    assert told.status == 2
    assert told.err.splitlines() == [
        "error: monthly-grant has no trigger tag, so there is nothing to look for. Nothing was sent.",
        "       ccops tag create monthly-grant",
    ]


def test_a_tag_that_is_gone_in_kit_is_named(bound: Site, ccops: Callable[..., Ended]) -> None:
    bound.registry.write_text(bound.registry.read_text().replace("id = ", "id = 9"))
    told = ccops("poll")
    assert told.status == 2
    assert TAG in told.err
    assert "Nothing was lost" in told.err


def test_a_renamed_operation_stops_the_poll(bound: Site, ccops: Callable[..., Ended]) -> None:
    """Its name is what the ledger counts by: under another one, everything would be granted again."""
    bound.kit.tag(bound.ann, TAG)
    assert ccops("poll").status == 0
    text = bound.registry.read_text()
    bound.registry.write_text(text.replace("[operations.payment-credit]", "[operations.paid]"))
    told = ccops("poll")
    assert told.status == 2
    assert '"payment-credit"' in told.err


def test_a_tagging_newer_than_the_list_counts_in_the_next_poll(bound: Site, program: Callable[..., Ended]) -> None:
    bound.kit.tag(bound.ann, TAG)

    def observe(phase: str, method: str, _path: str) -> None:
        if (phase, method) == ("before", "PUT"):
            bound.kit.on_request = lambda *_: None
            bound.kit.settings.clock = _later(bound, 5)
            bound.kit.untag(bound.ann, TAG)
            bound.kit.tag(bound.ann, TAG)

    bound.kit.on_request = observe
    for amount in ("15", "25"):
        ended = program("poll")
        assert (ended.status, bound.credits()) == (0, amount)
    assert TAG not in bound.kit.tags_of(bound.ann)


def test_a_watch_goes_on_until_it_is_stopped(bound: Site, environ: dict[str, str], tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    with seen.open("w") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "ccops", "poll", "--watch", "1"], env=environ, stdout=out, stderr=out
        )
        try:
            for amount in ("15", "25"):
                bound.kit.tag(bound.ann, TAG)
                _until(lambda amount=amount: bound.credits() == amount)  # type: ignore[misc]
                _until(lambda: TAG not in bound.kit.tags_of(bound.ann))
                _until(lambda amount=amount: f"→ {amount}" in seen.read_text())  # type: ignore[misc]
                # Two taggings within a second are one to Kit, whose times have whole seconds.
                bound.kit.settings.clock = _later(bound, 5)
        finally:
            child.send_signal(signal.SIGTERM)
            status = child.wait(120)
    assert (status, bound.statuses()) == (0, ["applied", "applied"])


def _later(site: Site, seconds: int) -> Callable[[], datetime]:
    now = site.kit.settings.clock
    return lambda: now() + timedelta(seconds=seconds)


def _until(holds: Callable[[], bool]) -> None:
    given_up = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < given_up, "it did not happen in time"
        time.sleep(0.05)

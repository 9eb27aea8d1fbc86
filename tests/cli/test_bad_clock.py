"""What a person sees whose machine has the wrong time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.cli.calls import Ended
from tests.cli.sites import Site


def test_a_wrong_clock_stops_a_grant_which_the_right_one_makes(site: Site, ccops: Callable[..., Ended]) -> None:
    line = ("run", "monthly-grant", "ann@example.org", "gus@example.org")
    site.kit.settings.clock = lambda: datetime.now(UTC) + timedelta(days=40)
    ended = ccops(*line)
    assert (ended.status, ended.out, site.sent, site.statuses()) == (2, "", 0, ["failed"])
    assert "this machine's clock is behind" in ended.err
    assert "NTP" in ended.err
    site.kit.settings.clock = lambda: datetime.now(UTC)
    assert ccops(*line).status == 0
    assert (site.credits(), site.statuses()) == ("15", ["applied", "applied"])


def test_a_dry_run_with_a_wrong_clock_promises_nothing(site: Site, ccops: Callable[..., Ended]) -> None:
    site.kit.settings.clock = lambda: datetime.now(UTC) - timedelta(hours=2)
    ended = ccops("run", "monthly-grant", "ann@example.org", "--dry-run")
    assert (ended.status, ended.out, "clock is ahead" in ended.err) == (2, "", True)

"""A disk that is full in the middle of a run: what happened to how many is said, and nothing that isn't so."""

import resource
from collections.abc import Callable

import pytest

from tests.cli.calls import Ended
from tests.cli.sites import Site
from tests.cli.test_interrupted import CONTACTS, RUN, Child, at, start

__all__ = ("start",)


def fill_disk(child: Child) -> None:
    """Let no file of a process grow any more, as on a full disk."""
    resource.prlimit(child.process.pid, resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.parametrize("count", [1, 3])
def test_full_disk_before_the_first_change_says_how_many_were_not_reached(
    site: Site, start: Callable[..., Child], count: int
) -> None:
    child = start("run", "payment-credit", *CONTACTS[:count])

    def observe(_phase: str, _method: str, path: str) -> None:
        if path.endswith("/subscribers"):  # she is looked for: her entry comes next
            fill_disk(child)

    site.kit.on_request = observe
    ended = child.ended()
    assert (ended.status, site.sent) == (5, 0)
    assert "can't be written to" in ended.err
    assert "Nobody was found" not in ended.err
    assert ("3 of 3 contacts were not reached, for this reason:" in ended.err) is (count == 3)


def test_full_disk_after_a_change_was_sent_names_it(
    site: Site, start: Callable[..., Child], ccops: Callable[..., Ended]
) -> None:
    child = start(*RUN)
    at(site.kit, 1, "before", "PUT", lambda: fill_disk(child))
    ended = child.ended()
    assert (ended.status, site.sent) == (5, 1)
    assert "1 contact was being changed when this stopped" in ended.err
    assert "2 of 3 contacts were not reached, for this reason:" in ended.err
    assert "Nothing was sent" not in ended.err
    site.kit.on_request = lambda *_: None
    assert ccops(*RUN).status == 0
    assert [site.credits(email) for email in CONTACTS] == ["15", "22", "10"]


def test_ledger_damaged_after_a_change_was_sent_does_not_deny_it(site: Site, start: Callable[..., Child]) -> None:
    child = start(*RUN)

    def damage() -> None:
        site.database.write_bytes(b"no database, surely" * 1000)

    at(site.kit, 1, "before", "PUT", damage)
    ended = child.ended()
    assert (ended.status, site.sent, "Nothing was sent" in ended.err) == (5, 1, False)
    assert "is damaged" in ended.err

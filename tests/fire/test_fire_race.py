"""No acknowledged commit is lost to a checkpoint of another program, whatever SQLite is here."""

from pathlib import Path

import pytest

from tests.fire.race import race, seconds_asked

pytestmark = pytest.mark.slow


def test_no_commit_is_lost_beside_a_checkpointer(tmp_path: Path) -> None:
    raced = race(tmp_path, 10)
    assert (raced.missing, raced.fault) == (0, None)
    assert raced.acknowledged > 0
    assert raced.checkpoints > 0


@pytest.mark.campaign
@pytest.mark.timeout(0)
def test_no_commit_is_lost_beside_a_checkpointer_for_long(tmp_path: Path) -> None:
    raced = race(tmp_path, seconds_asked())
    print(raced)  # noqa: T201 - the figures are worth keeping
    assert (raced.missing, raced.fault) == (0, None)

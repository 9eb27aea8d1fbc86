"""Files of the home that are edited while ccops serves."""

import os
from pathlib import Path

import pytest

from ccops.config.errors import OperationsFileFaults, RegistryMissing
from ccops.config.operations_file import load
from ccops.errors import CcopsError
from ccops.operations.model import OperationsFile
from ccops.server.service import Live

GOOD = """\
timezone = "America/New_York"

[operations.grant]
field = "credits"
action = "increase"
amount = 10
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "operations.toml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def told() -> list[CcopsError]:
    return []


@pytest.fixture
def live(path: Path, told: list[CcopsError]) -> Live[OperationsFile]:
    return Live(path, lambda: load(path), told.append)


def amount(live: Live[OperationsFile]) -> str:
    return str(live().operations["grant"].changes[0].amount)


def replace(path: Path, text: str) -> None:
    """Put another text in the file's place, as editors and ccops itself do."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def test_an_edited_file_holds_at_once(path: Path, live: Live[OperationsFile]) -> None:
    assert amount(live) == "10"
    replace(path, GOOD.replace("10", "20"))
    assert amount(live) == "20"


def test_a_file_that_is_written_in_place_is_seen_too(path: Path, live: Live[OperationsFile]) -> None:
    path.write_text(GOOD.replace("10", "300"))
    assert amount(live) == "300"


def test_a_file_that_did_not_change_is_not_read_again(path: Path, live: Live[OperationsFile]) -> None:
    first = live()
    assert live() is first
    os.utime(path)
    assert live() is not first


def test_while_it_has_mistakes_the_last_good_one_holds_and_that_is_told_once(
    path: Path, live: Live[OperationsFile], told: list[CcopsError]
) -> None:
    replace(path, GOOD.replace("increase", "incraese"))
    assert [amount(live) for _ in range(3)] == ["10"] * 3
    assert [type(error) for error in told] == [OperationsFileFaults]
    replace(path, GOOD.replace("10", "20"))
    assert (amount(live), len(told)) == ("20", 1)


def test_a_file_that_is_gone_is_told_and_found_when_it_is_back(
    path: Path, live: Live[OperationsFile], told: list[CcopsError]
) -> None:
    path.rename(path.with_suffix(".away"))
    assert amount(live) == "10"
    assert [type(error) for error in told] == [RegistryMissing]
    path.with_suffix(".away").rename(path)
    assert (amount(live), len(told)) == ("10", 1)


def test_at_the_start_mistakes_are_the_callers(path: Path, told: list[CcopsError]) -> None:
    replace(path, "nonsense")
    with pytest.raises(OperationsFileFaults):
        Live(path, lambda: load(path), told.append)
    assert told == []

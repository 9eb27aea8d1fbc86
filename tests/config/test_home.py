"""The home folder is found where people expect it, and its files are for their owner alone."""

import os
from pathlib import Path

import pytest

from ccops.config.errors import FileUnusable
from ccops.config.home import Home, find_home, loose_modes, write_private


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_option_wins_over_the_environment() -> None:
    assert find_home(Path("/a"), {"CCOPS_HOME": "/b"}) == Path("/a")


def test_the_environment_wins_over_the_platforms_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_home(None, {"CCOPS_HOME": "~/club"}) == tmp_path / "club"


@pytest.mark.parametrize("environ", [{}, {"CCOPS_HOME": ""}])
def test_else_it_is_the_platforms_folder_for_ccops(environ: dict[str, str]) -> None:
    found = find_home(None, environ)
    assert (found.name, found.is_absolute()) == ("ccops", True)


def test_a_relative_folder_stays_the_same_after_a_change_of_directory() -> None:
    assert find_home(Path("club"), {}) == Path.cwd() / "club"


def test_a_home_knows_its_places() -> None:
    home = Home(Path("/h"))
    names = [path.name for path in (home.config, home.registry, home.ledger, home.locks)]
    assert names == ["config.toml", "operations.toml", "ledger.sqlite3", "locks"]


def test_a_home_is_made_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "b")
    before = os.umask(0)
    try:
        home.make()
        home.make()
        write_private(home.registry, "x\r\n")
    finally:
        os.umask(before)
    assert (home.exists, mode(home.path), mode(home.registry)) == (True, 0o700, 0o600)
    assert home.registry.read_bytes() == b"x\r\n"


def test_what_others_can_read_is_listed_and_can_be_tightened(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.make()
    for path in (home.config, home.registry, home.ledger, home.path / "ledger.sqlite3-wal"):
        write_private(path, "x")
    home.locks.mkdir(0o750)
    home.config.chmod(0o644)
    (home.path / "ledger.sqlite3-wal").chmod(0o660)
    loose = loose_modes(home)
    assert [(found.path.name, found.mode) for found in loose] == [
        ("config.toml", 0o644),
        ("ledger.sqlite3-wal", 0o660),
        ("locks", 0o750),
    ]
    for found in loose:
        found.tighten()
    assert loose_modes(home) == []


def test_a_home_that_is_not_there_has_nothing_loose(tmp_path: Path) -> None:
    assert loose_modes(Home(tmp_path / "none")) == []


def test_a_file_that_cant_be_written_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "operations.toml"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "new \udcff")
    assert [(item.name, item.read_text()) for item in tmp_path.iterdir()] == [("operations.toml", "old")]


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none" / "config.toml"
    with pytest.raises(FileUnusable) as caught:
        write_private(path, "x")
    assert str(caught.value) == f"{path} can't be used: No such file or directory."


def test_a_home_file_that_is_a_link_to_a_pipe_is_refused_and_stays(tmp_path: Path) -> None:
    pipe, config = tmp_path / "pipe", tmp_path / "config.toml"
    os.mkfifo(pipe)
    config.symlink_to(pipe)
    with pytest.raises(FileUnusable, match="it is a device or a pipe, not a file"):
        write_private(config, "x")
    assert (config.is_symlink(), pipe.is_fifo()) == (True, True)


def test_a_file_with_the_longest_name_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_private(path, "x")
    assert path.read_text() == "x"

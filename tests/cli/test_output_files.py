"""Files that a person names for output: links are written through, devices and pipes are never replaced."""

import os
import shutil
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccops.cli.rejects import failures_to
from ccops.engine.outcomes import Outcome
from tests.cli.calls import Ended
from tests.cli.sites import Site

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]
NOBODY = "nobody@example.org"
ROWS = f"email,add,key\n{NOBODY},1,k\n"
HEADING = "id,email,status,reason"


@pytest.fixture
def commands(site: Site, tmp_path: Path) -> dict[str, tuple[str, ...]]:
    """Every command that writes a file, without the file's name; the first two end with status 1 when all is well."""
    del site
    listed, rows = tmp_path / "listed.txt", tmp_path / "rows.csv"
    listed.write_text(f"{NOBODY}\n")
    rows.write_text(ROWS)
    return {
        "run": ("run", "monthly-grant", "--file", str(listed), "--failed-to"),
        "import": ("import", str(rows), "--field", "credits", "--failed-to"),
        "report": ("report", "--html"),
        "backup": ("backup",),
    }


WRITERS = ("run", "import", "report", "backup")
FINE = {"run": 1, "import": 1, "report": 0, "backup": 0}


def is_whole(command: str, octets: bytes) -> bool:
    match command:
        case "report":
            return octets.startswith(b"<!doctype html>") and octets.rstrip().endswith(b"</html>")
        case "backup":
            return octets.startswith(b"\x1f\x8b")
    return NOBODY.encode() in octets


@contextmanager
def reading(fifo: Path) -> Iterator[list[bytes]]:
    """Read what comes through a named pipe, until its writer closes it."""
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(fifo.read_bytes()))
    reader.start()
    yield heard
    reader.join(60)


@pytest.mark.parametrize("command", WRITERS)
def test_a_link_stays_and_its_target_is_replaced(
    commands: dict[str, tuple[str, ...]], ccops: Call, tmp_path: Path, command: str
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    target, between, link = folder / "target", tmp_path / "between", tmp_path / "link"
    between.symlink_to("elsewhere/target")
    link.symlink_to(between)
    first = ccops(*commands[command], str(target))
    before = target.stat().st_ino
    ended = ccops(*commands[command], str(link))
    assert (first.status, ended.status) == (FINE[command], FINE[command])
    assert (link.is_symlink(), between.is_symlink(), is_whole(command, target.read_bytes())) == (True, True, True)
    assert (target.stat().st_ino != before, list(folder.iterdir())) == (True, [target])


@pytest.mark.parametrize("command", WRITERS)
def test_a_named_pipe_is_written_to_and_stays_one(
    commands: dict[str, tuple[str, ...]], ccops: Call, tmp_path: Path, command: str
) -> None:
    fifo, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(fifo)
    link.symlink_to(fifo)
    for name in (fifo, link):
        with reading(fifo) as heard:
            ended = ccops(*commands[command], str(name))
        assert (ended.status, fifo.is_fifo(), is_whole(command, heard[0])) == (FINE[command], True, True)
    assert link.is_symlink()


@pytest.mark.parametrize("command", WRITERS)
def test_a_device_stays_a_device(
    commands: dict[str, tuple[str, ...]], ccops: Call, tmp_path: Path, command: str
) -> None:
    null = tmp_path / "null"
    try:
        os.mknod(null, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except OSError:
        pytest.skip("only root makes devices")
    ended = ccops(*commands[command], str(null))
    assert (ended.status, null.is_char_device()) == (FINE[command], True)


@pytest.mark.parametrize("command", WRITERS)
def test_a_link_to_nothing_is_refused(
    commands: dict[str, tuple[str, ...]], site: Site, ccops: Call, tmp_path: Path, command: str
) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone")
    ended = ccops(*commands[command], str(link))
    assert (ended.status, ended.out, site.sent) == (2, "", 0)
    assert f"it is a link to {tmp_path / 'gone'}, which is not there" in ended.err
    assert (link.is_symlink(), link.exists()) == (True, False)


@pytest.mark.parametrize("command", ["run", "import", "report"])
def test_a_folder_is_refused(
    commands: dict[str, tuple[str, ...]], site: Site, ccops: Call, tmp_path: Path, command: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    ended = ccops(*commands[command], str(folder))
    assert (ended.status, ended.out, site.sent, str(folder) in ended.err) == (2, "", 0, True)


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("name", ["/dev/stdout", "/proc/self/fd/1", "out.link", "out"])
def test_the_output_of_the_program_gets_it_even_where_that_is_a_file(
    commands: dict[str, tuple[str, ...]], environ: dict[str, str], tmp_path: Path, command: str, name: str
) -> None:
    out = tmp_path / "out"
    (tmp_path / "out.link").symlink_to("/dev/stdout")
    with out.open("wb") as stream:
        words = (sys.executable, "-m", "ccops", *commands[command], name)
        done = subprocess.run(words, env=environ, stdout=stream, stderr=subprocess.PIPE, check=False, cwd=tmp_path)
    assert (done.returncode, is_whole(command, out.read_bytes())) == (FINE[command], True), done.stderr
    if command == "backup":
        with tarfile.open(out) as archive:
            assert "ledger.sqlite3" in archive.getnames()


@pytest.mark.parametrize("command", WRITERS)
def test_what_a_shell_makes_of_a_process_substitution_is_written_to(
    commands: dict[str, tuple[str, ...]], environ: dict[str, str], command: str
) -> None:
    with ExitStack() as stack:
        read, write = os.pipe()
        source = stack.enter_context(os.fdopen(read, "rb"))
        words = (sys.executable, "-m", "ccops", *commands[command], f"/dev/fd/{write}")
        child = subprocess.Popen(words, env=environ, pass_fds=[write], stdout=subprocess.DEVNULL)
        os.close(write)
        assert is_whole(command, source.read())
        assert child.wait(60) == FINE[command]


@pytest.mark.parametrize("number", [3, 4, 5, 6, 99])
def test_no_file_that_ccops_itself_has_open_can_be_named(site: Site, program: Call, number: int) -> None:
    before = site.database.read_bytes()
    ended = program("report", "--yes", "--html", f"/dev/fd/{number}")
    assert (ended.status, "it is not open" in ended.err, site.database.read_bytes()) == (2, True, before)


@pytest.mark.parametrize("command", WRITERS)
def test_a_full_device_is_said_before_anything_is_sent(
    commands: dict[str, tuple[str, ...]], site: Site, ccops: Call, command: str
) -> None:
    ended = ccops(*commands[command], "/dev/full")
    assert (ended.status, "No space left on device" in ended.err, site.sent) == (2, True, 0)
    assert Path("/dev/full").is_char_device()


def test_a_list_of_failures_that_is_lost_in_the_end_is_said(
    commands: dict[str, tuple[str, ...]], site: Site, ccops: Call, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()

    def lose_it() -> datetime:
        shutil.rmtree(folder, ignore_errors=True)
        return datetime.now(UTC)

    site.kit.settings.clock = lose_it  # while the run is under way
    ended = ccops(*commands["run"], str(folder / "again.csv"))
    said = f"warning: {folder / 'again.csv'} could not be written: No such file or directory."
    assert (ended.status, said in ended.err, "--file" in ended.err) == (1, True, False)


def test_a_reader_that_leaves_does_not_stop_the_run() -> None:
    read, write = os.pipe()
    os.set_inheritable(write, True)
    with os.fdopen(read, "rb", buffering=0) as source, os.fdopen(write, "wb"):
        with failures_to(Path(f"/dev/fd/{write}"), refused_ok=False) as failures:
            assert failures is not None
            assert source.read(100) == f"{HEADING}\r\n".encode()
            source.close()
            failures.add(Outcome("failed", "mark", "key:1", NOBODY))
            failures.add(Outcome("failed", "mark", "key:1", NOBODY))
        assert failures.failure == "Broken pipe"


@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
def test_a_sandbox_keeps_its_contacts_in_a_file_only(ccops: Call, tmp_path: Path, kind: str) -> None:
    place = tmp_path / kind
    match kind:
        case "folder":
            place.mkdir()
        case "pipe":
            os.mkfifo(place)
        case "link":
            place.symlink_to(tmp_path / "gone")
    ended = ccops("sandbox", "--file", str(place), "--port", "0")
    assert (ended.status, str(place) in ended.err) == (2, True)
    assert list(tmp_path.glob("[!.]*")) == [place]


@pytest.mark.parametrize("kind", ["folder", "pipe"])
@pytest.mark.usefixtures("site")
def test_a_schedule_names_no_file_that_cron_can_read_only_once(ccops: Call, tmp_path: Path, kind: str) -> None:
    place = tmp_path / kind
    place.mkdir() if kind == "folder" else os.mkfifo(place)
    ended = ccops("schedule", "monthly-grant", "--file", str(place), "--monthly")
    assert (ended.status, ended.out, str(place) in ended.err) == (2, "", True)

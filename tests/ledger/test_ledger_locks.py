"""Holding contacts: one at a time, across ledgers, threads and processes, and let go by whoever dies."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccops.locks import Locks

HOLDS = """
import sys
from pathlib import Path
from ccops.locks import Locks

folder = Path(sys.argv[1])
with Locks(folder).contact(int(sys.argv[2])):
    with Locks(folder).contact(18), Locks(folder).contacts([12, 10, 11]):
        pass  # another ledger of this process comes and goes, and does not let go of what the first has
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "locks"


@contextmanager
def holding(folder: Path, contact: int = 7) -> Iterator["subprocess.Popen[str]"]:
    """Let another process hold a contact, until the end of the block."""
    command = [sys.executable, "-c", HOLDS, str(folder), str(contact)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield child
        child.kill()


def is_free(folder: Path, contact: int) -> bool:
    """Tell whether a contact could be taken now."""
    locks = Locks(folder)
    locks.stop = lambda: True  # whoever is asked to stop does not wait
    try:
        with locks.contact(contact):
            return True
    except KeyboardInterrupt:
        return False


def test_a_contact_that_another_process_has_is_not_free_and_all_others_are(folder: Path) -> None:
    with holding(folder):
        assert [contact for contact in range(20) if not is_free(folder, contact)] == [7]
    assert is_free(folder, 7)


def test_whoever_is_killed_lets_go(folder: Path) -> None:
    with holding(folder) as child:
        child.kill()
        child.wait(60)
        assert is_free(folder, 7)


def test_a_contact_that_this_process_has_is_not_free_for_it_either_by_whatever_path(folder: Path) -> None:
    folder.mkdir()
    other = folder.parent / "other"
    other.symlink_to(folder)
    with Locks(folder).contact(7):
        assert (is_free(other, 7), is_free(folder, 7), is_free(other, 8)) == (False, False, True)
    assert (is_free(other, 7), is_free(folder, 7)) == (True, True)


def test_a_file_that_was_removed_holds_nobody_apart_but_those_who_hold_it(folder: Path) -> None:
    """A run at work would go on with it for hours, while another process makes one of its own."""
    with Locks(folder).contact(7):
        (folder / "contact").unlink()
        with Locks(folder).contact(8), holding(folder, 9):
            assert [contact for contact in range(20) if not is_free(folder, contact)] == [7, 8, 9]
        assert [contact for contact in range(20) if not is_free(folder, contact)] == [7]
    assert is_free(folder, 7)


def test_several_are_held_together_and_let_go_together(folder: Path) -> None:
    with Locks(folder).contacts([3, 1, 3, 2]):
        assert [contact for contact in range(5) if not is_free(folder, contact)] == [1, 2, 3]
    assert all(is_free(folder, contact) for contact in range(5))


def test_an_error_lets_go(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError), Locks(folder).contact(7):
        _ = 1 // 0
    assert is_free(folder, 7)


def test_no_contact_costs_a_file_and_the_longest_id_is_one_too(folder: Path) -> None:
    for contact in (0, 1, 16_385, 10**18 - 1):
        with Locks(folder).contact(contact):
            assert not is_free(folder, contact)
    assert len(list(folder.iterdir())) == 1

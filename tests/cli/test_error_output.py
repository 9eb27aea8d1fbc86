"""Whatever happens, a person gets a sentence and a script gets a status."""

import os
import signal
from collections.abc import Callable

import pytest

from ccops.cli.command_line import ending
from ccops.cli.context import Session
from ccops.cli.signals import StopRequest, finishing
from ccops.errors import CcopsError, LedgerUnusable, Misconfigured

SECRET = "kit_0123456789abcdef"


class Mended(Misconfigured):
    mend = "ccops init"


def ends(work: Callable[[], object], *argv: str, debug: bool = False) -> int:
    session = Session(argv, {})
    session.debug = debug
    return ending(session, work)


def raising(error: BaseException) -> Callable[[], object]:
    def work() -> object:
        raise error

    return work


def test_an_error_is_one_sentence_and_the_command_that_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(raising(Mended("there is no registry yet."))) == 2
    assert capsys.readouterr() == ("", "error: there is no registry yet.\n       ccops init\n")


def test_an_error_of_several_lines_stays_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(raising(Misconfigured("2 mistakes:\nline 3: a\nline 9: b"))) == 2
    assert capsys.readouterr().err == "error: 2 mistakes:\n       line 3: a\n       line 9: b\n"


def test_text_in_an_error_can_do_nothing_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    ends(raising(CcopsError("name \x1b[2J[red]x[/b]")))
    assert capsys.readouterr().err == "error: name \\x1b[2J[red]x[/b]\n"


def test_a_mistake_of_ours_shows_its_place_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> object:
        key = SECRET
        entries: dict[str, str] = {}
        return entries[key]

    assert ends(work) == 70
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("internal error: KeyError at command_line.py:")
    assert SECRET not in err
    assert "Traceback" not in err


def test_debug_shows_where_but_no_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> object:
        key = SECRET
        raise ValueError(len(key))

    assert ends(work, debug=True) == 70
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert SECRET not in err


def test_ctrl_c_ends_with_130() -> None:
    assert ends(raising(KeyboardInterrupt())) == 130


def test_a_command_may_return_its_status() -> None:
    assert ends(lambda: 4) == 4
    assert ends(lambda: None) == 0
    assert ends(lambda: "text") == 0


def test_what_is_open_is_closed_whatever_happens() -> None:
    closed: list[str] = []
    session = Session((), {})
    session.resources.callback(closed.append, "ledger")
    assert ending(session, raising(LedgerUnusable("the disk is full."))) == 5
    assert closed == ["ledger"]


def test_an_error_while_closing_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    session = Session((), {})
    session.resources.callback(raising(LedgerUnusable("the disk is full.")))
    assert ending(session, lambda: 1) == 5
    assert capsys.readouterr().err == "error: the disk is full.\n"


def test_being_told_to_terminate_unwinds_and_ends_with_143() -> None:
    unwound: list[str] = []

    def work() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            unwound.append("lock")

    session = Session((), {})
    session.resources.callback(unwound.append, "ledger")
    assert ending(session, work) == 143
    assert unwound == ["lock", "ledger"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_work_that_finishes_what_it_has_in_hand_is_only_told_to_stop(number: int, status: int) -> None:
    stop = StopRequest()
    with finishing(stop):
        assert stop.status is None
        os.kill(os.getpid(), number)
        assert stop.event.is_set()
        assert stop.status == status


def test_a_second_signal_does_not_wait() -> None:
    with finishing(StopRequest()):
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(SystemExit) as ended:
            signal.raise_signal(signal.SIGINT)
    assert ended.value.code == 130


def test_signals_mean_again_what_they_meant_before() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    ends(lambda: None)
    with finishing(StopRequest()):
        pass
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before

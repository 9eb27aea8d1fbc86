"""`ccops history --csv` and `--follow`: all of it for a spreadsheet, and what happens while somebody watches."""

import csv
import io
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from ccops.ledger.queries import Filter
from ccops.text import csv_safe
from tests.cli.calls import Ended
from tests.cli.past import begun
from tests.cli.sites import Site

Call = Callable[..., Ended]
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def rows(ended: Ended) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(ended.out)))


def test_each_entry_is_a_row_of_everything(site: Site, ccops: Call) -> None:
    ccops("run", "unlock-replay", "ann@example.org", "--key", "7", "--reason", 'a "gift", really', CCOPS_ACTOR="maria")
    ccops("run", "monthly-grant", "cy@example.org", "--period", "2026-10", CCOPS_ACTOR="maria")
    refused, spent = rows(ccops("history", "--csv"))
    today = spent.pop("after").removeprefix("2; ")
    assert (datetime.fromisoformat(spent.pop("at")).utcoffset(), len(today)) == (datetime.now(UTC).utcoffset(), 10)
    assert spent == {
        "entry": "e1",
        "contact_id": str(site.ann),
        "email": "ann@example.org",
        "operation": "unlock-replay",
        "status": "applied",
        "field": "credits; replay_opened_on",
        "before": "5; ",
        "reason": "",
        "occasion": "key:7",
        "period": "",
        "note": 'a "gift", really',
        "by": "maria",
        "via": "run",
        "run": "r1",
        "undoes": "",
        "undone_by": "",
    }
    assert (refused["status"], refused["field"], refused["before"]) == ("refused", "", "")
    assert (refused["reason"], refused["period"]) == ('credits is "abc", not a number', "month:2026-10")


def test_filters_and_a_limit_hold_for_it_too(site: Site, ccops: Call) -> None:
    for key in "abc":
        ccops("run", "payment-credit", "ann@example.org", "--key", key)
    assert [row["entry"] for row in rows(ccops("history", "--csv", "--limit", "2"))] == ["e3", "e2"]
    assert [row["entry"] for row in rows(ccops("history", str(site.ann), "--csv", "--run", "r1"))] == ["e1"]
    assert rows(ccops("history", "--csv", "--status", "failed")) == []


@pytest.mark.usefixtures("site")
def test_a_spreadsheet_runs_nothing_of_it(ccops: Call) -> None:
    reason = '=HYPERLINK("http://evil.example","x")'
    ccops("run", "payment-credit", "ann@example.org", "--reason", reason)
    ended = ccops("history", "--csv")
    assert rows(ended)[0]["note"] == f"'{reason}"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 1234", "'+49 30 1234"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("\t=1", "\\t=1"),
        ("-5", "-5"),
        ("+3.50", "+3.50"),
        ("ann@example.org", "ann@example.org"),
        ("", ""),
        ("a\nb", "a\\nb"),
    ],
)
def test_what_would_begin_a_formula_becomes_text_and_numbers_stay(text: str, cell: str) -> None:
    assert csv_safe(text) == cell


@pytest.mark.usefixtures("site")
def test_it_is_utf_8_on_every_machine(program: Callable[..., Ended]) -> None:
    program("run", "payment-credit", "ann@example.org", "--reason", "für München")
    ended = program("history", "--csv", PYTHONIOENCODING="ascii")
    assert rows(ended)[0]["note"] == "für München"


def test_rows_are_given_one_by_one(site: Site) -> None:
    """However many there are: memory does not grow with them."""
    ledger = site.ledger(readonly=False)
    for number in range(300):
        begun(ledger, site.ann, f"key:{number}", NOW)
    tracemalloc.start()
    count = sum(1 for _ in ledger.history.each(Filter(limit=None)))
    least = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    kept = list(ledger.history.each(Filter(limit=None)))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    ledger.close()
    assert (count, len(kept)) == (300, 300)
    assert least < most / 4


@pytest.fixture
def watching(site: Site, environ: dict[str, str]) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Begin to follow the history, as a program of its own."""
    assert site.home.exists()
    begun: list[subprocess.Popen[str]] = []

    def begin(*words: str) -> "subprocess.Popen[str]":
        program = [sys.executable, "-m", "ccops", "history", "--follow", *words]
        child = subprocess.Popen(program, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        begun.append(child)
        return child

    yield begin
    for child in begun:
        child.kill()
        child.communicate()


Watching = Callable[..., "subprocess.Popen[str]"]


def told(child: "subprocess.Popen[str]") -> tuple[str, str]:
    """Wait for the next line, and return its entry and status."""
    assert child.stdout is not None
    cells = child.stdout.readline().split("\t")
    return cells[0], cells[4]


def test_what_is_done_is_shown_as_it_comes_until_ctrl_c(
    ccops: Call, watching: "Callable[..., subprocess.Popen[str]]"
) -> None:
    ccops("run", "payment-credit", "ann@example.org", "--key", "1")
    child = watching("ann@example.org")
    assert told(child) == ("e1", "applied")
    ccops("run", "payment-credit", "bob@example.org", "--key", "1")
    ccops("undo", "e1")
    shown: dict[str, str] = {}
    while shown.get("e3") != "applied":  # it may be seen begun first
        shown |= [told(child)]
    assert shown == {"e1": "undone", "e3": "applied"}
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, out, err) == (0, "", "")

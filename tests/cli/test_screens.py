"""What commands show on terminals of 80 and 120 columns, with and without colours: nothing breaks, nothing is cut."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from ccops.sandbox.sandbox import Sandbox
from tests.cli.conftest import SOURCE, read_all
from tests.cli.past import begun, parked
from tests.cli.sites import Site, set_up, way_to

pytestmark = pytest.mark.slow

SEVERAL = Path(__file__).with_name("several.py")
LONG: Final = "maximilian.von.und.zu.featherstonehaugh@rather-long-name.example.com"
WIDE: Final = "李小龙@例子.example.org"
BIG: Final = "123456789012345.25"
KEY: Final = "an-order-of-a-shop-with-a-name-as-long-as-shops-make-them-0123456789"
WHY: Final = (
    "Kit refused it: email address is not valid, first name is too long (maximum is 255 characters), and this account "
    "has reached its limit of subscribers; upgrade the plan to go on"
)
OPERATIONS: Final = """
[operations.unlock-the-replay-of-the-autumn-workshop]
description = "Spend credits, open the replay"
changes = [
  { field = "credits", action = "decrease", amount = 3, minimum = 0 },
  { field = "replay_opened_on", action = "stamp" },
]
tag = { id = 1042, name = "ccops: unlock the replay of the autumn workshop, and all that goes with it" }
"""
UNLOCK: Final = "unlock-the-replay-of-the-autumn-workshop"
TAGGED: Final = ("--tagged", "Member: Gold")
BEFORE: Final = (
    ("run", "payment-credit", "ann@example.org", LONG, WIDE, "cy@example.org", "big@example.org", "--key", KEY),
    ("run", "monthly-grant", *TAGGED, "--yes", "--quiet"),
    ("run", UNLOCK, LONG, "hal@example.org"),
    ("adjust", LONG, "credits", "--set", "-1234567890.125", "--reason", f"A reason that goes on and on: {KEY}"),
    ("undo", "e1", "--reason", "granted twice"),
)
LOOKS: Final = (
    *(("history", *more) for more in ((), ("ann@example.org",), (LONG,), ("e1",), ("e3",), ("e15",), ("e16",))),
    *(("history", *more) for more in (("--runs",), ("--status", "refused"), ("nobody@example.org",), ("--op", "no"))),
    *(("balance", who) for who in ("ann@example.org", LONG, WIDE, "big@example.org", "nobody@example.org")),
    *(("why", *who) for who in ((LONG,), (LONG, UNLOCK), ("cy@example.org", "monthly-grant"), ("no@example.org",))),
    *(("op", *more) for more in (("list",), ("show", UNLOCK, "--value", "credits=2"), ("show", "no"))),
    ("settle",),
    ("report",),
    ("reconcile", "credits"),
    ("run", "payment-credit", LONG, WIDE, "cy@example.org", "nobody@example.org", "--dry-run"),
    ("run", "monthly-grant", *TAGGED, "--period", "2026-10", "--dry-run"),
    ("run", "paiment-credit", "ann@example.org"),
    ("run", UNLOCK, "--tagged", "ccops: unlock the replay of the autumn workshop, and all that goes with it"),
    ("adjust", LONG, "credits", "--add", BIG, "--dry-run"),
    ("poll", "--dry-run"),
    ("schedule", "monthly-grant", *TAGGED, "--monthly"),
    ("schedule", "--poll"),
    ("webhook", "list"),
    ("restore", "nothing.tar.gz"),
    ("run", "--help"),
    ("op", "add", "--help"),
)
ESCAPE = re.compile(r"\x1b\[\d+m")
BAR = re.compile(r"\x1b\[\?25l.*?\x1b\[\?25h(\r?\x1b\[1A\x1b\[2K)?", re.DOTALL)
"""A bar that moved and was wiped away again."""
CUT = re.compile(r"\d…|…\d|ccops \S*…|@…|…@")
ONE = re.compile(r"\b1 (contacts|entries|things|rows|runs|tags|need)\b")
TO_COPY = re.compile(r'\s*(ccops |[\d@*]\S* .*--home |"?--\w+ )')
"""Lines that stay whole, so that they can be copied: commands, and lines of a crontab."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A home with long names and addresses, wide characters, big numbers, and all that can go wrong."""
    folder = tmp_path_factory.mktemp("screens")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KIT_", "CCOPS_"))}
    kept |= {"CCOPS_HOME": str(folder / "home"), "PYTHONPATH": str(SOURCE), "CCOPS_ACTOR": "maria", "TERM": "xterm"}
    for name in ("COLUMNS", "NO_COLOR"):
        kept.pop(name, None)
    with Sandbox() as kit:
        made = set_up(kit, folder / "home", kept | way_to(kit))
        made.registry.write_text(made.registry.read_text() + OPERATIONS)
        for who in (LONG, WIDE, "big@example.org"):
            kit.tag(kit.add_contact(who, credits=BIG if who.startswith("big") else "7"), "Member: Gold")
        screens(made, BEFORE, 80)
        go_wrong(made)
        yield made


def go_wrong(site: Site) -> None:
    """Leave a change that failed at length and one that needs a person, and change a contact by hand."""
    now = datetime.now(UTC)
    ledger = site.ledger(readonly=False)
    ledger.entries.fail(begun(ledger, site.kit.contact_id("fay@example.org"), "key:failed", now), WHY, now)
    ledger.close()
    parked(site, now - timedelta(days=2))
    site.kit.set_field(site.kit.contact_id("bob@example.org"), "credits", "1000000")


def screens(site: Site, commands: tuple[tuple[str, ...], ...], width: int, **more: str) -> list[list[str]]:
    """Return what each command shows, as lines, at a terminal of that width."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    words = [sys.executable, str(SEVERAL), json.dumps(commands)]
    child = subprocess.Popen(words, env=site.environ | more, stdin=side, stdout=side, stderr=side)
    os.close(side)
    shown = read_all(main).replace("\r\n", "\n")
    os.close(main)
    assert child.wait(120) == 0, shown
    parts = re.split(r"\x1e(\d+)\x1e\n", BAR.sub("", shown))
    assert len(parts) == 2 * len(commands) + 1, shown
    assert "70" not in parts[1::2], shown
    return [part.splitlines() for part in parts[:-1:2]]


Shown = dict[tuple[int, bool], list[list[str]]]


@pytest.fixture(scope="module")
def shown(site: Site) -> Shown:
    """Return what all commands show, by width and by whether there are colours."""
    return {
        (width, coloured): screens(site, LOOKS, width, **({} if coloured else {"NO_COLOR": "1"}))
        for width in (80, 120)
        for coloured in (True, False)
    }


def cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal_unless_it_is_to_be_copied(shown: Shown, width: int) -> None:
    """What a terminal breaks, it breaks inside of words and numbers."""
    wide = [
        line
        for command in shown[width, False]
        for line in command
        if cells(line) > width and not TO_COPY.match(line) and " " in line.strip()
    ]
    assert wide == []


@pytest.mark.parametrize("width", [80, 120])
def test_without_colours_no_code_is_sent_and_with_them_only_colours_are(shown: Shown, width: int) -> None:
    plain, coloured = ("\n".join("\n".join(each) for each in shown[width, colours]) for colours in (False, True))
    assert "\x1b" not in plain
    assert "\x1b" not in ESCAPE.sub("", coloured)
    assert "\x1b" in coloured
    assert re.sub(r"\d\d:\d\d", "", ESCAPE.sub("", coloured)) == re.sub(r"\d\d:\d\d", "", plain)


@pytest.mark.parametrize("width", [80, 120])
def test_no_number_no_address_and_no_command_is_cut(shown: Shown, width: int) -> None:
    lines = [line for command in shown[width, False] for line in command]
    assert [line for line in lines if CUT.search(line) or ONE.search(line)] == []
    for command, found in zip(LOOKS, shown[width, False], strict=True):
        if LONG in command and command[0] in {"history", "balance", "run", "adjust"}:
            assert any(LONG in line for line in found), found
    for whole in ("-1234567890.125", "123456789012355.25", "123,456,789,012,345.25", KEY, WIDE, UNLOCK):
        assert any(whole in line for line in lines), whole


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_ends_in_blanks(shown: Shown, width: int) -> None:
    assert [line for command in shown[width, False] for line in command if line != line.rstrip()] == []

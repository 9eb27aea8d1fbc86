"""Answers go to stdout, the rest to stderr; a terminal gets colours, a pipe gets plain lines."""

import errno
import io
import json
import os

import pytest

from ccops.cli.output import Console, Styled, TableColumn
from tests.cli.calls import Terminal


def console(out: io.StringIO, environ: dict[str, str] | None = None, *, sandbox: bool = False) -> Console:
    return Console(out, io.StringIO(), environ or {}, lambda: sandbox)


def test_styles_show_on_a_terminal_only() -> None:
    for stream, environ, shown in [
        (Terminal(), {"TERM": "xterm"}, "\x1b[31mno\x1b[0m way\n"),
        (Terminal(), {"NO_COLOR": "1"}, "no way\n"),
        (Terminal(), {"TERM": "dumb"}, "no way\n"),
        (io.StringIO(), {}, "no way\n"),
    ]:
        console(stream, environ).say(Styled("no", "bad"), " way")
        assert stream.getvalue() == shown


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_no_text_can_act_on_a_terminal(stream: io.StringIO) -> None:
    console(stream, {"NO_COLOR": "1"}).say("a\x1b[2J\r\n", Styled("[b]\u202e", "good"))
    assert stream.getvalue() == "a\\x1b[2J\\r\\n[b]\\u202e\n"


def test_notes_go_to_stderr_and_quiet_leaves_them_out() -> None:
    out, err = io.StringIO(), io.StringIO()
    both = Console(out, err, {})
    both.note("first")
    both.quiet = True
    both.note("second")
    both.say("fine")
    both.say("needs you", urgent=True)
    both.table([TableColumn("A")], [["row"]])
    both.warn("look")
    assert (out.getvalue(), err.getvalue()) == ("needs you\n", "first\nwarning: look\n")


def test_the_first_line_from_a_sandbox_is_marked() -> None:
    out = io.StringIO()
    rehearsal = console(out, sandbox=True)
    rehearsal.say("one")
    rehearsal.say("two")
    assert out.getvalue() == "[sandbox] one\ntwo\n"


def test_a_table_from_a_sandbox_keeps_its_columns() -> None:
    out = io.StringIO()
    console(out, sandbox=True).table([TableColumn("A"), TableColumn("B")], [["1", "2"]])
    assert out.getvalue() == "[sandbox]\n1\t2\n"


def test_json_lines_are_whole_and_safe_everywhere() -> None:
    out = io.StringIO()
    rehearsal = console(out, sandbox=True)
    rehearsal.quiet = True
    rehearsal.json_line({"name": "Zoë \x1b[2J\x9b\u202e", "n": None})
    assert out.getvalue().isascii()
    assert "\x1b" not in out.getvalue()
    assert json.loads(out.getvalue()) == {"name": "Zoë \x1b[2J\x9b\u202e", "n": None}


def test_an_encoding_without_arrows_is_no_error() -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="ascii")
    Console(stream, io.StringIO(), {}).say("5 → 15")
    assert written.getvalue() == b"5 \\u2192 15\n"


def test_a_reader_who_left_stops_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        left = Console(stream, io.StringIO(), {})
        left.say("one")
        left.say("two")
        assert (left.out.closed, left.out.failure) == (True, "")


def test_a_full_disk_is_remembered() -> None:
    with open("/dev/full", "w", encoding="utf-8") as stream:  # noqa: PTH123
        full = Console(stream, io.StringIO(), {})
        full.say("one")
        assert full.out.failure == os.strerror(errno.ENOSPC)


@pytest.mark.parametrize(
    ("about", "shown"),
    [
        ("ann@example.org", "ann@example.org          times: New York\n"),
        (
            "ann.with.a.longer.name@example.org",
            "ann.with.a.longer.name@example.org\n                         times: New York\n",
        ),
        (
            "ann.with.a.longer.name@example.org (4300000001), active",
            "ann.with.a.longer.name@example.org\n(4300000001), active\n                         times: New York\n",
        ),
    ],
)
def test_a_heading_keeps_to_the_width(monkeypatch: pytest.MonkeyPatch, about: str, shown: str) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = Terminal()
    Console(out, io.StringIO(), {"NO_COLOR": "1"}).heading("times: New York", about)
    assert out.getvalue() == shown


def test_advice_is_indented_as_far_as_what_stands_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    err = Terminal()
    Console(io.StringIO(), err, {"NO_COLOR": "1"}).advise("Add the action that gives the tag to the contact.", "  3. ")
    assert err.getvalue() == "  3. Add the action that gives the tag\n     to the contact.\n"

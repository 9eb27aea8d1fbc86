"""`ccops demo`: a story that is true, short, and leaves nothing behind."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ccops.cli.commands.demo import ANN, Stage, tell
from ccops.cli.output import Console
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """The folder for what is temporary."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def in_order(text: str, *parts: str) -> bool:
    """Say whether the parts are all in the text, one behind the other."""
    for part in parts:
        _, found, text = text.partition(part)
        if not found:
            return False
    return True


def test_the_whole_story_is_told_and_nothing_is_left_or_used_of_the_user(
    program: Call, environ: dict[str, str], scratch: Path
) -> None:
    with Sandbox() as theirs:
        ended = program(
            "demo", TMPDIR=str(scratch), KIT_API_URL=theirs.url, KIT_API_KEY="kit_theirs", CCOPS_ACTOR="somebody-else"
        )
        assert (ended.status, theirs.exchanges) == (0, [])
    assert "somebody-else" not in ended.out
    assert in_order(
        ended.out,
        "$ ccops init",
        "$ ccops op add payment-credit --field credits --increase 10 --tag",
        'Made the tag "ccops: payment-credit" in Kit',
        "$ ccops serve --listen 127.0.0.1:0\nccops serve listens on 127.0.0.1:",
        "$ ccops webhook create --url http://127.0.0.1:",
        "Kit now tells ccops of all trigger tags, signed",
        "$ ccops poll\n",
        "Z POST /kit 202\n",
        "Z POST /kit 200\n",
        "Her credits now: 15, told three ways and counted once.",
        f"$ ccops run payment-credit {ANN} --key invoice-1042\n(killed)",
        f"$ ccops run payment-credit {ANN} --key invoice-1042\n{ANN}\tcredits 15 → 25\te2",
        f"$ ccops run payment-credit {ANN} --key invoice-1042\n{ANN}\talready done",
        f"$ ccops history {ANN}",
        "\twebhook\tr1\t",
        "$ ccops undo e2",
        f"{ANN}\tcredits 25 → 15\te3",
        f"$ ccops balance {ANN}",
        "Your turn, once ccops is installed:",
    )
    assert "Going on with run r2" in ended.err
    assert list(scratch.iterdir()) == []
    assert not Path(environ["CCOPS_HOME"]).exists()


def test_it_fits_80_columns_at_a_terminal(terminal: Call, scratch: Path) -> None:
    ended = terminal("demo", TMPDIR=str(scratch), NO_COLOR="1")
    assert ended.status == 0
    assert [line for line in ended.out.splitlines() if len(line) > 80 and str(scratch) not in line] == []


def test_its_crash_comes_between_the_write_and_its_answer(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, scratch: Path
) -> None:
    """The demo shows that a change counts once; so the change has to be there before the process dies."""
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    out = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    with out, Stage(Console(out, out, {}), os.environ) as stage:
        assert tell(stage) == 0
        ann = stage.kit.contact_id(ANN)
        assert [written["credits"] for written in stage.kit.writes(ann)] == ["15", "25", "15"]
        assert stage.kit.counts["PUT", "/v4/subscribers/{id}"] == 3
        assert stage.kit.tags_of(ann) == ["Member: Gold"]
    assert "internal error" not in capfd.readouterr().err

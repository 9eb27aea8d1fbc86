"""The program as people and scripts meet it: help, mistakes, speed, pipes."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer.main

from ccops import __version__
from ccops.cli.command_line import CliCommand
from ccops.cli.errors import corrected
from ccops.cli.help import CATALOG, Heading
from ccops.operations.numbers import NotANumber
from tests.cli.calls import Ended

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]
QUOTES = "Put quotes around names that have blanks in them."
HEAVY = ("requests", "sqlite3", "urllib3", "rich.table", "rich.progress", "http.server")


def pages_of(name: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of a command, and of the commands that it is made of."""
    yield (name,)
    loaded = typer.main.get_command(next(listed for listed in CATALOG if listed.name == name).load())
    yield from ((name, part) for part in getattr(loaded, "commands", {}))


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("op", "list"), ("op", "add", "--help")])
@pytest.mark.usefixtures("home")
def test_starting_loads_nothing_heavy(environ: dict[str, str], words: tuple[str, ...]) -> None:
    """Start-up time is what people feel; importing is what it is made of."""
    look = f"""
        import sys
        from ccops.cli.app import main
        sys.argv[1:] = {words!r}
        try:
            main()
        except SystemExit as ended:
            print(ended.code, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(look)], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "0 []"


@pytest.mark.parametrize("name", [listed.name for listed in CATALOG])
def test_every_help_page_is_whole_and_fits_80_columns(ccops: Call, name: str) -> None:
    for words in pages_of(name):
        page = ccops(*words, "--help")
        assert (page.status, page.err) == (0, "")
        assert max(map(len, page.out.splitlines())) <= 80
        assert "Examples\n  ccops" in page.out
        assert page.out.partition("\n")[0].endswith(".")
        assert ccops(*words, "-h") == page


def test_the_first_page_fits_80_columns(ccops: Call) -> None:
    page = ccops("--help")
    assert max(map(len, page.out.splitlines())) <= 80
    assert all(f"\n  {listed.name} " in page.out for listed in CATALOG)


@pytest.mark.parametrize("name", [listed.name for listed in CATALOG])
def test_the_list_of_commands_says_what_each_command_says_itself(ccops: Call, name: str) -> None:
    sentence = next(listed.sentence for listed in CATALOG if listed.name == name)
    assert ccops(name, "--help").out.startswith(sentence)


def test_the_list_of_commands_is_in_the_order_of_its_headings() -> None:
    order: list[Heading] = ["Start", "Set up", "Do", "Look", "Mend"]
    places = [order.index(listed.heading) for listed in CATALOG]
    assert places == sorted(places)


def test_without_words_the_help_is_shown(ccops: Call) -> None:
    assert ccops() == ccops("--help")
    assert ccops("op") == ccops("op", "--help")


def test_the_version_is_told(ccops: Call) -> None:
    assert ccops("--version") == Ended(0, f"ccops {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["opp", "list"], 'ccops has no command "opp". Did you mean:\n       ccops op list'),
        (["op", "lst"], 'ccops op has no command "lst". Did you mean:\n       ccops op list'),
        (["zzz"], 'ccops has no command "zzz".\n       ccops --help'),
        (["op", "list", "--jsno"], 'ccops op list has no option "--jsno". Did you mean:\n       ccops op list --json'),
        (["op", "list", "--zzzzz"], 'ccops op list has no option "--zzzzz".\n       ccops op list --help'),
        (["op", "show"], "ccops op show needs OPERATION.\n       ccops op show --help"),
        (["op", "show", "x", "--value"], "--value needs a value.\n       ccops op show --help"),
        (
            ["op", "show", "x", "kit_0123456789"],
            f"ccops op show got one word too many. {QUOTES}\n       ccops op show --help",
        ),
        (
            ["op", "add", "x", "--once-per", "moon"],
            "--once-per is one of day, week, month, quarter, year, ever.\n       ccops op add --help",
        ),
        (
            ["op", "add", "x", "--decimals", "kit_012"],
            "--decimals takes a whole number, 0 or more.\n       ccops op add --help",
        ),
        (
            ["op", "add", "x", "--increase", "ten"],
            f'--increase "ten": this is not a number. Nothing was done.\n       {NotANumber.mend}',
        ),
        (["--home"], "--home needs a value.\n       ccops --help"),
    ],
)
def test_a_mistake_on_the_command_line_is_told_with_what_mends_it(ccops: Call, words: list[str], error: str) -> None:
    assert ccops(*words) == Ended(2, "", f"error: {error}\n")


def test_a_value_of_key_is_never_repeated() -> None:
    assert corrected(["run", "pay", "a@x.org", "--key", "kit_secret"], "pay", "payment") is None
    assert corrected(["run", "pay", "--key=kit_secret"], "pay", "payment") is None
    assert corrected(["run", "pay", "a b@x.org"], "pay", "payment") == "ccops run payment 'a b@x.org'"


@pytest.mark.usefixtures("home")
def test_home_and_debug_are_taken_before_and_after_the_command(ccops: Call, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "operations.toml").write_text('timezone = "UTC"\n[operations.x]\nfield = "a"\naction = "stamp"\n')
    told = "x\ta = today\t-\tready\n"
    for words in [
        ("--home", str(other), "op", "list"),
        ("op", "list", "--home", str(other)),
        ("op", "--home", str(other), "list"),
    ]:
        assert ccops(*words).out == told
    assert ccops("op", "list").out == ""


@pytest.mark.usefixtures("home")
def test_the_real_program_says_what_the_runner_says(ccops: Call, program: Call) -> None:
    for words in [("op", "show", "x"), ("op", "lst"), ("--version",), ("op",)]:
        assert program(*words) == ccops(*words)


def test_a_reader_who_leaves_is_no_trouble(environ: dict[str, str], home: Path) -> None:
    text = (home / "operations.toml").read_text()
    rows = "".join(f'[operations.x{n}]\nfield = "a"\naction = "stamp"\n' for n in range(300))
    (home / "operations.toml").write_text(text + rows)
    done = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m ccops op list | head -1"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("x0\ta = today\t-\tready\n", "")


@pytest.mark.usefixtures("home")
def test_an_answer_that_can_not_be_written_is_told(environ: dict[str, str]) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "ccops", "--version"],
            env=environ,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        1,
        f"error: the answer could not be written: {os.strerror(28)}\n",
    )


def test_ctrl_c_while_the_program_loads_ends_it_without_a_word(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    words = [sys.executable, "-m", "ccops", "op", "list"]
    environ = environ | {"PYTHONPATH": str(tmp_path)}
    ended = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


@pytest.mark.usefixtures("home")
def test_words_that_are_no_text_are_no_traceback(environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ccops", "op", "show", b"caf\xe9"], env=environ, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: OPERATION is not UTF-8 text.")


def test_the_tab_key_completes_commands_options_and_operations(environ: dict[str, str], home: Path) -> None:
    with (home / "operations.toml").open("a") as file:
        file.write('[operations.payment-credit]\ndescription = "10 credits"\nfield = "credits"\naction = "stamp"\n')

    def completed(line: str) -> str:
        asked = {"_CCOPS_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": line}
        look = "import sys; from ccops.cli.app import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", look], env=environ | asked, capture_output=True, text=True, check=False
        )
        return done.stdout

    assert '"op":' in completed("ccops o")
    assert '"show":' in completed("ccops op s")
    assert '"--json"' in completed("ccops op list --j")
    assert '"payment-credit":"10 credits"' in completed("ccops op show pay")


@pytest.mark.parametrize(
    ("args", "given"),
    [
        (["a", "--tag"], ("a", "", False)),
        (["--tag", "--yes"], (None, "", True)),
        (["--tag", "x", "a"], ("a", "x", False)),
        (["--tag=x"], (None, "x", False)),
        (["a"], ("a", None, False)),
    ],
)
def test_a_value_that_may_be_left_out_may_be_left_out(
    args: list[str], given: tuple[str | None, str | None, bool]
) -> None:
    seen: list[tuple[str | None, str | None, bool]] = []
    trial = typer.Typer(add_completion=False, rich_markup_mode=None)

    @trial.command(cls=CliCommand)
    def command(
        word: str | None = typer.Argument(None),
        tag: str | None = typer.Option(None, metavar="[TAG]"),
        yes: bool = typer.Option(False, "--yes"),
    ) -> None:
        seen.append((word, tag, yes))

    typer.main.get_command(trial).main(args, standalone_mode=False)
    assert seen == [given]

"""The man pages say what the commands' own help says, and roff takes them without complaint."""

import shutil
import subprocess
from pathlib import Path

import pytest
import typer.main
from docs import manpages

from ccops.cli.help import CATALOG

PAGES = dict(manpages.pages())


def test_every_command_has_a_page() -> None:
    assert {"ccops", *(f"ccops-{listed.name}" for listed in CATALOG), "ccops-op-add", "ccops-tag-bind"} <= set(PAGES)
    for listed in CATALOG:
        assert f".B {listed.name}\n" in PAGES["ccops"]


@pytest.mark.parametrize("name", [listed.name for listed in CATALOG])
def test_a_page_has_the_sentence_and_all_options_of_its_command(name: str) -> None:
    listed = next(each for each in CATALOG if each.name == name)
    page = PAGES[f"ccops-{name}"].replace("\\-", "-")
    assert listed.sentence[1:] in page
    command = typer.main.get_command(listed.load())
    commands = getattr(command, "commands", {name: command})
    for inner_name, inner in commands.items():
        told = page if len(commands) == 1 else PAGES[f"ccops-{name}-{inner_name}"].replace("\\-", "-")
        long = [option for param in inner.params for option in param.opts if option.startswith("--")]
        assert [option for option in long if option not in told] == []


def test_the_first_page_has_exit_status_files_and_environment() -> None:
    page = PAGES["ccops"]
    assert all(f".SH {title}\n" in page for title in ("EXIT STATUS", "FILES", "ENVIRONMENT", "EXAMPLES"))
    assert ".B KIT_API_KEY\n" in page
    assert ".B ledger.sqlite3\n" in page


def test_roff_has_nothing_to_complain_of(tmp_path: Path) -> None:
    manpages.main(tmp_path)
    written = sorted(tmp_path.glob("*.1"))
    assert {path.stem for path in written} == set(PAGES)
    for path in written:
        assert not [line for line in path.read_text().splitlines() if line.startswith("'") or "`" in line]
        if shutil.which("groff"):
            words = ["groff", "-man", "-ww", "-Kutf8", "-Tutf8", str(path)]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            assert done.stderr == ""

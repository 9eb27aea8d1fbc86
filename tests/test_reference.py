"""What the pages take from the code is what the code says; and what they say of JSON is what comes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docs import facts, reference

from ccops.cli import exit_status
from ccops.config.settings import ENVIRONMENT
from tests.test_readme import TOP
from tests.test_readme import environ as environ  # noqa: PLC0414 - a user who has ccops and nothing else of it

pytestmark = pytest.mark.slow

PAGES = reference.pages()
JSON = (TOP / "docs" / "reference" / "json.md").read_text(encoding="utf-8")
SECTIONS = [part for part in re.split(r"^## ", JSON, flags=re.MULTILINE)[1:] if "\n$ " in part]
NAMES = re.compile(r"`([a-z_]+)`")


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_what_a_page_takes_from_the_code_is_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert reference.fill(text) == text, "this writes it anew: make reference"


def test_every_part_from_the_code_is_on_a_page() -> None:
    whole = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert {name for name in reference.BLOCKS if f"<!-- generated: {name} -->" in whole} == set(reference.BLOCKS)


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r"^ +- (\S+\.md)$", (TOP / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(page.relative_to(reference.FOLDER).as_posix() for page in PAGES)


def test_every_exit_status_has_its_meaning() -> None:
    told = {int(number) for number, meaning in facts.exit_status() if meaning}
    assert told == {exit_status.FINE, *exit_status._WORST_FIRST} - {exit_status.BUG}


def test_every_variable_that_ccops_reads_has_its_meaning() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (TOP / "src").rglob("*.py"))
    read = set(re.findall(r"environ(?:\.get\(|\[)\"((?:CCOPS|KIT)_[A-Z_]+)\"", sources))
    assert {*read, *ENVIRONMENT} <= {name for name, meaning in facts.variables() if meaning}


def test_json_has_the_keys_that_its_page_names(environ: dict[str, str]) -> None:
    for words in ("init --sandbox --yes", "op add payment-credit --field credits --increase 10 --tag"):
        subprocess.run([sys.executable, "-m", "ccops", *words.split()], env=environ, check=True, capture_output=True)
    for section in SECTIONS:
        for command in re.findall(r"^\$ ccops (.*)$", section, re.MULTILINE):
            printed = subprocess.check_output([sys.executable, "-m", "ccops", *command.split()], env=environ, text=True)
            for line in printed.splitlines():
                row = json.loads(line)
                assert set(row) == keys_told(section, command, row), command


def keys_told(section: str, command: str, row: dict[str, object]) -> set[str]:
    """Return the keys that a section of the page names for an object."""
    if command.startswith("webhook show"):
        return set(NAMES.findall(section.rpartition("It prints ")[2]))
    if command.startswith("report"):
        part = row["part"]
        more = re.search(rf"^\| `{part}` \| (.*) \|$", section, re.MULTILINE)
        assert more is not None, part
        return {"part", *(in_table(SECTIONS[0]) if part == "change" else NAMES.findall(more[1]))}
    return in_table(section) | (in_table(SECTIONS[0]) if command.startswith("history e") else set())


def in_table(section: str) -> set[str]:
    """Return the keys in the first column of a section's table of keys."""
    table = section.partition("| key |")[2].partition("\n\n")[0]
    return {name for row in table.splitlines()[2:] for name in NAMES.findall(row.split("|")[1])}

"""The page in a real browser: it is silent, it does what it offers, and a phone can read it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from ccops.app.statistics import Extent, report_of
from ccops.operations.model import OperationsFile
from ccops.report.page import page
from tests.books import NOON, ZONE, Books
from tests.report.browser import PROGRAM, Browser, browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="needs Chromium; CCOPS_CHROMIUM may name it"),
]

ROWS = "[...document.querySelectorAll('#changes tbody tr')]"
SHOWN = f"{ROWS}.filter((row) => !row.hidden).map((row) => row.cells[0].textContent).join(' ')"
SORTED = "[...document.querySelectorAll('#changes thead th')].map((head) => head.ariaSort).join(' ')"
SIZES = ((390, 844), (1280, 900))


class Shown(NamedTuple):
    """The browser, and the report that it can open."""

    browser: Browser
    file: Path


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("report")
    books = Books.open(folder)
    books.ledger.people.seen(1, "<script>alert(1)</script>")
    books.ledger.people.seen(2, "a.long.address.of.somebody@subdomain.of.a.long-domain.example.org")
    for number in range(1, 12):
        books.write(
            number % 3 + 1, "monthly-grant", {"credits": str(number * 10), "plan": "<img src=x onerror=alert(2)>"}
        )
    books.refuse(2, "unlock-replay", "limit", "credits would become -2, which is below the minimum of 0")
    books.park(1, "unlock-replay", {"credits": "3"}, "Kit shows something else")
    made = report_of(books.ledger, OperationsFile(ZONE), NOON + timedelta(days=1), timedelta(0), Extent())
    books.ledger.close()
    file = folder / "report.html"
    file.write_text(page(made, rehearsal=False), encoding="utf-8")
    with browser(folder / "profile") as opened:
        yield Shown(opened, file)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES, ids=["phone", "desktop"])
def test_it_opens_without_a_word_and_is_no_wider_than_the_screen(
    shown: Shown, width: int, height: int, *, dark: bool
) -> None:
    shown.browser.open(shown.file, width, height, dark=dark)
    assert shown.browser.said == []
    assert shown.browser.requests == [shown.file.as_uri()]
    assert shown.browser.ask("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_contact_that_is_a_script_is_a_text(shown: Shown) -> None:
    shown.browser.open(shown.file)
    assert "<script>alert(1)</script>" in shown.browser.ask("document.getElementById('changes').textContent")
    assert shown.browser.ask("document.scripts.length") == 1
    assert shown.browser.ask("document.images.length") == 0


def test_its_policy_lets_no_other_script_run_and_nothing_be_loaded(shown: Shown) -> None:
    shown.browser.open(shown.file)
    shown.browser.ask("""
        const script = document.createElement("script");
        script.textContent = "document.title = 'mine now'";
        document.body.append(script);
        const image = document.createElement("img");
        image.src = "http://127.0.0.1:9/x.png";
        document.body.append(image);
    """)
    assert shown.browser.ask("document.title") == "Ann's Studio: ccops report"
    assert "Content Security Policy" in str(shown.browser.said)


def test_recent_changes_can_be_searched(shown: Shown) -> None:
    shown.browser.open(shown.file)
    look = "document.getElementById('search').value = {!r}; search.dispatchEvent(new Event('input'))"
    shown.browser.ask(look.format("UNLOCK minimum"))
    assert shown.browser.ask(SHOWN) == "e12"
    assert shown.browser.ask("document.getElementById('found').value") == "1 of 13"
    shown.browser.ask(look.format(""))
    assert shown.browser.ask(SHOWN).split() == [f"e{number}" for number in range(13, 0, -1)]


def test_recent_changes_can_be_sorted_by_keyboard(shown: Shown) -> None:
    shown.browser.open(shown.file)
    assert shown.browser.ask(SORTED) == "descending none none none none none none"
    shown.browser.ask("document.getElementById('search').focus()")
    shown.browser.press("Tab")  # the frame around the table, which can be scrolled
    shown.browser.press("Tab")
    assert shown.browser.ask("document.activeElement.textContent") == "Entry"
    assert shown.browser.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    shown.browser.press("Enter")
    assert shown.browser.ask(SORTED) == "ascending none none none none none none"
    assert shown.browser.ask(SHOWN).split() == [f"e{number}" for number in range(1, 14)]


def test_without_its_script_it_is_a_page_with_all_that_it_tells(shown: Shown) -> None:
    shown.browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        shown.browser.open(shown.file)
    finally:
        shown.browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert shown.browser.ask(f"{ROWS}.length") == 13
    assert shown.browser.ask("document.getElementById('tools').checkVisibility()") is False


def test_a_screen_reader_finds_regions_pictures_and_tables(shown: Shown) -> None:
    shown.browser.open(shown.file)
    nodes = shown.browser.call("Accessibility.getFullAXTree")["nodes"]
    told = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]}
    roles = {role for role, _ in told}
    assert {"banner", "navigation", "main", "contentinfo", "search", "table", "columnheader", "rowheader"} <= roles
    assert ("searchbox", "Search in them") in told
    assert ("table", "Recent changes") in told
    assert any(re.match(r"credits by month\. .*granted", name) for role, name in told if role == "image")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_stands_out_from_its_ground(shown: Shown, *, dark: bool) -> None:
    """WCAG 2.2 asks for 4.5 (success criterion 1.4.3)."""
    shown.browser.open(shown.file, dark=dark)
    colours = shown.browser.ask("""
        [...new Set([...document.querySelectorAll("body *:not(svg *)")].filter((each) => each.checkVisibility())
            .map((each) => getComputedStyle(each).color))].concat(getComputedStyle(document.body).backgroundColor)
    """)
    *inks, paper = (luminance(colour) for colour in colours)
    assert len(inks) >= 3
    assert min((max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) for ink in inks) >= 4.5


def luminance(colour: str) -> float:
    """Return the relative luminance of `rgb(r, g, b)`, as WCAG defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

"""The site of `docs/`, built and opened in a real browser: it asks nobody for anything, and a phone can read it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from docs.alone import loaded_from_elsewhere

from tests.report.browser import PROGRAM, Browser, browser
from tests.test_readme import TOP

pytestmark = pytest.mark.slow

SIZES = ((390, 844), (1280, 900))
COPIED = """(() => {
  const code = [...document.querySelectorAll("code")].find((code) => code.innerText.includes("invoice-1042"));
  code.setAttribute("data-md-copying", "");
  const text = code.innerText;
  code.removeAttribute("data-md-copying");
  return text.trim().split("\\n").map((line) => line.trim()).filter(Boolean).join("\\n");
})()"""
"""How the theme's button copies."""


class Shown(NamedTuple):
    """The browser, and the site that it can open."""

    browser: Browser
    site: Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environ = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(words, cwd=TOP, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def shown(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    if PROGRAM is None:
        pytest.skip("needs Chromium; CCOPS_CHROMIUM may name it")
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield Shown(opened, site)


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    assert list(loaded_from_elsewhere(site)) == []


def test_what_is_loaded_from_elsewhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("""
        <link rel="stylesheet" href="https://fonts.example.org/a.css"><script src="//example.org/b.js"></script>
        <img src="mine.png"><a href="https://example.org">elsewhere</a><p style="background: url('http://c/d.png')">
    """)
    (tmp_path / "style.css").write_text('@import "https://example.org/e.css"; a { background: url(mine.png) }')
    assert [address for _, address in loaded_from_elsewhere(tmp_path)] == [
        "https://fonts.example.org/a.css",
        "//example.org/b.js",
        "http://c/d.png",
        "https://example.org/e.css",
    ]


@pytest.mark.parametrize(("width", "height"), SIZES, ids=["phone", "desktop"])
@pytest.mark.parametrize("name", ["index", "start", "spend-credits", "reference/commands", "reference/operations"])
def test_a_page_opens_without_a_word_and_is_no_wider_than_the_screen(
    shown: Shown, name: str, width: int, height: int
) -> None:
    shown.browser.open(shown.site / f"{name}.html", width, height)
    assert shown.browser.said == []
    assert [asked for asked in shown.browser.requests if not asked.startswith(("file:", "data:"))] == []
    assert shown.browser.ask("document.documentElement.scrollWidth <= window.innerWidth")


def test_what_is_copied_from_a_terminal_is_what_one_types(shown: Shown) -> None:
    shown.browser.open(shown.site / "start.html")
    assert shown.browser.ask(COPIED) == "\n".join(["ccops run payment-credit ann@example.org --key invoice-1042"] * 2)

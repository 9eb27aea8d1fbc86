"""The page as text: nothing from outside is markup, and it is built for everybody."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from ccops.app.statistics import Extent, Report, report_of
from ccops.operations.model import OperationsFile
from ccops.report.file import NotAReport, check_free, write
from ccops.report.markup import Markup, element, joined
from ccops.report.page import page
from tests.books import NOON, ZONE, Books

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    made = Books.open(tmp_path)
    yield made
    made.ledger.close()


def report(books: Books, recent: int = 100) -> Report:
    return report_of(books.ledger, OperationsFile(ZONE), NOON + timedelta(days=1), timedelta(0), Extent(recent=recent))


def hostile(books: Books) -> Report:
    """Put markup into every place that a text from outside can come to."""
    books.ledger.people.seen(1, f"{HOSTILE}@example.org")
    books.write(1, HOSTILE, {HOSTILE: "10"})
    books.refuse(1, HOSTILE, HOSTILE, f"' onload='{HOSTILE}")
    books.park(1, HOSTILE, {HOSTILE: "20"}, HOSTILE)
    return replace(report(books), account=f'"{HOSTILE}', timezone="America/New_York")


class Elements(HTMLParser):
    """All elements of a page, with their attributes, and what each holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "input"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag in tags]


def test_nothing_from_outside_is_markup(books: Books) -> None:
    text = page(hostile(books), rehearsal=False)
    elements = Elements(text)
    assert len(elements.all("script")) == 1
    assert HOSTILE not in text
    assert not [key for _, attributes in elements.found for key in attributes if key.startswith("on")]


def test_text_is_escaped_and_cleaned_wherever_it_is_put_in() -> None:
    made = element("td", "a<b>&\"'\x1b", title='"><b>', aria_label="\N{RIGHT-TO-LEFT OVERRIDE}x")
    assert made == ('<td title="&quot;&gt;&lt;b&gt;" aria-label="\\u202ex">a&lt;b&gt;&amp;&quot;&#x27;\\x1b</td>')
    assert joined("<", Markup("<i>"), made) == f"&lt;<i>{made}"


def test_the_page_is_whole_and_asks_for_nothing(books: Books) -> None:
    text = page(hostile(books), rehearsal=False)
    elements = Elements(text)
    assert elements.open == []
    assert elements.all("link", "img", "iframe", "object", "base") == []
    assert not re.search(r"https?:|url\(|@import|style=", text)
    assert [each["href"] for each in elements.all("a") if not str(each["href"]).startswith("#")] == []
    (policy,) = (each["content"] for each in elements.all("meta") if each.get("http-equiv"))
    assert str(policy).startswith("default-src 'none'; ")
    assert "unsafe" not in str(policy)


def test_every_table_has_a_caption_and_its_titles_say_what_they_stand_over(books: Books) -> None:
    elements = Elements(page(hostile(books), rehearsal=False))
    tables = elements.all("table")
    assert len(tables) >= 6
    assert len(elements.all("caption")) == len(tables)
    assert {each.get("scope") for each in elements.all("th")} == {"col", "row"}


def test_every_picture_says_what_it_shows(books: Books) -> None:
    for contact in range(2, 13):
        books.write(contact, HOSTILE, {HOSTILE: "10"})
    text = page(hostile(books), rehearsal=False)
    pictures = re.findall(r"<svg(.*?)>(.*?)</svg>", text, re.DOTALL)
    assert len(pictures) == 2
    for attributes, inside in pictures:
        assert 'role="img"' in attributes
        assert re.match(r"<title>[^<]+</title><desc>[^<]+</desc>", inside)


def test_of_few_contacts_each_is_listed_instead_of_a_picture_of_how_they_are_spread(books: Books) -> None:
    for contact in range(1, 4):
        books.write(contact, "grant", {"credits": "10"})
    text = page(report(books), rehearsal=False)
    assert ("All contacts by credits" in text, "How credits are spread" in text) == (True, False)


def test_it_has_landmarks_and_every_link_leads_somewhere(books: Books) -> None:
    elements = Elements(page(hostile(books), rehearsal=False))
    assert [len(elements.all(tag)) for tag in ("header", "nav", "main", "footer", "h1")] == [1] * 5
    names = [each["id"] for _, each in elements.found if "id" in each]
    assert len(names) == len(set(names))
    assert {str(each["href"]) for each in elements.all("a")} <= {f"#{name}" for name in names}


def test_an_empty_ledger_has_a_page_too(books: Books) -> None:
    text = page(report(books), rehearsal=False)
    assert Elements(text).open == []
    for said in ("Nothing needs you.", "no field that holds numbers", "Nothing was changed", "None in the last 12"):
        assert said in text


def test_a_rehearsal_is_said_to_be_one(books: Books) -> None:
    assert "[sandbox]" in page(report(books), rehearsal=True)
    assert "[sandbox]" not in page(report(books), rehearsal=False)


def test_that_older_entries_are_left_out_is_said(books: Books) -> None:
    for contact in range(3):
        books.refuse(contact, "grant", "limit", "too much")
    older = "The newest 2 entries, newest first; older ones: <code>ccops history</code>"
    assert older in page(report(books, 2), rehearsal=False)
    assert "All 3 entries, newest first." in page(report(books, 3), rehearsal=False)


def test_only_a_report_is_replaced(books: Books, tmp_path: Path) -> None:
    file, other, text = tmp_path / "report.html", tmp_path / "letter.html", page(report(books), rehearsal=False)
    check_free(file)
    assert write(file, text) == file.stat().st_size
    assert file.stat().st_mode & 0o777 == 0o600
    check_free(file)
    other.write_text("<!doctype html>\n<p>Dear Bob")
    for taken in (other, tmp_path):
        with pytest.raises(NotAReport):
            check_free(taken)


def test_its_style_and_script_are_part_of_the_package() -> None:
    """What lies in the package's folder goes into the wheel with it."""
    names = {each.name for each in files("ccops.report").iterdir()}
    assert {"report.css", "report.js"} <= names

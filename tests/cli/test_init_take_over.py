"""A ledger that is lost, or an older copy of one: nothing goes on before a person has said so."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ccops.ledger.ledger import Ledger
from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.dialogs import KEY, keeps_secrets, talk


@dataclass
class Site:
    """A home on which monthly grants were made."""

    kit: Sandbox
    home: Path
    environ: dict[str, str]
    ccops: Callable[..., Ended]

    def __call__(self, *words: str) -> Ended:
        return keeps_secrets(self.ccops(*words, **self.environ))

    def grant(self, *names: str) -> Ended:
        return self("run", "monthly-grant", *(f"{name}@example.org" for name in names))

    def lose(self) -> None:
        for path in self.home.glob("ledger.sqlite3*"):
            path.unlink()

    def credits(self, name: str) -> str | None:
        return self.kit.field_values(self.kit.contact_id(f"{name}@example.org"))["credits"]

    def receipt(self, name: str) -> str:
        return self.kit.field_values(self.kit.contact_id(f"{name}@example.org"))["ccops_receipt"] or ""


@pytest.fixture
def site(kit: Sandbox, environ: dict[str, str], ccops: Callable[..., Ended]) -> Site:
    kit.settings.key = KEY
    environ |= {"KIT_API_URL": kit.url, "CCOPS_RATE": "0"}
    ccops("init", "--yes", "--save-key", KIT_API_KEY=KEY, **environ)
    made = Site(kit, Path(environ["CCOPS_HOME"]), environ, ccops)
    made("op", "add", "monthly-grant", "--field", "credits", "--increase", "10", "--once-per", "month")
    made.grant("ann", "bob", "gus")
    return made


def test_a_lost_ledger_is_never_made_anew_in_silence(site: Site) -> None:
    site.lose()
    for words in (["init"], ["init", "--yes"], ["run", "monthly-grant", "ann@example.org"]):
        ended = site(*words)
        assert ended.status == 5
        assert ended.err.endswith("ccops init --take-over\n")
    assert not (site.home / "ledger.sqlite3").exists()


def test_a_new_home_is_refused_where_another_ledger_is_at_work(site: Site, tmp_path: Path) -> None:
    ledger = site.receipt("ann").partition(".")[0]
    ended = site("init", "--yes", "--home", str(tmp_path / "laptop"))
    assert ended.status == 3, "the new home has no key of its own"
    site.environ["KIT_API_KEY"] = KEY
    ended = site("init", "--yes", "--home", str(tmp_path / "laptop"))
    assert ended.status == 5
    assert "3 contacts of this account carry receipts of another ledger" in ended.err
    assert ledger in ended.err
    assert "up to its entry e3" in ended.err
    assert not (tmp_path / "laptop" / "ledger.sqlite3").exists()


def test_a_take_over_says_what_is_not_known_and_goes_on(site: Site) -> None:
    lost = site.receipt("ann")
    site.lose()
    ended = site("init", "--take-over", "--yes")
    assert ended.status == 0
    assert "3 contacts carry receipts" in ended.err
    assert lost.partition(".")[0] in ended.err
    assert "monthly-grant of this period, for all who got it there" in ended.err
    again = site.grant("ann")
    assert (again.status, site.credits("ann")) == (0, "25"), "as was said, it is granted again"
    assert site.grant("ann").out.startswith("ann@example.org\talready done")
    assert site.credits("ann") == "25"
    ledger, _, number = site.receipt("ann").partition(".")
    assert ledger != lost.partition(".")[0]
    assert int(number) > 3, "no number of the lost ledger names anything new"
    assert site("undo", f"e{number}").status == 0
    assert site.credits("ann") == "15"


def test_a_take_over_asks_first(site: Site) -> None:
    site.lose()
    ended = talk(site.environ, ["init", "--take-over"], [("Take over? [y/N] ", "n")])
    assert ended.status == 1
    assert "Nothing was changed." in ended.out
    assert not (site.home / "ledger.sqlite3").exists()
    ended = talk(site.environ, ["init", "--take-over"], [("Take over? [y/N] ", "y")])
    assert ended.status == 0
    assert (site.home / "ledger.sqlite3").exists()


def test_a_take_over_without_anyone_to_ask_needs_yes(site: Site) -> None:
    site.lose()
    ended = site("init", "--take-over")
    assert ended.status == 2
    assert "Give --yes." in ended.err
    assert not (site.home / "ledger.sqlite3").exists()


def test_a_second_take_over_finds_nothing_to_do(site: Site) -> None:
    site.lose()
    site("init", "--take-over", "--yes")
    before = identity(site)
    ended = site("init", "--take-over", "--yes")
    assert "There is nothing to take over" in ended.err
    assert "nothing was changed" in ended.out
    assert identity(site) == before


def test_a_lost_ledger_that_changed_nobody_is_replaced_without_a_question(site: Site) -> None:
    for name in ("ann", "bob", "gus"):
        site.kit.set_field(site.kit.contact_id(f"{name}@example.org"), "ccops_receipt", None)
    site.lose()
    assert site("init", "--take-over").status == 0


def test_an_older_copy_goes_on_behind_what_it_lacks(site: Site, tmp_path: Path) -> None:
    shutil.copytree(site.home, tmp_path / "copy")
    site("undo", "e1", "--reopen")
    site.grant("fay", "hal", "ann")
    shutil.rmtree(site.home)
    shutil.copytree(tmp_path / "copy", site.home)
    ended = site("run", "monthly-grant", "fay@example.org")
    assert (ended.status, site.credits("fay")) == (5, "10")
    assert "ccops init --take-over" in ended.err

    ended = site("init", "--take-over", "--yes")
    assert ended.status == 0
    assert "carry receipts of which this home lacks the entries, up to e7" in ended.err
    assert site.grant("bob").out.startswith("bob@example.org\talready done"), "what the copy knows still counts"
    assert (site.grant("fay").status, site.credits("fay")) == (0, "20")
    assert int(site.receipt("fay").partition(".")[2]) > 7, "the entry begun before as e4 is not sent as such"
    numbers = [int(found) for found in re.findall(r"^e(\d+)", site("history").out, re.MULTILINE)]
    assert not set(numbers) & {5, 6, 7}


def test_a_copy_at_work_is_not_taken_over_by_a_plain_init(site: Site, tmp_path: Path) -> None:
    shutil.copytree(site.home, tmp_path / "copy")
    site.grant("fay")
    ended = site("init", "--yes", "--home", str(tmp_path / "copy"))
    assert (ended.status, "nothing was changed" in ended.out) == (0, True)
    assert site("run", "monthly-grant", "fay@example.org", "--home", str(tmp_path / "copy")).status == 5


@pytest.mark.parametrize("text", ["call her", "x.", "…", "abc.99999999999999999999", "abc.²"])
def test_texts_that_somebody_typed_into_the_field_do_no_harm(site: Site, text: str) -> None:
    site.kit.set_field(site.kit.contact_id("hal@example.org"), "ccops_receipt", text)
    site.lose()
    assert site("init", "--take-over", "--yes").status == 0
    assert site.grant("ann").status == 0
    assert re.search(r"e5$", site.grant("ann").out.strip())


def identity(site: Site) -> object:
    ledger = Ledger.open(site.home / "ledger.sqlite3", site.home / "locks", readonly=True)
    try:
        return ledger.identity.lineage
    finally:
        ledger.close()

"""Rows of a file change a field, each of them once, and what failed can be given back."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from ccops.sandbox.faults import Fault
from tests.cli.calls import Ended
from tests.cli.dialogs import piped
from tests.cli.import_files import ANN, BOB, CY, GUS, HAL, NOBODY, Call, Write, credits_of, outcomes, table
from tests.cli.sites import Site

pytestmark = pytest.mark.slow

ADD = f"email,add,key\n{ANN},10,i-1\n{BOB},3,i-2\n{ANN},2.5,i-3\n"
CREDITS = ("--field", "credits")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file, and return its name."""

    def to(text: str, name: str = "rows.csv") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return to


def test_each_row_counts_once_however_often_its_file_is_given(site: Site, ccops: Call, write: Write) -> None:
    words = ("import", write(ADD), *CREDITS)
    first = ccops(*words)
    assert (first.status, credits_of(site, ANN, BOB)) == (0, ["17.5", "15"])
    again = ccops(*words)
    assert (again.status, set(outcomes(again).values())) == (0, {"already done"})
    assert ccops("import", write(ADD + f"{HAL},7,i-4\n", "longer.csv"), *CREDITS).status == 0
    assert (credits_of(site, ANN, BOB, HAL), site.sent) == (["17.5", "15", "7"], 4)
    entries = site.entries()
    assert {(entry.operation, entry.via) for entry in entries} == {("import", "import")}
    assert {entry.occasion for entry in entries} == {f"import:credits:key:i-{n}" for n in (1, 2, 3, 4)}


def test_one_key_names_the_occasion_of_all_rows(site: Site, ccops: Call, write: Write) -> None:
    file = write(f"email,take\n{ANN},1\n{BOB},2\n")
    for key in ("spring", "spring", "summer"):
        assert ccops("import", file, *CREDITS, "--key", key).status == 0
    assert credits_of(site, ANN, BOB) == ["3", "8"]


def test_the_same_number_is_set_once_unless_a_key_names_another_occasion(site: Site, ccops: Call, write: Write) -> None:
    file = write(f"email,set\n{ANN},40\n{ANN},40.0\n{BOB},0\n")
    first = ccops("import", file, *CREDITS)
    assert (first.status, credits_of(site, ANN, BOB)) == (0, ["40", "0"])
    assert "Without a key, the same number counts once" in first.err
    ccops("adjust", ANN, "credits", "--take", "5")
    assert ccops("import", file, *CREDITS).status == 0
    assert credits_of(site, ANN) == ["35"], "what was spent meanwhile is not given back"
    corrected = write(f"email,set\n{ANN},40\n{BOB},9\n", "corrected.csv")
    assert ccops("import", corrected, *CREDITS).status == 0
    assert credits_of(site, ANN, BOB) == ["35", "9"]
    assert ccops("import", file, *CREDITS, "--key", "once more").status == 0
    assert credits_of(site, ANN, BOB) == ["40", "0"]


def test_rows_of_one_contact_are_set_in_their_order(site: Site, ccops: Call, write: Write) -> None:
    lines = "".join(f"{ANN},{n},k{n}\n" for n in range(12))
    assert ccops("import", write("email,set,key\n" + lines), *CREDITS).status == 0
    assert [entry.after for entry in site.entries()] == [{"credits": str(n)} for n in range(12)]


def test_headings_of_another_system_are_mapped(site: Site, ccops: Call, write: Write) -> None:
    file = write(f"\ufeffID;E-Mail;Name;Credits;Order\n7;{ANN};Ann;5;A1\n8;{BOB};Bob;6;A2\n")
    mapping = ("--column", "Credits=add", "--column", "Order=key")
    ended = ccops("import", file, *mapping)
    assert (ended.status, credits_of(site, ANN, BOB)) == (0, ["10", "18"])
    assert ended.err.startswith("Not read: ID, Name.\n")


def test_a_file_of_headings_alone_is_said_to_have_no_rows(site: Site, ccops: Call, write: Write) -> None:
    name = write("email,add,key\n")
    said = f"{name} has headings, but no rows below them. Nothing was sent.\n"
    assert ccops("import", name, "--field", "credits") == Ended(0, "", said)
    assert (site.entries(), site.sent) == ([], 0)


def test_a_label_is_taken_for_the_field_and_the_key_is_written(site: Site, ccops: Call, write: Write) -> None:
    file = write(f"email,set\n{ANN},1\n")
    assert ccops("import", file, "--field", "CREDITS").status == 0
    assert site.entries()[0].after == {"credits": "1"}


def test_contacts_may_be_given_by_id(site: Site, ccops: Call, write: Write) -> None:
    assert ccops("import", write(f"id,add\n{site.ann},1\n"), *CREDITS, "--key", "a").status == 0
    assert site.credits() == "6"


def test_limits_of_the_field_hold(site: Site, ccops: Call, write: Write) -> None:
    rules = "[fields.credits]\nmaximum = 120\ndecimals = 0"
    text = site.registry.read_text().replace("[fields.credits]", rules, 1)
    site.registry.write_text(text)
    ended = ccops("import", write(f"email,add\n{GUS},10\n{ANN},1.5\n{CY},1\n"), *CREDITS, "--key", "k")
    assert (ended.status, outcomes(ended)) == (
        1,
        {
            GUS: "refused: credits would be 128",
            ANN: "credits 5 → 7",
            CY: 'refused: credits is "abc"',
        },
    )


def test_a_dry_run_shows_all_and_changes_nothing(site: Site, ccops: Call, write: Write) -> None:
    before = site.database.read_bytes()
    ended = ccops("import", write(ADD), *CREDITS, "--dry-run")
    assert (ended.status, site.sent, site.database.read_bytes() == before) == (0, 0, True)
    assert sorted(ended.out.splitlines()) == [
        f"{ANN}\tcredits 15 → 17.5\t",
        f"{ANN}\tcredits 5 → 15\t",
        f"{BOB}\tcredits 12 → 15\t",
    ]


def test_a_program_gets_an_object_for_each_row(site: Site, ccops: Call, write: Write) -> None:
    ended = ccops("import", write(f"email,add\n{ANN},1\n"), *CREDITS, "--key", "k", "--json", "--reason", "moved")
    (made,) = map(json.loads, ended.out.splitlines())
    del made["at"], made["by"]
    assert made == {
        "entry": "e1",
        "run": "r1",
        "operation": "import",
        "contact": {"id": site.ann, "email": ANN},
        "occasion": "import:credits:key:k",
        "status": "applied",
        "before": {"credits": "5"},
        "after": {"credits": "6"},
        "reason": None,
        "note": "moved",
        "via": "import",
        "undoes": None,
    }
    shown = ccops("history", "e1").out
    assert "k" in shown
    assert ccops("undo", "--run", "r1").status == 0
    assert site.credits() == "5"


def test_what_failed_is_written_as_it_stood_and_can_be_given_back(
    site: Site, ccops: Call, write: Write, tmp_path: Path
) -> None:
    again = tmp_path / "again.csv"
    rows = f"Note;email;add;key\n=1+1;{NOBODY};1;-k1\n\n;{ANN};2;k2\nx;{CY};3;k3\n"
    first = ccops("import", write(rows), *CREDITS, "--failed-to", str(again))
    assert first.status == 1
    assert first.err.splitlines()[-2:] == [
        f"{again} has the 2 rows that need somebody. Once that is mended, give it back:",
        f"  ccops import {again} {shlex.join(CREDITS)} --failed-to {again}",
    ]
    told = table(again, ";")
    assert told[0] == ["Note", "email", "add", "key", "ccops_reason"]
    assert sorted(told[1:]) == [
        ["=1+1", NOBODY, "1", "-k1", "failed: no such contact in Kit"],
        ["x", CY, "3", "k3", 'refused: credits is "abc", not a number'],
    ]
    site.kit.add_contact(NOBODY, credits="1")
    assert ccops("import", str(again), *CREDITS, "--failed-to", str(again)).status == 1
    assert [row[0] for row in table(again, ";")] == ["Note", "x"], (
        "the file that is read may be the one that is written"
    )
    site.kit.set_field(site.kit.contact_id(CY), "credits", "1")
    for file in (str(again), write(rows)):
        assert ccops("import", file, *CREDITS).status == 0
    assert credits_of(site, NOBODY, ANN, CY) == ["2", "7", "4"]


def test_a_number_that_looks_like_thousands_is_told_once(site: Site, ccops: Call, write: Write) -> None:
    words = ("import", write(f"email,add,key\n{BOB},0.125,a\n{ANN},1.000,b\n{HAL},2.000,c\n"), *CREDITS)
    said = "Line 3: 1.000 counts as 1, not as 1000, since decimals follow a point. If 1000 was meant, write it so."
    for more in (["--dry-run"], []):
        ended = ccops(*words, *more)
        assert (ended.status, ended.err.splitlines()[0], ended.err.count("counts as")) == (0, said, 1)
    assert credits_of(site, ANN) == ["6.000"]
    assert "counts as" not in ccops("import", write(f"email,add,key\n{ANN},1.00,d\n"), *CREDITS).err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("adjust", ANN, "credits", "--add", "1.000"), "--add 1.000 counts as 1, not as 1000"),
        (("adjust", ANN, "credits", "--set", "12.345"), "--set 12.345 counts as 12.345, not as 12345"),
        (("run", "payment-credit", ANN, "--amount", "1.500"), "--amount 1.500 counts as 1.5, not as 1500"),
        (("op", "add", "x", "--field", "credits", "--increase", "1.000"), "--increase 1.000 counts as 1, not as 1000"),
        (("op", "edit", "payment-credit", "--maximum", "1.000"), "--maximum 1.000 counts as 1, not as 1000"),
    ],
)
@pytest.mark.usefixtures("site")
def test_so_is_one_on_the_command_line(ccops: Call, words: tuple[str, ...], said: str) -> None:
    ended = ccops(*words)
    assert (ended.status, ended.err.splitlines()[0]) == (
        0,
        f"{said}, since decimals follow a point. If {said.rpartition(' ')[2]} was meant, write it so.",
    )


@pytest.mark.usefixtures("site")
def test_the_command_that_gives_rows_back_keeps_its_key(ccops: Call, write: Write, tmp_path: Path) -> None:
    again = str(tmp_path / "my again.csv")
    words = ("import", write(f"email,add\n{NOBODY},1\n"), *CREDITS, "--key", "gift 1", "--failed-to", again)
    told = ccops(*words).err.splitlines()[-2:]
    assert told == [
        f"{again} has the row that needs somebody. Once that is mended, give it back:",
        f"  ccops import '{again}' --field credits --key 'gift 1' --failed-to '{again}'",
    ]
    assert ccops(*shlex.split(told[1])[1:]).err.splitlines()[-2:] == told
    assert ccops(*words, "--dry-run").err.splitlines()[-1] != told[-1]


def test_a_row_whose_outcome_is_not_known_is_given_back_too_and_counts_once(
    site: Site, ccops: Call, write: Write, tmp_path: Path
) -> None:
    again = tmp_path / "again.csv"
    site.kit.faults.add(Fault("reset", "PUT", times=None))
    words = ("import", write(f"email,add,key\n{ANN},2,k\n"), *CREDITS, "--failed-to", str(again))
    assert ccops(*words, CCOPS_SETTLE_AFTER="0.05").status == 4
    assert table(again)[1][:3] == [ANN, "2", "k"]
    site.kit.faults.clear()
    assert ccops("import", str(again), *CREDITS).status == 0
    assert (site.credits(), len(site.entries())) == ("7", 1)


def test_rows_come_through_a_pipe(site: Site, environ: dict[str, str]) -> None:
    for _ in range(2):
        assert piped(environ, ["import", "-", *CREDITS], "\ufeff" + ADD).status == 0
    assert credits_of(site, ANN, BOB) == ["17.5", "15"]


def test_a_terminal_is_asked_before_many_rows(site: Site, terminal: Callable[..., Ended], write: Write) -> None:
    people = [f"member{n}@example.org" for n in range(51)]
    for email in people:
        site.kit.add_contact(email, credits="1")
    file = write("email,set\n" + "".join(f"{email},2\n" for email in people))
    words = ("import", file, *CREDITS)
    no = terminal(*words, answers=["n"], NO_COLOR="1")
    assert (no.status, site.sent) == (0, 0)
    assert "(set credits), 51 contacts · " in no.out
    assert "  e.g. member0@example.org" in no.out
    yes = terminal(*words, answers=["y"], NO_COLOR="1")
    assert (yes.status, site.sent) == (0, 51)
    assert "51 applied" in yes.out


def test_a_known_row_needs_two_requests_and_an_unknown_address_three(site: Site, ccops: Call, write: Write) -> None:
    requests = []
    for number, row in enumerate((f"email,add\n{ANN},1\n", f"email,add\n{ANN},1\n", f"id,add\n{site.ann},1\n")):
        before = site.kit.counts.total()
        ccops("import", write(row), *CREDITS, "--key", str(number))
        requests.append(site.kit.counts.total() - before)
    assert requests == [2 + 3, 1 + 2, 1 + 2], "the fields are asked for each time; the account once, for a new key"
    before = site.kit.counts.total()
    assert ccops("import", write(f"id,add\n{site.ann},1\n"), *CREDITS, "--key", "2").status == 0
    assert site.kit.counts.total() == before + 1, "a repeated row needs none; the fields are asked for"

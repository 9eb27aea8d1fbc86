"""What spreadsheets, shops and other systems make of a file is read as people see it, or refused with the reason."""

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from tests.cli.import_files import ANN, BOB, CY, HAL, Call, credits_of, outcomes, table
from tests.cli.sites import Site

pytestmark = pytest.mark.slow

CREDITS = ("--field", "credits")
KEYED = (*CREDITS, "--key", "k")
GRANT = ("run", "payment-credit", "--key", "k")
UMLAUT = "jürgen@müller.example.org"
NFD = unicodedata.normalize("NFD", UMLAUT)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


TABLES = {
    "commas in a quoted heading": f'"Points (spring, summer, autumn)";email;add\n7;{ANN};3\n',
    "a quoted heading on two lines": f'"Points,\n(spring, summer)";email;add\n7;{ANN};3\n',
    "commas in a heading without quotes": f"Points (spring, summer, autumn);email;add\n7;{ANN};3\n",
    "semicolons in a quoted heading": f'"a;b;c;d",email,add\n7,{ANN},3\n',
    "tabs in a quoted heading": f'"a\tb\tc\td",email,add\n7,{ANN},3\n',
    "commas in the values": f'email;Name;add\n{ANN};"Bee, Ann, Dr.";3\n',
    "what Excel reads": f"sep=;\r\nemail;add\r\n{ANN};3\r\n",
    "what Excel reads, in quotes": f'"SEP=,"\nemail,add\n{ANN},3\n',
    "what Excel has saved again": f"\ufeffsep=;;\nemail;add\n{ANN};3\n",
    "a bar": f"sep=|\nemail|a,b;c|add\n{ANN}|x|3\n",
    "unseen characters": f"\u200bemail\xa0;\u2060add\ufeff\n\xa0{ANN}\u200b;\u202f3\u200e\n",
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_table_is_read_as_a_spreadsheet_shows_it(
    site: Site, ccops: Call, file: Path, name: str, encoding: str
) -> None:
    file.write_bytes(TABLES[name].encode(encoding))
    for words in (("import", str(file), *KEYED), (*GRANT, "--file", str(file))):
        assert ccops(*words).status == 0
    assert credits_of(site, ANN) == ["18"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_so_it_is_through_a_pipe(site: Site, environ: dict[str, str], file: Path, encoding: str) -> None:
    file.write_bytes(f"email\tadd\r\n{ANN}\t3\r\n".encode(encoding))
    for words in (["import", "-", *KEYED], [*GRANT, "--file", "-"]):
        with file.open("rb") as stream:
            child = subprocess.run(
                [sys.executable, "-m", "ccops", *words], env=environ, stdin=stream, capture_output=True, check=False
            )
        assert child.returncode == 0, child.stderr
    assert credits_of(site, ANN) == ["18"]


def test_utf_16_without_a_mark_is_told_from_names_of_all_scripts(site: Site, ccops: Call, file: Path) -> None:
    rows = "".join(f"{who},王小明,{n}\n" for n, who in enumerate((ANN, BOB), 1))
    file.write_bytes(f"email,名前,add\n{rows}".encode("utf-16-le"))
    assert ccops("import", str(file), *KEYED).status == 0
    assert credits_of(site, ANN, BOB) == ["6", "14"]


def test_rows_that_failed_can_be_given_back_as_the_file_was(
    site: Site, ccops: Call, file: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.csv"
    file.write_bytes(f"sep=|\r\nNote|email|add\r\nx,y;z|{CY}|3\r\n".encode("utf-16"))
    assert ccops("import", str(file), *KEYED, "--failed-to", str(again)).status == 1
    assert table(again, "|")[:2] == [["sep=", ""], ["Note", "email", "add", "ccops_reason"]]
    site.kit.set_field(site.kit.contact_id(CY), "credits", "1")
    again.write_bytes(b"\xef\xbb\xbf" + again.read_bytes())
    assert ccops("import", str(again), *KEYED).status == 0
    assert credits_of(site, CY) == ["4"]


@pytest.mark.parametrize("key", ["1.23457E+11", "1,23457E+11", "1E+15", " 1.23457e+11\xa0"])
def test_a_key_that_a_spreadsheet_cut_short_is_refused(site: Site, ccops: Call, file: Path, key: str) -> None:
    file.write_text(f'email,key,add\n{ANN},order-1,1\n{ANN},"{key}",5\n', encoding="utf-8")
    for how in ((), ("--dry-run",)):
        ended = ccops("import", str(file), *CREDITS, *how)
        assert ended.status == 2
        said = " ".join(ended.err.split())
        assert f"{file}, line 3: the key " in said
        assert "is a number that a spreadsheet has cut short, so that many payments would share it as their key" in said
        assert "format the column as text in the spreadsheet" in said
    assert (site.sent, site.entries()) == (0, [])


@pytest.mark.parametrize("words", [("adjust", ANN, "credits", "--add", "1"), ("run", "payment-credit", ANN)])
def test_so_it_is_on_the_command_line(site: Site, ccops: Call, words: tuple[str, ...]) -> None:
    ended = ccops(*words, "--key", "1.23457E+11")
    assert (ended.status, "a spreadsheet has cut short" in ended.err, site.sent) == (2, True, 0)


def test_what_no_eye_sees_makes_no_other_key(site: Site, ccops: Call, file: Path) -> None:
    file.write_text(f"email,key,add\n{ANN},order-7,5\n", encoding="utf-8")
    assert ccops("import", str(file), *CREDITS).status == 0
    file.write_text(f"email,key,add\n{ANN},\u200border-7\xa0\u200b,5\n", encoding="utf-8")
    assert outcomes(ccops("import", str(file), *CREDITS)) == {ANN: "already done"}
    assert ccops("run", "payment-credit", ANN, "--key", "é\u200b").status == 0
    assert ccops("run", "payment-credit", ANN, "--key", "e\u0301").status == 0
    assert credits_of(site, ANN) == ["20"]


@pytest.mark.parametrize("how", [(), ("--dry-run",)])
def test_the_same_row_twice_counts_once_and_its_line_is_told(
    site: Site, ccops: Call, file: Path, how: tuple[str, ...]
) -> None:
    file.write_text(f"email,key,add\n{ANN},order-77,5\n{BOB},order-77,5\n{ANN.upper()},order-77,5.0\n")
    ended = ccops("import", str(file), *CREDITS, *how)
    assert ended.status == 0
    said = "Line 4 has the same contact, number and key as line 2, so the two count once."
    assert ended.err.splitlines()[0] == f"{said} If they are two, give each a key of its own."
    assert [line.split("\t")[1] for line in ended.out.splitlines()] == [
        "credits 5 → 10",
        "credits 12 → 17",
        "the same as line 2",
    ]
    assert "1 twice in the file" in ended.err
    assert "already done" not in ended.out + ended.err
    rows = [json.loads(line) for line in ccops("import", str(file), *CREDITS, "--json", *how).out.splitlines()]
    assert (rows[2]["status"], rows[2]["reason"]) == ("repeated", "the same as line 2")
    assert credits_of(site, ANN, BOB) == (["5", "12"] if how else ["10", "17"])


def test_many_rows_that_stand_twice_are_counted_and_the_first_named(site: Site, ccops: Call, file: Path) -> None:
    file.write_text("email,set\n" + f"{ANN},5\n{BOB},6\n{HAL},7\n" * 3)
    ended = ccops("import", str(file), *CREDITS)
    said = " ".join(ended.err.split())
    assert "6 lines have the same contact and number as one before them (line 5 as 2, 6 as 3, 7 as 4, 8 as 2, " in said
    assert (ended.status, credits_of(site, ANN, BOB, HAL)) == (0, ["5", "6", "7"])
    assert [entry.status for entry in site.entries()] == ["applied"] * 3


def test_one_key_with_two_numbers_is_a_fault_before_anything_is_sent(site: Site, ccops: Call, file: Path) -> None:
    file.write_text(f"email,key,add\n{ANN},order-77,5\n{ANN},order-77,7\n")
    ended = ccops("import", str(file), *CREDITS)
    assert f'{file}, line 3: "{ANN}" has the same key as on line 2, with another number' in ended.err
    assert (ended.status, site.sent) == (2, 0)


def test_a_row_that_stands_twice_and_fails_fails_twice(site: Site, ccops: Call, file: Path) -> None:
    file.write_text("email,key,add\n" + "zoe@example.org,a,5\n" * 2)
    ended = ccops("import", str(file), *CREDITS)
    assert (ended.status, [line.split("\t")[1] for line in ended.out.splitlines()]) == (
        1,
        ["failed: no such contact in Kit"] * 2,
    )
    assert site.sent == 0


@pytest.mark.parametrize("known", [UMLAUT, NFD])
@pytest.mark.parametrize("given", [UMLAUT, NFD, NFD.upper(), f"\u200b{NFD}\xa0"])
def test_an_address_is_found_however_its_letters_are_made(
    site: Site, ccops: Call, file: Path, known: str, given: str
) -> None:
    number = site.kit.add_contact(known, credits="5")
    file.write_text(f"email,add\n{given},3\n", encoding="utf-8")
    assert ccops("import", str(file), *KEYED).status == 0
    assert ccops(*GRANT, "--file", str(file)).status == 0
    assert ccops("run", "payment-credit", given, "--key", "other").status == 0
    assert ccops("adjust", given, "credits", "--add", "1").status == 0
    assert site.kit.field_values(number)["credits"] == "29"
    for words in (("balance", given), ("why", given), ("history", given), ("history", NFD)):
        ended = ccops(*words)
        assert ended.status == 0
        assert "Did you mean" not in ended.err


def test_names_are_found_however_their_letters_are_made(site: Site, ccops: Call, file: Path) -> None:
    label, tag = "Guthaben für März", "Mitglied: Größe"
    text = site.registry.read_text().replace('label = "Credits"', f'label = "{label}"')
    site.registry.write_text(text, encoding="utf-8")
    site.kit.tag(site.ann, tag)
    other = {each: unicodedata.normalize("NFD", each).upper() + "\u200b" for each in (label, tag)}
    assert ccops("adjust", ANN, other[label], "--add", "1").status == 0
    file.write_text(f"email,{other[label]}\n{ANN},40\n", encoding="utf-8")
    assert ccops("import", str(file), "--column", f"{label}=set").status == 0
    assert ccops("run", "payment-credit\u200b", "--tagged", other[tag], "--key", "x").status == 0
    assert credits_of(site, ANN) == ["50"]
    number = site.kit.add_tag(unicodedata.normalize("NFD", "Müller zahlt"))
    ended = ccops("tag", "bind", "payment-credit", "MÜLLER zahlt")
    assert (ended.status, f"({number})" in ended.out) == (0, True)
    assert ccops("run", "payment-credit", "--tagged", "müller zahlt").err.splitlines()[-1].strip() == (
        "ccops poll payment-credit"
    )
    assert ccops("tag", "create", "monthly-grant", "--name", "Mu\u0308ller zahlt").status == 2


def test_a_field_is_found_by_its_label_in_kit_as_macos_writes_it(site: Site, ccops: Call) -> None:
    site.kit.add_field("Ärzte-Punkte")
    label = unicodedata.normalize("NFD", "ärzte-punkte")
    assert ccops("op", "add", "doc", "--field", label, "--increase", "1").status == 0
    assert ccops("adjust", ANN, label, "--add", "1").status == 0


@pytest.mark.usefixtures("site")
def test_what_is_proposed_never_looks_like_what_was_typed(site: Site, ccops: Call) -> None:
    site.kit.delete_contact(site.kit.add_contact(UMLAUT, credits="5"))
    number = site.kit.add_contact("jan@müller.example.org", credits="5")
    assert ccops("run", "payment-credit", "jan@müller.example.org").status == 0
    site.kit.delete_contact(number)
    for spelling in ("jan@müller.example.org", unicodedata.normalize("NFD", "JAN@müller.example.org")):
        for words in (("run", "payment-credit", spelling), ("balance", spelling), ("why", spelling)):
            ended = ccops(*words)
            assert "Did you mean" not in ended.out + ended.err, words

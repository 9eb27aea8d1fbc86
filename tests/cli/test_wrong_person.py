"""No row of a file is counted for somebody else: an id counts only where no address is near, or where that is said."""

from pathlib import Path

import pytest

from tests.cli.import_files import ANN, BOB, HAL, Call, credits_of, table
from tests.cli.sites import Site

CREDITS = ("--field", "credits", "--key", "k")
GRANT = ("run", "payment-credit", "--key", "k")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


HEADINGS = [
    "email",
    "EMAIL",
    "E-Mail",
    "e_mail",
    "E-mail address",
    "Email Address",
    "email_address",
    "Mail",
    "user_email",
    "User Email",
    "Subscriber email",
    "Customer Email",
    "billing_email",
    "Billing Email Address",
    "Primary Email",
    "Member E-Mail",
    "E-Mail-Adresse",
    "\u200bEmail\xa0",
    "e\u2011mail",
]


@pytest.mark.parametrize("heading", HEADINGS)
def test_an_address_counts_whatever_its_column_is_called(site: Site, ccops: Call, file: Path, heading: str) -> None:
    file.write_text(f"ID,{heading},add\n{site.kit.contact_id(BOB)},{ANN},4\n", encoding="utf-8")
    assert ccops("import", str(file), *CREDITS).status == 0
    assert credits_of(site, ANN, BOB) == ["9", "12"]
    assert ccops(*GRANT, "--file", str(file)).status == 0
    assert credits_of(site, ANN, BOB) == ["19", "12"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("cell", [ANN, f" {ANN}\xa0", f"Ann Bee <{ANN}>", f"mailto:{ANN}"])
def test_an_id_does_not_count_beside_an_unread_address(
    site: Site, ccops: Call, file: Path, delimiter: str, cell: str
) -> None:
    bob = site.kit.contact_id(BOB)
    rows = (["ID", "Referred by", "add"], [str(bob), "", "4"], [str(bob + 1), cell, "4"])
    file.write_text("".join(delimiter.join(row) + "\n" for row in rows), encoding="utf-8")
    said = (
        f'{file}, line 3: "ID" is "{bob + 1}", but "Referred by" has the address "{ANN}"; say which one counts: '
        "--column 'Referred by=email', or if the ids are Kit's: --column ID=id"
    )
    for words in (("import", str(file), *CREDITS), (*GRANT, "--file", str(file))):
        for more in ((), ("--dry-run",)):
            ended = ccops(*words, *more)
            assert ended.status == 2
            assert said in ended.err.replace("\n       ", " ")
    assert (site.sent, site.entries()) == (0, [])


@pytest.mark.parametrize(("column", "who"), [("Who=email", ANN), ("No=id", BOB)])
def test_a_person_says_which_of_the_two_counts(site: Site, ccops: Call, file: Path, column: str, who: str) -> None:
    file.write_text(f"No,Who,add\n{site.kit.contact_id(BOB)},{ANN},4\n")
    assert ccops("import", str(file), *CREDITS, "--column", column).status == 0
    assert ccops(*GRANT, "--file", str(file), "--column", column).status == 0
    before = {ANN: 5, BOB: 12}
    assert credits_of(site, ANN, BOB) == [str(before[each] + (14 if each == who else 0)) for each in (ANN, BOB)]


def test_two_addresses_in_a_row_that_differ_are_a_fault(site: Site, ccops: Call, file: Path) -> None:
    file.write_text(f"user_email,Billing Email,add\n{ANN},{ANN.upper()},1\n{HAL},,1\n,{BOB},1\n")
    assert ccops("import", str(file), *CREDITS).status == 0
    assert credits_of(site, ANN, HAL, BOB) == ["6", "1", "13"]
    file.write_text(f"user_email,Billing Email,add\n{HAL},{HAL},1\n{ANN},{BOB},1\n")
    for words in (("import", str(file), "--field", "credits", "--key", "other"), (*GRANT, "--file", str(file))):
        ended = ccops(*words)
        assert ended.status == 2
        assert (
            f'{file}, line 3: "user_email" is "{ANN}", but "Billing Email" is "{BOB}"; say which one counts: '
            "--column user_email=email or --column 'Billing Email=email'"
        ) in ended.err.replace("\n       ", " ")
    assert credits_of(site, ANN, HAL, BOB) == ["6", "1", "13"]
    assert ccops(*GRANT, "--file", str(file), "--column", "Billing Email=email").status == 0
    assert credits_of(site, ANN, HAL, BOB) == ["6", "11", "23"]


def test_an_empty_address_does_not_let_the_id_count(site: Site, ccops: Call, file: Path) -> None:
    file.write_text(f"ID,user_email,add\n{site.kit.contact_id(BOB)},,4\n")
    for words in (("import", str(file), *CREDITS), (*GRANT, "--file", str(file))):
        ended = ccops(*words)
        assert (ended.status, f"{file}, line 2: no contact" in ended.err) == (2, True)
    assert site.sent == 0


def test_the_key_may_be_an_address(site: Site, ccops: Call, file: Path) -> None:
    file.write_text(f"id,key,add\n{site.kit.contact_id(BOB)},{ANN},4\n")
    assert ccops("import", str(file), "--field", "credits").status == 0
    assert credits_of(site, ANN, BOB) == ["5", "16"]


@pytest.mark.parametrize("row", [f"1005,{ANN},3", f"{ANN},3", f"1005;{ANN};3", f"1005\t{ANN}\t3"])
def test_a_table_without_headings_is_told(site: Site, ccops: Call, file: Path, row: str) -> None:
    file.write_text(f"{row}\n{row}\n")
    imported = ccops("import", str(file), *CREDITS)
    assert imported.status == 2
    assert "line 1: there are no headings above the first row" in imported.err
    ran = ccops(*GRANT, "--file", str(file))
    assert ran.status == 2
    assert "If it has no headings, write them into a line of their own above" in " ".join(ran.err.split())
    assert site.sent == 0


def test_a_list_of_ids_and_addresses_one_a_line_still_counts(site: Site, ccops: Call, file: Path) -> None:
    file.write_text(f"\ufeff{site.kit.contact_id(BOB)}\n\u200b{ANN}\xa0\n# {HAL}\n", encoding="utf-8")
    assert ccops(*GRANT, "--file", str(file)).status == 0
    assert credits_of(site, ANN, BOB, HAL) == ["15", "22", "0"]


def test_the_file_of_failures_keeps_kits_ids(site: Site, ccops: Call, file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.csv"
    bob = site.kit.contact_id(BOB)
    site.kit.set_field(bob, "credits", "none")
    file.write_text(f"id\n{bob}\n")
    assert ccops(*GRANT, "--file", str(file), "--failed-to", str(again)).status == 1
    assert table(again)[1][:2] == [str(bob), BOB]
    site.kit.set_field(bob, "credits", "1")
    again.write_bytes(b"\xef\xbb\xbf" + again.read_bytes().replace(b",", b";"))
    assert ccops(*GRANT, "--file", str(again)).status == 0
    assert credits_of(site, BOB) == ["11"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--file", "FILE", "--column", "Whom=email"), 'has no column "Whom"; its first line has "Who", "add"'),
        (("--file", "FILE", "--column", "Who=add"), '--column "Who=add": a column is one of email, id. Nothing was'),
        (("--file", "FILE", "--column", "Who"), "write the file's heading, =, and what it is, such as Member=email"),
        ((ANN, "--column", "Who=email"), "--column goes with --file: it says which column has the contacts"),
    ],
)
def test_a_column_that_can_not_be_meant_is_told(
    site: Site, ccops: Call, file: Path, words: tuple[str, ...], said: str
) -> None:
    file.write_text(f"Who,add\n{ANN},4\n")
    ended = ccops(*GRANT, *(word.replace("FILE", str(file)) for word in words))
    assert ended.status == 2
    assert said in " ".join(ended.err.split())
    assert site.sent == 0


@pytest.mark.usefixtures("site")
def test_the_column_is_kept_in_the_command_that_is_proposed(ccops: Call, file: Path) -> None:
    file.write_text(f"Who,add\n{ANN},4\n")
    ended = ccops("run", "payment-credit", "--file", str(file), "--column", "Who=email")
    assert ended.status == 2
    command = f"ccops run payment-credit --file {file} --column Who=email --key NAME"
    assert command in " ".join(ended.err.split())

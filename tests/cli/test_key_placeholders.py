"""A merge field that was not replaced names no occasion, whichever command it is given to."""

from pathlib import Path

import pytest

from tests.cli.calls import Ended
from tests.cli.import_files import ANN, Call
from tests.cli.sites import Site

SAID = 'the key "[Invoice number]" is a placeholder that was not replaced with a value'
KEY = ("--key", "[Invoice number]")


def check(ended: Ended, site: Site) -> None:
    assert ended.status == 2
    assert SAID in ended.err
    assert site.credits(ANN) == "5"


@pytest.mark.parametrize(
    "command",
    [
        ("run", "payment-credit", ANN, *KEY),
        ("adjust", ANN, "credits", "--add", "3", *KEY),
    ],
)
def test_a_placeholder_is_no_key(site: Site, ccops: Call, command: tuple[str, ...]) -> None:
    ccops("op", "add", "payment-credit", "--field", "credits", "--increase", "10")
    check(ccops(*command), site)


def test_a_placeholder_is_no_key_of_all_rows(site: Site, ccops: Call, tmp_path: Path) -> None:
    file = tmp_path / "gift.csv"
    file.write_text(f"email,add\n{ANN},3\n")
    check(ccops("import", str(file), "--field", "credits", *KEY), site)


def test_a_placeholder_in_a_row_is_a_fault_of_its_line(site: Site, ccops: Call, tmp_path: Path) -> None:
    file = tmp_path / "gift.csv"
    file.write_text(f"email,add,key\n{ANN},3,1042\n{ANN},3,[Invoice number]\n")
    ended = ccops("import", str(file), "--field", "credits")
    check(ended, site)
    assert "line 3" in ended.err

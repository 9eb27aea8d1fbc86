"""Which texts are one e-mail address, in the ledger and for the applier."""

import pytest

from ccops.engine.preview import find_contact
from ccops.text import same_address
from tests.engine.conftest import Bench
from tests.engine.owner import change_address


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ann@Example.org", "ann@example.ORG", True),
        ("Änne@example.org", "änne@example.org", True),
        ("straße@example.org", "strasse@example.org", False),
        ("ann@example.org", "ann@example.com", False),
    ],
)
def test_the_case_of_letters_makes_no_other_address_and_ss_does(one: str, other: str, same: bool) -> None:
    assert same_address(one, other) is same


def test_the_owner_of_strasse_is_not_taken_for_the_owner_of_a_sharp_s(bench: Bench) -> None:
    change_address(bench, bench.ann, "strasse@example.org")
    assert bench.run(who=bench.ann).status == "applied"
    assert bench.ledger.people.by_email("STRASSE@example.org") is not None
    assert bench.ledger.people.by_email("straße@example.org") is None
    assert find_contact(bench.ledger, bench.crm, "straße@example.org") is None
    assert bench.run("key:2", who="straße@example.org").status == "failed"

"""A receipt that Kit's import put on another contact: that contact needs a person, and all others get theirs."""

from collections.abc import Callable

from tests.cli.calls import Ended
from tests.cli.sites import RECEIPT, Site

Call = Callable[..., Ended]
ANN, BOB, DI = "ann@example.org", "bob@example.org", "di@example.org"
FOUND = f"its receipt is that of e1, a change of {BOB}; Kit's import or a merge may have copied it"


def test_run_over_many_parks_one_and_serves_the_others(site: Site, ccops: Call) -> None:
    ccops("run", "payment-credit", BOB, "--key", "1")
    site.kit.set_field(site.ann, RECEIPT, site.kit.field_values(site.kit.contact_id(BOB))[RECEIPT])
    path = site.home.parent / "all.txt"
    path.write_text(f"{ANN}\n{BOB}\n{DI}\n")
    ended = ccops("run", "payment-credit", "--file", str(path), "--key", "2")
    assert (ended.status, site.credits(), site.credits(BOB), site.credits(DI)) == (1, "5", "32", "30")
    assert FOUND in ended.out + ended.err
    assert FOUND in ccops("why", ANN, "payment-credit").out.replace("\n", " ")
    found = ccops("doctor").out.replace("\n", " ")
    assert f"1 contact carries the receipt of another contact's change: {ANN} that of e1, a change of {BOB}" in found
    assert "older copy" not in found
    number = next(line.split("\t")[-1] for line in ended.out.splitlines() if "needs" in line or ANN in line)
    assert ccops("settle", number, "--as", "not-applied").status == 0
    assert ccops("run", "payment-credit", "--file", str(path), "--key", "2").status == 0
    assert (site.credits(), site.credits(BOB)) == ("15", "32")


def test_poll_parks_one_and_serves_the_others(site: Site, ccops: Call) -> None:
    tag = site.kit.add_tag("paid")
    ccops("tag", "bind", "payment-credit", "paid")
    ccops("run", "payment-credit", BOB, "--key", "1")
    site.kit.set_field(site.ann, RECEIPT, site.kit.field_values(site.kit.contact_id(BOB))[RECEIPT])
    for name in (ANN, BOB, DI):
        site.kit.tag(site.kit.contact_id(name), tag)
    ended = ccops("poll")
    assert (ended.status, site.credits(), site.credits(BOB), site.credits(DI)) == (1, "5", "32", "30")
    assert FOUND in ended.out + ended.err

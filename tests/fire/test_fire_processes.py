"""Several processes at work on the same contacts at once."""

import pytest

from tests.fire.conftest import Place

pytestmark = pytest.mark.slow

CONTACTS = [f"member{number}@example.org" for number in range(20)]


@pytest.fixture
def members(place: Place) -> list[int]:
    return [place.kit.add_contact(email, credits="5") for email in CONTACTS]


def finish_all(place: Place, commands: list[list[str]]) -> list[str]:
    children = [place.start(*words) for words in commands]
    said = ["".join(child.communicate(timeout=250)) for child in children]
    assert [child.returncode for child in children] == [0] * len(children), said
    return said


def credits_of(place: Place, members: list[int]) -> set[str | None]:
    return {place.kit.field_values(member)["credits"] for member in members}


def test_four_processes_with_four_occasions_add_up(place: Place, members: list[int]) -> None:
    forwards, backwards = CONTACTS, CONTACTS[::-1]
    commands = [
        ["run", "payment-credit", *order, "--key", f"invoice-{number}"]
        for number, order in enumerate((forwards, backwards, forwards, backwards))
    ]
    finish_all(place, commands)
    assert credits_of(place, members) == {"45"}
    assert sum(entry.status == "applied" for entry in place.entries()) == 80


def test_four_processes_with_one_occasion_count_once(place: Place, members: list[int]) -> None:
    said = finish_all(place, [["run", "monthly-grant", *CONTACTS]] * 4)
    assert credits_of(place, members) == {"15"}
    assert sum(text.count("already done,") for text in said) == 60
    assert [len(place.kit.writes(member)) for member in members] == [1] * 20


def test_the_same_undo_at_once_takes_back_once(place: Place, members: list[int]) -> None:
    finish_all(place, [["run", "payment-credit", CONTACTS[0]]])
    children = [place.start("undo", "e1") for _ in range(4)]
    for child in children:
        child.communicate(timeout=250)
    assert place.kit.field_values(members[0])["credits"] == "5"
    assert [entry.status for entry in place.entries()] == ["undone", "applied"]

"""The credential as a name or a text that is shown and stored: refused, and never printed."""

from collections.abc import Callable

import pytest

from tests.cli.calls import Ended
from tests.cli.sites import KEY, Site

Call = Callable[..., Ended]


def stored(site: Site) -> str:
    files = [path for path in site.home.rglob("*") if path.is_file() and path.name != "config.toml"]
    return "".join(path.read_bytes().decode(errors="replace") for path in files)


@pytest.mark.parametrize(
    "words",
    [
        ("op", "add", KEY, "--field", "credits", "--increase", "1"),
        ("op", "add", f"grant-{KEY}", "--field", "credits", "--increase", "1"),
        ("op", "add", "grant", "--field", "credits", "--increase", "1", "--description", f"with {KEY}"),
        ("op", "add", "grant", "--field", "credits", "--increase", "1", "--tag", KEY),
        ("op", "add", "grant", "--field", "credits", "--increase", "1", "--tag-if-applied", KEY),
        ("op", "edit", "payment-credit", "--description", KEY),
        ("tag", "create", "payment-credit", "--name", KEY),
        ("run", "payment-credit", f"{KEY}@example.org"),
        ("run", "payment-credit", "ann@example.org", "--key", KEY),
        ("run", "payment-credit", "ann@example.org", "--reason", KEY),
        ("adjust", "ann@example.org", "credits", "--add", "1", "--reason", KEY),
        ("undo", "e1", "--reason", KEY),
    ],
)
def test_credential_as_a_name_is_refused_unprinted(site: Site, ccops: Call, words: tuple[str, ...]) -> None:
    ccops("run", "payment-credit", "bob@example.org")
    before = site.sent
    ended = ccops(*words)
    assert (ended.status, KEY in ended.out + ended.err) == (2, False), ended.err
    assert "holds your API key" in ended.err or "is your API key" in ended.err
    assert (site.sent, KEY in stored(site)) == (before, False)


@pytest.mark.parametrize(
    "words", [("op", "list"), ("run", "payment-credit", "ann@example.org"), ("poll",), ("doctor",)]
)
def test_credential_in_a_hand_edited_file_is_named_by_its_line(site: Site, ccops: Call, words: tuple[str, ...]) -> None:
    file = site.home / "operations.toml"
    file.write_text(file.read_text() + f'\n[operations.{KEY}]\nfield = "credits"\naction = "increase"\namount = 1\n')
    line = file.read_text()[: file.read_text().index(KEY)].count("\n") + 1
    ended = ccops(*words)
    assert (ended.status, KEY in ended.out + ended.err) == (1 if words == ("doctor",) else 2, False)
    assert f"operations.toml:{line} holds your API key" in ended.out + ended.err
    assert site.sent == 0

"""A command that is proposed acts on the home of the command that proposes it, whatever CCOPS_HOME says."""

from collections.abc import Callable

import pytest

from tests.cli.calls import Ended
from tests.cli.sites import Site

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]
ANN = "ann@example.org"


@pytest.fixture
def other(site: Site, environ: dict[str, str]) -> str:
    """The site's home named by --home, while CCOPS_HOME is another one."""
    environ["CCOPS_HOME"] = str(site.home.with_name("of-somebody-else"))
    return str(site.home)


def proposals(ended: Ended) -> list[str]:
    """Return what stands behind each "ccops" that a person might copy."""
    lines = (ended.out + ended.err).splitlines()
    return [line[line.index("ccops ") :] for line in lines if "ccops " in line and "ccops has" not in line]


@pytest.mark.parametrize(
    "words",
    [
        ("run", "payment-credit", ANN, "--key", "2"),
        ("undo", "e1", "--reason", "x"),
        ("why", ANN, "payment-credit"),
        ("history", "e1"),
        ("undo", "e99"),
        ("op", "add", "another", "--field", "credits", "--increase", "1"),
        ("history", "anne@example.org"),
        ("doctor",),
    ],
)
def test_each_proposal_names_the_home(other: str, terminal: Call, words: tuple[str, ...]) -> None:
    assert terminal("run", "payment-credit", ANN, "--key", "1", "--home", other).status == 0
    said = proposals(terminal(*words, "--home", other, COLUMNS="300", NO_COLOR="1"))
    assert said or words == ("doctor",)
    assert [each for each in said if not each.startswith(f"ccops --home {other}")] == []


@pytest.mark.usefixtures("site")
def test_without_it_a_proposal_is_as_short_as_can_be(terminal: Call) -> None:
    assert 'Take it back: ccops undo e1 --reason "…"' in terminal("run", "payment-credit", ANN, "--key", "1").out

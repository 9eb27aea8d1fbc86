"""A Kit for every test that asks for one, held against Kit's own description of its API."""

from collections.abc import Iterator

import pytest

from ccops.sandbox import Sandbox
from tests import openapi


@pytest.fixture
def kit() -> Iterator[Sandbox]:
    """A fresh sandbox with its example contacts; at the end all that was said to it and by it must be valid."""
    with Sandbox(keep_exchanges=None) as sandbox:
        yield sandbox
        complaints = openapi.validate(sandbox.exchanges)
    assert not complaints, "\n".join(complaints)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shout when nothing was held against Kit's description."""
    missing = openapi.absence()
    if missing:
        terminalreporter.section("Kit's API", sep="!", red=True, bold=True)
        terminalreporter.line(missing, red=True, bold=True)

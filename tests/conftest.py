"""A Kit for every test that asks for one, held against Kit's own description of its API."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, settings

from ccops.sandbox.sandbox import Sandbox
from tests import openapi
from tests.report.browser import PROGRAM

# A busy machine is no reason to fail, and what one run finds the next one finds too; `make campaign` searches further.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", UNHURRIED, derandomize=True)
settings.register_profile("searching", UNHURRIED, max_examples=1000)
settings.load_profile("steady")


@pytest.fixture
def kit_clock() -> Callable[[], datetime]:
    """The clock by which a Kit begins: the machine's, unless a room's tests have one of their own."""
    return lambda: datetime.now(UTC)


@pytest.fixture
def kit(kit_clock: Callable[[], datetime]) -> Iterator[Sandbox]:
    """A fresh sandbox with its example contacts; at the end all that was said to it and by it must be valid."""
    with Sandbox(keep_exchanges=None, clock=kit_clock) as sandbox:
        yield sandbox
        complaints = openapi.validate(sandbox.exchanges)
    assert not complaints, "\n".join(complaints)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shout when nothing was held against Kit's description, or no page was opened in a browser."""
    missing = openapi.absence()
    if missing:
        terminalreporter.section("Kit's API", sep="!", red=True, bold=True)
        terminalreporter.line(missing, red=True, bold=True)
    if PROGRAM is None:
        terminalreporter.section("The report's page", sep="!", red=True, bold=True)
        terminalreporter.line("was opened in no browser: there is no Chromium here", red=True, bold=True)

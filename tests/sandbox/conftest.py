from collections.abc import Iterator

import pytest

from ccops.sandbox.sandbox import Sandbox
from tests.plain import Client, Hour
from tests.senders import Receiver


@pytest.fixture
def hour() -> Hour:
    return Hour()


@pytest.fixture
def client(kit: Sandbox) -> Iterator[Client]:
    client = Client(kit)
    yield client
    client.session.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody on loopback who takes whatever webhooks deliver."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def timed(hour: Hour) -> Iterator[tuple[Sandbox, Client]]:
    """A sandbox whose clock is `hour`."""
    with Sandbox(clock=hour) as sandbox:
        client = Client(sandbox)
        yield sandbox, client
        client.session.close()

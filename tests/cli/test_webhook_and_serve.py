"""The whole way: `webhook create`, `serve`, a tag added in Kit, and the change; also across a rotation."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ccops.sandbox.sandbox import Sandbox
from tests.cli.calls import Ended
from tests.cli.practice import Practice, open_practice
from tests.cli.test_serve import Serving

TAG = "ccops: payment-credit"


@pytest.fixture
def practice(kit: Sandbox, environ: dict[str, str], ccops: Callable[..., Ended]) -> Practice:
    return open_practice(kit, environ, ccops)


@pytest.fixture
def serving(practice: Practice) -> Iterator[Serving]:
    serving = Serving(practice.environ, ())
    yield serving
    serving.process.kill()
    serving.process.communicate()


def history(practice: Practice) -> list[str]:
    return practice("history", "--op", "payment-credit", "--json").out.splitlines()


def tagged(practice: Practice, times: int) -> None:
    """Add the tag in Kit, and wait until serve has run the operation and taken the tag off again."""
    kit = practice.kit
    ann = kit.contact_id("ann@example.org")
    kit.tag(ann, TAG)
    kit.await_deliveries()
    given_up = time.monotonic() + 120
    while len(history(practice)) < times or TAG in kit.tags_of(ann):
        assert time.monotonic() < given_up, history(practice)
        time.sleep(0.05)


@pytest.mark.parametrize("kind", ["on", 401])
def test_a_tag_in_kit_becomes_credits_and_so_it_stays_across_a_rotation(
    kind: Any, practice: Practice, serving: Serving
) -> None:
    practice.kit.settings.webhook_endpoints = kind
    base = f"http://127.0.0.1:{serving.port}"
    assert practice("webhook", "create", "--url", base).status == 0
    tagged(practice, 1)
    assert practice("webhook", "rotate", "payment-credit").status == 0
    practice.kit.settings.clock = lambda: datetime.now(UTC) + timedelta(seconds=2)  # within a second, two are one
    tagged(practice, 2)
    assert (practice.credits("ann"), len(history(practice))) == ("25", 2)
    assert practice.wrong() == []

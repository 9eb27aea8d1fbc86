"""What one `ccops run` or `ccops poll` costs at Kit, counted by Kit: all that the program asks."""

from collections.abc import Callable

import pytest

from tests.cli.calls import Ended
from tests.cli.sites import Site

pytestmark = pytest.mark.slow

BY_ADDRESS, BY_ID = ("GET", "/v4/subscribers"), ("GET", "/v4/subscribers/{id}")
WRITE = ("PUT", "/v4/subscribers/{id}")
CARRIERS, TAGS = ("GET", "/v4/tags/{tag_id}/subscribers"), ("GET", "/v4/subscribers/{subscriber_id}/tags")
UNTAG = ("DELETE", "/v4/tags/{tag_id}/subscribers/{id}")
ANN = "ann@example.org"

Asked = dict[tuple[str, str], int]


@pytest.fixture
def asked(site: Site, program: Callable[..., Ended]) -> Callable[..., Asked]:
    """Run payment-credit in a process of its own; gives the requests. The key is no new one: Kit was asked whose."""
    assert program("run", "payment-credit", "hal@example.org").status == 0

    def call(*words: str) -> Asked:
        site.kit.forget()
        assert program("run", "payment-credit", *words).status == 0
        return dict(site.kit.counts)

    return call


def test_a_run_costs_a_read_and_a_write_and_a_look_up_of_an_address_that_is_new(
    site: Site, asked: Callable[..., Asked]
) -> None:
    assert asked(ANN) == {BY_ADDRESS: 1, BY_ID: 1, WRITE: 1}
    assert asked(ANN) == {BY_ID: 1, WRITE: 1}
    assert asked(str(site.ann)) == {BY_ID: 1, WRITE: 1}


def test_a_repeated_occasion_costs_a_read_or_nothing(site: Site, asked: Callable[..., Asked]) -> None:
    asked(ANN, "--key", "invoice-7")
    assert asked(ANN, "--key", "invoice-7") == {BY_ID: 1}
    assert asked(str(site.ann), "--key", "invoice-7") == {}


def test_a_polled_contact_costs_a_read_a_write_and_a_look_before_its_tag_comes_off(
    site: Site, program: Callable[..., Ended]
) -> None:
    number = site.kit.add_tag("ccops: payment-credit")
    binding = f'[operations.payment-credit]\ntag = {{ id = {number}, name = "ccops: payment-credit" }}'
    site.registry.write_text(site.registry.read_text().replace("[operations.payment-credit]", binding))
    assert program("poll").status == 0
    site.kit.tag(site.ann, number)
    site.kit.forget()
    assert program("poll").status == 0
    assert dict(site.kit.counts) == {CARRIERS: 1, BY_ID: 1, WRITE: 1, TAGS: 1, UNTAG: 1}

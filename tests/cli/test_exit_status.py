"""Exit statuses are a contract: scripts and cron lines depend on each of them."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import ccops
from ccops.cli.exit_status import status_of, worst
from ccops.errors import CcopsError, CredentialRefused, LedgerUnusable, Misconfigured, ServiceUnreachable

CATEGORIES: dict[type[CcopsError], int] = {
    LedgerUnusable: 5,
    ServiceUnreachable: 4,
    CredentialRefused: 3,
    Misconfigured: 2,
}
OF_NO_CATEGORY: dict[str, int | None] = {
    "NotSent": 4,
    "OutcomeUnknown": 4,
    "Rejected": 1,
    "Missing": 1,
    "Unplannable": 1,
    "TurnedAway": 1,
}
"""A new class that derives from CcopsError itself has to be thought about, and listed here."""


def all_kinds(kind: type[CcopsError] = CcopsError) -> Iterator[type[CcopsError]]:
    for derived in kind.__subclasses__():
        yield derived
        yield from all_kinds(derived)


def every_kind_of_the_package() -> list[type[CcopsError]]:
    for module in pkgutil.walk_packages(ccops.__path__, "ccops."):
        if module.name != "ccops.__main__":
            importlib.import_module(module.name)
    return [kind for kind in all_kinds() if kind.__module__.startswith("ccops.")]


def category_of(kind: type[CcopsError]) -> int | None:
    known = CATEGORIES | {base: OF_NO_CATEGORY.get(base.__name__) for base in CcopsError.__subclasses__()} | CATEGORIES
    return next((known[base] for base in kind.__mro__ if base in known), None)


def test_every_kind_of_error_has_the_status_of_its_category() -> None:
    for kind in every_kind_of_the_package():
        assert category_of(kind) is not None, f"{kind.__name__} is of no category"
        assert status_of(kind.__new__(kind)) == category_of(kind), kind


def test_no_error_is_of_two_categories() -> None:
    for kind in every_kind_of_the_package():
        assert sum(issubclass(kind, category) for category in CATEGORIES) <= 1, kind


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 1], 1),
        ([1, 2], 2),
        ([2, 4, 1], 4),
        ([4, 3, 2], 3),
        ([3, 5, 4], 5),
        ([130, 5, 1], 130),
        ([143, 1], 143),
    ],
)
def test_the_worst_of_several_statuses_speaks_for_all(statuses: list[int], status: int) -> None:
    assert worst(statuses) == status

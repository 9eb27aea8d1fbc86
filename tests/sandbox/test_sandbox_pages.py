from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccops.sandbox.sandbox import Sandbox
from tests.plain import Client

LISTS: tuple[tuple[str, dict[str, str], int], ...] = (
    ("/v4/subscribers", {"status": "all"}, 8),
    ("/v4/subscribers", {"status": "all", "sort_field": "updated_at", "sort_order": "asc"}, 8),
    ("/v4/tags/1041/subscribers", {"status": "all"}, 6),
    ("/v4/tags", {}, 1),
    ("/v4/custom_fields", {}, 1),
    ("/v4/subscribers/4300000001/tags", {}, 1),
)


def _page(client: Client, path: str, **query: Any) -> tuple[list[int], dict[str, Any]]:
    answer = client("GET", path, **query).json()
    around = answer.pop("pagination")
    (rows,) = answer.values()
    return [row["id"] for row in rows], around


@pytest.mark.parametrize(("path", "query", "count"), LISTS)
@given(size=st.integers(1, 9))
@settings(max_examples=9, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_of_any_size_make_the_whole_list_forwards_and_back(
    client: Client, path: str, query: dict[str, str], count: int, size: int
) -> None:
    whole, _ = _page(client, path, **query)
    ids, around = _page(client, path, **query, per_page=size)
    pages = [ids]
    while around["has_next_page"]:
        ids, around = _page(client, path, **query, per_page=size, after=around["end_cursor"])
        pages.append(ids)
    assert [each for page in pages for each in page] == whole
    assert len(whole) == count
    for page in reversed(pages[:-1]):
        assert around["has_previous_page"]
        ids, around = _page(client, path, **query, per_page=size, before=around["start_cursor"])
        assert ids == page
    assert not around["has_previous_page"]


def test_cursors_have_to_be_encoded(client: Client) -> None:
    for path, query, _ in LISTS:
        _, around = _page(client, path, **query)
        assert around["end_cursor"].endswith("=")


def test_a_contact_that_joins_while_pages_are_read_shifts_none(kit: Sandbox, client: Client) -> None:
    first, around = _page(client, "/v4/subscribers", per_page=3)
    kit.add_contact("late@example.org")
    second, _ = _page(client, "/v4/subscribers", per_page=3, after=around["end_cursor"])
    assert not set(first) & set(second)
    assert len(first + second) == 6


def test_the_total_is_counted_only_if_asked_for(client: Client) -> None:
    _, asked = _page(client, "/v4/subscribers", include_total_count="true", per_page=2)
    _, unasked = _page(client, "/v4/subscribers", per_page=2)
    assert asked["total_count"] == 6
    assert "total_count" not in unasked


@pytest.mark.parametrize("query", [{"per_page": 1001}, {"per_page": 0}, {"per_page": "x"}, {"per_page": "²"}])
def test_a_page_of_an_impossible_size_is_refused(client: Client, query: dict[str, Any]) -> None:
    assert client("GET", "/v4/tags", **query).status_code == 422


@pytest.mark.parametrize("cursor", ["x", "WzEs", "e30=", "WzEsMl0=", "WyJhIl0=", "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OV0="])
def test_a_cursor_that_is_none_is_refused(client: Client, cursor: str) -> None:
    assert client("GET", "/v4/tags", after=cursor).json() == {"errors": ["The cursor is invalid"]}
    assert client("GET", "/v4/tags", after="WzFd", before="WzFd").status_code == 422

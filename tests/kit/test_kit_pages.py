"""Lists of many pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ccops.crm.base import CustomField, HeldTag, KnownTag, Missing
from ccops.crm.kit.errors import KitUnreachable

if TYPE_CHECKING:
    from ccops.crm.kit.client import KitCrm
    from tests.kit.conftest import Wire


def page(key: str, rows: list[dict[str, Any]], after: str | None = None) -> dict[str, Any]:
    """One page as Kit gives it."""
    return {key: rows, "pagination": {"has_next_page": after is not None, "end_cursor": after, "start_cursor": None}}


def people(*ids: object) -> list[dict[str, Any]]:
    """Rows of contacts."""
    return [{"id": one, "email_address": f"c{one}@example.org", "state": "active", "new": 1} for one in ids]


def test_pages_are_followed_with_an_encoded_cursor(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, page("subscribers", people(3, 2), "Wz+/MV0=")).reply(200, page("subscribers", people(1)))
    assert [contact.id for contact in crm.contacts()] == [3, 2, 1]
    assert [asked.target for asked in wire.asked] == [
        "/v4/subscribers?status=all&per_page=1000",
        "/v4/subscribers?status=all&per_page=1000&after=Wz%2B%2FMV0%3D",
    ]


def test_a_row_that_moves_between_pages_is_given_once(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, page("subscribers", people(3, 2), "a")).reply(200, page("subscribers", people("2", 1)))
    assert [contact.id for contact in crm.carriers(11, "active")] == [3, 2, 1]
    assert wire.asked[0].target == "/v4/tags/11/subscribers?status=active&per_page=1000"


def test_pages_in_a_circle_end_with_an_error(wire: Wire, crm: KitCrm) -> None:
    for cursor in ("a", "b", "a"):
        wire.reply(200, page("tags", [], cursor))
    with pytest.raises(KitUnreachable, match="its list of tags goes in a circle"):
        crm.tags()
    assert len(wire.asked) == 3


@pytest.mark.parametrize("cursor", ["", None, 5])
def test_a_page_that_hides_the_next_one_is_never_the_last(cursor: object, wire: Wire, crm: KitCrm) -> None:
    broken = {"tags": [], "pagination": {"has_next_page": True, "end_cursor": cursor}}
    wire.reply(200, broken).reply(200, page("tags", [{"id": 1, "name": "VIP"}]))
    assert crm.tags() == [KnownTag(1, "VIP")]


def test_pages_are_read_as_they_are_needed(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, page("subscribers", people(3), "a"))
    assert next(crm.contacts()).id == 3
    assert len(wire.asked) == 1


def test_a_page_that_fails_is_asked_for_again(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, page("subscribers", people(3), "a")).reply(500).reply(200, page("subscribers", people(2)))
    assert [contact.id for contact in crm.contacts()] == [3, 2]


@pytest.mark.parametrize("pagination", [None, {}, {"has_next_page": False}])
def test_a_list_without_pagination_is_whole(pagination: object, wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, {"custom_fields": [{"id": 3, "key": "credits", "label": "Credits"}], "pagination": pagination})
    assert crm.fields() == [CustomField(3, "credits", "Credits")]


def test_the_tags_of_a_contact_come_with_their_times(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, page("tags", [{"id": 11, "name": "VIP", "tagged_at": "2026-02-01T01:00:00.250+01:00"}]))
    assert crm.tags_of(5) == [HeldTag(11, "VIP", datetime(2026, 2, 1, tzinfo=UTC))]
    assert wire.asked[0].target == "/v4/subscribers/5/tags?per_page=1000"


def counted(body: dict[str, Any], total: object) -> dict[str, Any]:
    """A page that tells how many rows there are in all."""
    return {**body, "pagination": body["pagination"] | {"total_count": total}}


def test_a_total_comes_with_the_first_page_which_is_not_asked_for_again(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, counted(page("subscribers", people(3, 2), "a"), 3)).reply(200, page("subscribers", people(1)))
    listing = crm.contacts()
    assert (listing.total, listing.total) == (3, 3)
    assert [contact.id for contact in listing] == [3, 2, 1]
    assert listing.total == 3
    first = "/v4/subscribers?status=all&per_page=1000"
    assert [asked.target for asked in wire.asked] == [f"{first}&include_total_count=true", f"{first}&after=a"]


@pytest.mark.parametrize("total", [None, -1, "many", 2.5, True, []])
def test_a_total_that_is_none_is_not_told(total: object, wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, counted(page("subscribers", people(3)), total))
    listing = crm.carriers(11)
    assert (listing.total, [contact.id for contact in listing]) == (None, [3])


def test_a_total_is_not_asked_for_once_the_list_has_begun(wire: Wire, crm: KitCrm) -> None:
    wire.reply(200, page("subscribers", people(3)))
    listing = crm.carriers(11)
    assert (next(listing).id, listing.total, list(listing)) == (3, None, [])
    assert len(wire.asked) == 1


def test_a_total_that_could_not_be_had_may_be_asked_for_again(wire: Wire, crm: KitCrm) -> None:
    wire.reply(404).reply(200, counted(page("subscribers", []), "0"))
    listing = crm.carriers(11)
    with pytest.raises(Missing):
        _ = listing.total
    assert (listing.total, list(listing)) == (0, [])

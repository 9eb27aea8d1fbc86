"""What the answers of Kit's bulk endpoints prove, row by row and never by position (API v4, "Bulk & async processing").

Kit answers in an order of its own, does part of what was asked at times, and forgets the ids of what failed.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ccops.crm.kit import answers
from ccops.crm.kit.exchange import Answer, Unreadable

Pair = tuple[int, int]
"""A contact and a field, by their ids."""

Named = tuple[int | None, int | None]
"""The ids of a row of an answer; None for one that Kit left out."""

_NO_ID: Final = -1
"""Stands for what is no id."""

_CONTACT: Final = "subscriber_id"
_FIELD: Final = "subscriber_custom_field_id"


def written(answer: Answer, sent: Mapping[Pair, str]) -> tuple[dict[Pair, str | None], frozenset[int]]:
    """Return the rows that were written, with the values as shown, and the contacts none of whose rows was.

    That a row failed shows in the count alone, as the failure forgot its ids: so the second holds somebody only if
    the answer accounts for each row that was sent, and for no other. Raises Unreadable.
    """
    answers.unwarned(answer)
    rows, failures = _list(answer, "custom_field_values"), _list(answer, "failures")
    failed = [_about(failure, "custom_field_value", _FIELD) for failure in failures]
    done = {
        pair: values[0]
        for pair, values in _by_pair(rows).items()
        if pair in sent and pair not in failed and all((value or "") == sent[pair] for value in values)
    }
    left = [pair for pair in sent if pair not in done]
    if len(done) < len(rows) or len(left) != len(failures) or not all(_fits(ids, left) for ids in failed):
        return done, frozenset()
    return done, frozenset(contact for contact, _ in left).difference(contact for contact, _ in done)


def untagged(answer: Answer, tag_id: int, contacts: Sequence[int]) -> frozenset[int]:
    """Return the contacts that lost the tag: all but the failed ones; nobody if a failure does not tell whose it is.

    Raises Unreadable.
    """
    answers.unwarned(answer)
    failed = [_about(failure, "tagging", "tag_id") for failure in _list(answer, "failures")]
    told = all(contact in contacts and tag in (None, tag_id) for contact, tag in failed)
    return frozenset(contacts).difference(contact for contact, _ in failed) if told else frozenset()


def _list(answer: Answer, key: str) -> list[Any]:
    found = answer.json.get(key)
    if not isinstance(found, list):
        raise Unreadable(f"its answer lacks the list of {key}")
    return found


def _by_pair(rows: list[Any]) -> dict[Pair, list[str | None]]:
    """Gather the values that an answer shows; a row that names no pair is left out, and so is missed in the count."""
    shown = defaultdict[Pair, list[str | None]](list)
    for row in rows:
        contact, field = _ids(row, _FIELD)
        if isinstance(row, Mapping) and contact is not None and field is not None:
            shown[contact, field].append(answers.field_value(row.get("value")))
    return shown


def _about(failure: Any, key: str, other: str) -> Named:
    """Return the ids by which a failure says what it is about."""
    return _ids(failure.get(key) if isinstance(failure, Mapping) else None, other)


def _ids(row: Any, other: str) -> Named:
    return (_id(row.get(_CONTACT)), _id(row.get(other))) if isinstance(row, Mapping) else (_NO_ID, _NO_ID)


def _id(value: Any) -> int | None:
    number = answers.number(value)
    return number if value is None or number is not None else _NO_ID


def _fits(named: Named, left: Sequence[Pair]) -> bool:
    """Say whether a failure can be about one of these rows; ids that it forgot fit any."""
    return any(all(name in (None, one) for name, one in zip(named, pair, strict=True)) for pair in left)

"""Many contacts in one request, which Kit allows with an access token only (API v4, "Bulk & async processing")."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from ccops.clock import Clock
from ccops.crm.base import CustomField, ManyWritten, NotSent
from ccops.crm.kit import endpoints, many_answers
from ccops.crm.kit.calls import Calls
from ccops.crm.kit.errors import FieldsUnread, NoSuch
from ccops.errors import ServiceUnreachable

MOST_AT_ONCE: Final = 100
"""Rows that Kit works off before it answers; with more it answers 202, and how that ended can't be learned."""


class Many:
    """Writes and untags many contacts at once. Kit wants fields by id, which `know` is told of.

    Whatever it is asked for raises ValueError for no rows or more than `most`, and what `Crm` says of its methods.
    """

    def __init__(
        self, calls: Calls, clock: Clock, fields: Callable[[], Iterable[CustomField]], *, oauth: bool, within: float
    ) -> None:
        self.most = MOST_AT_ONCE if oauth else 0
        self._calls, self._clock, self._fields, self._within = calls, clock, fields, within
        self._ids: Mapping[str, int] = {}

    def know(self, fields: Iterable[CustomField]) -> Mapping[str, int]:
        """Remember the ids of the fields, and return them."""
        self._ids = known = {field.key: field.id for field in fields}
        return known

    def write(self, values: Mapping[int, Mapping[str, str]]) -> ManyWritten:
        """Write all values in one request, sent at most once."""
        self._check(sum(map(len, values.values())))
        ids = self._ids_of({key for each in values.values() for key in each})
        sent = {(contact, ids[key]): value for contact, each in values.items() for key, value in each.items()}
        done, untouched = self._calls.ask(
            endpoints.write_many(sent),
            lambda answer: many_answers.written(answer, sent),
            "never",
            within=self._within,
        )
        if len(done) < len(sent):
            self._ids = {}  # a field may have been deleted, and another one made of the same name
        keys, echoed = {ids[key]: key for key in ids}, defaultdict[int, dict[str, str | None]](dict)
        for (contact, field), value in done.items():
            echoed[contact][keys[field]] = value
        return ManyWritten(dict(echoed), untouched)

    def remove_tag(self, tag_id: int, contacts: Sequence[int]) -> frozenset[int]:
        """Take a tag off all contacts in one request, sent at most once; return those that certainly lost it."""
        wanted = tuple(dict.fromkeys(contacts))
        self._check(len(wanted))
        return self._calls.ask(
            endpoints.remove_tag_of_many(tag_id, wanted),
            lambda answer: many_answers.untagged(answer, tag_id, wanted),
            "never",
            within=self._within,
        )

    def _ids_of(self, keys: set[str]) -> Mapping[str, int]:
        """Return the ids of fields, asking Kit if one is not known. Raises NoSuch, NotSent."""
        known = self._ids
        if not keys <= known.keys():
            known = self._asked_for()
        for key in sorted(keys - known.keys()):
            raise NoSuch(f"field {key}")
        return {key: known[key] for key in keys}

    def _asked_for(self) -> Mapping[str, int]:
        started = self._clock.now()
        try:
            known = self.know(self._fields())
        except NotSent:
            raise
        except ServiceUnreachable as error:
            raise FieldsUnread(str(error)) from error
        passed = (self._clock.now() - started).total_seconds()
        if passed > self._within:
            raise FieldsUnread(f"it took {passed:.0f} s, in which what was to be written has grown old")
        return known

    def _check(self, rows: int) -> None:
        if not 1 <= rows <= self.most:
            raise ValueError(f"one request takes 1 to {self.most} rows, not {rows}")

"""Kit's API v4 as a `Crm`."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self
from unicodedata import normalize

from ccops.clock import Clock
from ccops.crm.base import (
    Account,
    Contact,
    CustomField,
    HeldTag,
    KnownTag,
    ManyWritten,
    Missing,
    NotSent,
    OutcomeUnknown,
    Rejected,
    StateFilter,
)
from ccops.crm.http.exchange import DEFAULT_LIMITS, HttpAnswer, HttpLimits, UnreadableAnswer
from ccops.crm.http.rate_limit import RateLimiter
from ccops.crm.kit import answers, endpoints
from ccops.crm.kit.credential import Access, Fixed
from ccops.crm.kit.errors import FieldsUnread, NoSuch
from ccops.crm.kit.request import Calls, Rows
from ccops.crm.kit.webhooks import KitWebhooks
from ccops.errors import ServiceUnreachable
from ccops.secret import Secret
from ccops.text import same_address

IdPair = tuple[int, int]
"""A contact and a field, by their ids."""

FailedPair = tuple[int | None, int | None]
"""The ids of a row of an answer; None for one that Kit left out."""

_NO_ID: Final = -1
"""Stands for what is no id."""

_CONTACT: Final = "subscriber_id"
_FIELD: Final = "subscriber_custom_field_id"


def written(answer: HttpAnswer, sent: Mapping[IdPair, str]) -> tuple[dict[IdPair, str | None], frozenset[int]]:
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


def untagged(answer: HttpAnswer, tag_id: int, contacts: Sequence[int]) -> frozenset[int]:
    """Return the contacts that lost the tag: all but the failed ones; nobody if a failure does not tell whose it is.

    Raises Unreadable.
    """
    answers.unwarned(answer)
    failed = [_about(failure, "tagging", "tag_id") for failure in _list(answer, "failures")]
    told = all(contact in contacts and tag in (None, tag_id) for contact, tag in failed)
    return frozenset(contacts).difference(contact for contact, _ in failed) if told else frozenset()


def _list(answer: HttpAnswer, key: str) -> list[Any]:
    found = answer.json.get(key)
    if not isinstance(found, list):
        raise UnreadableAnswer(f"its answer lacks the list of {key}")
    return found


def _by_pair(rows: list[Any]) -> dict[IdPair, list[str | None]]:
    """Gather the values that an answer shows; a row that names no pair is left out, and so is missed in the count."""
    shown = defaultdict[IdPair, list[str | None]](list)
    for row in rows:
        contact, field = _ids(row, _FIELD)
        if isinstance(row, Mapping) and contact is not None and field is not None:
            shown[contact, field].append(answers.field_value(row.get("value")))
    return shown


def _about(failure: Any, key: str, other: str) -> FailedPair:
    """Return the ids by which a failure says what it is about."""
    return _ids(failure.get(key) if isinstance(failure, Mapping) else None, other)


def _ids(row: Any, other: str) -> FailedPair:
    return (_id(row.get(_CONTACT)), _id(row.get(other))) if isinstance(row, Mapping) else (_NO_ID, _NO_ID)


def _id(value: Any) -> int | None:
    number = answers.number(value)
    return number if value is None or number is not None else _NO_ID


def _fits(named: FailedPair, left: Sequence[IdPair]) -> bool:
    """Say whether a failure can be about one of these rows; ids that it forgot fit any."""
    return any(all(name in (None, one) for name, one in zip(named, pair, strict=True)) for pair in left)


# ---- many contacts in one request, which Kit allows with an access token only (API v4, "Bulk & async processing")

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
            lambda answer: written(answer, sent),
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
            lambda answer: untagged(answer, tag_id, wanted),
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


# ---- kit's API v4 as a `Crm`

API_URL: Final = "https://api.kit.com"
_MALFORMED: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
_REMOVALS: Final = 3
_LONGEST_HOLD_OF_A_WRITE: Final = 5.0
"""Seconds. What a write sets was worked out from a read, and must not grow old while it waits for its turn."""


class KitCrm:
    """The account that one credential opens; may be used by many threads at once.

    Raises KeyMalformed when made with a text that can't be a credential, and what `Crm` says of its methods.
    """

    def __init__(
        self,
        credential: Secret | Access,
        *,
        oauth: bool = False,
        api_url: str = API_URL,
        pacer: RateLimiter,
        clock: Clock,
        limits: HttpLimits = DEFAULT_LIMITS,
    ) -> None:
        from ccops.crm.http.transport import Http  # requests takes longest to load

        access = Fixed(credential, oauth=oauth) if isinstance(credential, Secret) else credential
        self._http = Http(api_url=api_url, limits=limits)
        self._calls = Calls(self._http, access, pacer=pacer, clock=clock, limits=limits)
        self._pacer, self._clock = pacer, clock
        self._many = Many(self._calls, clock, self.fields, oauth=access.oauth, within=_LONGEST_HOLD_OF_A_WRITE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def has_written(self) -> bool:
        """Whether a request that changes something has left, whatever came of it."""
        return self._calls.has_written

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    @property
    def server_date(self) -> datetime | None:
        """When Kit gave its latest answer, by its own clock; None before the first."""
        return self._calls.date

    @property
    def clock_ahead(self) -> timedelta | None:
        """By how much this machine's clock is ahead of Kit's at least, as of the latest answer; None before it."""
        return self._calls.ahead

    @property
    def webhooks(self) -> KitWebhooks:
        """The account's webhooks."""
        return KitWebhooks(self._calls)

    def reserve(self, requests: int) -> None:
        """Wait until this many requests of this thread may leave at once; what is not used serves the next ones."""
        self._pacer.reserve(requests)

    def account(self) -> Account:
        """Return the account of the credential."""
        return self._calls.ask(endpoints.account(), answers.account)

    def contact(self, contact_id: int) -> Contact | None:
        """Read one contact in any state by id, never stale; None if there is none."""
        try:
            return self._calls.ask(endpoints.contact(contact_id), lambda answer: answers.contact_of(answer, contact_id))
        except Missing:
            return None

    def find(self, email: str) -> Contact | None:
        """Look a contact up by e-mail address, in any state; None for a text that Kit takes for no address.

        An ä may be one character in Kit or two; the other way to write it is asked for only if there is one.
        """
        wanted = email.strip()
        if "@" not in wanted:
            return None
        spellings = dict.fromkeys((wanted, normalize("NFC", wanted), normalize("NFD", wanted)))
        return next((found for each in spellings if (found := self._find(each)) is not None), None)

    def _find(self, wanted: str) -> Contact | None:
        try:
            found = Rows(self._calls, endpoints.contact_by_email(wanted), "subscribers", answers.contact)
            same = [row for row in found if same_address(row.email, wanted)]
        except Rejected as refusal:
            if refusal.status not in _MALFORMED:
                raise
            return None
        return next((row for row in same if row.email == wanted), same[0] if same else None)

    def fields(self) -> list[CustomField]:
        """Return all custom fields."""
        found = list(Rows(self._calls, endpoints.fields(), "custom_fields", answers.custom_field))
        self._many.know(found)
        return found

    def create_field(self, label: str) -> CustomField:
        """Make a custom field, or return the one that has this label already; repeated like a read."""
        return self._calls.ask(endpoints.create_field(label), answers.one_field, "always")

    def tags(self) -> list[KnownTag]:
        """Return all tags."""
        return list(Rows(self._calls, endpoints.tags(), "tags", answers.tag))

    def create_tag(self, name: str) -> tuple[KnownTag, bool]:
        """Make a tag; False if one of that name, in any case of letters, was there already and is returned.

        Not repeated once it may have arrived: the second answer would call our own new tag an old one.
        """
        return self._calls.ask(
            endpoints.create_tag(name),
            lambda answer: (answers.one_tag(answer), answer.status == HTTPStatus.CREATED),
            "if-unsent",
        )

    def carriers(self, tag_id: int, state: StateFilter = "all") -> Rows[Contact]:
        """Page through the contacts that carry a tag, with `tagged_at`. Rows may lag. Raises Missing."""
        return Rows(self._calls, endpoints.carriers(tag_id, state), "subscribers", answers.contact)

    def contacts(self, state: StateFilter = "all") -> Rows[Contact]:
        """Page through all contacts. Rows may lag."""
        return Rows(self._calls, endpoints.contacts(state), "subscribers", answers.contact)

    def tags_of(self, contact_id: int) -> list[HeldTag]:
        """Return the tags that a contact carries now. Raises Missing."""
        return list(Rows(self._calls, endpoints.tags_of(contact_id), "tags", answers.held_tag))

    def write(self, contact_id: int, values: Mapping[str, str]) -> Mapping[str, str | None]:
        """Set fields to absolute values in one request, sent at most once; return the fields that the answer echoed.

        Raises HeldBack, a NotSent, rather than to wait more than 5 s for its turn.
        """
        return self._calls.ask(
            endpoints.write(contact_id, values),
            lambda answer: answers.written(answer, contact_id),
            "never",
            within=_LONGEST_HOLD_OF_A_WRITE,
        )

    def add_tag(self, contact_id: int, tag_id: int) -> bool:
        """Add a tag; False if the contact had it already. Repeated like a read: `tagged_at` tells whose it is."""
        return self._calls.ask(
            endpoints.add_tag(contact_id, tag_id), lambda answer: answers.was_added(answer, contact_id), "always"
        )

    def remove_tag(self, contact_id: int, tag_id: int, tagged_at: datetime | None = None) -> None:
        """Take a tag off; a contact that does not have it is no error.

        Unless the first attempt succeeds, the contact's tags are read before another one: someone may have added the
        tag again meanwhile, and that tagging is an occasion of its own. `tagged_at` names the tagging that is meant.
        Raises HeldBack, a NotSent, rather than to wait more than 5 s for its turn.
        """
        started = self._clock.now()
        for attempt in range(1, _REMOVALS):
            try:
                return self._untag(contact_id, tag_id)
            except (NotSent, OutcomeUnknown) as trouble:
                if isinstance(trouble, ServiceUnreachable):  # asked to stop, or sent elsewhere
                    raise
                self._clock.sleep(attempt - 1)
                self._pacer.reserve(2)
                gone = self._tagging_gone(contact_id, tag_id, tagged_at, started)
                if gone is None:
                    raise
            if gone:
                return None
        return self._untag(contact_id, tag_id)

    @property
    def most_at_once(self) -> int:
        """How many values one `write_many`, or contacts one `remove_tag_of_many`, takes; 0 with an API key."""
        return self._many.most

    def write_many(self, values: Mapping[int, Mapping[str, str]]) -> ManyWritten:
        """Set fields of several contacts in one request, sent at most once; return what its answer proves.

        Raises HeldBack or another NotSent rather than to wait more than 5 s, for its turn or for the fields' ids: they
        are asked for unless `fields` has told them. Raises Missing if there is no such field.
        """
        return self._many.write(values)

    def remove_tag_of_many(self, tag_id: int, contacts: Sequence[int]) -> frozenset[int]:
        """Take a tag off several contacts in one request, sent at most once; return those that certainly lost it."""
        return self._many.remove_tag(tag_id, contacts)

    def _untag(self, contact_id: int, tag_id: int) -> None:
        with suppress(Missing):  # without contact or tag there is no tagging either
            self._calls.ask(
                endpoints.remove_tag(contact_id, tag_id),
                answers.removed,
                "never",
                within=_LONGEST_HOLD_OF_A_WRITE,
            )

    def _tagging_gone(self, contact_id: int, tag_id: int, tagged_at: datetime | None, started: datetime) -> bool | None:
        """Say whether a tagging, or the one that was there at `started`, is gone; None if that can't be known."""
        try:
            held = [tag.tagged_at for tag in self.tags_of(contact_id) if tag.id == tag_id]
        except Missing:
            return True
        except (ServiceUnreachable, Rejected):
            return None
        if tagged_at is not None:
            return tagged_at not in held
        passed = (self._clock.now() - started).total_seconds()
        if held and self.server_date is None:
            return None
        return all(answers.is_newer(since, self.server_date, passed) for since in held)

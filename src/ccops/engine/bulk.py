"""One operation applied to many contacts in one request, where the CRM takes many values at once.

The steps are the heart's, and each is committed for all contacts together before the act that it names. Only what is
plain goes this way: a first claim, on a contact whose row in a list is as good as a read. All else is left to the
heart.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from ccops.crm.base import Contact, Missing, NotSent, OutcomeUnknown, Rejected
from ccops.engine.checking import echoed
from ccops.engine.heart import Heart
from ccops.engine.many import Task, Together
from ccops.engine.release import needs_release
from ccops.engine.request import Adoption, Asked, Outcome, Request, claim_of
from ccops.engine.telling import outcome_of
from ccops.engine.trouble import attempt
from ccops.engine.work import LOOK_LASTS, Work
from ccops.errors import CredentialRefused, ServiceUnreachable
from ccops.operations.occasions import tagging_of
from ccops.operations.plan import Plan, fields_read, plan

_PUT_OFF: Final = (ServiceUnreachable, NotSent, OutcomeUnknown, Rejected, Missing)
"""Troubles with the tags of a contact, which is then released alone."""


@dataclass(slots=True)
class _Part:
    """One contact of a request for many: its entry, and the values that are sent."""

    work: Work
    email: str
    values: Mapping[str, str]


class Bulk:
    """Applies requests, as many at once as the CRM takes."""

    def __init__(self, heart: Heart) -> None:
        self._heart = heart
        self._ledger = heart.ledger

    def tasks(self, requests: Iterable[Asked | Task]) -> Iterator[Task | Together]:
        """Put requests together that can be; the others, and what is a task already, are tasks of their own."""
        most, waiting, values = self._heart.crm.most_at_once, dict[int, Request](), 0
        for request in requests:
            if isinstance(request, Adoption):
                yield partial(attempt, self._heart, request)
                continue
            if not isinstance(request, Request):
                yield request
                continue
            need = len(fields_read(request.operation)) + 1
            if request.row is None or need > most or not self._is_plain(request, request.row):
                yield partial(attempt, self._heart, request)
                continue
            if values + need > most or request.row.id in waiting:
                yield self._together(waiting)
                waiting, values = {}, 0
            waiting[request.row.id] = request
            values += need
        if waiting:
            yield self._together(waiting)

    def apply(self, requests: Mapping[int, Request]) -> Sequence[Outcome | None]:
        """Apply the requests of several contacts, by their ids; raises what stops all.

        One that was not plain after all has no outcome: the heart has to do it.
        """
        with self._ledger.locks.contacts(requests):
            with self._ledger.at_once():
                begun = ((contact, self._begin(request)) for contact, request in requests.items())
                parts = {contact: part for contact, part in begun if part is not None}
            self._write(parts)
            self._release([part.work for part in parts.values() if part.work.entry.status == "applied"])
        return [self._outcome(request, parts.get(contact)) for contact, request in requests.items()]

    def _together(self, requests: Mapping[int, Request]) -> Together:
        return Together(
            partial(self.apply, requests), [partial(attempt, self._heart, request) for request in requests.values()]
        )

    # ---- claim and plan

    def _is_plain(self, request: Request, row: Contact) -> bool:
        """Tell whether a contact may go this way: nothing about it needs a read, a person or a word to anybody."""
        checker, operation, entries = self._heart.checker, request.operation, self._ledger.entries
        if request.restricts and row.state not in request.states:
            return False
        if checker.clock_fault(self._heart.crm.clock_ahead) is not None:
            return False
        if entries.sending(row.id) is not None:
            return False
        known = self._ledger.people.by_id(row.id)
        if known is None or known.email != row.email:  # only a read can tell which address is the new one
            return False
        return checker.vouches_for(row, operation, entries.standing(row.id)) and not checker.missing(operation, row)

    def _begin(self, request: Request) -> _Part | None:
        """Claim an occasion, and note what is about to be sent for it; None leaves the request to the heart."""
        entries, row, now = self._ledger.entries, request.row, self._heart.clock.now()
        if row is None or not self._is_plain(request, row):
            return None
        planned, claim = plan(request.operation, row.fields, now), claim_of(request, row.id, now)
        # Only looked at first: a claim that is answered otherwise would leave that answer for the heart to find.
        if not isinstance(planned, Plan) or entries.look(claim).kind != "begun":
            return None
        claimed = entries.claim(claim).entry
        if claimed is None:
            return None
        identity = self._ledger.identity
        before = {change.field: change.before for change in planned.changes}
        after = {change.field: change.after for change in planned.changes}
        seen = row.fields[identity.receipt_field] or None
        entry = entries.send(claimed, before, after, seen, planned.note, now, apart=True)
        receipt = identity.lineage.receipt(entry.id, entry.sends)
        return _Part(Work(entry), row.email, {**after, identity.receipt_field: receipt})

    # ---- write and confirm

    def _write(self, parts: Mapping[int, _Part]) -> None:
        """Send all values in one request, and commit what its answer proves; the rest stays as sent, to be settled."""
        if not parts:
            return
        try:
            written = self._heart.crm.write_many({contact: part.values for contact, part in parts.items()})
        except OutcomeUnknown:
            return
        except (NotSent, Rejected, Missing):
            self._take_back(parts.values())  # one by one it shows whose trouble it is
            return
        except CredentialRefused:
            self._take_back(parts.values())
            raise
        with self._ledger.at_once():
            for contact, part in parts.items():
                if echoed(part.values, written.echoed.get(contact, {})):
                    self._confirm(part.work)
        self._take_back([part for contact, part in parts.items() if contact in written.untouched])

    def _confirm(self, work: Work) -> None:
        released = not needs_release(work.entry)
        work.entry = self._ledger.entries.confirm(work.entry, self._heart.clock.now(), released=released)

    def _take_back(self, parts: Iterable[_Part]) -> None:
        """Note of entries that their values certainly have no effect."""
        with self._ledger.at_once():
            for part in parts:
                part.work.entry = self._ledger.entries.not_sent(part.work.entry)

    # ---- release

    def _release(self, works: Sequence[Work]) -> None:
        """Take trigger tags off, as many at once as can be; other tags, and what fails, one by one."""
        tagged: dict[int, list[Work]] = {}
        for work in works:
            tagging = tagging_of(work.entry.occasion)
            if tagging is not None and not work.entry.released and self._heart.releaser.only_takes_off(work.entry):
                tagged.setdefault(tagging.tag, []).append(work)
        for tag, theirs in tagged.items():
            self._take_off(tag, theirs)
        for work in works:
            if not work.entry.released:
                work.entry = self._heart.releaser.release(work.entry, work.warnings, work.look)

    def _take_off(self, tag: int, works: Iterable[Work]) -> None:
        """Take a tag off the contacts that still have the tagging; none of the looks at them grows old meanwhile."""
        seen: list[Work] = []
        for work in works:
            if seen and self._is_old(seen[0]):
                self._untag(tag, seen)
                seen = []
            try:
                work.look = self._heart.releaser.look(work.entry.contact)
            except _PUT_OFF:
                continue
            tagging = tagging_of(work.entry.occasion)
            if tagging is not None and work.look.shows(tagging.tag, tagging.at):
                seen.append(work)
        if seen:
            self._untag(tag, seen)

    def _is_old(self, work: Work) -> bool:
        return work.look is None or self._heart.clock.now() - work.look.at > LOOK_LASTS / 2

    def _untag(self, tag: int, works: Sequence[Work]) -> None:
        try:
            off = self._heart.crm.remove_tag_of_many(tag, [work.entry.contact for work in works])
        except _PUT_OFF:
            off = frozenset()
        with self._ledger.at_once():
            for work in works:
                work.look = None  # it may show a tagging that came off by this very request
                if work.entry.contact in off:
                    work.entry = self._ledger.entries.release(work.entry)

    # ---- what came out

    def _outcome(self, request: Request, part: _Part | None) -> Outcome | None:
        """Tell how a contact ended; None if it was not plain after all."""
        if part is None or part.work.entry.status == "intended":
            return None
        work = part.work
        due = self._heart.due(work.entry) if work.entry.status == "sending" else None
        return outcome_of(work.entry, part.email, tuple(work.warnings), due).to(request)

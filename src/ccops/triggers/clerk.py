"""One event worked off: what it asks for is run through the heart, and how that went is noted in the inbox."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, cast

from ccops.clock import iso
from ccops.crm.base import Missing
from ccops.engine.heart import Heart
from ccops.engine.request import Outcome, Request
from ccops.ledger.events import TAKEN_OFF, Ending, Event, EventStatus
from ccops.ledger.model import Entry, Origin
from ccops.operations.asking import with_amount
from ccops.operations.model import Operation, Registry
from ccops.operations.occasions import for_post, for_tag, refusal_uses_it_up
from ccops.operations.periods import period_key
from ccops.triggers.patience import NEAR, SAME, look_again_at, retry_at
from ccops.triggers.taggings import tagging_request

if TYPE_CHECKING:
    from ccops.operations.plan import Cause

_ANSWERS: Final[frozenset[EventStatus]] = frozenset({"refused", "missing"})
"""What a sender that waits is told as the end, though a sender that does not would have it tried again."""


class Clerk:
    """Works events off, several threads at once; raises what stops all, and leaves the events waiting then."""

    def __init__(self, heart: Heart, registry: Callable[[], Registry], run: int, by: str) -> None:
        self._heart = heart
        self._inbox = heart.ledger.inbox
        self._registry = registry
        self._run = run
        self._by = by

    def work(self, batch: Sequence[Event]) -> None:
        """Work off what `Inbox.due` gave: one POST, or all hints at one contact's taggings for one operation."""
        first = batch[0]
        operation = self._registry().operations.get(first.operation)
        if operation is None:
            self._park(batch, Ending("failed", "the operation is no longer in operations.toml"))
        elif first.is_hint:
            self._look(operation, batch)
        else:
            self._close(batch, _answered(self._heart.apply(self._posted(operation, first))))

    def failed(self, batch: Sequence[Event], reason: str) -> None:
        """Note that a try failed for a reason that may be mended."""
        self._try_again(batch, Ending("failed", reason))

    # ---- what was posted

    def _posted(self, operation: Operation, event: Event) -> Request:
        asked = event.amount
        once_per = operation.once_per
        return Request(
            operation=operation if asked is None else with_amount(operation, Decimal(asked)),
            who=int(event.who) if event.who.isdigit() else event.who,
            occasion=for_post(event.key or ""),
            run=self._run,
            origin=Origin(self._by, "post", event.note),
            period=None if once_per is None else period_key(once_per, event.at, operation.timezone),
            asked=asked,
            states=operation.states,
        )

    # ---- what hints at a tagging

    def _look(self, operation: Operation, batch: Sequence[Event]) -> None:
        """Read the contact's tags: a webhook says too little to be believed, and may come late or twice."""
        contact = int(batch[0].who)
        if operation.tag is None:
            self._park(batch, Ending("failed", "the operation has no trigger tag (any more)"))
            return
        try:
            look = self._heart.releaser.look(contact)
        except Missing:
            self._try_again(batch, Ending("missing", "no such contact in Kit"))
            return
        tag, left = operation.tag.id, list(batch)
        since = next((held.tagged_at for held in look.tags if held.id == tag), None)
        if since is not None:
            origin = Origin(self._by, "webhook")
            request = tagging_request(operation, contact, since, self._run, origin, look=look)
            outcome, left = self._heart.apply(request), [event for event in batch if _is_older(event, since)]
            self._close([event for event in batch if event not in left], outcome)
        for event in left:
            self._without_tag(event, contact, tag)

    def _without_tag(self, event: Event, contact: int, tag: int) -> None:
        """The tagging is off: it was counted, or will be seen soon, or a person took it off before ccops saw it.

        An event that tells its own time is about the tagging of that time, and of no other one near it.
        """
        near = SAME if event.tells_time else NEAR
        first, last = for_tag(tag, event.at - near), for_tag(tag, event.at + near)
        entry = self._heart.ledger.entries.of_occasions(event.operation, contact, first, last)
        now = self._heart.clock.now()
        if entry is not None:
            self._counted(event, entry)
        elif again := look_again_at(event.received_at, now):
            why = "the contact does not have the tag (yet)"
            self._inbox.put_off([event], Ending("open", why), again, counts=False)
        else:
            self._park([event], Ending("failed", f"{TAKEN_OFF} (event of {iso(event.at)})"))

    def _counted(self, event: Event, entry: Entry) -> None:
        if entry.status in {"intended", "sending"}:
            self._close([event], self._heart.finish(entry.id))
        else:
            self._inbox.end([event], Ending("repeated", entry.reason, entry.id), self._heart.clock.now())

    # ---- the heart, and what it answers

    def _close(self, batch: Sequence[Event], outcome: Outcome) -> None:
        """Note an outcome: most are an end; a value that is no number or a failure is tried again."""
        entry = outcome.entry
        how = Ending(_status(outcome), outcome.reason, None if entry is None else entry.id)
        if outcome.status == "open":
            self._inbox.put_off(batch, how, outcome.due or self._heart.clock.now(), counts=False)
        elif outcome.status == "failed" or (outcome.status == "refused" and entry is not None and is_mendable(entry)):
            self._try_again(batch, how)
        else:
            self._inbox.end(batch, how, self._heart.clock.now())

    def _try_again(self, batch: Sequence[Event], how: Ending) -> None:
        now = self._heart.clock.now()
        for event in batch:
            until = retry_at(event.tries, now)
            if until is None:
                self._park([event], how)
            else:
                self._put_off(event, how, until, now)

    def _put_off(self, event: Event, how: Ending, until: datetime, now: datetime) -> None:
        """Let an event be tried again; what its sender waits to hear may be its end instead."""
        if how.status in _ANSWERS:
            self._inbox.answer_or_put_off(event, how, until, now)
        else:
            self._inbox.put_off([event], how, until)

    def _park(self, batch: Sequence[Event], how: Ending) -> None:
        self._inbox.park(batch, how, self._heart.clock.now())


def is_mendable(entry: Entry) -> bool:
    """Tell whether an entry is a refusal that leaves its occasion open, since it is mended by correcting a value."""
    return entry.status == "refused" and not refusal_uses_it_up(entry.occasion, cast("Cause", entry.cause))


def _answered(outcome: Outcome) -> Outcome:
    """Return the outcome of a POST: one that was refused before, and is tried again for its tags, stays refused."""
    was_refused = outcome.status == "repeated" and outcome.entry is not None and outcome.entry.status == "refused"
    return replace(outcome, status="refused") if was_refused else outcome


def _is_older(event: Event, tagged_at: datetime) -> bool:
    """Tell whether an event is about a tagging before the one that there is now, which has taken its place since."""
    return event.tells_time and event.at < tagged_at - SAME


def _status(outcome: Outcome) -> EventStatus:
    if outcome.status == "failed" and (outcome.entry is None or outcome.entry.turn is None):
        return "missing"  # nothing was sent, so it was not Kit that rejected it: there is no such contact
    return "failed" if outcome.status == "previewed" else outcome.status

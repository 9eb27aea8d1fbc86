"""The release of an entry: follow-up tags go on, the trigger tag comes off so that the next tagging fires again.

What is about to be done is committed before it is done, so that a crash between two tags ends as no crash would.
"""

from typing import TYPE_CHECKING, cast

from ccops.crm.base import Crm, HeldTag, Missing, NotSent, OutcomeUnknown, Rejected
from ccops.errors import ServiceUnreachable
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.operations.copying import from_json
from ccops.operations.occasions import refusal_uses_it_up, tagging_of

if TYPE_CHECKING:
    from ccops.operations.plan import Cause

_PUT_OFF = (ServiceUnreachable, NotSent, OutcomeUnknown, Rejected)
_ANSWERS = frozenset({"limit", "period"})
"""Causes of a refusal that the contact is told of by `tags_if_refused`; a faulty value is the owner's affair."""


def needs_release(entry: Entry) -> bool:
    """Whether tags have to be brought in order once the entry has come to its end."""
    if entry.undoes is not None:
        return bool(entry.followups)
    if entry.status == "undone":
        return bool(entry.followups) or _loses_its_tag(entry)
    return bool(_to_add(entry)) or _loses_its_tag(entry)


class Releaser:
    """Brings the tags of entries in order; what fails is done when the occasion is seen again, or by a settle."""

    def __init__(self, ledger: Ledger, crm: Crm) -> None:
        self._ledger = ledger
        self._crm = crm
        self._ids: dict[str, int] = {}

    def first(self, entry: Entry, warnings: list[str]) -> Entry:
        """Release an entry right after its end; `warnings` takes what had to be put off."""
        return self._release(entry, warnings, seen_before=False)

    def again(self, entry: Entry, warnings: list[str]) -> Entry:
        """Release an entry that was found at its end, but perhaps not released.

        Its trigger tag comes off only if the contact still has the very tagging that started it: a newer one is an
        occasion of its own.
        """
        if entry.released:
            return entry
        if not needs_release(entry):
            # Undone before its tags were in order: there is nothing left to bring in order.
            return self._ledger.entries.release(entry) if entry.status == "undone" else entry
        return self._release(entry, warnings, seen_before=True)

    def only_takes_off(self, entry: Entry) -> bool:
        """Whether all that an applied entry needs is that its trigger tag comes off."""
        return _loses_its_tag(entry) and not _to_add(entry)

    def _release(self, entry: Entry, warnings: list[str], *, seen_before: bool) -> Entry:
        try:
            if entry.undoes is not None or entry.status == "undone":
                self._take_off(entry)
                self._take_trigger_off(entry, self._crm.tags_of(entry.contact) if _loses_its_tag(entry) else None)
            else:
                held = self._crm.tags_of(entry.contact) if seen_before or _to_add(entry) else None
                entry = self._add(entry, held)
                self._take_trigger_off(entry, held if seen_before else None)
        except Missing as error:
            warnings.append(f"its tags could not be brought in order: {error}")  # the contact or a tag is gone for good
        except _PUT_OFF as error:
            mend = "the same again" if entry.status == "refused" else "ccops settle"
            warnings.append(f"its tags could not be brought in order yet ({mend} does it): {error}")
            return entry
        return self._ledger.entries.release(entry)

    def _add(self, entry: Entry, held: list[HeldTag] | None) -> Entry:
        if held is not None and entry.followups is None and _to_add(entry):
            has = {tag.id for tag in held}
            missing = [number for number in map(self._id, _to_add(entry)) if number not in has]
            entry = self._ledger.entries.note_followups(entry, missing)
        for number in entry.followups or ():
            self._crm.add_tag(entry.contact, number)
        return entry

    def _take_off(self, entry: Entry) -> None:
        """Take off the follow-up tags that an undone entry really added; both it and its undo name them."""
        for number in entry.followups or ():
            self._crm.remove_tag(entry.contact, number)

    def _take_trigger_off(self, entry: Entry, held: list[HeldTag] | None) -> None:
        tagging = tagging_of(entry.occasion)
        if tagging is None or not _loses_its_tag(entry):
            return
        still = held is None or any((tag.id, tag.tagged_at) == (tagging.tag, tagging.at) for tag in held)
        if still:
            self._crm.remove_tag(entry.contact, tagging.tag)

    def _id(self, name: str) -> int:
        """Return a tag's id by its name; one that does not exist is made."""
        if name not in self._ids:
            self._ids[name] = self._crm.create_tag(name)[0].id
        return self._ids[name]


def _to_add(entry: Entry) -> tuple[str, ...]:
    """Name the follow-up tags of how the entry ended."""
    operation = from_json(entry.copy)
    if entry.status == "refused":
        return operation.tags_if_refused if entry.cause in _ANSWERS else ()
    return operation.tags_if_applied


def _loses_its_tag(entry: Entry) -> bool:
    """A refusal takes the tag off only if it answered the tagging; a faulty value gets mended and run again."""
    if tagging_of(entry.occasion) is None or from_json(entry.copy).after_run == "keep-tag":
        return False
    return entry.status != "refused" or refusal_uses_it_up(entry.occasion, cast("Cause", entry.cause))

"""The release of an entry: follow-up tags go on, the trigger tag comes off so that the next tagging fires again.

What is about to be done is committed before it is done, so that a crash between two tags ends as no crash would.
"""

from typing import TYPE_CHECKING, Final, cast

from ccops.clock import Clock
from ccops.crm.base import Crm, Missing, NotSent, OutcomeUnknown, Rejected
from ccops.engine.errors import KeptFailing
from ccops.engine.outcomes import LOOK_LASTS, TagsRead
from ccops.errors import ServiceUnreachable
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.operations.model import from_json
from ccops.operations.occasion import refusal_uses_it_up, tagging_of
from ccops.text import folded

if TYPE_CHECKING:
    from ccops.operations.refusal import Cause

_LOOKS: Final = 3
"""How often one call looks at a contact's tags while the answers take too long."""
_PUT_OFF = (ServiceUnreachable, NotSent, OutcomeUnknown, Rejected)
_ANSWERS = frozenset({"limit", "period"})
"""Causes of a refusal that the contact is told of by `tags_if_refused`; a faulty value is the owner's affair."""


def needs_release(entry: Entry) -> bool:
    """Whether tags have to be brought in order once the entry has come to its end."""
    if entry.undoes is not None:
        # What was not taken back, or is in force again, keeps its follow-up tags.
        return bool(entry.followups) and entry.status not in {"refused", "failed", "undone"}
    if entry.status == "undone":
        return bool(entry.followups) or _loses_its_tag(entry)
    return bool(_to_add(entry)) or _loses_its_tag(entry)


class TagUpdater:
    """Brings the tags of entries in order; what fails is done when the occasion is seen again, or by a settle."""

    def __init__(self, ledger: Ledger, crm: Crm, clock: Clock) -> None:
        self._ledger = ledger
        self._crm = crm
        self._clock = clock
        self._ids: dict[str, int] = {}

    def release(self, entry: Entry, warnings: list[str], look: TagsRead | None = None) -> Entry:
        """Release an entry that is at its end, unless it was; `warnings` takes what had to be put off.

        `look` is the last look at the contact's tags. The trigger tag comes off only if a look that is no older than a
        few seconds shows the very tagging that started the entry: a newer one is an occasion of its own.
        """
        if entry.released:
            return entry
        if not needs_release(entry):
            # Undone before its tags were in order: there is nothing left to do about them.
            return self._ledger.entries.release(entry) if entry.status == "undone" else entry
        return self._release(entry, warnings, look)

    def look(self, contact: int) -> TagsRead:
        """Look at a contact's tags, once there is allowance for this request and the removal after it."""
        self._crm.reserve(2)
        at = self._clock.now()
        return TagsRead(self._crm.tags_of(contact), at)

    def only_takes_off(self, entry: Entry) -> bool:
        """Whether all that an applied entry needs is that its trigger tag comes off."""
        return _loses_its_tag(entry) and not _to_add(entry)

    def _release(self, entry: Entry, warnings: list[str], look: TagsRead | None) -> Entry:
        try:
            if entry.undoes is not None or entry.status == "undone":
                self._take_off(entry)
            elif _to_add(entry):
                # As it is now, whatever the caller saw: what is there already is not ours to take off by an undo.
                look = self.look(entry.contact)
                entry = self._add(entry, look)
            self._take_trigger_off(entry, look)
        except Missing as error:
            warnings.append(f"its tags could not be brought in order: {error}")  # the contact or a tag is gone for good
        except _PUT_OFF as error:
            warnings.append(f"its tags could not be brought in order yet (ccops settle does it): {error}")
            return entry
        return self._ledger.entries.release(entry)

    def _add(self, entry: Entry, look: TagsRead) -> Entry:
        if entry.followups is None:
            has = {tag.id for tag in look.tags}
            missing = [number for number in map(self._id, _to_add(entry)) if number not in has]
            entry = self._ledger.entries.note_followups(entry, missing)
        for number in entry.followups or ():
            self._crm.add_tag(entry.contact, number)
        return entry

    def _take_off(self, entry: Entry) -> None:
        """Take off the follow-up tags that an undone entry really added; both it and its undo name them."""
        for number in entry.followups or ():
            self._crm.remove_tag(entry.contact, number)

    def _take_trigger_off(self, entry: Entry, look: TagsRead | None) -> None:
        tagging = tagging_of(entry.occasion)
        if tagging is None or not _loses_its_tag(entry):
            return
        looks = 0
        while look is None or self._clock.now() - look.at > LOOK_LASTS:
            if looks == _LOOKS:
                raise KeptFailing(entry.contact, "its answers take too long")
            look, looks = self.look(entry.contact), looks + 1
        if look.shows(tagging.tag, tagging.at):
            self._crm.remove_tag(entry.contact, tagging.tag, tagging.at)

    def _id(self, name: str) -> int:
        """Return a tag's id by its name; one that was renamed is known by its id, one that does not exist is made."""
        if name not in self._ids:
            self._ids[name] = self._looked_up(name)
        return self._ids[name]

    def _looked_up(self, name: str) -> int:
        identity = self._ledger.identity
        noted = identity.followup_tag(name)
        tags = () if noted is None else self._crm.tags()
        number = next((tag.id for tag in tags if folded(tag.name) == folded(name)), None)
        if number is None and any(tag.id == noted for tag in tags):
            number = noted
        if number is None:
            number = self._crm.create_tag(name)[0].id
        if number != noted:
            identity.note_followup_tag(name, number)
        return number


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

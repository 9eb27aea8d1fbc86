"""The release of an applied entry: its trigger tag is taken off, so that the next tagging fires again."""

from ccops.crm.base import Crm, Missing, NotSent, OutcomeUnknown, Rejected
from ccops.errors import ServiceUnreachable
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Entry
from ccops.operations.copying import from_json
from ccops.operations.occasions import tagging_of

_PUT_OFF = (ServiceUnreachable, NotSent, OutcomeUnknown, Rejected)


def needs_release(entry: Entry) -> bool:
    """Whether a tag has to come off once the entry is applied."""
    return tagging_of(entry.occasion) is not None and from_json(entry.copy).after_run == "remove-tag"


class Releaser:
    """Takes trigger tags off; what fails is done when the occasion is seen again."""

    def __init__(self, ledger: Ledger, crm: Crm) -> None:
        self._ledger = ledger
        self._crm = crm

    def first(self, entry: Entry, warnings: list[str]) -> Entry:
        """Release an entry right after its write; `warnings` takes what had to be put off."""
        tagging = tagging_of(entry.occasion)
        if tagging is None:
            return entry
        try:
            self._crm.remove_tag(entry.contact, tagging.tag)
        except _PUT_OFF as error:
            warnings.append(f"its tag could not be taken off yet: {error}")
            return entry
        return self._ledger.entries.release(entry)

    def again(self, entry: Entry) -> None:
        """Release an entry found applied: only if the contact still has the very tagging that started it.

        A newer tagging is an occasion of its own, and its tag stays.
        """
        tagging = tagging_of(entry.occasion)
        if entry.released or tagging is None or not needs_release(entry):
            return
        try:
            held = self._crm.tags_of(entry.contact)
            if any(tag.id == tagging.tag and tag.tagged_at == tagging.at for tag in held):
                self._crm.remove_tag(entry.contact, tagging.tag)
        except Missing:
            pass  # a contact that is gone carries no tag
        except _PUT_OFF:
            return
        self._ledger.entries.release(entry)

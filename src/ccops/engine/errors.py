"""What stops a run as a whole, in the engine's words."""

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from ccops.clock import iso
from ccops.crm.base import Rejected
from ccops.engine.outcomes import run_again
from ccops.errors import LedgerUnusable, Misconfigured, ServiceUnreachable
from ccops.ledger.model import Entry
from ccops.operations.derived import ADJUST, ONE_OFF, RECONCILE
from ccops.operations.occasion import can_come_again
from ccops.text import clean, shorten

MOST_FIELDS: Final = 140
"""Custom fields that an account of Kit may have."""


class Faulty(Misconfigured):
    """What stops a run and stays in the ledger, as the reason of the entry at which it was found."""

    reason: str
    """What was wrong; the error says more: what it means for the run, and what mends it."""


class FieldGone(Faulty):
    """A field of the operation is not among the contact's fields: renamed or deleted in Kit, or misspelt."""

    mend = "ccops doctor --fix"

    def __init__(self, field: str, operation: str, known: Sequence[str]) -> None:
        self.reason = f"Kit has no field {shorten(field)} (any more)"
        close = get_close_matches(field.casefold(), known, n=1)
        there = f'; there is "{clean(close[0])}"' if close else ""
        if operation in ONE_OFF or operation == RECONCILE:
            self.mend = ""
            super().__init__(f"Kit has no field {shorten(field)}{there}. Nothing was sent.")
        else:
            super().__init__(
                f"Kit has no field {shorten(field)} (any more), which {operation} needs{there}. Nothing was sent for "
                "this contact. If the field was renamed in Kit, this follows it, with all that was counted:"
            )


class ClockWrong(Faulty):
    """This machine's clock differs so much from the CRM's that what it counts by may be another day's, or month's."""

    mend = (
        "let this machine take its time from the network (NTP; on Linux: sudo timedatectl set-ntp true), then give the "
        "same command again"
    )

    def __init__(self, ours: datetime, ahead: timedelta) -> None:
        side = "ahead" if ahead > timedelta() else "behind"
        self.reason = f"this machine's clock was {side}: it said {iso(ours)}, while Kit's said {iso(ours - ahead)}"
        super().__init__(
            f"this machine's clock is {side}: it says {iso(ours)}, while Kit's says {iso(ours - ahead)}. Nothing was "
            "sent for this contact, since a wrong clock could count it for the wrong day or month."
        )


class ReceiptFieldOurs(Faulty):
    """An operation or adjustment is to write the field that holds the receipts."""

    def __init__(self, field: str, operation: str) -> None:
        ours = {ADJUST: "it can't be adjusted", RECONCILE: "there is nothing to reconcile"}
        whose = ours.get(operation, f"{operation} can't change it")
        self.reason = f'ccops keeps its receipts in the field "{field}"'
        super().__init__(f'ccops keeps its receipts in the field "{field}", so {whose}. Nothing was sent.')


class ReceiptFieldGone(Faulty):
    """The field that holds the receipts is not among the contact's fields."""

    mend = "ccops init --yes"

    def __init__(self, field: str) -> None:
        self.reason = f'the field "{field}", in which ccops keeps its receipts, was not in Kit'
        super().__init__(
            f'the field "{field}", in which ccops keeps its receipts, is not in Kit (any more). Nothing was sent for '
            "this contact, since without a receipt no change could be counted exactly once. Make the field again."
        )


class FieldRenamed(Misconfigured):
    """A field that the CRM is to be asked for has another key there now; to make it again would start at nothing."""

    mend = "ccops doctor --fix"

    def __init__(self, old: str, new: str) -> None:
        super().__init__(
            f'The field "{clean(old)}" was renamed in Kit: its key is "{clean(new)}" there now. Nothing was changed: a '
            f'new field would start everybody at nothing. Use "{clean(new)}", or let ccops follow the field:'
        )


class FieldRefused(Misconfigured):
    """Kit did not create a custom field, mostly because the account has as many as Kit allows."""

    def __init__(self, label: str, refusal: Rejected, count: int, *, is_receipt: bool) -> None:
        named = f'"{clean(label)}"'
        what = "the field for receipts" if is_receipt else "the field"
        full = f" This account has {count} custom fields, and Kit allows {MOST_FIELDS}." if count >= MOST_FIELDS else ""
        instead = (
            f"or rename one that is empty and unused to {named}: ccops takes it"
            if is_receipt
            else "or use a field that is there already"
        )
        said = refusal.said
        super().__init__(
            f"Kit did not create {what} {named}: {said} ({refusal.status}).{full} No contact was changed. In Kit, "
            f"delete a custom field that you no longer need (its values go with it), {instead}. Then give the same "
            "command again."
        )


class TagRefused(Misconfigured):
    """Kit did not create a tag."""

    def __init__(self, tag: str, operation: str, refusal: Rejected) -> None:
        words = shlex.quote(clean(tag))
        bind = f"or, to use a tag that is there: ccops tag bind {operation} TAG"
        self.mend = f"ccops tag create {operation} --name {words}\n{bind}"
        super().__init__(
            f'Kit did not create the tag "{clean(tag)}": {refusal.said} ({refusal.status}). {operation} is in '
            "operations.toml without a tag. Delete a tag in Kit that you no longer need, then:"
        )


class AnotherAtWork(LedgerUnusable):
    """A contact was written to by what this ledger does not know."""

    reason: str
    """What was found, as it stays in the ledger."""


class OtherLedger(AnotherAtWork):
    """A contact carries the receipt of a ledger that is not this one."""

    mend = "ccops init --take-over"

    def __init__(self, contact: int, receipt: str, ours: str, home: Path) -> None:
        theirs = receipt.partition(".")[0]
        self.reason = f"it was last changed by another ledger ({clean(theirs)})"
        super().__init__(
            f"contact {contact} was last changed by another ledger ({clean(theirs)}), not by this one ({ours}, in "
            f"{home}). Nothing was sent. Two ledgers at work on one account would count twice: use the home of the "
            "other ledger. Only if that is lost for ever, go on from where it stopped."
        )


class LedgerBehind(AnotherAtWork):
    """A contact carries a receipt of this ledger that the ledger itself does not know: a restored backup, or a copy."""

    mend = "ccops init --take-over"

    def __init__(self, contact: int, receipt: str, home: Path) -> None:
        self.reason = f"it carries the receipt {shorten(receipt)}, which this ledger does not know"
        super().__init__(
            f"contact {contact} carries the receipt {shorten(receipt)}, which the ledger in {home} does not know. "
            "Nothing was sent. This ledger is an older copy of the one that wrote it: use that one. Only if it is "
            "lost for ever, go on with this one."
        )


class LedgerElsewhere(LedgerUnusable):
    """A home is to be set up on an account whose contacts carry the receipts of another ledger."""

    mend = "ccops init --take-over"

    def __init__(self, ledgers: Mapping[str, int], highest: int) -> None:
        names = ", ".join(clean(name) for name in sorted(ledgers, key=ledgers.__getitem__, reverse=True)[:3])
        count = sum(ledgers.values())
        carry = (
            "1 contact of this account carries a receipt"
            if count == 1
            else f"{count:,} contacts of this account carry receipts"
        )
        super().__init__(
            f"{carry} of another ledger ({names}), up to its entry e{highest}. No ledger was made: two at work on one "
            "account would count twice. Use the home of that ledger (--home), or copy its folder to this machine. Only "
            "if it is lost for ever, go on from where it stopped."
        )


class KeptFailing(ServiceUnreachable):
    """Kit answered reads, but a write could not be brought to leave."""

    def __init__(self, contact: int, what: str) -> None:
        super().__init__(
            f"contact {contact}: Kit kept refusing the connection or the pace ({clean(what)}). Nothing is lost: the "
            "same command later goes on."
        )


class NotUndoable(Misconfigured):
    """Only an applied entry can be undone."""

    def __init__(self, entry: Entry) -> None:
        name = f"e{entry.id}"
        if entry.status == "undone":
            what, self.mend = f"{name} was undone already, by e{entry.undone_by}", f"ccops history {name}"
            if entry.undoes is None:  # an undo that was taken back may be given again anyway
                again = can_come_again(entry.occasion)
                self.mend = f"ccops undo {name} --reopen" if again else f"ccops undo e{entry.undone_by}"
                way = "To let its occasion run again" if again else "To bring it back"
                super().__init__(f"{what}. Nothing was sent. {way}:")
                return
        elif entry.status.is_open:
            what, self.mend = f"{name} has not come to its end yet", "ccops settle"
        elif entry.status == "parked":
            what = f"{name} needs a person first, who says whether it was applied"
            self.mend = f"ccops settle {name} --as applied\nccops settle {name} --as not-applied"
        else:
            what, self.mend = f"{name} was {entry.status}: it changed nothing", f"ccops history {name}"
        super().__init__(f"{what}. Nothing was sent.")


class RunAgain(Misconfigured):
    """An entry can't be undone: the occasion of what would count again has run again since."""

    def __init__(self, undone: int, again: int) -> None:
        self.mend = f"ccops history e{again}"
        super().__init__(f"e{undone} can't be undone: {run_again(again)}. Nothing was sent.")


class NothingToSettle(Misconfigured):
    """The entry has come to its end already, or needs no person for it."""

    def __init__(self, entry: Entry) -> None:
        name, is_open = f"e{entry.id}", entry.status.is_open
        self.mend = "ccops settle" if is_open else f"ccops history {name}"
        what = f"{name} is open, and needs nobody's word" if is_open else f"{name} is {entry.status}"
        super().__init__(f"{what}: there is nothing to settle by hand. Nothing was changed.")


class NothingLost(Misconfigured):
    """Nothing that an entry changed was lost to a late write."""

    def __init__(self, entry: Entry) -> None:
        self.mend = f"ccops history e{entry.id}"
        super().__init__(
            f"nothing of e{entry.id} ({entry.status}) is lost: no late write came over it, or it was given back "
            "already. Nothing was sent."
        )


class TagStillOn(Misconfigured):
    """An event tells of a trigger tag that is still on its contact, so that it will run, whatever is said of it."""

    def __init__(self, event: int, contact: str, operation: str) -> None:
        self.mend = f"ccops poll {operation} && ccops settle i{event} --as applied"
        super().__init__(
            f"contact {contact} still has the tag of {operation}: the next look for tags runs it, whatever you say of "
            f"i{event}. If it is not to count, take the tag off in Kit first. Nothing was changed."
        )


class NeverSent(Misconfigured):
    """An entry that was never sent can't have been applied."""

    def __init__(self, entry: Entry) -> None:
        self.mend = f"ccops settle e{entry.id} --as not-applied"
        super().__init__(f"e{entry.id} was parked before anything was sent, so it can't have been applied.")

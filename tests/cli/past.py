"""Entries for tests, in states that a command leaves only when something breaks."""

import re
from datetime import datetime

from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Claim, Entry, Origin
from ccops.operations.model import Change, Operation, to_json
from tests.cli.sites import Site

CREDIT = Operation("payment-credit", (Change("credits", "increase"),), "America/New_York")


def begun(ledger: Ledger, contact: int, occasion: str, now: datetime, operation: Operation = CREDIT) -> Entry:
    """Begin an entry in a run of its own."""
    started = ledger.runs.start(occasion, f"run {operation.name}", "maria", now, new=True)
    ledger.runs.stop(started, 0, now, ended=True)
    claim = Claim(operation.name, to_json(operation), contact, occasion, started.run.id, Origin("maria", "run"), now)
    entry = ledger.entries.claim(claim).entry
    assert entry is not None
    return entry


def left_open(site: Site, now: datetime) -> Entry:
    """Leave an entry behind of which nobody knows whether its write arrived."""
    ledger = site.ledger(readonly=False)
    try:
        entry = begun(ledger, site.ann, "key:lost", now)
        return ledger.entries.send(entry, {"credits": "5"}, {"credits": "15"}, None, None, now)
    finally:
        ledger.close()


def parked(site: Site, now: datetime) -> Entry:
    """Leave an entry behind that needs a person."""
    entry = left_open(site, now)
    ledger = site.ledger(readonly=False)
    try:
        return ledger.entries.park(entry, "nobody can tell", now)
    finally:
        ledger.close()


def at_noon(shown: str) -> str:
    """Return what a screen shows with all times made one, of the same width."""
    shown = re.sub(r"\b(tagged|and) \d\d:\d\d", r"\1 12:00", shown)
    shown = re.sub(r"\bbetween \d{1,2} [A-Z][a-z]{2} \d\d:\d\d", "between 22 Nov 12:00", shown)
    return re.sub(r"[ \d]\d [A-Z][a-z]{2}( 20\d\d)? \d\d:\d\d", "22 Nov 12:00", shown)

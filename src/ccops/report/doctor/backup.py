"""Whether the ledger would survive the loss of its disk."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from ccops.errors import CcopsError
from ccops.ledger.ledger import Ledger
from ccops.report.doctor.finding import Finding, well, wrong
from ccops.report.doctor.patient import Patient
from ccops.report.doctor.wording import count, day

OFTEN: Final = timedelta(days=7)
"""So much work may be lost."""
_MEND: Final = "ccops backup ~/ccops-backup.tar.gz"


def look(patient: Patient, ledger: Ledger) -> Iterator[Finding]:
    """Look when the last backup was made; a home for rehearsals needs none."""
    last, entries = ledger.identity.last_backup, ledger.history.count()
    if last is not None and patient.now - last <= OFTEN:
        yield well("backup", f"last made {day(last, patient.timezone, patient.now)}")
    elif not isinstance(patient.settings, CcopsError) and patient.settings.sandbox:
        yield well("backup", "a rehearsal needs none")
    elif last is not None:
        when = day(last, patient.timezone, patient.now)
        yield wrong("backup", f"the last one was made {when}, more than {OFTEN.days} days ago", _MEND)
    elif entries:
        yield wrong("backup", f"none was ever made, and the ledger has {count(entries, 'entry', 'entries')}", _MEND)
    else:
        yield well("backup", "there is nothing to save yet")

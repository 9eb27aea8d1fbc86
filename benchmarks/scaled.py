"""One process of `benchmarks.allowance`: a grant as `ccops run --tagged` makes it, with a shorter window.

`python -m benchmarks.scaled HOME URL TAG KEY RATE WINDOW`; prints when the first and the last contact were done.
"""

import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from ccops.clock import SystemClock
from ccops.config.operations_file import load
from ccops.crm.http.rate_limit import SharedRateLimiter
from ccops.crm.kit.client import KitCrm
from ccops.engine.apply import Applier
from ccops.engine.batch import WORKERS, BatchOptions, BulkApplier, work_off
from ccops.engine.outcomes import Request
from ccops.ledger.ledger import Ledger
from ccops.ledger.model import Origin
from ccops.secret import Secret


def main() -> None:
    """Grant 10 credits to all carriers of the tag."""
    home, url, tag, key, rate, window = sys.argv[1:]
    place, clock = Path(home), SystemClock()
    ledger = Ledger.open(place / "ledger.sqlite3", place / "locks")
    pacer = SharedRateLimiter(place / "locks" / "pace-scaled", int(rate), float(window), clock)
    applier = Applier(
        ledger, KitCrm(Secret("sandbox-key"), api_url=url, pacer=pacer, clock=clock), clock, timedelta(60)
    )
    run = ledger.runs.start(key, key, "benchmark", clock.now()).run.id
    plain = Request(
        load(place / "operations.toml").operations["grant"], 0, f"key:{key}", run, Origin("benchmark", "run")
    )
    requests = (replace(plain, who=row.id, row=row) for row in applier.crm.carriers(int(tag)))
    manners = BatchOptions(clock, lambda: False, lambda *_: None, WORKERS)
    begun = time.time()
    done = sum(outcome.status == "applied" for outcome in work_off(BulkApplier(applier).tasks(requests), manners))
    print(begun, time.time(), done)


if __name__ == "__main__":
    main()

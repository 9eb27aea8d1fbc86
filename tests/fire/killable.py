"""Runs ccops in this process, and kills it (SIGKILL) right before its n-th commit: `killable.py N WORD...`.

Nothing of ccops is changed: SQLite itself tells, by its trace, when a COMMIT is about to be carried out.
"""

import os
import signal
import sqlite3
import sys
from typing import Any

from ccops.cli.app import main

COMMITS_LEFT = int(sys.argv.pop(1))
open_database = sqlite3.connect


def watched(*args: Any, **options: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = open_database(*args, **options)
    # The sandbox of another process keeps its own book; only the ledger's commits count.
    connection.set_trace_callback(count)
    return connection


def count(statement: str) -> None:
    global COMMITS_LEFT  # noqa: PLW0603 - one number for all connections of the process
    if statement == "COMMIT":
        COMMITS_LEFT -= 1
        if COMMITS_LEFT == 0:
            os.kill(os.getpid(), signal.SIGKILL)


sqlite3.connect = watched  # type: ignore[assignment]
sys.argv[0] = "ccops"
main()

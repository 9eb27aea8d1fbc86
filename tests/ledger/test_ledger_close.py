"""Closing a ledger that other threads are at work with."""

import threading
from pathlib import Path

from tests.engine.conftest import new_ledger


def test_a_ledger_is_closed_only_between_the_transactions_of_other_threads(tmp_path: Path) -> None:
    """Closed under a thread that uses it, SQLite takes the process down."""
    ledger = new_ledger(tmp_path)
    stop = threading.Event()
    troubles: list[BaseException] = []

    def work() -> None:
        try:
            while not stop.is_set():
                ledger.entries.open()
                ledger.people.accept(1, None)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test has to hear of it
            troubles.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        ledger.close()
    stop.set()
    for thread in threads:
        thread.join()
    ledger.close()
    assert troubles == []

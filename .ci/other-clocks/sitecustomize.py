"""Lets Python sleep under libfaketime, whose `clock_nanosleep` (0.9.10) fails when the monotonic clock is left alone."""

import select
import time


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = _sleep

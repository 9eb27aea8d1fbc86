"""Lets Python sleep under libfaketime 0.9.10, whose `clock_nanosleep` fails if the monotonic clock is left alone."""

import select
import time


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = _sleep

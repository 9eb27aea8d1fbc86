"""Runs ccops and sends it TERM at the n-th call of its functions: `terminated.py HOW N WORD...`.

HOW is `finalizer` (the signal comes while Python runs one, where whatever is raised gets lost), `plainly`, or `killed`
(KILL comes). With 0 for N, no signal comes, and the number of calls is the last line on stderr.
"""

import os
import signal
import sys
from types import FrameType

from ccops.cli.app import main

HOW, NTH = sys.argv.pop(1), int(sys.argv.pop(1))
SEEN = 0


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    for _ in range(100):  # Python looks for signals between its own instructions
        pass


class Finalized:
    def __del__(self) -> None:
        terminate()


def look(frame: FrameType, event: str, _argument: object) -> None:
    global SEEN  # noqa: PLW0603 - a profile function has nowhere else to count
    if event != "call" or "ccops" not in frame.f_code.co_filename:
        return
    SEEN += 1
    if SEEN == NTH:
        sys.setprofile(None)
        if HOW == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif HOW == "finalizer":
            Finalized()
        else:
            terminate()


sys.argv[0] = "ccops"
sys.setprofile(look)
try:
    main()
finally:
    sys.setprofile(None)
    if not NTH:
        print(SEEN, file=sys.stderr)  # noqa: T201

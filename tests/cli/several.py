"""Runs several commands one after another in one process: `several.py COMMANDS`, a JSON list of lists of words."""

import json
import signal
import sys

from ccops.cli.app import main

sys.argv[0] = "ccops"
for words in json.loads(sys.argv[1]):
    sys.argv[1:] = words
    try:
        main()
    except SystemExit as ended:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # at its end, a command heeds no signal any more
        sys.stdout.write(f"\x1e{ended.code}\x1e\n")
        sys.stdout.flush()

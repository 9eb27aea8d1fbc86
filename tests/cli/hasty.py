"""Runs ccops with dice that always fall on "at once", so that repeating a request costs no time: `hasty.py WORD...`."""

import random
import sys

from ccops.cli.app import main

random.random = lambda: 0.0
sys.argv[0] = "ccops"
main()

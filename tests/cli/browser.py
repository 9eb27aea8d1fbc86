"""A browser for tests: `browser.py LOG WRONG PAGE` goes where pages send it, and logs what it was shown.

With WRONG "wrong", somebody else's page sends it to ccops first, with a code and a state that are made up.
"""

import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path


def visit(address: str) -> str:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return f"{answer.status} {answer.read().decode()}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read().decode()}"


log, wrong, page = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
redirect = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page).query))["redirect_uri"]
shown = []
if wrong == "wrong":
    shown += [visit(f"{redirect}?code=made-up&state=made-up"), visit(redirect), visit(f"{redirect}/favicon.ico")]
shown.append(visit(page))
log.write_text("\n".join(shown), encoding="utf-8")

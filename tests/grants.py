"""A person who lets ccops in: looks at the page, and says what came back."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests

from ccops.clock import SystemClock
from ccops.config.credentials import Grant, GrantFile
from ccops.config.home import Home
from ccops.crm.http.exchange import DEFAULT_LIMITS
from ccops.crm.kit.oauth import Issuer
from ccops.crm.login import LoginAttempt
from ccops.sandbox.sandbox import Sandbox
from ccops.secret import Client

CLIENT = Client("sandbox-app")
REDIRECT = "http://127.0.0.1:8585/kit"


def page_in(screen: str) -> str:
    """Return the address that a screen shows."""
    found = re.findall(r"http://127\.0\.0\.1:\d+/v4/oauth/authorize\?\S+", screen)
    assert found, screen
    return str(found[-1])


def said_yes(page: str) -> str:
    """Let the program in that the page is about; return where the browser is sent."""
    answer = requests.get(page, allow_redirects=False, timeout=5)
    assert answer.status_code == 302
    return answer.headers["Location"]


def code_of(place: str) -> str:
    """Return the code in the address that a browser is sent to."""
    return parse_qs(urlsplit(place).query)["code"][0]


def log_in(kit: Sandbox, home: Path) -> GrantFile:
    """Give a home a login, as `ccops login --oauth` leaves it."""
    issuer = Issuer(api_url=kit.url, clock=SystemClock(), limits=DEFAULT_LIMITS)
    attempt = LoginAttempt.begin(REDIRECT)
    place = said_yes(issuer.page(CLIENT, attempt))
    grants = GrantFile(Home(home))
    grants.swap(Grant.of(issuer.by_code(CLIENT, attempt.code_in(place), attempt)))
    return grants


def renewals(kit: Sandbox) -> int:
    """Count how often Kit was asked for the next pair of tokens."""
    return sum(b'"refresh_token"' in each.sent for each in kit.exchanges if each.path == "/v4/oauth/token")

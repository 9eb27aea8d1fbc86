"""A plain HTTP client for the sandbox, and a clock that tests move."""

from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from ccops.sandbox.sandbox import Sandbox


class Client:
    """Plain HTTP with the sandbox's key; every answer is given up on after two seconds of silence."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.session = requests.Session()
        self.session.headers["X-Kit-Api-Key"] = sandbox.settings.key

    def __call__(self, method: str, path: str, json: Any = None, **query: Any) -> requests.Response:
        return self.session.request(
            method, self._sandbox.url + path, json=json, params=query, timeout=(60, 60), allow_redirects=False
        )

    def rows(self, path: str, **query: Any) -> list[Any]:
        """Return the rows of one page of a list."""
        answer: dict[str, list[Any]] = self("GET", path, **query).json()
        return next(value for name, value in answer.items() if name != "pagination")


class Hour:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 10, 0, 0, 700_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

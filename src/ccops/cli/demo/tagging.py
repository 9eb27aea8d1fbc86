"""Taggings, worked off as the engine asks for it: the time of a tagging in Kit makes its occasion."""

import json
from typing import TYPE_CHECKING

from ccops.cli.doing import Job, Writing, do
from ccops.operations.occasions import for_tag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ccops.cli.session import Session
    from ccops.engine.request import Request
    from ccops.ledger.model import Origin

Seen = dict[str, str]
"""The occasion of each contact's tagging, by e-mail address."""


def look(session: "Session", name: str) -> Seen:
    """Look in Kit who carries the trigger tag of an operation, and since when."""
    tag = session.operation(name).tag
    rows = session.crm.carriers(tag.id) if tag is not None else ()
    return {row.email: for_tag(tag.id, row.tagged_at) for row in rows if tag is not None and row.tagged_at is not None}


def work_off(session: "Session", name: str, seen: Seen) -> int:
    """Apply an operation once for each tagging, print the outcomes, and return the exit status."""
    operation = session.operation(name)

    def requests(run: int, origin: "Origin") -> "Iterable[Request]":
        from ccops.engine.request import Request

        return (Request(operation, email, occasion, run, origin) for email, occasion in seen.items())

    job = Job(json.dumps(["poll", name]), f"poll {name}", "poll", requests, tuple(seen), operation.timezone)
    return do(session, job, Writing())

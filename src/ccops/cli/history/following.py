"""Entries as they come, until stopped; only the ledger is looked at, and nothing is written."""

from typing import TYPE_CHECKING, Final

from ccops.cli.history.lines import line_of
from ccops.cli.showing import entry_object, times_in
from ccops.report.following import Follower
from ccops.report.words import because, entry_name

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.ledger.history import Filter
    from ccops.report.history import Seen

_INDENT: Final = "    "
_EVERY: Final = 1.0
"""Seconds between two looks at the ledger."""
_BEFORE: Final = 10
"""How many of the entries there are already come first, unless more or fewer are wanted."""


def follow(session: "Session", wanted: "Filter", most: int | None, *, json: bool) -> None:
    """Print the newest entries, oldest first, then each that begins or changes; Ctrl-C ends it, as it is meant to."""
    console = session.console
    try:
        if console.out.is_terminal and not json:
            console.heading(times_in(session.registry.timezone))
        follower = Follower(session.ledger_to_read, wanted)
        for seen in follower.first(_BEFORE if most is None else most, session.clock.now()):
            _show(session, seen, json=json)
        while not console.out.closed:
            session.clock.sleep(_EVERY)
            for seen in follower.news():
                _show(session, seen, json=json)
    except KeyboardInterrupt:
        session.stop.forget()


def _show(session: "Session", seen: "Seen", *, json: bool) -> None:
    console, entry = session.console, seen.entry
    if json:
        console.json_line(entry_object(entry, seen.email))
        return
    timezone = session.registry.timezone
    if not console.out.is_terminal:
        console.say(line_of(seen, timezone, None))
        return
    for text in console.out.fit(line_of(seen, timezone, session.clock.now())):
        console.say(text)
    undone = f", undone by {entry_name(entry.undone_by)}" if entry.undone_by else ""
    for text in console.out.fit(because(entry, timezone) + undone, len(_INDENT)):
        console.say(_INDENT, text)

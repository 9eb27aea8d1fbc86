"""The person's yes in the browser, and the two ways in which it comes back: by itself, or pasted."""

import sys
import threading
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ccops.cli import doors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccops.cli.session import Session
    from ccops.crm.oauth import Attempt, Denied
    from ccops.secret import Secret

_WAIT: Final = 600.0
"""Seconds for which Kit is given to send the browser back."""


def consent(session: "Session", attempt: "Attempt", page: str, *, browser: bool) -> "Secret":
    """Have the person let ccops in on Kit's page, and return the code that comes of it.

    Raises Denied and NobodyCame.
    """
    from ccops.crm.oauth import RedirectTaken

    if browser and comes_back_here(attempt.redirect) and can_browse(session.environ):
        try:
            return _brought(session, attempt, page)
        except RedirectTaken as taken:
            session.console.advise(f"{taken}. So the address that the browser ends on has to be pasted.")
    return _pasted(session, attempt, page)


def comes_back_here(redirect: str) -> bool:
    """Tell whether Kit sends the browser back to this machine, so that ccops can listen for it."""
    from ccops.registry.settings import is_loopback

    parts = urlsplit(redirect)
    return parts.scheme == "http" and is_loopback(parts.hostname or "")


def can_browse(environ: "Mapping[str, str]") -> bool:
    """Tell whether a browser on this machine would be seen by the person who typed the command."""
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return False
    return sys.platform == "darwin" or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def _brought(session: "Session", attempt: "Attempt", page: str) -> "Secret":
    console = session.console
    with doors.await_browser(attempt) as redirect:
        console.advise("Let ccops in on this page of Kit; it should open in your browser by itself:")
        console.note(page)
        console.advise("Waiting until Kit sends the browser back … (Ctrl-C to stop)")
        # On a thread: some browsers return only when they are closed.
        threading.Thread(target=_open, args=(page,), daemon=True).start()
        return redirect.wait(_WAIT)


def _open(page: str) -> None:
    import webbrowser

    webbrowser.open(page)


def _pasted(session: "Session", attempt: "Attempt", page: str) -> "Secret":
    from ccops.crm.oauth import Denied

    def check(text: str) -> "Secret | Denied":
        try:
            return attempt.code_in(text)
        except Denied as denied:  # which asking again would not change
            return denied

    console = session.console
    console.advise("Open this page in a browser, on any machine, and let ccops in:")
    console.note(page)
    console.advise(
        f"The browser then goes to an address that begins with {attempt.redirect} and may show an error there, which "
        "does not matter. Copy that whole address from the browser's address bar, or the code in it."
    )
    answer = session.questions.ask("Address or code:", check, option="the code at a terminal")
    if isinstance(answer, Denied):
        raise answer
    return answer

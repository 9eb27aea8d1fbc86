"""How a command ends: every error as a sentence with what mends it, and the exit status."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

from typer._click.exceptions import ClickException, NoArgsIsHelpError
from typer.exceptions import Abort

from ccops.cli.console import Console
from ccops.cli.correction import repeated
from ccops.cli.exits import BUG, FINE, INTERRUPTED, NEEDS_A_PERSON, status_of, worst
from ccops.cli.session import Session
from ccops.cli.signals import terminable
from ccops.cli.styles import Part, Styled
from ccops.cli.usage import mistake
from ccops.errors import CcopsError, as_onlooker

_LABEL: Final = "error: "
_BUG: Final = "internal error: "
_HOUSE: Final = Path(__file__).parents[1]


def ending(session: Session, work: Callable[[], object]) -> int:
    """Do the work and return the exit status; a command returns its status, or nothing if all went well."""
    with terminable(session.stop):
        status = _guarded(session, work)
        if (
            status == INTERRUPTED
            and (session.stop.broken_off or session.stop.status is None)
            and session.console.err.is_terminal
        ):
            session.console.err.line()  # leaves the line with the terminal's ^C
            session.console.err.line("Stopped. Nothing is lost, and the same command again is safe.")
        closing = _guarded(session, session.resources.close)
        if session.stop.insisted:
            _say_how_to_go_on(session)
        if session.stop.broken_off and session.stop.status is not None:
            status = worst([status, session.stop.status])
    output = session.console.out.failure
    if output:
        session.console.err.line(Styled(_LABEL, "bad"), f"the answer could not be written: {output}")
    return worst([status, closing, NEEDS_A_PERSON if output else FINE])


def _say_how_to_go_on(session: Session) -> None:
    """Say, once the work was broken off, that nothing is lost, and the command that goes on."""
    session.console.err.line("Stopped at once. Nothing is lost: the same command goes on where it stopped.")
    again = repeated(session.argv)
    if again:
        session.console.err.line(" " * len(_LABEL), session.hide(again))


def _guarded(session: Session, work: Callable[[], object]) -> int:
    try:
        status = work()
    except (ClickException, CcopsError, Abort, KeyboardInterrupt) as error:
        return _told(session, error)
    except SystemExit as ended:  # TERM, a second Ctrl-C, and what Typer does after installing completion
        return ended.code if isinstance(ended.code, int) else FINE
    except Exception as error:  # noqa: BLE001 - whatever is left is a mistake of ours, and shown as such
        return _bug(session, error)
    return status if isinstance(status, int) else FINE


def _told(session: Session, error: BaseException) -> int:
    if session.debug:
        traceback.print_exception(error)
    if isinstance(error, NoArgsIsHelpError):
        session.console.out.raw(error.format_message() + "\n")
        return FINE
    known = mistake(error, session.argv) if isinstance(error, ClickException) else error
    if not isinstance(known, CcopsError):
        return INTERRUPTED
    said = as_onlooker if session.only_shows or session.has_sent else str
    show(session.console, known, hide=session.hide, said=said)
    return status_of(known)


def show(
    console: Console,
    error: CcopsError,
    *,
    mended: bool = True,
    hide: Callable[[str], str] = lambda text: text,
    said: Callable[[CcopsError], str] = str,
) -> None:
    """Print an error and, if `mended`, what mends it on lines of their own that can be copied.

    `hide` takes out what nobody may see, `said` puts the error into words.
    """
    indent = " " * len(_LABEL)
    label: Part = Styled(_LABEL, "bad")
    for text in hide(said(error)).splitlines() or [""]:
        for line in console.err.fit(text, taken=len(_LABEL)):
            console.err.line(label, line)
            label = indent
    for line in hide(error.mend).splitlines() if mended else ():
        console.err.line(indent, line)


def _bug(session: Session, error: Exception) -> int:
    """Show a mistake of ours: its kind and place only, since its text may hold what no one should see."""
    if session.debug:
        traceback.print_exception(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = next((frame for frame in reversed(frames) if _HOUSE in Path(frame.filename).parents), frames[-1])
    where = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
    label: Part = Styled(_BUG, "bad")
    for line in session.console.err.fit(f"{where}. This is a mistake in ccops, not yours.", taken=len(_BUG)):
        session.console.err.line(label, line)
        label = " " * len(_BUG)
    session.console.err.line("What was begun is in the ledger; the same command again is safe.")
    if not session.debug:
        session.console.err.line("The same words with --debug show where it happened; please report that.")
    return BUG

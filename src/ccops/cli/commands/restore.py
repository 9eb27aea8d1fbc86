"""`ccops restore`: a home from a backup."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccops.cli.command_line import command, new_app
from ccops.cli.commands.backup import what_is_in
from ccops.cli.context import session_of
from ccops.cli.exit_status import FINE, NEEDS_A_PERSON
from ccops.cli.options import YesOption
from ccops.errors import CcopsError
from ccops.text import clean

if TYPE_CHECKING:
    from ccops.backup.contents import Manifest
    from ccops.backup.restore import Restored
    from ccops.cli.context import Session

app = new_app()

SourceArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A file that ccops backup has made.")]


@command(
    app,
    "restore",
    """
    ccops restore /media/usb/ccops.tar.gz
    ccops restore /media/usb/ccops.tar.gz --home ~/ccops-old
    ccops restore /media/usb/ccops.tar.gz --yes
    """,
)
def restore_home(ctx: typer.Context, file: SourceArgument, yes: YesOption = False) -> int:
    """Put a backup back, and say what is not known any more.

    Everything in it is checked first. What is in the home is moved aside, never deleted. What was done after the
    backup is missing in its ledger: if a contact shows it, nothing is written before you have said how to go on.
    """
    return put_back(session_of(ctx), file.expanduser().absolute(), yes=yes)


def put_back(session: "Session", file: Path, *, yes: bool) -> int:
    """Ask if something is in the way, put the backup into the home, and say what that means."""
    from ccops.backup.contents import manifest_of
    from ccops.backup.restore import in_place, restore_home

    home, console, manifest = session.home, session.console, manifest_of(file)
    if in_place(home):
        console.advise(f"The backup is of {_when(session, manifest)}: {what_is_in(manifest)}.")
        _warn_of_newer(session, manifest)
        question = f"Put it into {clean(str(home.path))}? What is there is moved aside."
        if not yes and not session.questions.confirm(question):
            console.note("Nothing was changed.")
            return NEEDS_A_PERSON
    _tell(session, restore_home(home, file, session.clock.now()))
    return FINE


def _warn_of_newer(session: "Session", manifest: "Manifest") -> None:
    """Say how much more the ledger knows that is to be moved aside; one that can't be read is no reason to stop."""
    from ccops.ledger.snapshot import look_at

    ledger = session.home.ledger
    try:
        present = look_at(ledger) if ledger.exists() else None
    except CcopsError:
        return
    if present is not None and present.account[0] == manifest.account.id and present.highest > manifest.highest:
        session.console.warn(
            f"the ledger that is there goes up to e{present.highest}, the backup only up to e{manifest.highest}: what "
            "is in between would not be known any more"
        )


def _tell(session: "Session", done: "Restored") -> None:
    console, home, manifest = session.console, session.home, done.manifest
    console.tell(
        f"Restored into {clean(str(home.path))}, as it was on {_when(session, manifest)}: {what_is_in(manifest)}."
    )
    for path in done.aside:
        console.say(f"  moved aside: {clean(path.name)}")
    console.advise("What was done after that moment is not known to this ledger; Kit still shows what came of it.")
    console.advise("If the home that was saved is still at work anywhere, stop it: two of them would count twice.")
    console.note("Next:")
    steps = {"init --take-over": "finds whom the lost part changed, and asks before it goes on"}
    if not manifest.secrets and not session.settings.sandbox:
        steps = {"login": "the backup holds no key"} | steps
    steps |= {"doctor": "checks everything"}
    ccops, widest = _ccops(session), max(map(len, steps))
    for words, what in steps.items():
        console.advise(what, f"  {ccops} {words:<{widest}}   ")


def _ccops(session: "Session") -> str:
    """Write how ccops is called for this very home: what comes next must not act on another."""
    named = any(word.split("=")[0] == "--home" for word in session.argv)
    return shlex.join(["ccops", "--home", str(session.home.path)]) if named else "ccops"


def _when(session: "Session", manifest: "Manifest") -> str:
    from ccops.cli.outcome_view import long_time

    try:
        zone = session.registry.timezone
    except CcopsError:  # there is none yet, or it has mistakes
        zone = "UTC"
    return f"{long_time(manifest.made_at, zone)} ({zone.rpartition('/')[2].replace('_', ' ')})"

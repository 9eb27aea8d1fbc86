"""`ccops backup`: a consistent copy of the home, while it is in use."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccops.cli.command_line import command, new_app
from ccops.cli.context import session_of
from ccops.cli.options import Quiet
from ccops.errors import CcopsError
from ccops.text import clean

if TYPE_CHECKING:
    from ccops.backup.contents import Manifest
    from ccops.backup.pack import BackupMade
    from ccops.cli.context import Session

app = new_app()

TargetArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="The file to write, or a folder: then it is named by account and time.")
]
WithoutSecrets = Annotated[bool, typer.Option("--without-secrets", help="Leave all keys and secrets out.")]


@command(
    app,
    "backup",
    """
    ccops backup /media/usb/ccops.tar.gz
    ccops backup /srv/backups
    ccops backup /srv/backups --without-secrets --quiet
    """,
)
def backup(
    ctx: typer.Context,
    file: TargetArgument,
    without_secrets: WithoutSecrets = False,
    quiet: Quiet = False,  # noqa: ARG001
) -> None:
    """Save the home to one file, while it is in use.

    The file holds the ledger, the operations and the settings as they are at one moment, and the keys in them: keep it
    where nobody else can read it. An older backup of that name is replaced. To put it back: ccops restore FILE
    """
    save(session_of(ctx), file, secrets=not without_secrets)


def save(session: "Session", file: Path, *, secrets: bool) -> None:
    """Make a backup, note when, and say what it holds."""
    from ccops.backup.pack import pack

    home, now = session.home, session.clock.now()
    made = pack(home, session.ledger, file.expanduser().absolute(), now, secrets=secrets)
    try:
        session.ledger.identity.note_backup(now)
    except CcopsError as error:  # the backup is there all the same
        session.console.warn(f"when it was made could not be noted in the ledger: {error}")
    _tell(session, made)


def _tell(session: "Session", made: "BackupMade") -> None:
    from ccops.app.doctor.findings import size

    console, rehearses = session.console, session.settings.sandbox
    what = what_is_in(made.manifest, keys=not rehearses)
    # What goes to stdout with the backup itself would damage it.
    say = console.advise if made.on_stdout else console.tell
    say(f"Saved to {clean(str(made.file))}, {size(made.size)}: {what}.")
    if made.manifest.secrets and not rehearses:
        console.advise(
            "It holds your keys: whoever gets the file can change all your contacts. Only you can read it; keep every "
            "copy as safe as that, or leave the keys out: --without-secrets"
        )
    if session.home.path in made.file.parents:
        console.warn("it lies in the home itself: what takes the one takes the other; copy it to another disk")


def what_is_in(manifest: "Manifest", *, keys: bool = True) -> str:
    """Say whose ledger is in a backup, and how far it goes; `keys` if it has any that may be left out."""
    from ccops.app.doctor.findings import count

    with_keys = (", with the keys" if manifest.secrets else ", without keys") if keys else ""
    upto = f", up to e{manifest.highest}" if manifest.highest else ""
    entries = count(manifest.entries, "entry", "entries")
    return f"{entries} of {clean(manifest.account.name)} ({manifest.account.id}){upto}{with_keys}"

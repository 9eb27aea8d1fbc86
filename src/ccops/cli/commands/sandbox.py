"""`ccops sandbox`: the stand-in for Kit, running in the foreground until it is asked to stop."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccops.cli.command_line import command, new_app
from ccops.cli.commands.login import REHEARSAL
from ccops.cli.context import session_of
from ccops.cli.rejects import FileNotWritable, reason_of
from ccops.files import regular_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ccops.sandbox.sandbox import Sandbox

app = new_app()

PORT: Final = 8484

Port = Annotated[int, typer.Option("--port", metavar="N", min=0, max=65535, help="Where it listens; 0: any free port.")]
Lag = Annotated[
    float, typer.Option("--lag", metavar="S", min=0, max=3600, help="Lists show what was so many seconds ago.")
]
Rate = Annotated[int, typer.Option("--rate", metavar="N", min=0, help="Requests let through in 60 s; 0: all.")]
FileOption = Annotated[Path | None, typer.Option("--file", metavar="FILE", help="Keep the contacts in this file.")]


@command(
    app,
    "sandbox",
    """
    ccops sandbox
    ccops sandbox --port 0 --file contacts.sqlite3
    ccops sandbox --lag 30 --rate 120
    """,
)
def sandbox(ctx: typer.Context, port: Port = PORT, lag: Lag = 0, rate: Rate = 0, file: FileOption = None) -> None:
    """Run a local stand-in for Kit, to try things out.

    It speaks Kit's API v4 on this machine only, with eight example contacts, until Ctrl-C. Kit itself is often slower:
    --lag 30 --rate 120 is how it usually is.
    """
    from ccops.cli.signals import finishing
    from ccops.sandbox.sandbox import Sandbox

    session = session_of(ctx)
    if file is not None:
        _demand_file(file)
    with finishing(session.stop), Sandbox(file, port=port, lag=lag, rate=rate) as kit:
        for line in _guide(kit, file):
            session.console.out.line(line)
        session.stop.event.wait()
    session.console.note("The sandbox has stopped.")


def _demand_file(path: Path) -> None:
    """Demand that a database can be kept there. Raises FileNotWritable."""
    try:
        regular_file(path)
    except OSError as error:
        raise FileNotWritable(path, reason_of(error)) from error


def _guide(kit: "Sandbox", file: Path | None) -> "Iterator[str]":
    """Say where it is, and give the lines to copy."""
    url, key = kit.url, kit.settings.key
    yield f"A stand-in for Kit listens at {url} (key: {key}). Ctrl-C stops it."
    yield "Its contacts are kept in memory and gone then." if file is None else f"Its contacts are kept in {file}."
    yield ""
    yield "To use it from another terminal, with a home of its own:"
    yield '  export CCOPS_HOME="$(mktemp -d)" CCOPS_RATE=0'
    yield f"  export KIT_API_URL={url} KIT_API_KEY={key}"
    yield "  ccops init --yes"
    yield "  ccops op add payment-credit --field credits --increase 10 --tag"
    yield "  ccops run payment-credit ann@example.org"
    yield ""
    yield "To rehearse a login with OAuth there, which is let in unasked:"
    yield f"  {REHEARSAL}"
    yield ""
    yield "From any program that speaks Kit's API v4:"
    yield f"  curl -H 'X-Kit-Api-Key: {key}' '{url}/v4/subscribers?status=all'"
    yield ""
    yield "To lose the answer to the next write, and see that ccops counts it once:"
    yield f"""  curl {url}/_sandbox/faults -d '{{"kind": "reset", "method": "PUT", "when": "after"}}'"""

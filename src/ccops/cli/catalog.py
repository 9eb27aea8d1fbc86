"""Which commands there are, in the order of the help; none of their modules is loaded to know it."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    import typer

Heading = Literal["Start", "Set up", "Do", "Look", "Mend"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A command of the first level: its place in the help, and where its Typer app is (`module:attribute`)."""

    name: str
    heading: Heading
    sentence: str
    """What it does, without a full stop; the first line of its own help says the same."""
    place: str

    def load(self) -> "typer.Typer":
        """Import the command's module and return its app."""
        module, _, attribute = self.place.partition(":")
        app: typer.Typer = getattr(import_module(module), attribute)
        return app


CATALOG: Final = (
    Listed("demo", "Start", "See the whole story in a throw-away home", "ccops.cli.demo.app:app"),
    Listed("init", "Start", "Set up the home: key, receipt field, settings, ledger", "ccops.cli.init:app"),
    Listed("login", "Start", "Check and store a new key, or log in with OAuth", "ccops.cli.login:app"),
    Listed("logout", "Start", "Forget the stored key, and end a login with OAuth", "ccops.cli.logout:app"),
    Listed("doctor", "Start", "Check everything, and say what mends it", "ccops.cli.doctor:app"),
    Listed("op", "Set up", "Make, look at and change operations", "ccops.cli.op.app:app"),
    Listed("tag", "Set up", "Make, bind and unbind trigger tags", "ccops.cli.tag.app:app"),
    Listed("schedule", "Set up", "Print the line by which cron or systemd starts ccops", "ccops.cli.schedule.app:app"),
    Listed("webhook", "Set up", "Let Kit and other systems reach ccops serve", "ccops.cli.webhook.app:app"),
    Listed("run", "Do", "Apply an operation to contacts", "ccops.cli.run.app:app"),
    Listed("adjust", "Do", "Change one field of one contact, once", "ccops.cli.adjust:app"),
    Listed("import", "Do", "Change a field by the rows of a CSV, each of them once", "ccops.cli.importing.app:app"),
    Listed("poll", "Do", "Run operations for the contacts that carry their trigger tags", "ccops.cli.poll:app"),
    Listed("serve", "Do", "Receive webhooks and POSTs and work them off", "ccops.cli.serve:app"),
    Listed("balance", "Look", "Show contacts' fields now, and what led there", "ccops.cli.balance.app:app"),
    Listed("history", "Look", "Show what was done, newest first", "ccops.cli.history.app:app"),
    Listed("why", "Look", "Say why an operation ran for a contact or did not", "ccops.cli.why.app:app"),
    Listed("report", "Look", "Show balances, grants, refusals, and what needs you", "ccops.cli.report.app:app"),
    Listed("reconcile", "Look", "Compare a field in Kit with what ccops wrote last", "ccops.cli.reconcile.app:app"),
    Listed("undo", "Mend", "Take back what entries changed", "ccops.cli.undo:app"),
    Listed("settle", "Mend", "Bring open entries to their end, and list those that need you", "ccops.cli.settle:app"),
    Listed("backup", "Mend", "Save the home to one file, while it is in use", "ccops.cli.backup:app"),
    Listed("restore", "Mend", "Put a backup back, and say what is not known any more", "ccops.cli.restore:app"),
    Listed("sandbox", "Mend", "Run a local stand-in for Kit, to try things out", "ccops.cli.sandbox:app"),
)

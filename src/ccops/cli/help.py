"""Help texts as lines: what it does, how it is called, its options, and examples to copy."""

import inspect
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal

from typer.core import TyperArgument, TyperOption

from ccops.cli.output import Styled, StyledLine

if TYPE_CHECKING:
    import typer

Heading = Literal["Start", "Set up", "Do", "Look", "Mend"]


@dataclass(frozen=True, slots=True)
class CommandEntry:
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
    CommandEntry("demo", "Start", "See the whole story in a throw-away home", "ccops.cli.commands.demo:app"),
    CommandEntry(
        "init", "Start", "Set up the home: key, receipt field, settings, ledger", "ccops.cli.commands.init:app"
    ),
    CommandEntry("login", "Start", "Check and store a new key, or log in with OAuth", "ccops.cli.commands.login:app"),
    CommandEntry(
        "logout", "Start", "Forget the stored key, and end a login with OAuth", "ccops.cli.commands.logout:app"
    ),
    CommandEntry("doctor", "Start", "Check everything, and say what mends it", "ccops.cli.commands.doctor:app"),
    CommandEntry("op", "Set up", "Make, look at and change operations", "ccops.cli.commands.op:app"),
    CommandEntry("tag", "Set up", "Make, bind and unbind trigger tags", "ccops.cli.commands.tag:app"),
    CommandEntry(
        "schedule", "Set up", "Print the line by which cron or systemd starts ccops", "ccops.cli.commands.schedule:app"
    ),
    CommandEntry("webhook", "Set up", "Let Kit and other systems reach ccops serve", "ccops.cli.commands.webhook:app"),
    CommandEntry("run", "Do", "Apply an operation to contacts", "ccops.cli.commands.run:app"),
    CommandEntry("adjust", "Do", "Change one field of one contact, once", "ccops.cli.commands.adjust:app"),
    CommandEntry(
        "import", "Do", "Change a field by the rows of a CSV, each of them once", "ccops.cli.commands.import_csv:app"
    ),
    CommandEntry(
        "poll", "Do", "Run operations for the contacts that carry their trigger tags", "ccops.cli.commands.poll:app"
    ),
    CommandEntry("serve", "Do", "Receive webhooks and POSTs and work them off", "ccops.cli.commands.serve:app"),
    CommandEntry("balance", "Look", "Show contacts' fields now, and what led there", "ccops.cli.commands.balance:app"),
    CommandEntry("history", "Look", "Show what was done, newest first", "ccops.cli.commands.history:app"),
    CommandEntry("why", "Look", "Say why an operation ran for a contact or did not", "ccops.cli.commands.why:app"),
    CommandEntry(
        "report", "Look", "Show balances, grants, refusals, and what needs you", "ccops.cli.commands.report:app"
    ),
    CommandEntry(
        "reconcile", "Look", "Compare a field in Kit with what ccops wrote last", "ccops.cli.commands.reconcile:app"
    ),
    CommandEntry("undo", "Mend", "Take back what entries changed", "ccops.cli.commands.undo:app"),
    CommandEntry(
        "settle",
        "Mend",
        "Bring open entries to their end, and list those that need you",
        "ccops.cli.commands.settle:app",
    ),
    CommandEntry("backup", "Mend", "Save the home to one file, while it is in use", "ccops.cli.commands.backup:app"),
    CommandEntry(
        "restore", "Mend", "Put a backup back, and say what is not known any more", "ccops.cli.commands.restore:app"
    ),
    CommandEntry(
        "sandbox", "Mend", "Run a local stand-in for Kit, to try things out", "ccops.cli.commands.sandbox:app"
    ),
)


# ---- help texts as lines: what it does, how it is called, its options, and examples to copy

_WIDEST_TERM: Final = 26
_GAP: Final = 3
_OWN_WORDS: Final = {
    "--help": "Show this help.",
    "--install-completion": "Let the Tab key complete commands in your shell.",
    "--show-completion": "Print the shell's lines for that instead.",
}
"""What we say about the options that Typer adds."""

HelpRow = tuple[str, str]


def section(title: str, rows: Sequence[HelpRow], width: int) -> Iterator[StyledLine]:
    """Lay out terms and their meanings under a title; nothing if there are none."""
    if rows:
        yield ()
        yield (Styled(title, "bold"),)
        indent = min(max(len(term) for term, _ in rows), _WIDEST_TERM) + _GAP + 2
        for term, meaning in rows:
            yield from ((line,) for line in _row(term, meaning, indent, width))


def _row(term: str, meaning: str, indent: int, width: int) -> Iterator[str]:
    lines = textwrap.wrap(meaning, max(width - indent, _WIDEST_TERM), break_on_hyphens=False) or [""]
    if len(term) + 2 + _GAP > indent:
        yield f"  {term}"
    else:
        yield f"  {term:<{indent - 2}}{lines.pop(0)}".rstrip()
    yield from (" " * indent + line for line in lines)


def prose(text: str, width: int) -> Iterator[StyledLine]:
    """Wrap paragraphs to the width."""
    for number, paragraph in enumerate(inspect.cleandoc(text).split("\n\n")):
        if number:
            yield ()
        yield from ((line,) for line in textwrap.wrap(paragraph, width, break_on_hyphens=False))


def block(title: str, text: str) -> Iterator[StyledLine]:
    """Show a text under a title, line by line as it stands, so that it can be copied."""
    if text.strip():
        yield ()
        yield (Styled(title, "bold"),)
        yield from ((f"  {line}".rstrip(),) for line in inspect.cleandoc(text).splitlines())


def usage(path: str, arguments: Sequence[TyperArgument]) -> str:
    """Write how a command is called: `ccops run OPERATION [CONTACT]... [options]`."""
    return " ".join([path, *map(_called, arguments), "[options]"])


def _called(argument: TyperArgument) -> str:
    name = argument.metavar or argument.name.upper()
    return (name if argument.required else f"[{name}]") + ("..." if argument.nargs == -1 else "")


def argument_rows(arguments: Sequence[TyperArgument]) -> list[HelpRow]:
    """Return the arguments that have something to be said about them."""
    return [(argument.metavar or argument.name.upper(), argument.help) for argument in arguments if argument.help]


def option_sections(options: Sequence[TyperOption], width: int) -> Iterator[StyledLine]:
    """Lay out options, under the panel that each names, else under "Options" at the end."""
    shown = [option for option in options if not option.hidden]
    panels = dict.fromkeys(option.rich_help_panel for option in shown if option.rich_help_panel)
    for panel in panels:
        rows = [option_row(option) for option in shown if option.rich_help_panel == panel]
        yield from section(panel, rows, width)
    yield from section("Options", [option_row(option) for option in shown if not option.rich_help_panel], width)


def option_row(option: TyperOption) -> HelpRow:
    """Return how an option is written, and what it does."""
    names = ", ".join(sorted(option.opts, key=len)) + "".join(f" / {name}" for name in option.secondary_opts)
    value = "" if option.is_flag else f" {option.metavar or _choices(option)}"
    own = (_OWN_WORDS[name] for name in option.opts if name in _OWN_WORDS)
    return names + value, next(own, option.help or "")


def _choices(option: TyperOption) -> str:
    return "|".join(map(str, option.type_descriptor.choices or ("TEXT",)))


def catalog_sections(width: int) -> Iterator[StyledLine]:
    """List all commands of the first level under their headings."""
    term = max(len(listed.name) for listed in CATALOG)
    headings = dict.fromkeys(listed.heading for listed in CATALOG)
    for heading in headings:
        rows = [_listed_row(listed, term) for listed in CATALOG if listed.heading == heading]
        yield from section(heading, rows, width)


def _listed_row(listed: CommandEntry, width: int) -> HelpRow:
    return listed.name.ljust(width), listed.sentence

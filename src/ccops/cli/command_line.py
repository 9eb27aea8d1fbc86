"""Commands and groups of commands with our help, our words for mistakes, and loading on demand."""

import inspect
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import fields, is_dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any, Final, TypeVar, get_type_hints

import typer
import typer.main
from typer._click import Command, Context, HelpFormatter
from typer._click import Command as AnyCommand
from typer._click.core import Parameter
from typer._click.exceptions import ClickException, NoArgsIsHelpError, UsageError
from typer._click.shell_completion import CompletionItem
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.exceptions import Abort

from ccops.cli import completion
from ccops.cli.context import Session, session_of
from ccops.cli.errors import BadValue, TooManyWords, UnknownCommand, mistake, name_of, path_of, repeated
from ccops.cli.exit_status import BUG, FINE, INTERRUPTED, NEEDS_A_PERSON, status_of, worst
from ccops.cli.help import CATALOG, argument_rows, block, catalog_sections, option_sections, prose, section, usage
from ccops.cli.output import Console, Styled, StyledLine, StyledPart, painted, text_of
from ccops.cli.signals import terminable
from ccops.errors import CcopsError, as_onlooker
from ccops.files import path_fault
from ccops.text import text_fault

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
    show_error(session.console, known, hide=session.hide, said=said)
    return status_of(known)


def show_error(
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
    label: StyledPart = Styled(_LABEL, "bad")
    for text in hide(said(error)).splitlines() or [""]:
        for line in console.err.fit(text, taken=len(_LABEL)):
            console.err.line(label, line)
            label = indent
    for line in hide(error.mend).splitlines() if mended else ():
        console.err.line(indent, console.spell(line))


def _bug(session: Session, error: Exception) -> int:
    """Show a mistake of ours: its kind and place only, since its text may hold what no one should see."""
    if session.debug:
        traceback.print_exception(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = next((frame for frame in reversed(frames) if _HOUSE in Path(frame.filename).parents), frames[-1])
    where = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
    label: StyledPart = Styled(_BUG, "bad")
    for line in session.console.err.fit(f"{where}. This is a mistake in ccops, not yours.", taken=len(_BUG)):
        session.console.err.line(label, line)
        label = " " * len(_BUG)
    session.console.err.line("What was begun is in the ledger; the same command again is safe.")
    if not session.debug:
        session.console.err.line("The same words with --debug show where it happened; please report that.")
    return BUG


# ---- the values of a command line, checked where they come in, before anything is done with them

LONGEST_TEXT: Final = 10_000
"""Characters of a text."""
LARGEST: Final = 1_000_000_000
"""The largest number of rows, seconds and the like; amounts of credits have a rule of their own."""
_PATHS: Final = frozenset({"FILE", "DIR"})
"""The metavars of what is a path."""


def check_values(command: Command, ctx: Context, args: Sequence[str]) -> None:
    """Demand that each value can be what its option or argument takes. Raises BadValue."""
    try:
        given, _, _ = command.make_parser(ctx).parse_args(args=list(args))
    except UsageError:
        return  # the parsing that follows says so
    for param in command.get_params(ctx):
        for value in _words(given.get(param.name)):
            fault = _fault(param, value)
            if fault:
                raise BadValue(path_of(ctx), name_of(param), fault)


def _words(value: object) -> Iterator[str]:
    """Give the words that one option or argument got."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        yield from (word for word in value if isinstance(word, str))


def _fault(param: Parameter, word: str) -> str | None:
    if param.metavar in _PATHS:
        return path_fault(word)
    kind = param.type_descriptor.annotation if hasattr(param, "type_descriptor") else None
    return text_fault(word, LONGEST_TEXT) or (_number_fault(word) if kind in {int, float} else None)


def _number_fault(word: str) -> str | None:
    """Say why a number can't be meant; what is no number at all is the parser's to say."""
    try:
        number = float(word)
    except ValueError:
        return None
    if math.isnan(number):
        return "takes a number"
    return f"takes a number up to {LARGEST:,}" if abs(number) > LARGEST else None


# ---- commands and groups of commands with our help, our words for mistakes, and loading on demand

_EVERYWHERE = ("home", "debug")
"""Options of the program that are accepted after any command too."""
_WIDEST_HELP = 100


class CliCommand(TyperCommand):
    """A command with our help, and options whose value may be left out (`--tag [TAG]`, by their metavar)."""

    allow_extra_args = True  # so that it is us who speak about them

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Return the command's parameters and those that hold everywhere."""
        return [*super().get_params(ctx), *_inherited(ctx)]

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Parse; an option whose value may be left out and is, gets an empty one."""
        optional = {
            name
            for param in self.params
            if isinstance(param, TyperOption) and (param.metavar or "").startswith("[")
            for name in param.opts
        }
        args = _with_values(args, optional)
        if not ctx.resilient_parsing:
            check_values(self, ctx, args)
        try:
            extra = super().parse_args(ctx, args)
        except UsageError as error:
            error.ctx = error.ctx or ctx  # the parser leaves it out when a value is missing
            raise
        if extra and not ctx.resilient_parsing:
            raise TooManyWords(path_of(ctx), len(extra))
        return extra

    def get_help_option(self, ctx: Context) -> TyperOption | None:
        """Return --help."""
        return _ours(super().get_help_option(ctx))

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the help page."""
        width = _width(ctx)
        arguments = [param for param in self.params if isinstance(param, TyperArgument)]
        options = [param for param in super().get_params(ctx) if isinstance(param, TyperOption)]
        _write(ctx, formatter, prose(self.help or "", width))
        _write(ctx, formatter, block("Usage", usage(path_of(ctx), arguments)))
        _write(ctx, formatter, section("Arguments", argument_rows(arguments), width))
        _write(ctx, formatter, option_sections(options, width))
        _write(ctx, formatter, block("Examples", self.epilog or ""))


class CliGroup(TyperGroup):
    """A command made of commands."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Return the group's parameters and those that hold everywhere."""
        return [*super().get_params(ctx), *_inherited(ctx)]

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Parse the options before the command's name."""
        if not ctx.resilient_parsing:
            check_values(self, ctx, args)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, AnyCommand | None, list[str]]:
        """Find the command that is meant. Raises UnknownCommand."""
        command = self.get_command(ctx, args[0])
        if command is None and not ctx.resilient_parsing:
            raise UnknownCommand(path_of(ctx), args[0], self.list_commands(ctx), ctx.obj.argv)
        return args[0], command, args[1:]

    def command_sections(self, ctx: Context, width: int) -> Iterator[StyledLine]:
        """List the commands with what each does."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, _sentence(command)) for name, command in commands if command and not command.hidden]
        yield from section("Commands", rows, width)

    def get_help_option(self, ctx: Context) -> TyperOption | None:
        """Return --help."""
        return _ours(super().get_help_option(ctx))

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the help page."""
        width = _width(ctx)
        options = [param for param in super().get_params(ctx) if isinstance(param, TyperOption)]
        _write(ctx, formatter, prose(self.help or "", width))
        _write(ctx, formatter, block("Usage", f"{path_of(ctx)} COMMAND [options]"))
        _write(ctx, formatter, self.command_sections(ctx, width))
        _write(ctx, formatter, option_sections(options, width))
        _write(ctx, formatter, block("Examples", self.epilog or ""))


class Program(CliGroup):
    """The program itself: commands are loaded when they are called, and every ending gets its exit status."""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 - Typer's signature
        """Return the names of all commands."""
        return [listed.name for listed in CATALOG]

    def get_command(self, ctx: Context, cmd_name: str) -> AnyCommand | None:  # noqa: ARG002
        """Load a command."""
        found = next((listed for listed in CATALOG if listed.name == cmd_name), None)
        return typer.main.get_command(found.load()) if found else None

    def command_sections(self, ctx: Context, width: int) -> Iterator[StyledLine]:  # noqa: ARG002
        """List the commands under their headings."""
        yield from catalog_sections(width)

    def shell_complete(self, ctx: Context, incomplete: str) -> list[CompletionItem]:
        """Complete the names of commands without loading them, and options."""
        if not incomplete.startswith("-"):
            found = (listed for listed in CATALOG if listed.name.startswith(incomplete))
            return [CompletionItem(listed.name, help=listed.sentence) for listed in found]
        return super().shell_complete(ctx, incomplete)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002
        windows_expand_args: bool = True,  # noqa: ARG002
        **extra: Any,
    ) -> Any:
        """Run one command line and exit with its status; the real program and CliRunner both come through here.

        A caller in this process may hand in a `clock`, which then takes the place of the machine's.
        """
        argv = list(sys.argv[1:] if args is None else args)
        session = Session(argv, os.environ, extra.pop("clock", None))
        extra |= {"standalone_mode": False, "obj": session}
        for param in self.params:
            if param.name in completion.OPTIONS and param.callback is not None:
                param.callback = completion.through_console(param.callback)
        run = partial(super().main, argv, prog_name or "ccops", complete_var, **extra)
        sys.exit(ending(session, run))

    def _main_shell_completion(
        self, ctx_args: MutableMapping[str, Any], prog_name: str, complete_var: str | None = None
    ) -> None:
        completion.complete(
            ctx_args["obj"], lambda: super(Program, self)._main_shell_completion(ctx_args, prog_name, complete_var)
        )


def _ours(option: TyperOption | None) -> TyperOption | None:
    """Let --help print through our console."""
    if option is not None:
        option.callback = completion.show_help
    return option


def _inherited(ctx: Context) -> list[Parameter]:
    root = ctx.find_root()
    return [] if root is ctx else [param for param in root.command.params if param.name in _EVERYWHERE]


def _with_values(args: Sequence[str], optional: set[str]) -> list[str]:
    """Give the options of `optional` an empty value where no value follows."""
    following = [*args, "-"][1:]
    return [
        f"{word}=" if word in optional and after.startswith("-") else word
        for word, after in zip(args, following, strict=True)
    ]


def _sentence(command: AnyCommand) -> str:
    return (command.help or "").partition("\n")[0].rstrip(".")


def _width(ctx: Context) -> int:
    return min(_session(ctx).console.out.width, _WIDEST_HELP)


def _session(ctx: Context) -> Session:
    session: Session = ctx.obj
    return session


def _write(ctx: Context, formatter: HelpFormatter, lines: Iterator[StyledLine]) -> None:
    show = painted if _session(ctx).console.out.coloured else text_of
    for line in lines:
        formatter.write("".join(map(show, line)) + "\n")


# ---- how a command's module makes its Typer app

Function = TypeVar("Function", bound=Callable[..., object])


def new_app(sentence: str = "", examples: str = "") -> typer.Typer:
    """Return the app of a module: of one command, or of several that are called `ccops NAME COMMAND`.

    For several, `sentence` says what they are for and `examples` are lines to copy.
    """
    return typer.Typer(
        cls=CliGroup,
        help=sentence,
        epilog=examples,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def command(app: typer.Typer, name: str, examples: str, *, looks: bool = False) -> Callable[[Function], Function]:
    """Make a function a command; its docstring is the help, `examples` are lines to copy.

    The function returns its exit status, or None for 0. A parameter that is a dataclass of options is given to
    it as one object. `looks`: it can send nothing, whatever its options.
    """

    def register(function: Function) -> Function:
        app.command(name, cls=CliCommand, epilog=examples)(
            _looking(flattened(function)) if looks else flattened(function)
        )
        return function

    return register


def _looking(function: Callable[..., object]) -> Callable[..., object]:
    """Return a function that says so to the session first."""

    @wraps(function)
    def call(**values: Any) -> object:
        session = session_of(values["ctx"])
        session.looks_only = session.only_shows = True
        return function(**values)

    return call


def flattened(function: Callable[..., object]) -> Callable[..., object]:
    """Return a function that takes the fields of its dataclass parameters one by one, as Typer needs them."""
    hints = get_type_hints(function, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if is_dataclass(hint) and isinstance(hint, type)}

    @wraps(function)
    def call(**values: object) -> object:
        made = {
            name: group(**{part.name: values.pop(part.name) for part in fields(group)})
            for name, group in groups.items()
        }
        return function(**values, **made)

    own = inspect.signature(function).parameters.values()
    parameters = [
        part
        for parameter in own
        for part in (
            _parts(groups[parameter.name])
            if parameter.name in groups
            else [parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)]
        )
    ]
    vars(call)["__signature__"] = inspect.Signature(parameters)
    call.__annotations__ = {part.name: part.annotation for part in parameters}
    return call


def _parts(group: type[Any]) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for part in fields(group):
        yield inspect.Parameter(
            part.name, inspect.Parameter.KEYWORD_ONLY, default=part.default, annotation=hints[part.name]
        )

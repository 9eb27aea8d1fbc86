"""Commands and groups of commands with our help, our words for mistakes, and loading on demand."""

import os
import sys
from collections.abc import Iterator, MutableMapping, Sequence
from functools import partial
from typing import Any

import typer.main
from typer._click import Command as AnyCommand
from typer._click import Context, HelpFormatter
from typer._click.core import Parameter
from typer._click.exceptions import UsageError
from typer._click.shell_completion import CompletionItem
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from ccops.cli import completion
from ccops.cli import help as texts
from ccops.cli.catalog import CATALOG
from ccops.cli.ending import ending
from ccops.cli.session import Session
from ccops.cli.styles import Line, painted, text_of
from ccops.cli.usage import TooManyWords, UnknownCommand, path_of
from ccops.cli.values import check_values

_EVERYWHERE = ("home", "debug")
"""Options of the program that are accepted after any command too."""
_WIDEST_HELP = 100


class Command(TyperCommand):
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
        _write(ctx, formatter, texts.prose(self.help or "", width))
        _write(ctx, formatter, texts.block("Usage", texts.usage(path_of(ctx), arguments)))
        _write(ctx, formatter, texts.section("Arguments", texts.argument_rows(arguments), width))
        _write(ctx, formatter, texts.option_sections(options, width))
        _write(ctx, formatter, texts.block("Examples", self.epilog or ""))


class Group(TyperGroup):
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

    def command_sections(self, ctx: Context, width: int) -> Iterator[Line]:
        """List the commands with what each does."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, _sentence(command)) for name, command in commands if command and not command.hidden]
        yield from texts.section("Commands", rows, width)

    def get_help_option(self, ctx: Context) -> TyperOption | None:
        """Return --help."""
        return _ours(super().get_help_option(ctx))

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the help page."""
        width = _width(ctx)
        options = [param for param in super().get_params(ctx) if isinstance(param, TyperOption)]
        _write(ctx, formatter, texts.prose(self.help or "", width))
        _write(ctx, formatter, texts.block("Usage", f"{path_of(ctx)} COMMAND [options]"))
        _write(ctx, formatter, self.command_sections(ctx, width))
        _write(ctx, formatter, texts.option_sections(options, width))
        _write(ctx, formatter, texts.block("Examples", self.epilog or ""))


class Root(Group):
    """The program itself: commands are loaded when they are called, and every ending gets its exit status."""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 - Typer's signature
        """Return the names of all commands."""
        return [listed.name for listed in CATALOG]

    def get_command(self, ctx: Context, cmd_name: str) -> AnyCommand | None:  # noqa: ARG002
        """Load a command."""
        found = next((listed for listed in CATALOG if listed.name == cmd_name), None)
        return typer.main.get_command(found.load()) if found else None

    def command_sections(self, ctx: Context, width: int) -> Iterator[Line]:  # noqa: ARG002
        """List the commands under their headings."""
        yield from texts.catalog_sections(width)

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
            ctx_args["obj"], lambda: super(Root, self)._main_shell_completion(ctx_args, prog_name, complete_var)
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


def _write(ctx: Context, formatter: HelpFormatter, lines: Iterator[Line]) -> None:
    show = painted if _session(ctx).console.out.coloured else text_of
    for line in lines:
        formatter.write("".join(map(show, line)) + "\n")

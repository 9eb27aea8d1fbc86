"""The program `ccops`: the options that hold everywhere, and the entry point."""

import typer
import typer.main

from ccops.cli.command_line import Program
from ccops.cli.options import Debug, HomeFolder, VersionOption
from ccops.cli.signals import heed_no_more

app = typer.Typer(
    name="ccops",
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    rich_markup_mode=None,  # rich's tables are not for help pages: they would load on every --help
    pretty_exceptions_enable=False,  # they show local variables, and one might be a credential
)


@app.callback(
    epilog="""
    ccops op add payment-credit --field credits --increase 10 --tag
    ccops op list
    ccops op show payment-credit --value 95
    """
)
def program(
    home: HomeFolder = None,
    debug: Debug = False,
    version: VersionOption = False,
) -> None:
    """Custom operations for Kit: every occasion counts exactly once."""


def main() -> None:
    """Run the command line of this process."""
    try:
        typer.main.get_command(app)()
    finally:
        heed_no_more()  # all is done; one Ctrl-C more would only tear up the leaving

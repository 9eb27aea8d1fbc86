"""The program `ccops`, also as `python -m ccops` where its folder is not on the PATH."""

_INTERRUPTED = 130
"""As in `ccops.cli.exit_status`, of which nothing may be loaded yet."""


def main() -> None:
    """Load the command line and run it; broken off while it loads, the program has done nothing, and ends quietly."""
    try:
        from ccops.cli.app import main as run
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None
    run()


if __name__ == "__main__":
    main()

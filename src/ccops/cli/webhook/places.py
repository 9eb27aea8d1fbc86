"""Where the world reaches `serve`, and with what webhooks are worked on."""

from typing import TYPE_CHECKING

from ccops.errors import Misconfigured

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.triggers.hooking.bench import Bench


class NoAddress(Misconfigured):
    """Where the world reaches `serve` was neither set nor given."""

    def __init__(self, command: str) -> None:
        self.mend = f"ccops {command} --url https://hooks.example.org"
        super().__init__(
            "it is not known where the world reaches ccops serve. Nothing was changed. Name it, here or as public_url "
            "in config.toml:"
        )


class NoTriggerTag(Misconfigured):
    """An operation has no tag that Kit could tell of."""

    def __init__(self, operation: str) -> None:
        self.mend = f"ccops tag create {operation}"
        super().__init__(f"{operation} has no trigger tag, so Kit has nothing to tell of. Nothing was changed. First:")


class NoTriggerTags(Misconfigured):
    """No operation has a tag that Kit could tell of."""

    mend = "ccops tag create OPERATION"

    def __init__(self) -> None:
        super().__init__("no operation has a trigger tag, so Kit has nothing to tell of. Nothing was changed. First:")


class TooMuchNamed(Misconfigured):
    """An operation was named beside the option for those that are nobody's."""

    mend = "ccops webhook remove --all-left-over"

    def __init__(self) -> None:
        super().__init__("--all-left-over is for those of no operation in use; give it alone. Nothing was changed:")


def bench_of(session: "Session") -> "Bench":
    """Return what webhooks are worked on with; the account has to be the ledger's."""
    from ccops.triggers.hooking.bench import Bench

    return Bench(session.home, session.crm.webhooks, session.clock)


def known_base(session: "Session", url: str | None) -> str | None:
    """Return where the world reaches `serve`, if that is known. Raises PlainHttp and AddressMalformed."""
    from ccops.registry.settings import address_of

    return address_of(url, "--url") if url is not None else session.settings.public_url


def demand_base(session: "Session", url: str | None, command: str) -> str:
    """Return where the world reaches `serve`. Raises NoAddress, PlainHttp and AddressMalformed."""
    base = known_base(session, url)
    if base is None:
        raise NoAddress(command)
    return base

"""What a machine that starts ccops on its own has to be told, since nothing of this shell is there."""

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ccops.registry.config import read_config

if TYPE_CHECKING:
    from ccops.cli.session import Session
    from ccops.registry.config import ConfigTable

_SETTINGS: Final = ("CCOPS_RATE", "CCOPS_SETTLE_AFTER", "CCOPS_ACTOR")
"""Variables that are settings, without secrets."""
_CERTIFICATES: Final = "REQUESTS_CA_BUNDLE"
_PROXIES: Final = ("HTTPS_PROXY", "https_proxy")


def program() -> list[str]:
    """Return the words that start ccops from anywhere; a link, such as pipx makes, outlives updates and stays one."""
    called = Path(sys.argv[0])
    if called.name == "ccops" and called.is_file():
        return [str(called.absolute())]
    return [sys.executable, "-m", "ccops"]


def environment(session: "Session") -> dict[str, str]:
    """Return the variables of this shell that hold settings, and PATH if the key's command has to be found by it."""
    from ccops.cli.keys import check_unsaid

    file = read_config(session.home)
    kept = {name: session.environ[name] for name in _SETTINGS if session.environ.get(name)}
    if not file.sandbox:
        kept |= _way_to_kit(session)
    if file.api_key_command and not file.api_key and session.environ.get("PATH"):
        kept["PATH"] = session.environ["PATH"]
    for name, value in kept.items():
        check_unsaid(session, value, name)
    return kept


def has_key(session: "Session", file: "ConfigTable") -> bool:
    """Tell whether a home has a key or a login of its own, so that whoever starts ccops finds one."""
    return bool(file.api_key or file.api_key_command or session.home.grant.exists())


def warnings(session: "Session") -> Iterator[tuple[str, str]]:
    """Give what the line will lack, each with what mends it."""
    file = read_config(session.home)
    if file.sandbox:
        return
    if not has_key(session, file):
        lacks = "the line will have no key, and Kit will not be reached"
        if session.environ.get("KIT_API_KEY"):
            yield f"the key is in this shell alone, so {lacks}. Store it:", "ccops init --save-key"
        else:
            yield f"no key is stored, so {lacks}. Store one:", "ccops login"
    for name in _PROXIES:
        if session.environ.get(name):
            yield f"{name} is set in this shell, but not in what is printed, since it may hold a password.", ""


def _way_to_kit(session: "Session") -> dict[str, str]:
    given = {name: session.environ.get(name) for name in ("KIT_API_URL", _CERTIFICATES)}
    kept = {name: value for name, value in given.items() if value}
    return kept | ({"KIT_API_URL": session.settings.api_url} if "KIT_API_URL" in kept else {})


def here(moment: datetime) -> datetime:
    """Take a moment to this machine's own zone."""
    return moment.astimezone()


def user() -> str:
    """Return who is to start it: whoever asks, also through sudo."""
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())

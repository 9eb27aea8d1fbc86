"""Which files of a home a backup holds, and how they are called in it."""

from pathlib import Path

from ccops.registry.home import Home


def databases(home: Home) -> list[Path]:
    """Return the files that are copied while they are in use; a rehearsal's ledger is of no use without its sandbox."""
    return [path for path in (home.ledger, home.sandbox) if path.exists()]


def texts(home: Home, *, secrets: bool) -> list[Path]:
    """Return the files that are taken as they are; each is only ever replaced as a whole."""
    found = (home.config, home.registry, *((home.grant,) if secrets else ()))
    return [path for path in found if path.exists()]


def known(home: Home) -> dict[str, Path]:
    """Return the places of all files that a backup may hold, by their names in it."""
    return {path.name: path for path in (home.ledger, home.sandbox, home.grant, home.config, home.registry)}


def stays(home: Home, place: Path, *, secrets: bool) -> bool:
    """Tell whether a file that is there is kept: tokens, for older ones are used up, and keys that a backup lacks."""
    return place.exists() and (place == home.grant or (place == home.config and not secrets))

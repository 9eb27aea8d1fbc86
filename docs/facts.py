"""Exit status, files and variables as rows, for the pages of the reference and for the man pages."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from docs import reading

from ccops.cli import exit_status as exits
from ccops.config.home import Home
from ccops.config.settings import ENVIRONMENT
from ccops.config.templates import starter_config

Row = tuple[str, str]

_SETTING: Final = re.compile(r"^# ([a-z_]+) = ", re.MULTILINE)
_VARIABLES: Final = re.compile(r"\s{2,}([A-Z]+_[A-Z_]+(?:, [A-Z]+_[A-Z_]+)*)$", re.MULTILINE)
_APART: Final = (
    ("CCOPS_HOME", "The home folder, where no `--home` names another."),
    ("KIT_ACCESS_TOKEN", "An OAuth token that somebody else renews; it goes before every other key and login."),
    ("NO_COLOR", "Anything in it: no colours."),
)
"""Variables that no setting of the file stands for."""


def exit_status() -> list[Row]:
    """Return each exit status and what it means, the bug's left out."""
    texts = reading.constants(exits)
    numbers = {name: value for name, value in vars(exits).items() if isinstance(value, int) and name in texts}
    return [(str(number), texts[name]) for name, number in numbers.items() if number != exits.BUG]


def files() -> list[Row]:
    """Return the files of a home, by name, and what each is."""
    home = Home(Path())
    texts = reading.properties(Home)
    places = {name: getattr(home, name) for name in texts if isinstance(getattr(home, name), Path)}
    return [(f"{place.name}/" if name == "locks" else place.name, texts[name]) for name, place in places.items()]


def variables() -> list[Row]:
    """Return the variables of the environment, and what each does."""
    told = dict(_settings())
    own = [(name, told[name]) for name in ("KIT_API_KEY", *ENVIRONMENT)]
    return sorted([*_APART, *own])


def _settings() -> Iterator[Row]:
    """Read what the example of `config.toml` says of each setting that a variable goes before."""
    for paragraph in starter_config().split("\n\n"):
        names = [name for found in _VARIABLES.findall(paragraph) for name in found.split(", ")]
        settings = _SETTING.findall(paragraph)
        lines = [line for line in _VARIABLES.sub("", paragraph).splitlines() if not _SETTING.match(line)]
        text = " ".join(line.removeprefix("#").strip() for line in lines).strip()
        for name, setting in zip(names, settings, strict=len(names) == len(settings)):
            yield name, f"{text} (`{setting}`)"

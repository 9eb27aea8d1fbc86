"""Puts the man pages into what is built, where `make man` has written them; without them, a build is whole too."""

from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGES: Final = Path("build") / "man"


class ManPages(BuildHookInterface):  # type: ignore[type-arg]
    """Told by hatchling before it builds."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Add the pages: to a wheel where `man` and pipx look for them, to an sdist where a wheel is built from it."""
        pages = Path(self.root) / PAGES
        if not pages.is_dir():
            return
        if self.target_name == "wheel":
            build_data["shared_data"][str(pages)] = "share/man/man1"
        else:
            build_data["force_include"][str(pages)] = str(PAGES)

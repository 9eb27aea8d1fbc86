"""The files of a new home, written where they are missing; one that is there is never touched."""

import re
from typing import Final

from ccops.registry.checks import zone_exists
from ccops.registry.draft import Draft
from ccops.registry.home import Home, folder_lock, write_private
from ccops.registry.starter import starter, starter_config

FALLBACK_ZONE: Final = "UTC"
_COMMENTED_SANDBOX: Final = re.compile(r"^#[ \t]*sandbox[ \t]*=", re.MULTILINE)


def make_registry(home: Home, timezone: str | None) -> str | None:
    """Write a commented registry and return its time zone: the one given, if there is such a zone; else UTC.

    None if the file is there already. Raises FileUnusable.
    """
    zone = timezone if timezone and zone_exists(timezone) else FALLBACK_ZONE
    with folder_lock(home.path):
        if home.registry.exists():
            return None
        write_private(home.registry, starter(zone))
    return zone


def make_config(home: Home, *, sandbox: bool) -> bool:
    """Write commented settings, of a home for rehearsals if `sandbox`; False if the file is there already.

    Raises FileUnusable.
    """
    draft = Draft(starter_config(), home.config.name)
    if sandbox:
        hint = _COMMENTED_SANDBOX.search(draft.text)
        draft.put((), "sandbox", value=True, behind=hint.start() if hint else None)
    with folder_lock(home.path):
        if home.config.exists():
            return False
        write_private(home.config, draft.text)
    return True

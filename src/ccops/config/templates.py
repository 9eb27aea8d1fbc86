"""The commented files that `ccops init` writes."""

import re
from typing import Final

from ccops.config.checks import zone_exists
from ccops.config.home import Home, folder_lock, write_private
from ccops.config.toml_edit import TomlDraft, render_value

_REGISTRY: Final = """\
# The operations of this home. `ccops op add` adds one; editing by hand is fine too:
# everything is checked when it is read, and comments stay where they are.

# Days, months and years begin in this time zone, whatever the machine's own is.
timezone = {timezone}

# What holds for everything that writes a field:
#
# [fields.credits]
# minimum = 0                  # never below
# maximum = 500                # never above
# label = "Credits"            # another name for it on the command line
# sole_writer = true           # nobody but ccops writes it: fewer requests to Kit
#
# An operation. Its name is what the ledger counts by: never rename one that has run.
#
# [operations.monthly-grant]
# description = "Credits for the month, from cron"
# field = "credits"
# action = "increase"          # increase decrease set multiply top-up append copy add-days stamp formula
# amount = 10
# maximum = 120
# beyond = "clamp"             # when the result would pass a limit: refuse (default) or clamp
# once_per = "month"           # day week month quarter year ever
#
# Several changes at once; all are made, or none:
#
# [operations.unlock-replay]
# changes = [
#   {{ field = "credits", action = "decrease", amount = 3 }},
#   {{ field = "replay_opened_on", action = "stamp" }},
# ]
"""

_CONFIG: Final = """\
# The settings of ccops. Environment variables, named behind each, win over this file.
# Keep the file to yourself (mode 0600): whoever has the key can change all your contacts.

# The key: in Kit under Settings, Developer, "API keys (v4)". `ccops login` writes it here.   KIT_API_KEY
# api_key = "kit_..."

# Or a command that prints the key, so that it stands in no file.
# api_key_command = "pass show kit"

# For `ccops login --oauth`, the app that you made in Kit (docs/oauth.md); without a secret if it has none.
#                                                                       KIT_CLIENT_ID, KIT_CLIENT_SECRET
# oauth_client_id = "..."
# oauth_client_secret = "..."

# Where Kit sends the browser back to after that login; the same, to the letter, as in the app.
# oauth_redirect = "http://127.0.0.1:8585/kit"

# Requests in 60 seconds: 120 with a key and 600 with OAuth unless set; 0 is no limit.         CCOPS_RATE
# rate = 120

# Seconds until a request with an unknown outcome is looked at.                        CCOPS_SETTLE_AFTER
# settle_after = 60

# Who did it, in the ledger; unless set, the user of the machine.                             CCOPS_ACTOR
# actor = "maria"

# Where the world reaches `ccops serve`; `ccops webhook create` registers it with Kit.
# public_url = "https://hooks.example.org"

# Kit's address; only for trying things out against a stand-in.                               KIT_API_URL
# api_url = "https://api.kit.com"

# A home for rehearsals on the embedded sandbox: Kit is never asked.
# sandbox = true

# Tables stand at the end once `ccops webhook create` or `ccops webhook show` has run: [secrets],
# one in each operation's URLs; [kit_webhook], which Kit signs its webhooks with; [kit_hooks], which
# are whose. Whoever has a secret can start operations; `ccops webhook rotate` makes new ones.
"""


def starter(timezone: str) -> str:
    """Return a new registry without operations, for one time zone (IANA name)."""
    return _REGISTRY.format(timezone=render_value(timezone))


def starter_config() -> str:
    """Return new settings with everything at its default; the same text as `config.example.toml`."""
    return _CONFIG


# ---- the files of a new home, written where they are missing; one that is there is never touched

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
    draft = TomlDraft(starter_config(), home.config.name)
    if sandbox:
        hint = _COMMENTED_SANDBOX.search(draft.text)
        draft.put((), "sandbox", value=True, behind=hint.start() if hint else None)
    with folder_lock(home.path):
        if home.config.exists():
            return False
        write_private(home.config, draft.text)
    return True

"""The account."""

from typing import Final
from zoneinfo import ZoneInfo

from ccops.sandbox.call import Call
from ccops.sandbox.exchange import Answer

ACCOUNT_ID: Final = 9
_OWNER = "owner@example.org"
_TIMEZONE = "America/New_York"


def show(call: Call) -> Answer:
    """Describe the account that the credential opens; the cheapest check of a credential."""
    offset = call.now.astimezone(ZoneInfo(_TIMEZONE)).strftime("%z")
    account = {
        "id": ACCOUNT_ID,
        "name": "Ann's Studio",
        "plan_type": "creator",
        "primary_email_address": _OWNER,
        "created_at": "2024-05-01T08:00:00Z",
        "timezone": {
            "name": _TIMEZONE,
            "friendly_name": "Eastern Time (US & Canada)",
            "utc_offset": f"{offset[:3]}:{offset[3:]}",
        },
        "sending_addresses": [
            {
                "email_address": _OWNER,
                "from_name": "Ann",
                "status": "confirmed",
                "is_default": True,
                "is_verified": True,
                "is_dmarc_configured": True,
            }
        ],
    }
    return Answer(200, {"user": {"id": 7, "email": _OWNER}, "account": account})

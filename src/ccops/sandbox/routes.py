"""Which endpoint answers which path. Templates are those of Kit's OpenAPI document."""

import re
from dataclasses import dataclass, field
from typing import Final

from ccops.sandbox.call import Endpoint
from ccops.sandbox.endpoints import account, bulk, fields, members, subscribers, tags, webhook_endpoints, webhooks


@dataclass(frozen=True)
class Route:
    """A method and path, and the endpoint behind it."""

    method: str
    template: str
    endpoint: Endpoint
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        # 18 digits: more than any id of Kit's, less than SQLite's integers.
        object.__setattr__(self, "pattern", re.compile(re.sub(r"\{\w+\}", r"([0-9]{1,18})", self.template)))


_ROUTES: Final = (
    Route("GET", "/v4/account", account.show),
    Route("POST", "/v4/bulk/custom_fields/subscribers", bulk.write_values),
    Route("POST", "/v4/bulk/tags/subscribers", bulk.tag),
    Route("DELETE", "/v4/bulk/tags/subscribers", bulk.untag),
    Route("GET", "/v4/custom_fields", fields.index),
    Route("POST", "/v4/custom_fields", fields.create),
    Route("PUT", "/v4/custom_fields/{id}", fields.rename),
    Route("DELETE", "/v4/custom_fields/{id}", fields.delete),
    Route("GET", "/v4/subscribers", subscribers.index),
    Route("POST", "/v4/subscribers", subscribers.create),
    Route("GET", "/v4/subscribers/{id}", subscribers.show),
    Route("PUT", "/v4/subscribers/{id}", subscribers.update),
    Route("POST", "/v4/subscribers/{id}/unsubscribe", subscribers.unsubscribe),
    Route("GET", "/v4/subscribers/{subscriber_id}/tags", members.held),
    Route("GET", "/v4/tags", tags.index),
    Route("POST", "/v4/tags", tags.create),
    Route("PUT", "/v4/tags/{id}", tags.rename),
    Route("GET", "/v4/tags/{tag_id}/subscribers", members.index),
    Route("POST", "/v4/tags/{tag_id}/subscribers", members.add_by_email),
    Route("DELETE", "/v4/tags/{tag_id}/subscribers", members.remove_by_email),
    Route("POST", "/v4/tags/{tag_id}/subscribers/{id}", members.add),
    Route("DELETE", "/v4/tags/{tag_id}/subscribers/{id}", members.remove),
    Route("GET", "/v4/webhooks", webhooks.index),
    Route("POST", "/v4/webhooks", webhooks.create),
    Route("DELETE", "/v4/webhooks/{id}", webhooks.delete),
    Route("GET", "/v4/webhook_endpoints", webhook_endpoints.index),
    Route("POST", "/v4/webhook_endpoints", webhook_endpoints.create),
    Route("GET", "/v4/webhook_endpoints/{id}", webhook_endpoints.show),
    Route("PATCH", "/v4/webhook_endpoints/{id}", webhook_endpoints.update),
    Route("DELETE", "/v4/webhook_endpoints/{id}", webhook_endpoints.delete),
    Route("POST", "/v4/webhook_endpoints/{id}/rotate_secret", webhook_endpoints.rotate_secret),
    Route("POST", "/v4/webhook_endpoints/{id}/revoke_previous_secret", webhook_endpoints.revoke_previous_secret),
)


def find(method: str, path: str) -> tuple[Route, tuple[int, ...]] | None:
    """Return the route of a request and the ids in its path, None if there is none."""
    for route in _ROUTES:
        if route.method == method and (match := route.pattern.fullmatch(path)):
            return route, tuple(map(int, match.groups()))
    return None

"""Which endpoint answers which path. Templates are those of Kit's OpenAPI document."""

import re
from dataclasses import dataclass, field
from typing import Final

from ccops.sandbox.api import (
    EndpointFunction,
    add_member,
    add_member_by_email,
    create_field,
    create_subscriber,
    create_tag,
    delete_field,
    list_fields,
    list_held_tags,
    list_members,
    list_subscribers,
    list_tags,
    remove_member,
    remove_member_by_email,
    rename_field,
    rename_tag,
    show_account,
    show_subscriber,
    unsubscribe,
    update_subscriber,
)
from ccops.sandbox.bulk_api import tag, untag, write_values
from ccops.sandbox.webhook_api import (
    create_endpoint,
    create_webhook,
    delete_endpoint,
    delete_webhook,
    list_endpoints,
    list_webhooks,
    revoke_previous_secret,
    rotate_secret,
    show_endpoint,
    update_endpoint,
)


@dataclass(frozen=True)
class Route:
    """A method and path, and the endpoint behind it."""

    method: str
    template: str
    endpoint: EndpointFunction
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        # 18 digits: more than any id of Kit's, less than SQLite's integers.
        object.__setattr__(self, "pattern", re.compile(re.sub(r"\{\w+\}", r"([0-9]{1,18})", self.template)))


_ROUTES: Final = (
    Route("GET", "/v4/account", show_account),
    Route("POST", "/v4/bulk/custom_fields/subscribers", write_values),
    Route("POST", "/v4/bulk/tags/subscribers", tag),
    Route("DELETE", "/v4/bulk/tags/subscribers", untag),
    Route("GET", "/v4/custom_fields", list_fields),
    Route("POST", "/v4/custom_fields", create_field),
    Route("PUT", "/v4/custom_fields/{id}", rename_field),
    Route("DELETE", "/v4/custom_fields/{id}", delete_field),
    Route("GET", "/v4/subscribers", list_subscribers),
    Route("POST", "/v4/subscribers", create_subscriber),
    Route("GET", "/v4/subscribers/{id}", show_subscriber),
    Route("PUT", "/v4/subscribers/{id}", update_subscriber),
    Route("POST", "/v4/subscribers/{id}/unsubscribe", unsubscribe),
    Route("GET", "/v4/subscribers/{subscriber_id}/tags", list_held_tags),
    Route("GET", "/v4/tags", list_tags),
    Route("POST", "/v4/tags", create_tag),
    Route("PUT", "/v4/tags/{id}", rename_tag),
    Route("GET", "/v4/tags/{tag_id}/subscribers", list_members),
    Route("POST", "/v4/tags/{tag_id}/subscribers", add_member_by_email),
    Route("DELETE", "/v4/tags/{tag_id}/subscribers", remove_member_by_email),
    Route("POST", "/v4/tags/{tag_id}/subscribers/{id}", add_member),
    Route("DELETE", "/v4/tags/{tag_id}/subscribers/{id}", remove_member),
    Route("GET", "/v4/webhooks", list_webhooks),
    Route("POST", "/v4/webhooks", create_webhook),
    Route("DELETE", "/v4/webhooks/{id}", delete_webhook),
    Route("GET", "/v4/webhook_endpoints", list_endpoints),
    Route("POST", "/v4/webhook_endpoints", create_endpoint),
    Route("GET", "/v4/webhook_endpoints/{id}", show_endpoint),
    Route("PATCH", "/v4/webhook_endpoints/{id}", update_endpoint),
    Route("DELETE", "/v4/webhook_endpoints/{id}", delete_endpoint),
    Route("POST", "/v4/webhook_endpoints/{id}/rotate_secret", rotate_secret),
    Route("POST", "/v4/webhook_endpoints/{id}/revoke_previous_secret", revoke_previous_secret),
)


def find(method: str, path: str) -> tuple[Route, tuple[int, ...]] | None:
    """Return the route of a request and the ids in its path, None if there is none."""
    for route in _ROUTES:
        if route.method == method and (match := route.pattern.fullmatch(path)):
            return route, tuple(map(int, match.groups()))
    return None

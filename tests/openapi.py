"""Holds exchanges against Kit's own description of its API: what was asked, and what the sandbox answered.

The document is not part of this project. It is the file named by `CCOPS_KIT_OPENAPI`, else the one beside the checkout.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from ccops.sandbox.http import Exchange

_BESIDE = Path(__file__).parents[2] / "shared" / "kit" / "openapi-v4.json"

_ENVELOPE = {
    "type": "object",
    "properties": {"errors": {"type": "array", "items": {"type": "string"}}},
    "required": ["errors"],
}


@dataclass(frozen=True)
class Departure:
    """Something that is right although the document says otherwise; `where` is matched against "side path: message"."""

    where: str
    reason: str


DEPARTURES = (
    Departure(r"^answer pagination/(start|end)_cursor: None is not", "cursors are null on an empty list (seen live)"),
    Departure(r"^answer (subscribers/\d+|subscriber)/fields/\w+: None is not", "a field that is unset is null"),
    Departure(
        r"^answer (subscribers/\d+|subscriber)/fields: '\w+' is a required", "the example's own fields became required"
    ),
    Departure(r"^answer subscribers/\d+: 'fields' is a required", "`slim=true` leaves the fields out"),
    Departure(
        r"^answer subscribers/\d+/first_name: None is not", "a contact without a first name has none in bulk either"
    ),
    Departure(r"^query email_address: Kit knows no such", "untagging by address: the newer prose puts it there"),
    Departure(r"^request : 'email_address' is a required", "PUT is partial: Kit's own tests send no address"),
    Departure(
        r"^request event: '\w+' is a required", "a webhook's event has one parameter at most; the others are nulls"
    ),
)
"""Each with its reason; the sources are in Kit's documentation and in the tests of its own libraries."""

_NOT_IN_IT = ("/v4/webhook_endpoints", "/v4/oauth/")
"""What came after the document was written, and what Kit describes elsewhere, is not held against it."""


def document_path() -> Path | None:
    """Return where the document is, None if there is none."""
    named = os.environ.get("CCOPS_KIT_OPENAPI")
    path = Path(named) if named else _BESIDE
    return path if path.is_file() else None


def absence() -> str | None:
    """Return what to shout when nothing can be held against the document, None if it is there."""
    if document_path():
        return None
    return "NOT CHECKED against Kit's OpenAPI document: set CCOPS_KIT_OPENAPI to the file (openapi-v4.json)"


def validate(exchanges: Iterable[Exchange]) -> list[str]:
    """Return what is wrong, a line each. Exchanges with faults made on purpose, 429 and 5xx are not looked at."""
    path = document_path()
    if path is None:
        return []
    return [
        f"{exchange.method} {exchange.path} -> {exchange.status}: {complaint}"
        for exchange in exchanges
        if not exchange.faulty and exchange.status is not None and exchange.status != 429 and exchange.status < 500
        if not exchange.path.startswith(_NOT_IN_IT)
        for complaint in _complaints(_document(path)["paths"], exchange)
        if not any(re.search(departure.where, complaint) for departure in DEPARTURES)
    ]


def _complaints(paths: dict[str, Any], exchange: Exchange) -> Iterator[str]:
    operation = paths.get(exchange.route or "", {}).get(exchange.method.lower())
    if operation is None:
        yield "Kit has no such path"
        return
    if (exchange.status or 0) < 400:  # a request that was refused may well be wrong
        yield from _of_query(operation, exchange)
        schema = _content(operation.get("requestBody", {}))
        yield from _errors("request", schema, exchange.asked if exchange.sent.strip() else {})
    yield from _of_answer(operation, exchange)


def _of_query(operation: dict[str, Any], exchange: Exchange) -> Iterator[str]:
    known = {each["name"]: each["schema"] for each in operation.get("parameters", []) if each["in"] == "query"}
    for name, text in exchange.query.items():
        if name not in known:
            yield f"query {name}: Kit knows no such parameter"
        else:
            yield from _errors(f"query {name}", known[name], _read(text, known[name].get("type")))


def _of_answer(operation: dict[str, Any], exchange: Exchange) -> Iterator[str]:
    described = operation["responses"].get(str(exchange.status))
    if described is None and (exchange.status or 0) >= 400:
        # Kit's own tests see 4xx for unreadable cursors, states and dates where the document lists none.
        yield from _errors("answer", _ENVELOPE, exchange.answered)
    elif described is None:
        yield "answer: the document has no such status"
    elif "content" in described:
        yield from _errors("answer", _content(described), exchange.answered)
    elif exchange.payload:
        yield "answer: there should be no body"


def _errors(side: str, schema: dict[str, Any], value: Any) -> Iterator[str]:
    for error in Draft202012Validator(_nullable(schema)).iter_errors(value):
        yield f"{side} {'/'.join(map(str, error.absolute_path))}: {error.message}"


def _content(part: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = part.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _nullable(schema: Any) -> Any:
    # OpenAPI 3.0 says `nullable` where JSON Schema has the type null.
    if isinstance(schema, list):
        return [_nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    translated = {name: _nullable(part) for name, part in schema.items() if name not in ("nullable", "example")}
    if schema.get("nullable") is True and "type" in schema:
        translated["type"] = [schema["type"], "null"]
        if "enum" in schema:
            translated["enum"] = [*schema["enum"], None]
    return translated


def _read(text: str, kind: str | None) -> Any:
    if kind in ("integer", "number", "boolean"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


@cache
def _document(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document

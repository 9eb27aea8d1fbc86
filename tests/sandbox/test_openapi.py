"""The validator itself: what it lets pass and what it finds."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ccops.sandbox.http import Exchange
from tests import openapi

_ROW = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {"id": {"type": "integer"}, "name": {"type": "string", "nullable": True}},
}
_DOCUMENT = {
    "paths": {
        "/v4/tags/{id}": {
            "put": {
                "parameters": [
                    {"in": "path", "name": "id", "schema": {"type": "integer"}},
                    {"in": "query", "name": "n", "schema": {"type": "number", "nullable": True}},
                ],
                "requestBody": {"content": {"application/json": {"schema": _ROW}}},
                "responses": {"200": {"content": {"application/json": {"schema": _ROW}}}, "204": {}},
            }
        }
    }
}
_GOOD: dict[str, Any] = {"id": 1, "name": None}


@pytest.fixture(autouse=True)
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(_DOCUMENT))
    monkeypatch.setenv("CCOPS_KIT_OPENAPI", str(path))
    return path


def _exchange(**changes: Any) -> Exchange:
    sent, payload = (
        json.dumps(changes.pop("asked", _GOOD)).encode(),
        json.dumps(changes.pop("answered", _GOOD)).encode(),
    )
    exchange = Exchange("PUT", "/v4/tags/{id}", "/v4/tags/1", {"n": "5"}, sent, 200, payload, faulty=False)
    return replace(exchange, **changes)


@pytest.mark.parametrize(
    "exchange",
    [
        _exchange(),
        _exchange(status=204, payload=b""),
        _exchange(status=422, asked={}, answered={"errors": ["no"]}),
        _exchange(status=429, payload=b"Retry later"),
        _exchange(status=503, payload=b"<html>"),
        _exchange(status=None, payload=b""),
        _exchange(answered=[], faulty=True),
    ],
)
def test_what_the_document_allows_passes(exchange: Exchange) -> None:
    assert openapi.validate([exchange]) == []


@pytest.mark.parametrize(
    ("exchange", "complaint"),
    [
        (_exchange(route=None), "Kit has no such path"),
        (_exchange(method="PATCH"), "Kit has no such path"),
        (_exchange(query={"m": "1"}), "query m: Kit knows no such parameter"),
        (_exchange(query={"n": "x"}), "query n : 'x' is not of type"),
        (_exchange(asked={"id": "1", "name": "x"}), "request id: '1' is not of type 'integer'"),
        (_exchange(asked={"id": 1}), "request : 'name' is a required property"),
        (_exchange(answered={"id": 1}), "answer : 'name' is a required property"),
        (_exchange(status=201), "answer: the document has no such status"),
        (_exchange(status=204), "answer: there should be no body"),
        (_exchange(status=404, answered={"error": "no"}), "answer : 'errors' is a required property"),
    ],
)
def test_what_it_does_not_is_found(exchange: Exchange, complaint: str) -> None:
    (found,) = openapi.validate([exchange])
    assert complaint in found


def test_an_absent_document_is_shouted_about(monkeypatch: pytest.MonkeyPatch, document: Path) -> None:
    assert openapi.absence() is None
    monkeypatch.setenv("CCOPS_KIT_OPENAPI", str(document) + "x")
    assert "NOT CHECKED" in str(openapi.absence())
    assert openapi.validate([_exchange(route=None)]) == []

"""docs/asyncapi.json and docs/openapi.json as tests hold frames and answers against them: with no field too many."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from infra.api.asyncapi import ack_name, event_name, frame_name, visitor_event_name, visitor_frame_name
from infra.api.frames import ACKS, EVENTS
from infra.api.visitors import VISITOR_EVENTS

DOCS = Path(__file__).parents[1] / "docs"


@cache
def document(name: str) -> dict[str, Any]:
    """Return a document as it stands in its file."""
    found: dict[str, Any] = json.loads((DOCS / name).read_text(encoding="utf-8"))
    return found


@cache
def _validator(name: str, schema: str) -> Draft202012Validator:
    return Draft202012Validator({**closed(document(name)), "$ref": f"#/components/schemas/{schema}"})


def closed(schema: Any) -> Any:
    """Return a schema whose records take no field that they do not name: clients are promised less."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        kept.setdefault("additionalProperties", False)
    return kept


def wrong_with(name: str, schema: str, value: Any) -> list[str]:
    """Return what about a value is not as the schema of a document says."""
    return [f"{error.json_path}: {error.message}" for error in _validator(name, schema).iter_errors(value)]


def wrong_with_event(frame: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a frame of the server; an ack may be that of any action."""
    event = str(frame.get("event"))
    if event not in EVENTS:
        return [f"{event} is no event"]
    names = [event_name(event), *(map(ack_name, ACKS) if event == "ack" else ())]
    found = [wrong_with("asyncapi.json", name, frame) for name in names]
    return [] if [] in found else found[0]


def wrong_with_answer(action: str, frame: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the frame that answers an action."""
    name = ack_name(action) if frame.get("event") == "ack" else event_name(str(frame.get("event")))
    return wrong_with("asyncapi.json", name, frame)


def wrong_with_action(frame: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a frame of a client."""
    return wrong_with("asyncapi.json", frame_name(str(frame.get("action"))), frame)


def wrong_with_visitor_event(frame: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a frame that a visitor is sent."""
    event = str(frame.get("event"))
    if event not in VISITOR_EVENTS:
        return [f"{event} is no event for visitors"]
    return wrong_with("asyncapi.json", visitor_event_name(event), frame)


def wrong_with_visitor_action(frame: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a visitor's frame."""
    return wrong_with("asyncapi.json", visitor_frame_name(str(frame.get("action"))), frame)


def wrong_with_response(method: str, route: str, status: int, body: Any) -> list[str]:
    """Return what is wrong with an answer of the REST API."""
    operation = document("openapi.json")["paths"][route][method.lower()]
    answer = operation["responses"].get(str(status)) or operation["responses"]["default"]
    if "$ref" in answer:
        answer = document("openapi.json")["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    schema = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return wrong_with("openapi.json", schema, body)

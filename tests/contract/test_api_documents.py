"""docs/asyncapi.json and docs/openapi.json say what the code does. Clients make their types from them."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from app import app
from infra.api.__main__ import DOCUMENTS, TYPES, written
from infra.api.asyncapi import event_name, frame_name, visitor_event_name, visitor_frame_name
from infra.api.frames import ACTIONS, EVENTS, MORE
from infra.api.typescript import typescript
from infra.api.visitors import VISITOR_ACTIONS, VISITOR_EVENTS
from tests.api_documents import (
    DOCS,
    closed,
    document,
    wrong_with_action,
    wrong_with_event,
    wrong_with_visitor_action,
    wrong_with_visitor_event,
)
from tests.contract.test_protocol_docs import sample_frames, visitor_samples
from tests.unit.test_client_frames import READ, WRONG
from tests.unit.test_visitor_frames import VISITOR_READ
from throughline.domain.client_frames import READERS
from throughline.domain.json_fields import Fields
from throughline.domain.visitor_frames import VISITOR_READERS

SAMPLES = {frame["event"]: frame for frame in sample_frames()}
VISITOR_SAMPLES = {frame["event"]: frame for frame in visitor_samples()}
SPECIFIC = {"offer", "until", "conversation"}  # strings that have to be written in a certain way
GOING_TOGETHER = {"quick_replies", "template"}  # docs/protocol.md says which of their fields go with which


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_the_one_that_the_schemas_make(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == written(DOCUMENTS[name]()), "run: python -m infra.api"


def test_the_types_of_the_desk_are_those_the_schemas_make() -> None:
    assert TYPES.read_text(encoding="utf-8") == typescript(), "run: python -m infra.api"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_schema_of_a_document_is_one_and_every_reference_leads_somewhere(name: str) -> None:
    whole = document(name)
    for schema in whole["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for reference in references(whole):
        part: Any = whole
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


# ---------------------------------------------------------------- frames


def test_every_action_and_every_event_is_in_the_document_and_no_other() -> None:
    names = set(document("asyncapi.json")["components"]["schemas"])

    assert set(ACTIONS) == set(READERS)
    assert set(EVENTS) == set(SAMPLES)
    assert set(VISITOR_ACTIONS) == set(VISITOR_READERS)
    assert set(VISITOR_EVENTS) == set(VISITOR_SAMPLES)
    assert {name for name in names if name.endswith("Frame")} == {
        *map(frame_name, READERS),
        *map(visitor_frame_name, VISITOR_READERS),
        "ClientFrame",
        "ServerFrame",
    }
    assert {name for name in names if name.endswith("Event")} == {
        *map(event_name, SAMPLES),
        *map(visitor_event_name, VISITOR_SAMPLES),
    }


class AskedFields(Fields):
    """Fields that tell which of them were asked for."""

    @property
    def asked(self) -> set[str]:
        return set(self._asked)


ROLES: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any], Callable[[Any], list[str]]]] = {
    "agent": (READERS, ACTIONS, {action: given for action, (given, _) in READ.items()}, wrong_with_action),
    "visitor": (VISITOR_READERS, VISITOR_ACTIONS, VISITOR_READ, wrong_with_visitor_action),
}
every_action = pytest.mark.parametrize(
    ("role", "action"), [(role, action) for role, (readers, *_) in ROLES.items() for action in readers]
)


@every_action
def test_the_fields_of_an_action_are_those_its_reader_asks_for(role: str, action: str) -> None:
    readers, told, given, _ = ROLES[role]
    fields = AskedFields(given[action])
    readers[action](fields, action, "f1")
    needed, optional = told[action]

    assert {*needed, *optional} == fields.asked


@every_action
def test_a_frame_that_is_read_is_valid_with_and_without_what_may_be_left_out(role: str, action: str) -> None:
    _, told, given, wrong_with = ROLES[role]
    needed, optional = told[action]
    whole = {"action": action, "id": "f1", **given[action]}
    said = {"text"} if action == "message.send" else set()  # one of text and attachments has to be there

    assert wrong_with(whole) == []
    assert wrong_with(whole | dict.fromkeys(set(optional) - said)) == []
    for name in needed:
        assert wrong_with({key: value for key, value in whole.items() if key != name}) != []
    assert wrong_with({**whole, "surprise": 1}) != []


@pytest.mark.parametrize(("action", "fields", "named"), WRONG)
def test_a_frame_that_is_refused_is_not_valid_unless_for_what_no_schema_can_say(
    action: str, fields: dict[str, Any], named: str
) -> None:
    field = named.partition(":")[0]
    problems = wrong_with_action({"action": action, "id": "f1", **fields})
    written_so = field in SPECIFIC and isinstance(fields.get(field), str)
    going_together = bool(fields.keys() & GOING_TOGETHER)

    assert problems or written_so or going_together or has_half_a_character(fields)


def has_half_a_character(fields: dict[str, Any]) -> bool:
    return "\\ud83d" in json.dumps(fields)


@pytest.mark.parametrize("event", SAMPLES)
def test_a_frame_of_each_event_is_valid(event: str) -> None:
    assert wrong_with_event(json.loads(json.dumps(SAMPLES[event]))) == []


@pytest.mark.parametrize("event", SAMPLES)
def test_a_field_too_many_or_too_few_is_noticed(event: str) -> None:
    frame = json.loads(json.dumps(SAMPLES[event]))

    assert wrong_with_event({**frame, "surprise": 1}) != []
    for name in frame.keys() - MORE.get(event, {}).keys():
        assert wrong_with_event({key: value for key, value in frame.items() if key != name}) != []


@pytest.mark.parametrize("event", VISITOR_SAMPLES)
def test_a_frame_of_each_event_for_visitors_is_valid_and_with_a_field_too_many_it_is_not(event: str) -> None:
    frame = json.loads(json.dumps(VISITOR_SAMPLES[event]))

    assert wrong_with_visitor_event(frame) == []
    assert wrong_with_visitor_event({**frame, "surprise": 1}) != []
    for name in frame:
        assert wrong_with_visitor_event({key: value for key, value in frame.items() if key != name}) != []


# ---------------------------------------------------------------- requests


def test_every_route_and_method_is_in_the_document_and_no_other() -> None:
    paths = document("openapi.json")["paths"]
    told = {(path, method.upper()) for path, item in paths.items() for method in item if method != "parameters"}

    assert told == {(path, method) for path, methods in app.routes.items() for method in methods}


def test_every_parameter_of_a_path_is_in_the_document() -> None:
    for path, item in document("openapi.json")["paths"].items():
        named = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        assert {parameter["name"] for parameter in item.get("parameters", [])} == named


def test_what_is_promised_to_clients_may_grow() -> None:
    entry = document("asyncapi.json")["components"]["schemas"]["Entry"]

    assert "additionalProperties" not in entry
    assert closed(entry)["additionalProperties"] is False

"""The document of the REST API: OpenAPI 3.1."""

from collections.abc import Mapping
from typing import Any

from infra.api.kinds import COUNT, Schema, listing, nullable, record, ref, table, text
from infra.api.records import CONVERSATION, RECORDS
from infra.api.visitors import VISITOR_VIEWS
from throughline.flows.attach import MAX_NAME_CHARACTERS, MAX_UPLOAD_BYTES
from throughline.flows.edit_card import MAX_CARD_CHARACTERS, MAX_LANGUAGE_CHARACTERS, MAX_TIER_CHARACTERS
from throughline.flows.read_thread import MAX_PAGE

TITLE = "Throughline: the REST API of the desk and of web chat's pages"

Document = dict[str, Any]
_TEXT = text()

VIEWS: Mapping[str, Schema] = {
    "Error": record({"error": text(about="A stable code; docs/errors.md lists them.")}, {"message": _TEXT}),
    "Thread": record({"customer": _TEXT, "entries": listing(ref("Entry")), "before": nullable(text())}),
    "ConversationWithChanges": record({**CONVERSATION, "changes": listing(ref("ContactChange"))}),
    "Ways": record({"conversation": _TEXT, "ways": listing(ref("Way"))}),
    "CardChange": record(
        {},
        {
            "name": nullable(text(MAX_CARD_CHARACTERS)),
            "language": nullable(text(MAX_LANGUAGE_CHARACTERS)),
            "tier": nullable(text(MAX_TIER_CHARACTERS)),
            "value": nullable(COUNT),
        },
        closed=True,
        about="What is left out stays, null takes it away.",
    ),
    "Answers": record({"answers": listing(ref("Answer"))}),
    "ChannelAccounts": record({"accounts": listing(ref("ChannelAccount"))}),
    "Colleagues": record({"agents": listing(ref("Colleague"))}),
    "Queues": record({"queues": listing(ref("Queue"))}),
    "WaitingContacts": record({"queue": _TEXT, "waiting": listing(ref("Waiting"))}),
    "File": record(
        {
            "content_type": text(MAX_NAME_CHARACTERS),
            "size_bytes": {"type": "integer", "minimum": 1, "maximum": MAX_UPLOAD_BYTES},
            "name": text(MAX_NAME_CHARACTERS),
        },
        closed=True,
    ),
    "Upload": record({"id": _TEXT, "upload": record({"url": _TEXT, "fields": table(_TEXT)})}),
    "Link": record({"url": _TEXT}),
}

_CLOSED = {
    "name": "conversation",
    "in": "query",
    "schema": _TEXT,
    "description": "A closed conversation the right comes from, for whoever took part in that one only.",
}
_PAGE = [
    {"name": "before", "in": "query", "schema": _TEXT, "description": "The `before` of the page after this one."},
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 50}},
]


def openapi() -> Document:
    """Return the whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": "1",
            "description": "docs/protocol.md explains what the answers mean and who may ask for which.",
        },
        "servers": [
            {"url": "{base}", "variables": {"base": {"default": "/", "description": "The stack's `EndpointURL`."}}}
        ],
        "security": [{"token": []}],
        "paths": {path: {**_parameters(path), **item} for path, item in _paths().items()},
        "components": {
            "schemas": {**RECORDS, **VIEWS, **VISITOR_VIEWS},
            "responses": {"Refused": _json("Error", "It was not done; the code says why.")},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _paths() -> Document:
    return {
        "/threads/{customer}": {"get": _operation("One page of a customer's thread", "Thread", [*_PAGE, _CLOSED])},
        "/conversations/{conversation}": {
            "get": _operation("A conversation and what it went through", "ConversationWithChanges")
        },
        "/conversations/{conversation}/ways": {"get": _operation("How the customer can be answered now", "Ways")},
        "/customers/{customer}": {
            "get": _operation("A customer's card", "Customer", [_CLOSED]),
            "patch": _operation("Change a customer's card", "Customer", [_CLOSED], body="CardChange"),
        },
        "/answers": {
            "get": _operation("The canned answers for a conversation", "Answers", [{**_CLOSED, **_WHICH}]),
        },
        "/accounts": {"get": _operation("Our channel accounts and what they are called", "ChannelAccounts")},
        "/agents": {"get": _operation("Colleagues; for supervisors also what their teams hold", "Colleagues")},
        "/queues": {"get": _operation("The queues and how long they are", "Queues")},
        "/queues/{queue}/waiting": {"get": _operation("Who waits in a queue", "WaitingContacts")},
        "/attachments": {"post": _operation("Where a file can be posted to", "Upload", body="File")},
        "/attachments/{attachment}": {"get": _file()},
        "/webchat/{account}": {"get": _public("What a widget shows", "WebChat"), "options": _preflight()},
        "/webchat/{account}/visitors": {
            "post": _public("A token for a visitor", "VisitorToken", body="VisitorTold"),
            "options": _preflight(),
        },
        "/webchat/{account}/thread": {
            "get": _operation("One page of the visitor's own thread", "VisitorThread", _PAGE),
            "options": _preflight(),
        },
        "/webhooks/{channel}/{account}": {"get": _webhook(), "post": _webhook()},
    }


_WHICH = {"required": True, "description": "The conversation they are for."}


def _operation(summary: str, view: str, query: list[Document] | None = None, *, body: str | None = None) -> Document:
    operation: Document = {
        "summary": summary,
        "responses": {"200": _json(view, summary), "default": {"$ref": "#/components/responses/Refused"}},
    }
    if query:
        operation["parameters"] = query
    if body:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": ref(body)}}}
    return operation


def _public(summary: str, view: str, *, body: str | None = None) -> Document:
    return {**_operation(summary, view, body=body), "security": []}


def _preflight() -> Document:
    answers = {
        "204": {"description": "This origin may."},
        "default": {"$ref": "#/components/responses/Refused"},
    }
    return {"summary": "What a browser asks before it asks", "security": [], "responses": answers}


def _file() -> Document:
    operation = _operation("Where a file can be fetched from, for five minutes", "Link", [_CLOSED])
    told = {**operation["responses"]["200"], "description": "Where it is, for who accepts application/json."}
    moved = {**operation["responses"]["200"], "headers": {"Location": {"schema": _TEXT}}}
    return {**operation, "responses": {**operation["responses"], "200": told, "302": moved}}


def _webhook() -> Document:
    answers = {
        "2XX": {"description": "It was authentic, and is durable."},
        "4XX": _json("Error", "It was not authentic."),
        "5XX": _json("Error", "It could not be stored; post it again."),
    }
    return {"summary": "What a provider posts; docs/webhooks.md has it", "security": [], "responses": answers}


def _json(schema: str, about: str) -> Document:
    return {"description": about, "content": {"application/json": {"schema": ref(schema)}}}


def _parameters(path: str) -> Document:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    told = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in names]
    return {"parameters": told} if told else {}

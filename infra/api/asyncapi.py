"""The document of the WebSocket API: AsyncAPI 3.0, told from the server's side (it receives what clients send)."""

from collections.abc import Mapping
from typing import Any

from infra.api.frames import ACKS, ACTIONS, EVENTS, ack_of, client_frame, server_frame
from infra.api.kinds import Schema, pascal, ref
from infra.api.records import RECORDS
from infra.api.visitors import VISITOR_ACTIONS, VISITOR_EVENTS, VISITOR_RECORDS, visitor_action, visitor_event

TITLE = "Throughline: the WebSocket API of agents and of web chat's visitors"
AGENTS, VISITORS = "agents", "visitors"
SUB_PROTOCOL = "throughline.v1"

Document = dict[str, Any]


def asyncapi() -> Document:
    """Return the whole document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": TITLE,
            "version": "1",
            "description": "docs/protocol.md explains what the frames mean, who may send which, and how to reconnect.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "stage": {
                "host": "{host}",
                "protocol": "wss",
                "variables": {"host": {"description": "As the stack's output `WebsocketConnectEndpointURL` says."}},
                "security": [{"$ref": "#/components/securitySchemes/token"}],
            }
        },
        "channels": {
            AGENTS: _channel("Who connects with an agent's token.", _messages()),
            VISITORS: _channel("Who connects with a visitor's token.", _visitor_messages()),
        },
        "operations": {**_taken(), "announce": _announced(), **_taken_of_visitors(), "show": _shown()},
        "components": {
            "messages": {**_messages(), **_visitor_messages()},
            "schemas": schemas(),
            "securitySchemes": {
                "token": {
                    "type": "httpApiKey",
                    "in": "header",
                    "name": "Sec-WebSocket-Protocol",
                    "description": f"`{SUB_PROTOCOL}, <jwt>`; the answer echoes `{SUB_PROTOCOL}`.",
                }
            },
        },
    }


def frame_name(action: str) -> str:
    """Return the name of the schema of an action, e.g. ``OfferAcceptFrame``."""
    return f"{pascal(action)}Frame"


def event_name(event: str) -> str:
    """Return the name of the schema of an event, e.g. ``OfferEndedEvent``."""
    return f"{pascal(event)}Event"


def ack_name(action: str) -> str:
    """Return the name of the schema of an action's ack; most have nothing but the id."""
    return f"{pascal(action)}Ack" if action in ACKS else event_name("ack")


def answer_name(action: str) -> str:
    """Return the name of the schema of what answers an action that was carried out."""
    return event_name("snapshot") if action == "hello" else ack_name(action)


def schemas() -> Mapping[str, Schema]:
    """Return every schema by name: the records, the frames, and the two unions of all frames."""
    return {
        **RECORDS,
        **{frame_name(action): client_frame(action) for action in ACTIONS},
        **{event_name(event): server_frame(event) for event in EVENTS},
        **{ack_name(action): ack_of(action) for action in ACKS},
        **VISITOR_RECORDS,
        **{visitor_frame_name(action): visitor_action(action) for action in VISITOR_ACTIONS},
        **{visitor_event_name(event): visitor_event(event) for event in VISITOR_EVENTS},
        "ClientFrame": {"oneOf": [ref(frame_name(action)) for action in ACTIONS]},
        "ServerFrame": {"anyOf": [ref(name) for name in _announcements()]},
    }


def visitor_frame_name(action: str) -> str:
    """Return the name of the schema of a visitor's action, e.g. ``VisitorHelloFrame``."""
    return f"Visitor{frame_name(action)}"


def visitor_event_name(event: str) -> str:
    """Return the name of the schema of what a visitor is sent, e.g. ``VisitorMessageEvent``."""
    return f"Visitor{event_name(event)}"


def _announcements() -> list[str]:
    return [*(event_name(event) for event in EVENTS), *(ack_name(action) for action in ACKS)]


def _messages() -> Document:
    named = {frame_name(action): action for action in ACTIONS} | {event_name(event): event for event in EVENTS}
    named |= {ack_name(action): "ack" for action in ACKS}
    return {name: {"name": word, "payload": ref(name)} for name, word in named.items()}


def _visitor_messages() -> Document:
    named = {visitor_frame_name(action): action for action in VISITOR_ACTIONS}
    named |= {visitor_event_name(event): event for event in VISITOR_EVENTS}
    return {name: {"name": word, "payload": ref(name)} for name, word in named.items()}


def _channel(about: str, messages: Document) -> Document:
    return {
        "address": "/",
        "description": about,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"ws": {"method": "GET", "headers": _handshake()}},
    }


_ANSWERS = frozenset({"snapshot", "ack", "error"})


def _taken() -> Document:
    answers = {action: [answer_name(action), event_name("error")] for action in ACTIONS}
    return {action: _operation(AGENTS, frame_name(action), told) for action, told in answers.items()}


def _taken_of_visitors() -> Document:
    done = {action: "snapshot" if action == "hello" else "ack" for action in VISITOR_ACTIONS}
    answers = {action: list(map(visitor_event_name, (event, "error"))) for action, event in done.items()}
    return {
        f"visitor.{action}": _operation(VISITORS, visitor_frame_name(action), told) for action, told in answers.items()
    }


def _operation(channel: str, frame: str, answers: list[str]) -> Document:
    where = {"$ref": f"#/channels/{channel}"}
    reply = {"channel": where, "messages": [_in_channel(channel, name) for name in answers]}
    return {"action": "receive", "channel": where, "messages": [_in_channel(channel, frame)], "reply": reply}


def _announced() -> Document:
    return _sending(AGENTS, [event_name(event) for event in EVENTS if event not in _ANSWERS])


def _shown() -> Document:
    return _sending(VISITORS, [visitor_event_name(event) for event in VISITOR_EVENTS if event not in _ANSWERS])


def _sending(channel: str, names: list[str]) -> Document:
    messages = [_in_channel(channel, name) for name in names]
    return {"action": "send", "channel": {"$ref": f"#/channels/{channel}"}, "messages": messages}


def _in_channel(channel: str, message: str) -> Schema:
    return {"$ref": f"#/channels/{channel}/messages/{message}"}


def _handshake() -> Schema:
    return {
        "type": "object",
        "required": ["Sec-WebSocket-Protocol"],
        "properties": {"Sec-WebSocket-Protocol": {"type": "string", "pattern": f"^{SUB_PROTOCOL}, .+"}},
    }

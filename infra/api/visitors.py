"""What visitors of web chat send and are sent, and what their pages ask for: a small part of both APIs."""

from collections.abc import Mapping

from infra.api.frames import NOTHING, Fields
from infra.api.kinds import COUNT, FLAG, INSTANT, TRUE, Schema, constant, listing, nullable, one_of, record, ref, text
from infra.api.records import ENTRY_CONTENT
from throughline.domain.client_frames import MAX_ATTACHMENTS, MAX_ID_CHARACTERS, MAX_TEXT_CHARACTERS
from throughline.domain.conversations import Direction
from throughline.domain.identifiers import MAX_REFERENCE_CHARACTERS
from throughline.domain.visitor_frames import MAX_SEEN
from throughline.domain.visitor_views import STATES_TOLD
from throughline.domain.visitors import COMMON_FIELDS, SHOWN_KINDS, SHOWN_STATUSES
from throughline.flows.sign_visitor_in import MAX_FIELD_CHARACTERS, MAX_TOKEN_CHARACTERS

_TEXT = text()
_ID, _REFERENCE, _WORDS = text(MAX_ID_CHARACTERS), text(MAX_REFERENCE_CHARACTERS), text(MAX_TEXT_CHARACTERS)
_STATE: Fields = {"state": one_of(STATES_TOLD), "agent": nullable(text())}
_SEEN: Fields = {"entries": {**listing(_REFERENCE, MAX_SEEN), "minItems": 1}}

VISITOR_RECORDS: Mapping[str, Schema] = {
    "VisitorEntry": record(
        {
            "id": _TEXT,
            "kind": one_of(sorted(SHOWN_KINDS)),
            "direction": one_of((Direction.INBOUND, Direction.OUTBOUND)),
            "sent_at": INSTANT,
        },
        {
            **{name: ENTRY_CONTENT[name] for name in ("type", "text", "author", "attachments", "quick_replies")},
            **{name: ENTRY_CONTENT[name] for name in ("location", "reply_to", "target", "emoji")},
            "status": one_of(sorted(SHOWN_STATUSES)),
            "message_id": _TEXT,
            "edited_at": INSTANT,
            "deleted": TRUE,
            "withheld": TRUE,
            "reactions": listing(record({"emoji": _TEXT, "by": one_of((Direction.INBOUND, Direction.OUTBOUND))})),
        },
        about="What says nothing is left out.",
    ),
    "VisitorConversation": record(_STATE),
}

# action → the fields that have to be there, and those that may be left out or null
VISITOR_ACTIONS: Mapping[str, tuple[Fields, Fields]] = {
    "hello": (NOTHING, {"resume": _REFERENCE}),
    "ping": (NOTHING, NOTHING),
    "message.send": (
        {"message_id": _ID},
        {"text": _WORDS, "attachments": listing(_REFERENCE, MAX_ATTACHMENTS), "reply_to": _REFERENCE},
    ),
    "typing": (NOTHING, NOTHING),
    "received": (_SEEN, NOTHING),
    "read": (_SEEN, NOTHING),
}

# event → its fields, and those that may be missing
VISITOR_EVENTS: Mapping[str, tuple[Fields, Fields]] = {
    "snapshot": (
        {
            "id": _ID,
            "visitor": record({"name": nullable(text()), "identified": FLAG}),
            "conversation": ref("VisitorConversation"),
            "entries": listing(ref("VisitorEntry")),
            "before": nullable(text()),
        },
        NOTHING,
    ),
    "message": ({"entry": ref("VisitorEntry")}, NOTHING),
    "message.status": ({"entry": _TEXT, "status": one_of(sorted(SHOWN_STATUSES))}, NOTHING),
    "conversation": (_STATE, NOTHING),
    "typing": ({"from": nullable(text())}, NOTHING),
    "read": ({"until": INSTANT}, NOTHING),
    "ack": ({"id": _ID}, {"message_id": _ID}),
    "error": ({"id": nullable(_ID), "code": _TEXT, "message": _TEXT}, NOTHING),
}

_FIELD = nullable(text(MAX_FIELD_CHARACTERS))
VISITOR_VIEWS: Mapping[str, Schema] = {
    **VISITOR_RECORDS,
    "WebChat": record(
        {
            "account": _TEXT,
            "title": nullable(text()),
            "colour": nullable(text()),
            "open": FLAG,
            "languages": listing(_TEXT),
            "pre_chat": listing(record({"field": _TEXT, "required": FLAG})),
            "identity": FLAG,
            "attachments": record({"max_bytes": COUNT, "content_types": listing(_TEXT)}),
        }
    ),
    "VisitorTold": record(
        {},
        {
            **dict.fromkeys(COMMON_FIELDS, _FIELD),
            "visitor": nullable(text(MAX_TOKEN_CHARACTERS)),
            "identity": nullable(text(MAX_TOKEN_CHARACTERS)),
            "fields": nullable({"type": "object", "additionalProperties": _FIELD}),
        },
        closed=True,
    ),
    "VisitorToken": record({"token": _TEXT, "expires_at": INSTANT, "visitor": nullable(text()), "socket": _TEXT}),
    "VisitorThread": record({"entries": listing(ref("VisitorEntry")), "before": nullable(text())}),
}


def visitor_action(action: str) -> Schema:
    """Return the schema of a frame that a visitor sends."""
    needed, optional = VISITOR_ACTIONS[action]
    may = {name: nullable(schema) for name, schema in optional.items()}
    return record({"action": constant(action), "id": _ID, **needed}, may, closed=True)


def visitor_event(event: str) -> Schema:
    """Return the schema of a frame that a visitor is sent."""
    needed, optional = VISITOR_EVENTS[event]
    return record({"event": constant(event), **needed}, optional)

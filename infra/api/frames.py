"""The frames of the WebSocket API: what each action and each event carries."""

from collections.abc import Mapping

from infra.api.kinds import (
    COUNT,
    FLAG,
    INSTANT,
    Schema,
    constant,
    listing,
    nullable,
    one_of,
    record,
    ref,
    table,
    text,
)
from infra.api.records import CONVERSATION, OFFER, PRESENCE
from throughline.domain.client_frames import (
    MAX_AGENT_CHARACTERS,
    MAX_ATTACHMENTS,
    MAX_ID_CHARACTERS,
    MAX_PARAMETER_CHARACTERS,
    MAX_PARAMETERS,
    MAX_REASON_CHARACTERS,
    MAX_RESUMED,
    MAX_TEXT_CHARACTERS,
)
from throughline.domain.identifiers import MAX_REFERENCE_CHARACTERS
from throughline.domain.json_fields import MAX_INSTANT_CHARACTERS
from throughline.domain.quick_replies import (
    MAX_DESCRIPTION_CHARACTERS,
    MAX_FORM_VALUES,
    MAX_LABEL_CHARACTERS,
    MAX_QUICK_REPLIES,
    MAX_URL_CHARACTERS,
    QuickReplyKind,
)

_TEXT = text()
_ID, _REFERENCE = text(MAX_ID_CHARACTERS), text(MAX_REFERENCE_CHARACTERS)
_WORDS, _REASON, _AGENT = text(MAX_TEXT_CHARACTERS), text(MAX_REASON_CHARACTERS), text(MAX_AGENT_CHARACTERS)
_ABOUT: Mapping[str, Schema] = {"conversation": _REFERENCE}
_SEEN: Mapping[str, Schema] = {**_ABOUT, "turn": COUNT}

_QUICK_REPLY = record(
    {"kind": one_of(QuickReplyKind), "text": text(MAX_LABEL_CHARACTERS)},
    {
        "description": nullable(text(MAX_DESCRIPTION_CHARACTERS)),
        "url": nullable(text(MAX_URL_CHARACTERS)),
        "form": nullable(
            record(
                {"id": text(MAX_LABEL_CHARACTERS)},
                {
                    "screen": nullable(text(MAX_LABEL_CHARACTERS)),
                    "values": nullable(table(text(MAX_DESCRIPTION_CHARACTERS), MAX_FORM_VALUES)),
                    "token": nullable(text(MAX_DESCRIPTION_CHARACTERS)),
                },
                closed=True,
            )
        ),
    },
    closed=True,
)
_TEMPLATE = record(
    {"name": _ID}, {"parameters": nullable(listing(text(MAX_PARAMETER_CHARACTERS), MAX_PARAMETERS))}, closed=True
)

Fields = Mapping[str, Schema]
NOTHING: Fields = {}

# action → the fields that have to be there, and those that may be left out or null
ACTIONS: Mapping[str, tuple[Fields, Fields]] = {
    "hello": (NOTHING, {"resume": table(COUNT, MAX_RESUMED)}),
    "ping": (NOTHING, NOTHING),
    "presence.set": ({"presence": ref("PresenceName")}, {"reason": _REASON, "after_work": FLAG}),
    "offer.accept": ({"offer": _REFERENCE}, NOTHING),
    "offer.reject": ({"offer": _REFERENCE}, {"reason": _REASON}),
    "message.send": (
        {**_ABOUT, "message_id": _ID},
        {
            "text": _WORDS,
            "attachments": listing(_REFERENCE, MAX_ATTACHMENTS),
            "via": _REFERENCE,
            "quick_replies": listing(_QUICK_REPLY, MAX_QUICK_REPLIES),
            "template": _TEMPLATE,
            "seen_version": COUNT,
        },
    ),
    "note.add": ({**_ABOUT, "text": _WORDS}, {"note_id": _ID}),
    "typing": (_ABOUT, NOTHING),
    "read": (_ABOUT, NOTHING),
    "conversation.wrap_up": (_ABOUT, NOTHING),
    "conversation.close": (_ABOUT, {"disposition": _ID, "version": COUNT}),
    "conversation.transfer": (
        {
            **_ABOUT,
            "to": {
                "oneOf": [
                    record({"queue": _ID}, closed=True),
                    record({"agent": _AGENT}, closed=True),
                ]
            },
        },
        {"note": _WORDS},
    ),
    "conversation.pause": ({**_ABOUT, "until": {**INSTANT, "maxLength": MAX_INSTANT_CHARACTERS}}, NOTHING),
    "conversation.take_over": (_SEEN, NOTHING),
    "contact.assign": ({**_SEEN, "agent": _AGENT}, NOTHING),
}

# action → the fields of its ack beyond the id
ACKS: Mapping[str, Fields] = {
    "offer.accept": {"conversation": ref("ConversationWithEntries")},
    "message.send": {"entry": ref("Entry")},
    "note.add": {"entry": ref("Entry")},
    "conversation.wrap_up": {"conversation": ref("ConversationState")},
    "conversation.close": {"conversation": ref("ConversationState")},
    "conversation.pause": {"conversation": ref("ConversationState")},
    "conversation.take_over": {"conversation": ref("ConversationWithEntries")},
}

_COUNTED: Fields = {"conversation": _TEXT, "version": COUNT}

# event → its fields; an `ack` has more by action
EVENTS: Mapping[str, Fields] = {
    "snapshot": {
        "id": _ID,
        "me": ref("Me"),
        "agent": ref("Presence"),
        "offers": listing(ref("Offer")),
        "conversations": listing(ref("ConversationWithEntries")),
    },
    "entries": {**_COUNTED, "entries": listing(ref("Entry")), "more": FLAG},
    "offer": OFFER,
    "offer.ended": {
        "offer": _TEXT,
        "conversation": _TEXT,
        "reason": one_of(("accepted", "rejected", "timed_out", "gone")),
    },
    "message": {**_COUNTED, "entry": ref("Entry")},
    "message.status": {
        **_COUNTED,
        "entry": _TEXT,
        "status": ref("DeliveryStatus"),
        "reason": nullable(_TEXT),
        "names": listing(_TEXT),
    },
    "conversation": CONVERSATION,
    "presence": PRESENCE,
    "typing": {"conversation": _TEXT, "from": text(about="`customer`, or the id of an agent")},
    "read": {"conversation": _TEXT, "by": _TEXT},
    "ack": {"id": _ID},
    "error": {"id": nullable(_ID), "code": _TEXT, "message": _TEXT},
}

# event → the fields that may be missing
MORE: Mapping[str, Fields] = {"error": {"version": COUNT}}


def client_frame(action: str) -> Schema:
    """Return the schema of a frame that a client sends."""
    needed, optional = ACTIONS[action]
    may = {name: nullable(schema) for name, schema in optional.items()}
    frame = record({"action": constant(action), "id": _ID, **needed}, may, closed=True)
    if action == "message.send":
        return {**frame, "anyOf": [{"required": [name], "properties": {name: given}} for name, given in _SAID.items()]}
    return frame


# one of them has to be there, and not null
_SAID: Mapping[str, Schema] = {
    "text": {"type": "string"},
    "attachments": {"type": "array", "minItems": 1},
    "template": {"type": "object"},
}


def server_frame(event: str) -> Schema:
    """Return the schema of a frame that the server sends."""
    return record({"event": constant(event), **EVENTS[event]}, MORE.get(event))


def ack_of(action: str) -> Schema:
    """Return the schema of the ack that answers an action."""
    return record({"event": constant("ack"), **EVENTS["ack"], **ACKS[action]})

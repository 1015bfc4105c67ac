"""What both APIs speak of: entries, conversations, offers, people. docs/protocol.md explains each in prose."""

from collections.abc import Mapping

from infra.api.kinds import (
    ANY,
    COUNT,
    FLAG,
    INSTANT,
    TRUE,
    Schema,
    listing,
    nullable,
    one_of,
    record,
    ref,
    table,
    text,
)
from throughline.domain.conversations import ContactState, Direction, EntryKind
from throughline.domain.identifiers import Evidence
from throughline.domain.messages import ATTACHMENT_KINDS, DeliveryStatus
from throughline.domain.quick_replies import QuickReplyKind
from throughline.domain.rights import Role
from throughline.domain.routing import WORK_CLASSES, Presence

_TEXT, _NAME = text(), nullable(text())
_NUMBER: Schema = {"type": "number"}
STAFF = (Role.AGENT, Role.SUPERVISOR)

_IDENTITY: Mapping[str, Schema] = {"conversation": _TEXT}
_CUSTOMER: Mapping[str, Schema] = {"customer": ref("CustomerName")}
_OURS: Mapping[str, Schema] = {"channel": _TEXT, "account": text(about="Ours, as the provider calls it.")}
_ENDS: Mapping[str, Schema] = {**_OURS, "identifier": text(about="The customer's.")}

CONVERSATION: Mapping[str, Schema] = {
    **_IDENTITY,
    "version": COUNT,
    "turn": COUNT,
    "state": ref("ContactState"),
    **_CUSTOMER,
    "queue": _TEXT,
    "requirement": _TEXT,
    "opened_at": INSTANT,
    "via": _NAME,
    "vias": listing(record({"via": _TEXT, "last_inbound_at": INSTANT})),
    "language": _NAME,
    "holder": _NAME,
    "disposition": _NAME,
    "until": nullable(INSTANT),
}

OFFER: Mapping[str, Schema] = {
    "offer": _TEXT,
    **_IDENTITY,
    **_CUSTOMER,
    **_ENDS,
    "queue": _TEXT,
    "requirement": _TEXT,
    "preview": _NAME,
    "waiting_since": INSTANT,
    "expires_at": INSTANT,
}

_LOAD = table(COUNT)
PRESENCE: Mapping[str, Schema] = {
    "agent": _TEXT,
    "name": _TEXT,
    "presence": ref("PresenceName"),
    "reason": _NAME,
    "since": nullable(INSTANT),
    "next": nullable(record({"presence": ref("PresenceName"), "reason": _NAME})),
    "capacity": _LOAD,
    "load": _LOAD,
    "version": {**COUNT, "description": "Rises with every change: of two, the higher one counts."},
}

_CONTACT: Mapping[str, Schema] = {
    **_IDENTITY,
    "turn": COUNT,
    **_CUSTOMER,
    **_ENDS,
    "queue": _TEXT,
    "requirement": _TEXT,
    "waiting_since": INSTANT,
    "language": _NAME,
}

ENTRY_CONTENT: Mapping[str, Schema] = {
    "type": _TEXT,
    "text": _TEXT,
    "author": _TEXT,
    "attachments": listing(ref("Attachment")),
    "quick_replies": listing(ref("QuickReply")),
    "location": ref("Location"),
    "reply_to": _TEXT,
    "target": _TEXT,
    "emoji": _TEXT,
}

RECORDS: Mapping[str, Schema] = {
    "ContactState": one_of(ContactState),
    "PresenceName": one_of(Presence),
    "DeliveryStatus": one_of(DeliveryStatus),
    "WorkClass": one_of(WORK_CLASSES),
    "CustomerName": record({"id": _TEXT, "name": _NAME}),
    "Location": record(
        {"latitude": _NUMBER, "longitude": _NUMBER, "name": nullable(text()), "address": nullable(text())}
    ),
    "Attachment": record(
        {
            "id": _TEXT,
            "kind": one_of(ATTACHMENT_KINDS),
            "name": _NAME,
            "content_type": _NAME,
            "size_bytes": nullable(COUNT),
            "ready": {**FLAG, "description": "Its file can be fetched."},
            "failed": nullable(text(about="Why it never will be.")),
        }
    ),
    "QuickReply": record({"kind": one_of(QuickReplyKind), "text": _TEXT}, {"description": _TEXT, "url": _TEXT}),
    "Entry": record(
        {
            "id": _TEXT,
            "kind": one_of(EntryKind),
            "direction": one_of(Direction),
            "channel": _TEXT,
            "sent_at": {**INSTANT, "description": "The provider's time, by which a thread is ordered."},
            "received_at": INSTANT,
            "late": FLAG,
        },
        {
            **ENTRY_CONTENT,
            "via": _TEXT,
            "status": ref("DeliveryStatus"),
            "reason": _TEXT,
            "template": _TEXT,
            "names": listing(_TEXT),
            "details": table(ANY),
            "edited_at": INSTANT,
            "deleted": TRUE,
            "reactions": listing(record({"emoji": _TEXT, "by": _TEXT})),
            "withheld": TRUE,
        },
        about="What says nothing is left out.",
    ),
    "Conversation": record(CONVERSATION),
    "ConversationWithEntries": record({**CONVERSATION, "entries": listing(ref("Entry"))}, {"more": FLAG}),
    "ConversationState": record(
        {**_IDENTITY, "version": COUNT, "turn": COUNT, "state": ref("ContactState"), "until": nullable(INSTANT)}
    ),
    "Offer": record(OFFER),
    "Presence": record(PRESENCE),
    "Me": record(
        {
            "agent": _TEXT,
            "name": _TEXT,
            "role": one_of(STAFF),
            "teams": listing(_TEXT),
            "skills": table({"type": "integer", "minimum": 1, "maximum": 5}),
            "language": _NAME,
            "not_ready_reasons": listing(_TEXT),
        }
    ),
    "ContactChange": record(
        {
            "turn": COUNT,
            "state": ref("ContactState"),
            "at": INSTANT,
            "by": text(about="agent:<id>, customer, routing or timer"),
            "why": _TEXT,
            "agent": _NAME,
            "decision": nullable(table(ANY)),
        }
    ),
    "Waiting": record({**_CONTACT, "preview": _NAME}),
    "Held": record(
        {**_CONTACT, "state": ref("ContactState"), "work_class": ref("WorkClass"), "until": nullable(INSTANT)}
    ),
    "Colleague": record(
        {
            "agent": _TEXT,
            "name": _TEXT,
            "teams": listing(_TEXT),
            "presence": ref("PresenceName"),
            "connected": FLAG,
            "work_classes": listing(ref("WorkClass")),
        },
        {
            **{name: PRESENCE[name] for name in ("reason", "since", "next", "capacity", "load", "version")},
            "holds": listing(ref("Held")),
        },
        about="The optional fields are told to supervisors, of the agents of their teams.",
    ),
    "Queue": record(
        {
            "queue": _TEXT,
            "work_class": ref("WorkClass"),
            "offer_s": COUNT,
            "wrap_up_s": COUNT,
            "dispositions": listing(_TEXT),
            "waiting": COUNT,
            "oldest_since": nullable(INSTANT),
        }
    ),
    "Way": record(
        {
            "via": _TEXT,
            **_ENDS,
            "last_inbound_at": INSTANT,
            "default": FLAG,
            "open": FLAG,
            "closed_because": nullable(one_of(("opted_out", "window_closed", "no_channel"))),
            "opted_out": FLAG,
            "window_closes_at": nullable(INSTANT),
            "text_limit": nullable(COUNT),
            "segments": FLAG,
            "attachments": listing(one_of(ATTACHMENT_KINDS)),
            "quick_replies": listing(one_of(QuickReplyKind)),
            "templates": listing(ref("Template")),
        }
    ),
    "ChannelAccount": record({**_OURS, "name": text(about="What the configuration calls it.")}),
    "Template": record(
        {
            "name": _TEXT,
            "language": _TEXT,
            "text": _TEXT,
            "parameters": COUNT,
            "header": nullable(one_of(ATTACHMENT_KINDS)),
        }
    ),
    "Answer": record(
        {
            "name": _TEXT,
            "text": _TEXT,
            "shortcut": _NAME,
            "queues": listing(_TEXT),
            "languages": listing(_TEXT),
        }
    ),
    "CustomerIdentifier": record(
        {
            "identifier": _TEXT,
            "since": INSTANT,
            "evidence": one_of(Evidence),
            "opted_out": FLAG,
            "consents": table(FLAG),
        }
    ),
    "PastConversation": record(
        {
            **_IDENTITY,
            "opened_at": INSTANT,
            "closed_at": nullable(INSTANT),
            "queue": _TEXT,
            "channels": listing(_TEXT),
            "agent": _NAME,
            "disposition": _NAME,
        }
    ),
    "Customer": record(
        {
            "customer": _TEXT,
            "name": _NAME,
            "language": _NAME,
            "tier": _NAME,
            "value": nullable(COUNT),
            "since": INSTANT,
            "changed": nullable(record({"by": _TEXT, "at": INSTANT})),
            "identifiers": listing(ref("CustomerIdentifier")),
            "conversation": nullable(ref("Conversation")),
            "conversations": listing(ref("PastConversation")),
        }
    ),
}

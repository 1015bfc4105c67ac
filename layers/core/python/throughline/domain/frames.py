"""Frames of the WebSocket API, as JSON objects. docs/protocol.md describes them; a test holds the two together."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from throughline.domain.configuration import AgentProfile
from throughline.domain.conversations import Entry, Head
from throughline.domain.identifiers import AgentId, AttachmentId, ConversationId, offer_id, stands_behind
from throughline.domain.messages import Attachment
from throughline.domain.quick_replies import QuickReply
from throughline.domain.rights import Role
from throughline.domain.routing import Agent, Waiting
from throughline.domain.vias import ends_of

Frame = Mapping[str, Any]


def iso(at_ms: int) -> str:
    """Return an instant as ISO 8601 in UTC with milliseconds, e.g. ``2026-11-22T10:00:00.000Z``."""
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def attachment_id(entry: Entry, index: int) -> AttachmentId:
    """Return the id by which a client asks for an attachment."""
    return AttachmentId(f"{entry.entry_id}.{index}")


def _attachment(entry: Entry, index: int, attachment: Attachment) -> Frame:
    return {
        "id": attachment_id(entry, index),
        "kind": attachment.kind,
        "name": attachment.name,
        "content_type": attachment.content_type,
        "size_bytes": attachment.size_bytes,
        "ready": attachment.blob is not None,
        "failed": attachment.failed,
    }


def _quick_reply(reply: QuickReply) -> Frame:
    told = {"kind": reply.kind, "text": reply.text, "description": reply.description, "url": reply.url}
    return {key: value for key, value in told.items() if value is not None}


def entry_view(entry: Entry, *, late: bool = False) -> Frame:
    """Return an entry as a client sees it; fields that say nothing are left out."""
    location = entry.location
    fields = {
        "id": entry.entry_id,
        "kind": entry.kind,
        "direction": entry.direction,
        "channel": entry.channel,
        "via": entry.via,
        "type": entry.type,
        "text": entry.text,
        "author": entry.author,
        "sent_at": iso(entry.sent_ms),
        "received_at": iso(entry.received_ms),
        "status": entry.status,
        "reason": entry.reason,
        "attachments": [_attachment(entry, index, item) for index, item in enumerate(entry.attachments)],
        "quick_replies": [_quick_reply(reply) for reply in entry.quick_replies],
        "template": entry.template and entry.template.name,
        "location": location
        and {
            "latitude": location.latitude,
            "longitude": location.longitude,
            "name": location.name,
            "address": location.address,
        },
        "reply_to": entry.reply_to,
        "target": entry.target,
        "names": entry.names,
        "emoji": entry.emoji,
        "details": dict(entry.details),
    }
    return {key: value for key, value in fields.items() if value not in (None, [], {})} | {"late": late}


def message_frame(head: Head, entry: Entry, *, again: bool = False) -> Frame:
    """Announce an entry; it is late when something newer was announced before.

    Neither what our own people say is late, nor what is announced `again` because it changed.
    """
    late = not again and entry.from_outside and stands_behind(head.latest, entry.reference)
    return {
        "event": "message",
        "conversation": head.conversation,
        "version": head.version,
        "entry": entry_view(entry, late=late),
    }


def status_frame(head: Head, entry: Entry) -> Frame:
    """Tell what became of a message of ours."""
    return {
        "event": "message.status",
        "conversation": head.conversation,
        "version": head.version,
        "entry": entry.entry_id,
        "status": entry.status,
        "reason": entry.reason,
        "names": entry.names,
    }


def conversation_view(head: Head) -> Frame:
    """Return a conversation as a client sees it."""
    return {
        "conversation": head.conversation,
        "version": head.version,
        "turn": head.turn,
        "state": head.state,
        "customer": {"id": head.customer, "name": head.name},
        "queue": head.queue,
        "requirement": head.requirement,
        "opened_at": iso(head.opened_ms),
        "via": head.last_via,
        "vias": [{"via": via, "last_inbound_at": iso(at_ms)} for via, at_ms in sorted(head.vias.items())],
        "language": head.language,
        "holder": head.holder,
        "disposition": head.disposition,
        "until": iso(head.until_ms) if head.until_ms else None,
    }


def conversation_frame(head: Head) -> Frame:
    """Tell that a conversation's state changed."""
    return {"event": "conversation", **conversation_view(head)}


def offer_view(waiting: Waiting, turn: int, deadline_ms: int) -> Frame:
    """Return a live offer of a contact as the agent who got it sees it."""
    return {
        "offer": offer_id(waiting.conversation, turn),
        "conversation": waiting.conversation,
        "customer": {"id": waiting.home, "name": waiting.name},
        **ends_of(waiting.via),
        "queue": waiting.queue,
        "requirement": waiting.requirement,
        "preview": waiting.preview,
        "waiting_since": iso(waiting.since_ms),
        "expires_at": iso(deadline_ms),
    }


def offer_frame(waiting: Waiting, turn: int, deadline_ms: int) -> Frame:
    """Offer a contact."""
    return {"event": "offer", **offer_view(waiting, turn, deadline_ms)}


def offer_ended_frame(conversation: ConversationId, turn: int, reason: str) -> Frame:
    """Tell an agent that an offer is over; `reason` is accepted, rejected, timed_out or gone."""
    return {
        "event": "offer.ended",
        "offer": offer_id(conversation, turn),
        "conversation": conversation,
        "reason": reason,
    }


def presence_view(agent: Agent) -> Frame:
    """Return an agent's own state as their screens show it."""
    return {
        "agent": agent.agent_id,
        "name": agent.name,
        "presence": agent.presence,
        "reason": agent.reason,
        "since": iso(agent.since_ms) if agent.since_ms else None,
        "next": agent.next and {"presence": agent.next.presence, "reason": agent.next.reason},
        "capacity": dict(agent.capacity),
        "load": dict(agent.load),
        "version": agent.seq,
    }


def presence_frame(agent: Agent) -> Frame:
    """Tell an agent's screens their presence; two tabs agree this way."""
    return {"event": "presence", **presence_view(agent)}


def typing_frame(head: Head, who: AgentId | None) -> Frame:
    """Tell that somebody is writing."""
    return {"event": "typing", "conversation": head.conversation, "from": who or "customer"}


def read_by_frame(head: Head, who: AgentId | None) -> Frame:
    """Tell an agent's screens that what there is has been read: in another tab, or by the customer."""
    return {"event": "read", "conversation": head.conversation, "by": who or "customer"}


def me_view(profile: AgentProfile, role: Role, not_ready_reasons: Sequence[str]) -> Frame:
    """Return who signed in, as configured, and what they may give as reason when they are not ready."""
    return {
        "agent": profile.agent_id,
        "name": profile.name,
        "role": role,
        "teams": list(profile.teams),
        "skills": dict(profile.skills),
        "language": profile.language,
        "not_ready_reasons": list(not_ready_reasons),
    }


def snapshot_frame(me: Frame, agent: Agent, offers: Sequence[Frame], conversations: Sequence[Frame]) -> Frame:
    """Everything an agent's screen needs after it (re)connected."""
    return {
        "event": "snapshot",
        "me": me,
        "agent": presence_view(agent),
        "offers": list(offers),
        "conversations": list(conversations),
    }


def ack_frame(frame_id: str, **fields: Any) -> Frame:
    """Answer a client's frame that was carried out."""
    return {"event": "ack", "id": frame_id, **fields}


def error_frame(frame_id: str | None, code: str, message: str, version: int | None = None) -> Frame:
    """Answer a client's frame that was not; `version` is the conversation's present one where that was the matter."""
    told = {"event": "error", "id": frame_id, "code": code, "message": message}
    return told if version is None else {**told, "version": version}

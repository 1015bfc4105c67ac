"""How much of an event a thread can take.

What is larger than an item of a table would never get onto it, and would hold up all that its customer says after it.
An item has 400 KB, a key 1 KB
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
"""

from dataclasses import replace
from typing import Any

from throughline.domain.encodings import InboundJob, encode_inbound
from throughline.domain.identifiers import Identifier
from throughline.domain.json_fields import size_bytes
from throughline.domain.messages import Attachment, ChannelEvent, IdentityChanged, MessageReceived, StatusReported

MAX_TEXT_BYTES = 100_000
MAX_NAME_CHARACTERS = 200
MAX_ID_BYTES = 256
MAX_FIGURE = 2**53  # a table takes 38 digits, a browser this much
# Text and raw part, before anything is packed; the rest of the 400 KB is for copies of attachments and what is learnt.
MAX_EVENT_BYTES = 250_000


def cut_to_size(event: ChannelEvent) -> ChannelEvent:
    """Return the event itself, or as much of it as a thread can take.

    The name loses what no screen shows, the text its end (`details` of a message then say ``cut``); a figure that
    measures nothing is left out, and so is the raw part of an event that is too large with it.
    """
    changes = _shorter_name(event) | _shorter_text(event) | _plain_figures(event)
    cut = replace(event, **changes) if changes else event
    return cut if _size(cut) <= MAX_EVENT_BYTES else replace(cut, raw=None)


def fits(event: ChannelEvent) -> bool:
    """Return whether a thread can take what is left of an event: no id in it is too large, nor the whole."""
    ids = [str(identifier) for identifier in _identifiers(event)]
    ids += [event.message_id] if isinstance(event, StatusReported) else []
    return all(len(name.encode()) <= MAX_ID_BYTES for name in ids) and _size(event) <= MAX_EVENT_BYTES


def _shorter_name(event: ChannelEvent) -> dict[str, Any]:
    too_long = event.name is not None and len(event.name) > MAX_NAME_CHARACTERS
    return {"name": (event.name or "")[:MAX_NAME_CHARACTERS]} if too_long else {}


def _shorter_text(event: ChannelEvent) -> dict[str, Any]:
    text = getattr(event, "text", None) or ""
    if len(text) <= MAX_TEXT_BYTES // 4 or len(text.encode()) <= MAX_TEXT_BYTES:
        return {}
    shorter = {"text": text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore") + "…"}
    return shorter | ({"details": {**event.details, "cut": True}} if isinstance(event, MessageReceived) else {})


def _plain_figures(event: ChannelEvent) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    attachments: tuple[Attachment, ...] = getattr(event, "attachments", ())
    if not all(_is_plain(attachment.size_bytes) for attachment in attachments):
        changes["attachments"] = tuple(
            item if _is_plain(item.size_bytes) else replace(item, size_bytes=None) for item in attachments
        )
    place = event.location if isinstance(event, MessageReceived) else None
    if place is not None and not (_is_plain(place.latitude) and _is_plain(place.longitude)):
        changes["location"] = None
    return changes


def _is_plain(figure: float | None) -> bool:
    return figure is None or abs(figure) < MAX_FIGURE


def _identifiers(event: ChannelEvent) -> tuple[Identifier, ...]:
    changed = (event.previous, event.current) if isinstance(event, IdentityChanged) else ()
    return (*event.senders, *changed)


def _size(event: ChannelEvent) -> int:
    return size_bytes(encode_inbound(InboundJob(inbound="", arrival_ms=0, event=event)))

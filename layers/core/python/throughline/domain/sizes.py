"""How much of an event a thread can take. What is larger than a table's item would never get onto it, and would hold up
everything its customer says after it.

An item has 400 KB, a key 1 KB
(docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
"""

from dataclasses import replace

from throughline.domain.encodings import InboundJob, encode_inbound
from throughline.domain.identifiers import Identifier
from throughline.domain.json_fields import size_bytes
from throughline.domain.messages import ChannelEvent, IdentityChanged, MessageReceived, StatusReported

MAX_TEXT_BYTES = 100_000
MAX_NAME_CHARACTERS = 200
MAX_ID_BYTES = 256
# Text and raw part, before anything is packed; the rest of the 400 KB is for copies of attachments and what is learnt.
MAX_EVENT_BYTES = 250_000


def cut_to_size(event: ChannelEvent) -> ChannelEvent:
    """Return the event itself, or as much of it as a thread can take.

    The name loses what no screen shows, the text its end (`details` of a message then say ``cut``), and the raw part is
    left out of an event that is too large with it.
    """
    cut = event
    if event.name is not None and len(event.name) > MAX_NAME_CHARACTERS:
        cut = replace(cut, name=event.name[:MAX_NAME_CHARACTERS])
    text = getattr(event, "text", None)
    if text is not None and len(text.encode()) > MAX_TEXT_BYTES:
        details = {"details": {**event.details, "cut": True}} if isinstance(event, MessageReceived) else {}
        cut = replace(cut, text=text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore") + "…", **details)
    return cut if _size(cut) <= MAX_EVENT_BYTES else replace(cut, raw=None)


def fits(event: ChannelEvent) -> bool:
    """Return whether a thread can take what is left of an event after the cut: no id in it is too large, nor the rest."""
    ids = [str(identifier) for identifier in _identifiers(event)]
    ids += [event.message_id] if isinstance(event, StatusReported) else []
    return all(len(name.encode()) <= MAX_ID_BYTES for name in ids) and _size(event) <= MAX_EVENT_BYTES


def _identifiers(event: ChannelEvent) -> tuple[Identifier, ...]:
    changed = (event.previous, event.current) if isinstance(event, IdentityChanged) else ()
    return (*event.senders, *changed)


def _size(event: ChannelEvent) -> int:
    return size_bytes(encode_inbound(InboundJob(inbound="", arrival_ms=0, event=event)))

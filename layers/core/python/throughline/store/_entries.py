"""How an entry stands in its item: short names, nothing that says nothing, the raw webhook packed beside the text."""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any

from throughline.domain.conversations import Direction, Entry, EntryKind
from throughline.domain.encodings import decode_record, encode_record
from throughline.domain.identifiers import Home
from throughline.domain.messages import DELIVERY_RANK, Attachment, DeliveryStatus, Location
from throughline.domain.quick_replies import QuickReply
from throughline.domain.templates import FilledTemplate
from throughline.store._values import Item

PREFIX = "entry#"

ATTRIBUTES: Mapping[str, str] = {
    "by": "by",
    "kind": "k",
    "direction": "d",
    "channel": "c",
    "sent_ms": "s",
    "received_ms": "r",
    "via": "v",
    "type": "y",
    "text": "t",
    "author": "a",
    "attachments": "att",
    "quick_replies": "qr",
    "template": "tp",
    "location": "loc",
    "reply_to": "re",
    "target": "tg",
    "emoji": "em",
    "details": "x",
    "status": "st",
    "reason": "why",
    "provider_ids": "pid",
    "raw": "raw",
}
RANK = "rank"

_DEFAULTS = {field.name: field.default for field in fields(Entry) if field.default is not MISSING}


def entry_key(reference: str) -> str:
    """Return the sort key of an entry."""
    return PREFIX + reference


def entry_item(entry: Entry) -> Item:
    """Return the item of an entry."""
    item: Item = {"pk": entry.home, "sk": entry_key(entry.reference)}
    for field, name in ATTRIBUTES.items():
        kept = _to_kept(field, getattr(entry, field), entry.text)
        if kept is not None:
            item[name] = kept
    if entry.status is not None:
        item[RANK] = DELIVERY_RANK[entry.status]
    return item


def entry_from(item: Item) -> Entry:
    """Return the entry in an item."""
    text = item.get(ATTRIBUTES["text"])
    found = {field: _from_kept(field, item[name], text) for field, name in ATTRIBUTES.items() if name in item}
    return Entry(home=Home(item["pk"]), reference=item["sk"].removeprefix(PREFIX), **found)


def attachment_map(attachment: Attachment) -> dict[str, Any]:
    """Return an attachment as a map without what is not known of it."""
    return {name: value for name, value in asdict(attachment).items() if value is not None}


def _to_kept(field: str, value: Any, text: str | None) -> Any:
    """Return what is kept of a field, None if it says nothing."""
    if value in (None, (), {}) or (field == "type" and value == _DEFAULTS["type"]):
        return None
    if field == "raw":
        return pack(value, text)
    return _KEEP[field](value) if field in _KEEP else value


def _from_kept(field: str, value: Any, text: str | None) -> Any:
    if field == "raw":
        return unpack(value, text)
    return _TAKE[field](value) if field in _TAKE else value


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_KEEP: Mapping[str, Callable[[Any], Any]] = {
    "attachments": lambda value: [attachment_map(attachment) for attachment in value],
    "quick_replies": lambda value: _compact([encode_record(reply) for reply in value]),
    "template": lambda value: _compact(encode_record(value)),
    "location": asdict,
    "details": _compact,
}
_TAKE: Mapping[str, Callable[[Any], Any]] = {
    "kind": EntryKind,
    "direction": Direction,
    "status": DeliveryStatus,
    "attachments": lambda value: tuple(Attachment(**attachment) for attachment in value),
    "quick_replies": lambda value: tuple(decode_record(QuickReply, reply) for reply in json.loads(value)),
    "template": lambda value: decode_record(FilledTemplate, json.loads(value)),
    "location": lambda value: Location(**value),
    "details": json.loads,
    # Every attempt appends all it knows, so that none needs to read; the first mention keeps the order.
    "provider_ids": lambda value: tuple(dict.fromkeys(value)),
}


def pack(raw: Any, text: str | None) -> bytes:
    """Return the compact JSON of `raw`, deflated; the entry's own text, which never changes, serves as dictionary."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=_dictionary(text))
    return packer.compress(_compact(raw).encode()) + packer.flush()


def unpack(packed: bytes, text: str | None) -> Any:
    """Return what `pack` packed beside the same text."""
    unpacker = zlib.decompressobj(-15, zdict=_dictionary(text))
    return json.loads(unpacker.decompress(packed) + unpacker.flush())


def _dictionary(text: str | None) -> bytes:
    return (text or "").encode()

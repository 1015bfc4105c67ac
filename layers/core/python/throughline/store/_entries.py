"""How an entry stands in its item: short names, nothing that says nothing, the raw webhook packed beside the text."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any

from throughline.domain.conversations import Direction, Entry, EntryKind
from throughline.domain.identifiers import Home
from throughline.domain.messages import DELIVERY_RANK, Attachment, DeliveryStatus, Location
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
    match field:
        case "attachments":
            return [attachment_map(attachment) for attachment in value]
        case "location":
            return asdict(value)
        case "details":
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        case "raw":
            return pack(value, text)
    return value


def _from_kept(field: str, value: Any, text: str | None) -> Any:
    if field in _ENUMS:
        return _ENUMS[field](value)
    match field:
        case "attachments":
            return tuple(Attachment(**attachment) for attachment in value)
        case "location":
            return Location(**value)
        case "details":
            return json.loads(value)
        case "raw":
            return unpack(value, text)
    # Provider ids: every attempt appends all it knows, so that none needs to read; the first mention keeps the order.
    return tuple(dict.fromkeys(value)) if field == "provider_ids" else value


_ENUMS: Mapping[str, type[EntryKind | Direction | DeliveryStatus]] = {
    "kind": EntryKind,
    "direction": Direction,
    "status": DeliveryStatus,
}


def pack(raw: Any, text: str | None) -> bytes:
    """Return the compact JSON of `raw`, deflated; the entry's own text, which never changes, serves as dictionary."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=_dictionary(text))
    return packer.compress(json.dumps(raw, ensure_ascii=False, separators=(",", ":")).encode()) + packer.flush()


def unpack(packed: bytes, text: str | None) -> Any:
    """Return what `pack` packed beside the same text."""
    unpacker = zlib.decompressobj(-15, zdict=_dictionary(text))
    return json.loads(unpacker.decompress(packed) + unpacker.flush())


def _dictionary(text: str | None) -> bytes:
    return (text or "").encode()

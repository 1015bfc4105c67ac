"""How a conversation's head stands in its item. Names are short: a head over one KB doubles the cost of everything."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any

from throughline.domain.conversations import ContactState, Head, Moved
from throughline.domain.identifiers import Home
from throughline.store._values import Item

LIVE = "live"

ATTRIBUTES: Mapping[str, str] = {
    "conversation": "conv",
    "version": "version",
    "state": "state",
    "turn": "turn",
    "work_class": "class",
    "queue": "queue",
    "requirement": "req",
    "base_requirement": "base",
    "score": "score",
    "opener": "opener",
    "opened_ms": "opened",
    "reopened_ms": "reopened",
    "excluded": "excl",
    "past": "past",
    "holder": "holder",
    "preferred": "pref",
    "epoch": "epoch",
    "deadline_ms": "deadline",
    "nonce": "nonce",
    "why": "why",
    "sockets": "sockets",
    "last_via": "last",
    "links": "links",
    "latest": "latest",
    "name": "name",
    "language": "lang",
    "disposition": "disp",
    "until_ms": "until",
    "closed_ms": "closed",
    "sending": "sending",
    "answered_by": "said_by",
    "answered_version": "said",
}
_TUPLES = ("excluded", "past", "sockets", "links")
_REQUIRED = frozenset(field.name for field in fields(Head) if field.default is field.default_factory is MISSING)
_VIA = "via:"


def archived_key(conversation: str) -> str:
    """Return the sort key of a closed conversation's last state."""
    return f"head#{conversation}"


def via_attribute(via: str) -> str:
    """Return the attribute that says when the customer last wrote by `via`.

    One attribute each: a map could not be made and filled by the one update that opens a conversation.
    """
    return _VIA + via


def says_something(field: str, value: Any) -> bool:
    """Return whether a value is kept: what a head has by default is not."""
    return field in _REQUIRED or value not in (None, "", 0, ())


def head_attributes(head: Head) -> Item:
    """Return the attributes of a head, keys left out."""
    item = {
        name: getattr(head, field) for field, name in ATTRIBUTES.items() if says_something(field, getattr(head, field))
    }
    return item | {via_attribute(via): at_ms for via, at_ms in head.vias.items()}


def head_item(head: Head, sk: str) -> Item:
    """Return the item of a head."""
    return {"pk": head.home, "sk": sk, **head_attributes(head)}


def head_from(item: Item) -> Head:
    """Return the head in an item that has a conversation."""
    found = {field: item[name] for field, name in ATTRIBUTES.items() if name in item}
    found |= {field: tuple(found[field]) for field in _TUPLES if field in found}
    found["state"] = ContactState(found["state"])
    return Head(home=Home(item["pk"]), vias=dict(_vias(item)), **found)


def _vias(item: Item) -> Iterator[tuple[str, int]]:
    for name, at_ms in item.items():
        if name.startswith(_VIA):
            yield name.removeprefix(_VIA), at_ms


def conversation_in(item: Item) -> Head | None:
    """Return the conversation in a live item, or None if it holds none (absent, moved, or only blocked)."""
    return head_from(item) if "conv" in item else None


def moved_in(item: Item) -> Moved | None:
    """Return where a live item points to, if it does and is not blocked."""
    if "moved" not in item or "blocked" in item:
        return None
    return Moved(home=Home(item["pk"]), to=Home(item["moved"]))

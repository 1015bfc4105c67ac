"""A thread as people read it: edits, deletions and reactions folded onto the messages they are about."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from throughline.domain.conversations import Entry, EntryKind
from throughline.domain.frames import Frame, entry_view, iso
from throughline.domain.identifiers import EntryId, is_numbered

FOLDED = frozenset({EntryKind.EDIT, EntryKind.DELETION, EntryKind.REACTION})


def fold(entries: Iterable[Entry]) -> list[Frame]:
    """Return the entries as a client sees them, oldest first, whatever order they are given in.

    An edit replaces the text and sets `edited_at`, the latest one wins; a deletion withholds everything that was said
    and sets `deleted`; `reactions` has the latest of each person. What is about a message that is not among `entries`
    stays an entry. One that came in after something that stands behind it is `late`.
    """
    ordered = sorted(
        {entry.entry_id: entry for entry in entries}.values(), key=lambda entry: (entry.reference, entry.home)
    )
    by_digest = {name: entry for entry in ordered if entry.kind not in FOLDED for name in (entry.digest, *entry.names)}
    about: dict[str, list[Entry]] = {}
    left: list[Entry] = []
    for entry in ordered:
        target = by_digest.get(entry.target or "") if entry.kind in FOLDED else None
        if target is None:
            left.append(entry)
        else:
            about.setdefault(target.entry_id, []).append(entry)
    taken_back = {entry.target for entry in ordered if entry.kind is EntryKind.DELETION}
    late = _late(left)
    views = {entry.entry_id: _view(entry, about.get(entry.entry_id, []), taken_back) for entry in left}
    return [{**view, "late": entry_id in late} for entry_id, view in views.items()]


def _late(ordered: Sequence[Entry]) -> set[EntryId]:
    """Return which entries, given oldest first, came in after something the customer wrote that stands behind them."""
    late: list[Entry] = []
    first_ms = math.inf  # when the first of those with a later time came in
    told = (entry for entry in reversed(ordered) if entry.from_outside)
    for _, instant in groupby(told, key=lambda entry: entry.sent_ms):
        here = list(instant)
        numbered = [entry for entry in here if is_numbered(entry.reference)]
        late += (entry for entry in here if entry.received_ms > first_ms)
        late += (one for at, one in enumerate(numbered) if _first_ms(numbered[:at]) < one.received_ms)
        first_ms = min(first_ms, _first_ms(here))
    return {entry.entry_id for entry in late}


def _first_ms(entries: Sequence[Entry]) -> float:
    """Return when the first of those came in against which others are late."""
    return min((entry.received_ms for entry in entries if entry.is_written), default=math.inf)


def _view(entry: Entry, about: list[Entry], taken_back: set[str | None]) -> Frame:
    if entry.kind is EntryKind.EDIT and entry.target in taken_back:
        return _withheld(entry)
    if any(item.kind is EntryKind.DELETION for item in about):
        return _withheld(entry)
    edits = [item for item in about if item.kind is EntryKind.EDIT]
    reactions = _reactions(item for item in about if item.kind is EntryKind.REACTION)
    return {**entry_view(entry), **_edited(edits), **({"reactions": reactions} if reactions else {})}


def _withheld(entry: Entry) -> Frame:
    bare = replace(entry, text=None, attachments=(), location=None, details={})
    return {**entry_view(bare), "deleted": True}


def _edited(edits: list[Entry]) -> Mapping[str, Any]:
    if not edits:
        return {}
    last = edits[-1]
    changed = {"text": last.text, "edited_at": iso(last.sent_ms)}
    return changed | ({"attachments": entry_view(last)["attachments"]} if last.attachments else {})


def _reactions(reactions: Iterable[Entry]) -> list[Frame]:
    latest = {_person(entry): entry for entry in reactions}
    return [{"emoji": entry.emoji, "by": person} for person, entry in sorted(latest.items()) if entry.emoji]


def _person(entry: Entry) -> str:
    return (entry.via or "").partition("|")[2] or entry.author or entry.direction

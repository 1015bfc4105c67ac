"""A thread and its conversation as the visitor sees them, and the frames that say so; docs/protocol.md has them."""

from collections.abc import Iterable, Mapping, Sequence

from throughline.domain.conversations import ContactState, Direction, Entry, Head
from throughline.domain.folding import fold
from throughline.domain.frames import Frame, entry_view, iso
from throughline.domain.identifiers import AgentId
from throughline.domain.quick_replies import written_out
from throughline.domain.visitors import IDENTIFIED, TAPPED, Visitor, is_shown

Names = Mapping[AgentId, str]

_SHOWN_FIELDS = (
    *("id", "kind", "direction", "type", "text", "sent_at", "status", "attachments", "location", "reply_to", "target"),
    *("emoji", "edited_at", "deleted", "withheld"),
)
_STATES: Mapping[ContactState, str] = {
    ContactState.QUEUED: "waiting",
    ContactState.OFFERED: "waiting",
    ContactState.ACTIVE: "assigned",
    ContactState.PAUSED: "assigned",
    ContactState.WRAPPING: "assigned",
    ContactState.RESOLVED: "ended",
}
STATES_TOLD = ("none", *dict.fromkeys(_STATES.values()))


def authors(entries: Iterable[Entry]) -> set[AgentId]:
    """Return the agents who wrote any of these."""
    return {AgentId(entry.author) for entry in entries if entry.author and entry.direction is Direction.OUTBOUND}


def visitor_entries(entries: Sequence[Entry], ways: Iterable[str], names: Names) -> list[Frame]:
    """Return those of the entries that are shown, folded, oldest first; `names` are those agents go by."""
    shown = {entry.entry_id: entry for entry in entries if is_shown(entry, *ways)}
    return [_narrowed(view, shown[view["id"]], names) for view in fold(shown.values())]


def visitor_entry(entry: Entry, names: Names) -> Frame:
    """Return one entry as its visitor sees it."""
    return _narrowed(entry_view(entry), entry, names)


def _narrowed(view: Frame, entry: Entry, names: Names) -> Frame:
    ours = entry.direction is Direction.OUTBOUND
    raw = entry.raw if isinstance(entry.raw, Mapping) else {}
    author = entry.author and (names.get(AgentId(entry.author)) if ours else entry.author)
    more = {
        "author": author,
        "message_id": None if ours else raw.get("message_id"),
        "reactions": [_reaction(item, entry) for item in view.get("reactions", ())],
    }
    shown = {**{name: view[name] for name in _SHOWN_FIELDS if name in view}, **_laid_ready(view, entry)}
    return {**shown, **{name: value for name, value in more.items() if value}}


def _laid_ready(view: Frame, entry: Entry) -> Frame:
    """Return the quick replies as something to tap, or what the text says where a client has nothing for them."""
    if not entry.quick_replies or view.get("deleted"):
        return {}
    if {reply.kind for reply in entry.quick_replies} <= TAPPED:
        return {"quick_replies": view["quick_replies"]}
    return {"text": written_out(view.get("text") or "", entry.quick_replies)}


def _reaction(reaction: Frame, entry: Entry) -> Frame:
    theirs = reaction["by"] == (entry.via or "").partition("|")[2]
    return {"emoji": reaction["emoji"], "by": Direction.INBOUND if theirs else Direction.OUTBOUND}


def visitor_state(head: Head | None, names: Names) -> Frame:
    """Return how the visitor's conversation stands: what they may know of it."""
    state = _STATES[head.state] if head else "none"
    agent = names.get(head.holder) if head and head.holder and state == "assigned" else None
    return {"state": state, "agent": agent}


# ---------------------------------------------------------------- frames


def visitor_snapshot_frame(visitor: Visitor, state: Frame, entries: Sequence[Frame], before: str | None) -> Frame:
    """Everything a visitor's client needs after it (re)connected."""
    told = {"name": visitor.profile.name, "identified": visitor.identifier.kind == IDENTIFIED}
    return {"event": "snapshot", "visitor": told, "conversation": state, "entries": list(entries), "before": before}


def visitor_message_frame(entry: Entry, names: Names) -> Frame:
    """Show an entry."""
    return {"event": "message", "entry": visitor_entry(entry, names)}


def visitor_status_frame(entry: Entry) -> Frame:
    """Tell what became of a message of ours, for the other tabs."""
    return {"event": "message.status", "entry": entry.entry_id, "status": entry.status}


def visitor_conversation_frame(state: Frame) -> Frame:
    """Tell how the conversation stands."""
    return {"event": "conversation", **state}


def visitor_typing_frame(name: str | None) -> Frame:
    """Tell that an agent is writing."""
    return {"event": "typing", "from": name}


def visitor_read_frame(until_ms: int) -> Frame:
    """Tell that an agent has read what was sent until then."""
    return {"event": "read", "until": iso(until_ms)}

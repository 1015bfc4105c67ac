"""How a recorded change of a contact stands in its item."""

import json

from throughline.domain.conversations import ContactChange, ContactState
from throughline.domain.identifiers import AgentId, ConversationId, Home
from throughline.store._values import Item


def change_prefix(conversation: ConversationId) -> str:
    """Return what the sort keys of a conversation's changes begin with."""
    return f"change#{conversation}#"


def change_item(change: ContactChange) -> Item:
    """Return the item of a change."""
    item = {
        "pk": change.home,
        "sk": f"{change_prefix(change.conversation)}{change.turn:06d}#{change.state}",
        "at": change.at_ms,
        "by": change.by,
        "why": change.why,
    }
    if change.agent is not None:
        item["agent"] = change.agent
    if change.decision:
        item["decision"] = json.dumps(change.decision, ensure_ascii=False, separators=(",", ":"))
    return item


def change_from(home: Home, conversation: ConversationId, item: Item) -> ContactChange:
    """Return the change in an item."""
    _, turn, state = item["sk"].rsplit("#", 2)
    return ContactChange(
        home=home,
        conversation=conversation,
        turn=int(turn),
        state=ContactState(state),
        at_ms=item["at"],
        by=item["by"],
        why=item["why"],
        agent=AgentId(item["agent"]) if "agent" in item else None,
        decision=json.loads(item.get("decision", "{}")),
    )

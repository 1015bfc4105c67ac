"""Announce what was written on a thread to whoever holds the customer's conversation by now."""

from throughline.domain.conversations import Direction, Entry, Head
from throughline.domain.frames import message_frame
from throughline.domain.identifiers import ConversationId, CustomerId, Home
from throughline.flows.notify import notify_holder
from throughline.flows.read_thread import find_live
from throughline.ports import World

OUTSIDE = "|outside"  # who answers past us, on the business's phone; no agent's id has a bar


def announce_entry(
    world: World, entry: Entry, *, conversation: ConversationId | None = None, again: bool = False
) -> Head | None:
    """Count an entry in the version of the live conversation and show it; None where nothing is live.

    That is `conversation`, if it still is the live one of the entry's home (1 WRU); else whichever is live where the
    customer is found by now (1 to 2 RRU and 1 WRU). Safe to repeat: the version rises again, the client knows the id.
    What is shown `again`, because it changed, is not late for that.
    """
    said = answered_by(entry)
    head = world.threads.announce_update(entry.home, conversation, answered_by=said) if conversation else None
    head = head or raise_version(world, entry.home, answered_by=said)
    if head:
        notify_holder(world, head, message_frame(head, entry, again=again))
    return head


def answered_by(entry: Entry) -> str | None:
    """Return who answers the customer with this entry, None if it is no answer."""
    return (entry.author or OUTSIDE) if entry.direction is Direction.OUTBOUND else None


def raise_version(world: World, home: Home, *, answered_by: str | None = None) -> Head | None:
    """Raise the version of the conversation that is live where the customer of `home` is found by now."""
    _, live = find_live(world, CustomerId(home))
    return world.threads.announce_update(live.home, live.conversation, answered_by=answered_by) if live else None

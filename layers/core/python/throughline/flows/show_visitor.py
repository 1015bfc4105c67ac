"""Show visitors of web chat what concerns them. The socket is a doorbell here too: the next `hello` brings everything.

A visitor's sockets are found by the way they write. Who writes truth looks for sockets after it; `hello` puts the
socket before it reads: one of the two sees the other. Nothing here fails because of a screen: a socket that cannot be
told is dropped, so that its client connects again instead of missing something.
"""

from throughline.domain.conversations import Entry, Head
from throughline.domain.errors import PayloadTooLargeError, RetryableError
from throughline.domain.frame_splitting import frames_within
from throughline.domain.frames import Frame
from throughline.domain.identifiers import AgentId, ConnectionId, CustomerId
from throughline.domain.visitor_views import (
    Names,
    authors,
    visitor_conversation_frame,
    visitor_message_frame,
    visitor_state,
    visitor_status_frame,
)
from throughline.domain.visitors import is_for_visitors, is_of_webchat
from throughline.flows.read_thread import find_live
from throughline.flows.visitor_ways import living_way
from throughline.ports import Connection, World

RECENT_MS = 10 * 60 * 1000  # longer than a message of a visitor's waits on its queue
MAX_RECENT = 20


def tell_visitor(world: World, way: str | None, frame: Frame) -> None:
    """Send a frame to every socket of the visitor who writes by `way`; nothing happens on other channels. 1 RRU.

    One more where the way is an anonymous visitor's: they may have signed in since.
    """
    if way is None or not is_of_webchat(way):
        return
    way = living_way(world, way)
    for connection in world.connections.list_listeners(way):
        if not _posted(world, connection, frame):
            drop_listener(world, way, connection)


def _posted(world: World, connection: ConnectionId, frame: Frame) -> bool:
    try:
        return all(world.sockets.post(connection, part) for part in frames_within(frame))
    except (RetryableError, PayloadTooLargeError):
        world.telemetry.count("visitor_not_told")
        return False


def drop_listener(world: World, way: str, connection: ConnectionId) -> None:
    """Forget a visitor's socket: were it still open, its next frame is answered `unauthenticated`."""
    world.connections.delete_connection(connection)
    world.connections.delete_listener(way, connection)


def forget_visitor(world: World, connection: Connection) -> None:
    """Forget a visitor's socket that has closed. The connection first: a hello that is under way looks for it last."""
    world.connections.delete_connection(connection.connection_id)
    if connection.visitor:
        world.connections.delete_listener(connection.visitor.way, connection.connection_id)


def show_entry(world: World, entry: Entry) -> None:
    """Show an entry that is for a visitor to see to all of their screens."""
    if is_for_visitors(entry):
        tell_visitor(world, entry.via, visitor_message_frame(entry, names_of(world, authors([entry]))))


def show_status(world: World, entry: Entry) -> None:
    """Tell a visitor's screens what became of a message of ours: another tab has seen it."""
    if is_for_visitors(entry):
        tell_visitor(world, entry.via, visitor_status_frame(entry))


def show_state(world: World, head: Head) -> None:
    """Tell a visitor how their conversation stands."""
    if is_of_webchat(head.last_via):
        tell_visitor(world, head.last_via, visitor_conversation_frame(view_state(world, head)))


def show_opening(world: World, entry: Entry) -> None:
    """Tell a visitor how the conversation they opened stands by now. 2 RRU."""
    if is_of_webchat(entry.via):
        _, live = find_live(world, CustomerId(entry.home))
        tell_visitor(world, entry.via, visitor_conversation_frame(view_state(world, live)))


def show_handed_over(world: World, entry: Entry) -> None:
    """Show a user what they wrote anonymously until `entry`, as far as it may have been filed after their hello."""
    since_ms = entry.received_ms - RECENT_MS
    for recent in reversed(world.threads.list_entries(entry.home, before=None, since_ms=since_ms, limit=MAX_RECENT)):
        show_entry(world, recent)
    show_opening(world, entry)


def view_state(world: World, head: Head | None) -> Frame:
    """Return how a conversation stands, as its visitor may know it."""
    holder = {head.holder} if head and head.holder else set()
    return visitor_state(head, names_of(world, holder))


def names_of(world: World, agents: set[AgentId]) -> Names:
    """Return the names these agents go by; those nobody configures any more have none."""
    found = {agent: world.settings.find_agent_profile(agent) for agent in agents}
    return {agent: profile.name for agent, profile in found.items() if profile}

"""Tell an agent's screens. The socket is a doorbell: nothing is lost when it is deaf, a reconnect brings everything."""

from collections.abc import Iterable

from throughline.domain.conversations import Head
from throughline.domain.frames import Frame
from throughline.domain.identifiers import AgentId, ConnectionId
from throughline.ports import World


def notify_holder(world: World, head: Head, frame: Frame) -> bool:
    """Send a frame to whoever holds the conversation; return whether any screen took it."""
    return head.holder is not None and notify_agent(world, head.holder, head.sockets, frame)


def notify_agent(world: World, agent: AgentId, sockets: Iterable[str], frame: Frame) -> bool:
    """Send a frame to the agent's screens; return whether any took it.

    `sockets` may be stale: when none of them answers, the agent's own item tells the open ones. Those that are gone
    are reported as disconnected, so that an agent without a screen does not keep offers.
    """
    known = tuple(sockets)
    if _post_all(world, agent, known, frame):
        return True
    current = world.routing.find_agent(agent)
    fresh = tuple(socket for socket in (current.sockets if current else ()) if socket not in known)
    return _post_all(world, agent, fresh, frame)


def _post_all(world: World, agent: AgentId, sockets: Iterable[str], frame: Frame) -> bool:
    reached = False
    for socket in sockets:
        if world.sockets.post(ConnectionId(socket), frame):
            reached = True
        else:
            world.timers.arm({"kind": "vanish", "agent": agent, "connection": socket}, delay_s=0)
    return reached

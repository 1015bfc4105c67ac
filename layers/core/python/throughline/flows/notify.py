"""Tell an agent's screens. The socket is a doorbell: nothing is lost when it is deaf, a reconnect brings everything."""

from collections.abc import Iterable, Mapping
from typing import Any

from throughline.domain.conversations import HELD, ContactChange, ContactState, Expected, Head, Outcome
from throughline.domain.frame_splitting import frames_within
from throughline.domain.frames import Frame, offer_frame, presence_frame
from throughline.domain.identifiers import AgentId, ConnectionId, ConversationId
from throughline.domain.routing import Agent, Offer, Slot, Waiting
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
    reached, parts = False, frames_within(frame)
    for socket in sockets:
        if all(world.sockets.post(ConnectionId(socket), part) for part in parts):
            reached = True
        else:
            world.timers.arm({"kind": "vanish", "agent": agent, "connection": socket}, delay_s=0)
    return reached


def show_presence(world: World, agent: Agent) -> None:
    """Tell all of the agent's screens how they stand."""
    notify_agent(world, agent.agent_id, agent.sockets, presence_frame(agent))


def show_new_presence(world: World, before: Agent | None, after: Agent | None) -> None:
    """Tell all of the agent's screens how they stand, if a write has changed what they are or will be next."""
    if before and after and _declared(before) != _declared(after):
        show_presence(world, after)


def _declared(agent: Agent) -> tuple[object, ...]:
    return agent.presence, agent.reason, agent.next


# ---------------------------------------------------------------- offers


def show_offer(world: World, waiting: Waiting, offer: Offer, decision: Mapping[str, Any]) -> None:
    """Ring at the agent who was claimed, and keep why it was this one, also if the bell fails."""
    try:
        notify_agent(world, offer.agent_id, offer.sockets, offer_frame(waiting, offer.turn, offer.deadline_ms))
    finally:
        record_offer(world, waiting, offer.turn, offer.agent_id, decision)


def record_offer(world: World, waiting: Waiting, turn: int, agent: AgentId, decision: Mapping[str, Any]) -> None:
    """Keep to whom a contact was offered at `turn`, and why to them."""
    world.threads.record_change(
        ContactChange(
            home=waiting.home,
            conversation=waiting.conversation,
            turn=turn,
            state=ContactState.OFFERED,
            at_ms=world.clock(),
            by="routing",
            why="chosen",
            agent=agent,
            decision=decision,
        )
    )


def show_on_later_screens(world: World, waiting: Waiting, offer: Offer, agent: Agent) -> None:
    """Ring at the screens that opened while the agent was being claimed by what the hint knew of them."""
    slot, frame = agent.held.get(offer.conversation), offer_frame(waiting, offer.turn, offer.deadline_ms)
    later = [socket for socket in agent.sockets if socket not in offer.sockets]
    if later and slot and slot.turn == offer.turn and bind_sockets(world, agent, offer.conversation, slot).won:
        notify_agent(world, agent.agent_id, later, frame)


def bind_sockets(world: World, agent: Agent, conversation: ConversationId, slot: Slot) -> Outcome:
    """Let a held contact ring at all the screens its agent has; lost if the contact has moved on.

    Written, then looked at again: of two screens that open at the same instant the second look sees both.
    """
    expected = Expected(conversation=conversation, turn=slot.turn, states=HELD, holder=agent.agent_id)
    while True:
        outcome = world.threads.transition(slot.home, expected, {"sockets": agent.sockets, "epoch": agent.epoch})
        now = world.routing.find_agent(agent.agent_id)
        if not outcome.won or now is None or now.sockets == agent.sockets:
            return outcome
        agent = now

"""Agents come, go, and say whether they want work. Presence is declared; whether a socket is open is a fact."""

from collections.abc import Mapping
from dataclasses import replace

from throughline.domain.configuration import DEFAULT_GRACE_S, AgentProfile
from throughline.domain.conversations import HOLDING, ContactState, Expected, Head
from throughline.domain.errors import ForbiddenError
from throughline.domain.frames import Frame, conversation_view, offer_view, snapshot_frame
from throughline.domain.identifiers import AgentId, ConnectionId, ConversationId
from throughline.domain.routing import Agent, Presence, Slot, personal, signature_of
from throughline.flows.agents import change_agent, show_presence
from throughline.flows.assign import settle
from throughline.flows.conclude import resolve_abandoned
from throughline.flows.offers import end_offer
from throughline.flows.read_thread import read_conversation
from throughline.flows.requeue import find_head, look_again, preview_of, requeue
from throughline.ports import Connection, World

TABS = 8  # sockets an agent may have open at once; the oldest goes


def say_hello(world: World, connection: Connection, resume: Mapping[ConversationId, int]) -> Frame:
    """Take the socket into service and return everything its screen needs, nothing missed, in order.

    Raises:
        ForbiddenError: nobody configured this agent.
    """
    agent_id = AgentId(connection.subject)
    _ensure_agent(world, agent_id)

    def arrive(agent: Agent) -> Agent:
        if connection.connection_id in agent.sockets:
            return agent
        epoch = agent.epoch if agent.sockets else agent.epoch + 1
        return replace(agent, sockets=(*agent.sockets, connection.connection_id)[-TABS:], epoch=epoch)

    _, agent = change_agent(world, agent_id, arrive)
    heads = [_take_over(world, agent, conversation, slot) for conversation, slot in agent.held.items()] if agent else []
    settle(world, agent_id, ensure=True)
    agent = world.routing.find_agent(agent_id) or Agent(agent_id=agent_id)
    known = {head.conversation: head for head in heads if head}
    for conversation in agent.held:  # what settling has just brought
        head = known.get(conversation) or find_head(world, conversation)
        if head:
            known[conversation] = head
    return _snapshot(world, agent, list(known.values()), resume)


def _ensure_agent(world: World, agent_id: AgentId) -> None:
    if world.routing.find_agent(agent_id) is None:
        profile = world.settings.find_agent_profile(agent_id)
        if profile is None:
            raise ForbiddenError("nobody configured this agent")
        world.routing.add_agent(_configured(Agent(agent_id=agent_id), profile))


def _take_over(world: World, agent: Agent, conversation: ConversationId, slot: Slot) -> Head | None:
    """Bind a held contact to the agent's sockets of now, or give up a slot whose contact has moved on."""
    expected = Expected(
        conversation=conversation,
        turn=slot.turn,
        states=(*HOLDING, ContactState.PAUSED),
        holder=agent.agent_id,
    )
    outcome = world.threads.transition(slot.home, expected, {"sockets": agent.sockets, "epoch": agent.epoch})
    if outcome.won:
        return outcome.head
    if outcome.head and outcome.head.conversation == conversation:
        look_again(world, conversation, outcome.head.turn)
    settle(world, agent.agent_id, [(conversation, slot.turn)])
    return None


def _snapshot(world: World, agent: Agent, heads: list[Head], resume: Mapping[ConversationId, int]) -> Frame:
    offers, conversations = [], []
    for head in heads:
        if head.state is ContactState.OFFERED:
            offers.append(offer_view(head.waiting(preview_of(world, head)), head.turn, head.deadline_ms))
        else:
            entries = read_conversation(world, head, resume.get(head.conversation))
            conversations.append({**conversation_view(head), "entries": entries})
    return snapshot_frame(agent, offers, conversations)


def set_presence(world: World, agent_id: AgentId, presence: Presence, reason: str | None) -> Agent:
    """Write what the agent declares, and take work if they want it. All of their screens are told.

    Raises:
        ForbiddenError: there is no such agent.
    """
    before, agent = change_agent(world, agent_id, lambda item: replace(item, presence=presence, reason=reason))
    if before is None or agent is None:
        raise ForbiddenError("nobody configured this agent")
    if presence is Presence.AVAILABLE:
        settle(world, agent_id, ensure=agent is before, change=(before, agent))
    show_presence(world, agent)
    if presence is Presence.OFFLINE:
        _end_offers(world, agent, why="agent went offline", repeated=False)
    return agent


def _end_offers(world: World, agent: Agent, *, why: str, repeated: bool) -> None:
    for conversation, slot in agent.held.items():
        end_offer(
            world, conversation, slot.turn, agent.agent_id, why=why, by="routing", ended="gone", repeated=repeated
        )


def lose_connection(world: World, agent_id: AgentId, connection_id: ConnectionId, *, repeated: bool) -> None:
    """Forget a socket that closed; with the last one offers return at once, active contacts after a grace period."""

    def leave(agent: Agent) -> Agent:
        if connection_id not in agent.sockets:
            return agent
        left = tuple(socket for socket in agent.sockets if socket != connection_id)
        return replace(agent, sockets=left, epoch=agent.epoch if left else agent.epoch + 1)

    before, agent = change_agent(world, agent_id, leave, repeated=repeated)
    world.connections.delete_connection(connection_id)
    was_last = before is not None and bool(before.sockets)
    if agent is None or agent.sockets or not (was_last or repeated):
        return
    # Before the offers: if this dies half-way, its repetition meets an agent without sockets and goes on.
    world.timers.arm({"kind": "grace", "agent": agent_id, "epoch": agent.epoch}, delay_s=DEFAULT_GRACE_S)
    _end_offers(world, agent, why="agent lost the connection", repeated=repeated)


def end_grace(world: World, agent_id: AgentId, epoch: int, *, repeated: bool) -> None:
    """Give away the contacts of an agent who has not come back; at most their next offer goes to them first."""
    agent = world.routing.find_agent(agent_id)
    if agent is None or agent.sockets or agent.epoch != epoch:
        return
    change_agent(world, agent_id, lambda item: replace(item, presence=Presence.OFFLINE, reason="connection lost"))
    for conversation, slot in agent.held.items():
        head = find_head(world, conversation)
        if head and head.turn == slot.turn and head.state is ContactState.WRAPPING:
            resolve_abandoned(world, head)
        elif head and head.turn == slot.turn and head.state is ContactState.ACTIVE:
            requeue(world, head, (ContactState.ACTIVE,), why="agent did not come back", by="timer", repeated=repeated)
        elif head and head.turn == slot.turn:
            continue  # paused ones wait for their own time; an offer has its own end
        settle(world, agent_id, [(conversation, slot.turn)], ensure=repeated)
    _release_personal_queue(world, agent)


def _release_personal_queue(world: World, agent: Agent) -> None:
    """Send on the contacts that waited for this agent alone."""
    for work_class in agent.capacity:
        for waiting in world.routing.list_waiting(work_class, personal(agent.agent_id), limit=100, strong=True):
            head = find_head(world, waiting.conversation)
            if head and head.turn == waiting.turn and head.state is ContactState.QUEUED:
                requeue(world, head, (ContactState.QUEUED,), why="agent is away", by="timer")
            world.routing.delete_waiting(waiting)


def configure_agent(world: World, agent_id: AgentId, profile: AgentProfile | None) -> None:
    """Bring what is configured of an agent into force; None takes them out of routing."""
    if profile and world.routing.add_agent(_configured(Agent(agent_id=agent_id), profile)):
        return

    def configured(agent: Agent) -> Agent:
        if profile is None:
            return replace(agent, capacity={}, presence=Presence.OFFLINE, reason="removed")
        return _configured(agent, profile)

    _, agent = change_agent(world, agent_id, configured, repeated=True)
    if agent:
        settle(world, agent_id, ensure=True)
        show_presence(world, agent)


def _configured(agent: Agent, profile: AgentProfile) -> Agent:
    signature = signature_of(profile.skills)
    return replace(
        agent,
        name=profile.name,
        signature=signature,
        teams=profile.teams,
        capacity=dict(profile.capacity),
        # A new epoch mints new stamps, so that the hints under the old signature can go for good.
        epoch=agent.epoch if signature == agent.signature else agent.epoch + 1,
    )

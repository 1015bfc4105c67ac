"""Agents come, go, and say whether they want work. Presence is declared; whether a socket is open is a fact."""

from collections.abc import Mapping
from dataclasses import replace

from throughline.domain.configuration import DEFAULT_GRACE_S, AgentProfile
from throughline.domain.conversations import ContactState, Head
from throughline.domain.errors import ForbiddenError, InvalidRequestError, StoreUnavailableError
from throughline.domain.frames import Frame, conversation_view, me_view, offer_view, snapshot_frame
from throughline.domain.identifiers import AgentId, ConnectionId, ConversationId
from throughline.domain.rights import Role
from throughline.domain.routing import (
    PAUSED_CLASS,
    WORK_CLASSES,
    Agent,
    NextPresence,
    Presence,
    Slot,
    personal,
    signature_of,
)
from throughline.flows.agents import change_agent
from throughline.flows.assign import settle
from throughline.flows.conclude import finish_letting_go, let_wrapping_go, set_aside
from throughline.flows.notify import bind_sockets, show_presence
from throughline.flows.offers import end_offer
from throughline.flows.read_thread import read_conversation
from throughline.flows.requeue import find_head, finish_requeue, is_own_requeue, preview_of, requeue
from throughline.ports import Connection, World

NOT_BACK, AWAY = "agent did not come back", "agent is away"
NOT_WRAPPED_UP = "agent did not come back to wrap up"
PERSONAL_PAGE = 100
TABS = 8  # sockets an agent may have open at once; the oldest goes


def say_hello(world: World, connection: Connection, resume: Mapping[ConversationId, int]) -> Frame:
    """Take the socket into service and return everything its screen needs, nothing missed, in order.

    Who was taken out of the configuration meanwhile keeps what they hold, and is told their name and no more.

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
    if world.connections.find_connection(connection.connection_id) is None:
        # Its end overtook this frame, and found nothing to end.
        work = {"kind": "vanish", "agent": agent_id, "connection": connection.connection_id}
        world.timers.arm(work, delay_s=0)
    heads = [_take_over(world, agent, conversation, slot) for conversation, slot in agent.held.items()] if agent else []
    settle(world, agent_id, ensure=True)
    agent = world.routing.find_agent(agent_id) or Agent(agent_id=agent_id)
    known = {head.conversation: head for head in heads if head}
    # What settling has just brought is read, what has gone meanwhile is left out.
    found = (known.get(conversation) or find_head(world, conversation) for conversation in agent.held)
    held = [head for head in found if head and head.holder == agent_id]
    profile = world.settings.find_agent_profile(agent_id) or AgentProfile(agent_id=agent_id, name=agent.name)
    me = me_view(profile, Role(connection.role), world.settings.list_not_ready_reasons())
    return _snapshot(world, me, agent, held, resume)


def _ensure_agent(world: World, agent_id: AgentId) -> None:
    if world.routing.find_agent(agent_id) is None:
        profile = world.settings.find_agent_profile(agent_id)
        if profile is None:
            raise ForbiddenError("nobody configured this agent")
        world.routing.add_agent(_configured(Agent(agent_id=agent_id), profile))


def _take_over(world: World, agent: Agent, conversation: ConversationId, slot: Slot) -> Head | None:
    """Bind a held contact to the agent's sockets of now, or give up a slot whose contact has moved on."""
    outcome = bind_sockets(world, agent, conversation, slot)
    head = outcome.head
    if outcome.won:
        if head:
            _mend_pause(world, agent.agent_id, head, slot)
        return head
    if head and head.conversation == conversation:
        finish_letting_go(world, head, slot.turn, why="found again", by="routing")
    settle(world, agent.agent_id, [(conversation, slot.turn)])
    return None


def _mend_pause(world: World, agent_id: AgentId, head: Head, slot: Slot) -> None:
    """Set a paused contact aside whose pause died before it had."""
    if head.state is ContactState.PAUSED and slot.work_class != PAUSED_CLASS:
        set_aside(world, agent_id, head)


def _snapshot(world: World, me: Frame, agent: Agent, heads: list[Head], resume: Mapping[ConversationId, int]) -> Frame:
    offers, conversations = [], []
    for head in heads:
        if head.state is ContactState.OFFERED:
            offers.append(offer_view(head.waiting(preview_of(world, head)), head.turn, head.deadline_ms))
        else:
            entries = read_conversation(world, head, resume.get(head.conversation))
            conversations.append({**conversation_view(head), "entries": entries})
    return snapshot_frame(me, agent, offers, conversations)


def set_presence(
    world: World, agent_id: AgentId, presence: Presence, reason: str | None, *, after_work: bool = False
) -> Agent:
    """Write what the agent declares, and take work if they want it. All of their screens are told.

    With `after_work` it is what they will be once nothing is with them any more; at once, if nothing is.

    Raises:
        ForbiddenError: there is no such agent.
        InvalidRequestError: `reason` is not one of those configured for agents who are not ready.
    """
    reasons = world.settings.list_not_ready_reasons()
    if presence is Presence.NOT_READY and reason is not None and reasons and reason not in reasons:
        raise InvalidRequestError(f"reason: has to be one of {', '.join(reasons)}")

    def declare(agent: Agent) -> Agent:
        if after_work and agent.at_work and (presence, reason) != (agent.presence, agent.reason):
            return replace(agent, next=NextPresence(presence=presence, reason=reason))
        return replace(agent, presence=presence, reason=reason, next=None)

    before, agent = change_agent(world, agent_id, declare)
    if before is None or agent is None:
        raise ForbiddenError("nobody configured this agent")
    if agent.presence is Presence.AVAILABLE:
        # Who was available already may not have got as far as standing ready.
        settle(world, agent_id, ensure=before.presence is agent.presence, change=(before, agent))
    show_presence(world, agent)
    if agent.presence is Presence.OFFLINE:
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

    world.connections.delete_connection(connection_id)  # first: a hello that is under way looks for it last
    before, agent = change_agent(world, agent_id, leave, repeated=repeated)
    was_last = before is not None and bool(before.sockets)
    if agent is None or agent.sockets or not (was_last or repeated or agent.held):
        return
    # Before the offers: if this dies half-way, its repetition meets an agent without sockets and goes on.
    world.timers.arm({"kind": "grace", "agent": agent_id, "epoch": agent.epoch}, delay_s=DEFAULT_GRACE_S)
    _end_offers(world, agent, why="agent lost the connection", repeated=repeated)


def end_grace(world: World, agent_id: AgentId, epoch: int, *, repeated: bool) -> None:
    """Give away the contacts of an agent who has not come back; at most their next offer goes to them first.

    Raises:
        StoreUnavailableError: a contact changed at the same instant. Repeat.
    """

    def is_away(agent: Agent) -> bool:
        return not agent.sockets and agent.epoch == epoch

    def stay_away(agent: Agent) -> Agent:
        return _gone(agent, "connection lost") if is_away(agent) else agent

    _, agent = change_agent(world, agent_id, stay_away)
    if agent is None or not (is_away(agent) or repeated):
        return
    for conversation, slot in agent.held.items():
        head = find_head(world, conversation)
        if head and head.turn == slot.turn:
            _mend_pause(world, agent_id, head, slot)
            if not is_away(agent) or not _give_away(world, head, repeated=repeated):
                continue
        elif head:
            finish_letting_go(world, head, slot.turn, why=NOT_BACK, by="timer")
        settle(world, agent_id, [(conversation, slot.turn)], ensure=repeated)
    if is_away(agent):
        for work_class in WORK_CLASSES:
            _release_personal_queue(world, agent_id, work_class)


def _give_away(world: World, head: Head, *, repeated: bool) -> bool:
    """Let somebody else have a contact; False if it stays: paused ones wait for their time, offers have their end."""
    active = (ContactState.ACTIVE,)
    if head.state is ContactState.WRAPPING:
        given = let_wrapping_go(world, head, why=NOT_WRAPPED_UP, release=False, repeated=repeated)
    elif head.state in active:
        given = requeue(world, head, active, why=NOT_BACK, by="timer", repeated=repeated)
    else:
        return False
    if not given:
        raise StoreUnavailableError("the contact has changed this instant")
    return True


def _release_personal_queue(world: World, agent_id: AgentId, work_class: str) -> None:
    """Send on the contacts that waited for this agent alone."""
    while found := world.routing.list_waiting(work_class, personal(agent_id), limit=PERSONAL_PAGE, strong=True):
        for waiting in found:
            head = find_head(world, waiting.conversation)
            if head and is_own_requeue(head, waiting.conversation, waiting.turn):
                finish_requeue(world, head, why=AWAY, by="timer", repeated=True)
            elif head and head.turn == waiting.turn and head.state is ContactState.QUEUED:
                requeue(world, head, (ContactState.QUEUED,), why=AWAY, by="timer")
            world.routing.delete_waiting(waiting)


def configure_agent(world: World, agent_id: AgentId, profile: AgentProfile | None) -> None:
    """Bring what is configured of an agent into force; None takes them out of routing."""
    if profile and world.routing.add_agent(_configured(Agent(agent_id=agent_id), profile)):
        return

    def configured(agent: Agent) -> Agent:
        if profile is None:
            return replace(_gone(agent, "removed"), capacity={})
        return _configured(agent, profile)

    _, agent = change_agent(world, agent_id, configured, repeated=True)
    if agent:
        settle(world, agent_id, ensure=True)
        for work_class in WORK_CLASSES:
            if not agent.capacity.get(work_class):
                _release_personal_queue(world, agent_id, work_class)
        show_presence(world, agent)


def _gone(agent: Agent, reason: str) -> Agent:
    return replace(agent, presence=Presence.OFFLINE, reason=reason, next=None)


def _configured(agent: Agent, profile: AgentProfile) -> Agent:
    signature = signature_of(profile.skills)
    return replace(
        agent,
        name=profile.name,
        signature=signature,
        teams=profile.teams,
        capacity=dict(profile.capacity),
        # A new epoch mints new stamps, so that the hints under the old signature can go for good. Whoever is away has
        # none, and a grace may be counting on theirs.
        epoch=agent.epoch if signature == agent.signature or not agent.sockets else agent.epoch + 1,
    )

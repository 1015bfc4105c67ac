"""Offers end: accepted, rejected, timed out, or with the agent gone; by their deadline if nothing else."""

from dataclasses import replace

from throughline.domain.conversations import ContactState, Expected, Head
from throughline.domain.errors import ConflictError
from throughline.domain.frames import conversation_frame, offer_ended_frame
from throughline.domain.identifiers import AgentId, ConversationId, home_of_conversation
from throughline.domain.routing import Agent, Presence
from throughline.flows.agents import change_agent
from throughline.flows.assign import SECOND_LOOK_S, settle
from throughline.flows.notify import notify_agent, notify_holder, show_new_presence
from throughline.flows.record_state import record_state
from throughline.flows.requeue import find_head, finish_requeue, held_at, requeue
from throughline.ports import World

EXCLUDED = 4  # how many agents who let a contact pass are left in peace at a time


def accept_offer(world: World, agent: AgentId, conversation: ConversationId, turn: int) -> Head:
    """Make the agent's offer an assignment. The same offer twice is accepted once.

    Raises:
        ConflictError: the offer is over or was never this agent's.
    """
    expected = Expected(
        conversation=conversation, turn=turn, states=(ContactState.OFFERED, ContactState.ACTIVE), holder=agent
    )
    home = home_of_conversation(conversation)
    outcome = world.threads.transition(home, expected, {"state": ContactState.ACTIVE})
    if not outcome.won or outcome.head is None:
        raise ConflictError("the offer is over")
    record_state(world, outcome.head, by=f"agent:{agent}", why="accepted", agent=agent)
    notify_holder(world, outcome.head, offer_ended_frame(conversation, turn, "accepted"))
    notify_holder(world, outcome.head, conversation_frame(outcome.head))
    return outcome.head


def reject_offer(world: World, agent: AgentId, conversation: ConversationId, turn: int, reason: str | None) -> None:
    """Give an offer back; the contact keeps its age and goes to somebody else. Safe to repeat.

    Raises:
        ConflictError: the offer was accepted, or was never this agent's.
    """
    head = find_head(world, conversation)
    mine = head is not None and (
        (head.turn == turn and head.holder == agent and head.state is ContactState.OFFERED)
        or held_at(head, turn) == agent
    )
    if not mine:
        raise ConflictError("the offer is over")
    end_offer(world, conversation, turn, agent, why=reason or "rejected", by=f"agent:{agent}", ended="rejected")


def time_out_offer(  # noqa: PLR0913 - what the timer knows
    world: World,
    conversation: ConversationId,
    turn: int,
    *,
    deadline_ms: int | None = None,
    looked: bool = False,
    repeated: bool = False,
) -> None:
    """End an offer whose deadline has passed, if it is still pending at `turn`; its agent is then not ready.

    A timer of a claim that was lost leaves a later offer of the same turn alone: that has a deadline of its own. An
    offer that was given back before and whose agent still has the slot is finished: somebody died on the way. A claim
    that is still under way when its deadline passes is looked at (`looked`) once more.
    """
    head = find_head(world, conversation)
    if head is None:
        return
    if head.turn == turn and head.state is ContactState.OFFERED and head.holder:
        if deadline_ms is None or head.deadline_ms <= deadline_ms:
            agent, why = head.holder, "no answer"
            end_offer(world, conversation, turn, agent, why=why, by="timer", ended="timed_out", repeated=repeated)
    elif head.turn == turn - 1 and head.state is ContactState.QUEUED and not looked:
        work = {"kind": "offer_timeout", "conversation": conversation, "turn": turn, "deadline_ms": deadline_ms}
        world.timers.arm({**work, "looked": True}, delay_s=SECOND_LOOK_S)
    elif head.turn > turn:
        _finish_end(world, head, turn, repeated=repeated)


def _finish_end(world: World, head: Head, turn: int, *, repeated: bool) -> None:
    former = held_at(head, turn)
    agent = world.routing.find_agent(former) if former else None
    if former is None or agent is None:
        return
    slot = agent.held.get(head.conversation)
    if repeated:
        end_offer(world, head.conversation, turn, former, why="no answer", by="timer", ended="timed_out", repeated=True)
    elif slot and slot.turn == turn:
        end_offer(world, head.conversation, turn, former, why="given back", by="routing", ended="gone", repeated=True)


def end_offer(  # noqa: PLR0913 - each is one word of the change's record
    world: World,
    conversation: ConversationId,
    turn: int,
    agent: AgentId,
    *,
    why: str,
    by: str,
    ended: str,
    repeated: bool = False,
) -> bool:
    """End a pending offer: the contact goes back with its age, then the slot is freed. False if it was accepted."""
    head = find_head(world, conversation)
    if head and head.turn == turn and head.holder == agent:
        if head.state is not ContactState.OFFERED:
            return False
        passed = (*(item for item in head.excluded if item != agent), agent)[-EXCLUDED:]
        queued = requeue(world, head, (ContactState.OFFERED,), why=why, by=by, excluded=passed, repeated=repeated)
        if not queued:
            head = find_head(world, conversation)
            if head and head.turn == turn:
                return False
    else:
        repeated = True  # ended before; whoever did it may have died before the rest
        if head and head.turn == turn + 1 and head.state is ContactState.QUEUED and held_at(head, turn) == agent:
            finish_requeue(world, head, why=why, by=by, agent=agent, repeated=True)
    _release(world, conversation, turn, agent, ended=ended, repeated=repeated)
    return True


def _release(  # noqa: PLR0913 - each is one word of the offer's end
    world: World, conversation: ConversationId, turn: int, agent_id: AgentId, *, ended: str, repeated: bool
) -> None:
    """Free the slot last: it is the proof that work is still owed."""

    def not_ready(agent: Agent) -> Agent:
        slot = agent.held.get(conversation)
        if slot is None or slot.turn != turn or agent.presence is not Presence.AVAILABLE:
            return agent
        return replace(agent, presence=Presence.NOT_READY, reason="no_answer")

    if ended == "timed_out":
        show_new_presence(world, *change_agent(world, agent_id, not_ready))
    settle(world, agent_id, [(conversation, turn)], ensure=repeated)
    agent = world.routing.find_agent(agent_id)
    if agent:
        notify_agent(world, agent_id, agent.sockets, offer_ended_frame(conversation, turn, ended))

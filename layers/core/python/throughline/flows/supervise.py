"""Supervisors decide by hand: who is to have a contact, or that they take it themselves."""

from collections.abc import Mapping
from typing import Any

from throughline.domain.conversations import ContactState, Head
from throughline.domain.errors import ConflictError, ForbiddenError, InvalidRequestError, StoreUnavailableError
from throughline.domain.frames import conversation_frame
from throughline.domain.identifiers import AgentId, ConversationId, home_of_conversation
from throughline.domain.rights import Caller
from throughline.domain.routing import (
    Agent,
    Claim,
    Slot,
    able,
    has_room,
    left_over,
    personal,
    with_slot,
    with_stamps,
    without_slots,
    written,
)
from throughline.flows.assign import SECOND_LOOK_S, withdraw_ready
from throughline.flows.authorize import leads
from throughline.flows.conclude import finish_letting_go, free_former
from throughline.flows.notify import notify_holder
from throughline.flows.record_state import record_state
from throughline.flows.requeue import find_head, held_at, requeue, with_past
from throughline.ports import World

TRIES = 20
TAKEN, ASSIGNED = "taken over", "assigned by hand"

# ---------------------------------------------------------------- assigning


def assign(world: World, caller: Caller, conversation: ConversationId, turn: int, to: AgentId) -> None:
    """Have a contact offered to one agent, and to nobody else. A worker does it, so that it does not hang on a browser.

    Raises:
        ForbiddenError: the agent, or whoever holds the contact, is not of the supervisor's teams.
        ConflictError: it is no longer at `turn` or over for good, or the agent cannot take it now.
    """
    head = _get_live(world, conversation)
    if head.turn in {turn + 1, turn + 2} and (head.holder == to or head.requirement == personal(to)):
        return  # a repetition of a frame whose work is done
    _require_turn(head, turn)
    _require_led(world, caller, head.holder)
    _require_led(world, caller, to)
    if head.holder == to and head.state is not ContactState.PAUSED:
        return
    agent = world.routing.find_agent(to)
    if agent is None or not able(agent, head.work_class):
        raise ConflictError("this agent cannot take it now: full, not ready, or away")
    work = {"kind": "assign", "conversation": conversation, "turn": turn, "to_agent": to, "by": f"agent:{caller.agent}"}
    world.timers.arm(work, delay_s=0)


def carry_out_assignment(world: World, work: Mapping[str, Any], *, repeated: bool) -> None:
    """Queue an assigned contact for its agent alone, unless it has moved on since; whoever had it is freed of it."""
    conversation, turn, by = ConversationId(work["conversation"]), int(work["turn"]), str(work["by"])
    head = find_head(world, conversation)
    if head is None:
        return
    if head.turn != turn:
        finish_letting_go(world, head, turn, why=ASSIGNED, by=by)
        return
    changes = {"requirement": personal(AgentId(work["to_agent"])), "disposition": None}
    if not requeue(world, head, tuple(ContactState), why=ASSIGNED, by=by, changes=changes, repeated=repeated):
        return
    if head.state is ContactState.QUEUED:
        world.routing.delete_waiting(head.waiting(None))
    now = find_head(world, conversation)
    if head.holder and now:
        free_former(world, now, turn, head.holder, repeated=repeated)


# ---------------------------------------------------------------- taking over


def take_over(world: World, caller: Caller, conversation: ConversationId, turn: int) -> Head:
    """Make the supervisor the holder of a contact, at once, and free whoever had it. Safe to repeat.

    Raises:
        ForbiddenError: whoever holds it is not of the supervisor's teams.
        ConflictError: it is no longer at `turn` or over for good, or the supervisor's capacity has no room for it.
        InvalidRequestError: the supervisor has no open screen.
        StoreUnavailableError: the supervisor is changing too fast. Repeat.
    """
    head, me = _get_live(world, conversation), caller.agent
    if head.turn == turn + 1 and head.holder == me and head.state is not ContactState.OFFERED:
        return _finish(world, head, me, repeated=True)
    _require_turn(head, turn)
    _require_led(world, caller, head.holder)
    if head.holder == me and head.state in {ContactState.ACTIVE, ContactState.WRAPPING}:
        return head
    work = {"kind": "taken", "conversation": conversation, "turn": turn}
    world.timers.arm(work, delay_s=SECOND_LOOK_S)  # should this die before the former holder is freed
    _take(world, me, head)
    taken = find_head(world, conversation)
    if taken is None or taken.holder != me:
        raise ConflictError("it changed hands this instant")
    if head.state is ContactState.QUEUED:
        world.routing.delete_waiting(head.waiting(None))
    return _finish(world, taken, me, repeated=False)


def _take(world: World, me: AgentId, head: Head) -> None:
    for _ in range(TRIES):
        agent = world.routing.find_agent(me)
        if agent is None or not agent.sockets:
            raise InvalidRequestError("this connection is not in service; say hello first")
        holding = _holding(world, agent, head)
        result = world.routing.take_over(agent, holding, head, _changes(head, agent, world.draw()))
        if result is Claim.WON:
            withdraw_ready(world, agent, written(agent, holding))
            return
        if result is Claim.CONTACT_GONE:
            raise ConflictError("the conversation changed; look again")
    raise StoreUnavailableError("the agent is changing too fast")


def _holding(world: World, agent: Agent, head: Head) -> Agent:
    """Return the agent with the contact as theirs, if there is room for it beside everything else."""
    dead = [(head.conversation, head.turn), *left_over(agent, head.conversation, head.turn)]
    freed = without_slots(agent, dead)
    if not has_room(freed, head.work_class):
        raise ConflictError("your capacity has no room for it; close or transfer something first")
    slot = Slot(home=head.home, turn=head.turn + 1, work_class=head.work_class)
    return with_stamps(agent, with_slot(freed, head.conversation, slot), world.clock())


def _changes(head: Head, agent: Agent, nonce: str) -> dict[str, Any]:
    return {
        "state": ContactState.ACTIVE,
        "turn": head.turn + 1,
        "holder": agent.agent_id,
        "epoch": agent.epoch,
        "sockets": agent.sockets,
        "nonce": nonce,
        "past": with_past(head, head.holder) if head.holder else head.past,
        "requirement": head.base_requirement,
        "excluded": (),
        **dict.fromkeys(("preferred", "deadline_ms", "disposition", "until_ms", "closed_ms")),
    }


def _finish(world: World, taken: Head, me: AgentId, *, repeated: bool) -> Head:
    """Record who took it, free whoever had it before, and show it on all of the supervisor's screens."""
    record_state(world, taken, by=f"agent:{me}", why=TAKEN, agent=me)
    former = held_at(taken, taken.turn - 1)
    if former:
        free_former(world, taken, taken.turn - 1, former, repeated=repeated)
    notify_holder(world, taken, conversation_frame(taken))
    return taken


def finish_taking(world: World, conversation: ConversationId, turn: int) -> None:
    """Free whoever held what was taken over at `turn`, for the case that it was not done, or only half."""
    head = find_head(world, conversation)
    if head and head.turn > turn:
        finish_letting_go(world, head, turn, why=TAKEN, by="timer")


# ---------------------------------------------------------------- common to both


def _get_live(world: World, conversation: ConversationId) -> Head:
    live = world.threads.get_live(home_of_conversation(conversation))
    if not isinstance(live, Head) or live.conversation != conversation:
        raise ConflictError("the conversation is over; another one of the customer may be live")
    return live


def _require_turn(head: Head, turn: int) -> None:
    if head.turn != turn:
        raise ConflictError("the conversation has moved on; look again")


def _require_led(world: World, caller: Caller, agent: AgentId | None) -> None:
    if agent and not leads(world, caller, agent):
        raise ForbiddenError("this agent is not of your teams")

"""How an agent lets go of a contact: wrap-up, close, pause, transfer. Each of them twice has the effect of once."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from throughline.domain.conversations import ContactChange, ContactState, Expected, Head
from throughline.domain.errors import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError
from throughline.domain.frames import conversation_frame
from throughline.domain.identifiers import AgentId, ConversationId, digest
from throughline.domain.requirements import requirement_after_transfer
from throughline.domain.routing import Agent, Slot, personal
from throughline.flows.agents import change_agent
from throughline.flows.assign import settle
from throughline.flows.notify import notify_agent, notify_holder
from throughline.flows.requeue import find_head, finish_requeue, held_at, requeue, with_past
from throughline.ports import World

PAUSED_CLASS = "paused"  # counted in an agent's load, compared with no capacity
MAX_PAUSE_MS = 90 * 24 * 3600 * 1000

_WITH_AGENT = (ContactState.ACTIVE, ContactState.WRAPPING)


def _own(world: World, agent: AgentId, conversation: ConversationId, states: tuple[ContactState, ...]) -> Head:
    head = find_head(world, conversation)
    if head is None:
        raise NotFoundError("no such conversation")
    if head.holder != agent or head.state not in states:
        raise ForbiddenError("the conversation is not with this agent")
    return head


def _record(world: World, head: Head, *, by: str, why: str, agent: AgentId | None) -> None:
    world.threads.record_change(
        ContactChange(
            home=head.home,
            conversation=head.conversation,
            turn=head.turn,
            state=head.state,
            at_ms=world.clock(),
            by=by,
            why=why,
            agent=agent,
        )
    )


def wrap_up(world: World, agent: AgentId, conversation: ConversationId) -> Head:
    """Begin after-contact work: the customer has left, the capacity is still taken.

    Raises:
        ForbiddenError, NotFoundError: the conversation is not with this agent.
        ConflictError: it changed hands this instant.
    """
    head = _own(world, agent, conversation, _WITH_AGENT)
    head = _change(world, head, agent, {"state": ContactState.WRAPPING})
    _record(world, head, by=f"agent:{agent}", why="wrap-up", agent=agent)
    notify_holder(world, head, conversation_frame(head))
    return head


def _change(
    world: World, head: Head, agent: AgentId, changes: Mapping[str, Any], *, version: int | None = None
) -> Head:
    expected = Expected(
        conversation=head.conversation, turn=head.turn, states=(head.state,), holder=agent, version=version
    )
    outcome = world.threads.transition(head.home, expected, changes)
    if not outcome.won or outcome.head is None:
        raise ConflictError("the conversation changed; look again")
    return outcome.head


def close(
    world: World, agent: AgentId, conversation: ConversationId, disposition: str | None, version: int | None
) -> Head:
    """Resolve the conversation and free the agent; anything newer than `version`, what the agent has seen, stops it.

    A message within the queue's reopen window brings it back to this agent first.

    Raises:
        InvalidRequestError: the queue wants a disposition, or knows none of that name.
        ConflictError: the customer has written meanwhile, or it changed hands.
        ForbiddenError, NotFoundError: the conversation is not with this agent.
    """
    head = find_head(world, conversation)
    if head is None:
        raise NotFoundError("no such conversation")
    if head.state is ContactState.RESOLVED and held_at(head, head.turn - 1) == agent:
        settle(world, agent, [(conversation, head.turn - 1)], ensure=True)
        return head
    head = _own(world, agent, conversation, _WITH_AGENT)
    known = world.settings.get_queue(head.queue).dispositions
    if known and disposition not in known:
        raise InvalidRequestError(f"disposition must be one of: {', '.join(known)}")
    resolved = _resolve(world, head, agent, disposition, version=head.version if version is None else version)
    _record(world, resolved, by=f"agent:{agent}", why=disposition or "closed", agent=agent)
    settle(world, agent, [(conversation, head.turn)])
    notify_agent(world, agent, head.sockets, conversation_frame(resolved))
    return resolved


def _resolve(world: World, head: Head, agent: AgentId, disposition: str | None, *, version: int | None) -> Head:
    changes = {
        "state": ContactState.RESOLVED,
        "turn": head.turn + 1,
        "why": digest("resolve", head.conversation, str(head.turn)),
        "past": with_past(head, agent),
        "preferred": agent,
        "holder": None,
        "sockets": None,
        "disposition": disposition,
        "until_ms": world.clock() + world.settings.get_queue(head.queue).reopen_s * 1000,
    }
    return _change(world, head, agent, changes, version=version)


def resolve_abandoned(world: World, head: Head) -> None:
    """Resolve a contact in wrap-up whose agent did not come back: the customer had left already."""
    if head.holder:
        resolved = _resolve(world, head, head.holder, head.disposition, version=None)
        _record(world, resolved, by="timer", why="agent did not come back to wrap up", agent=head.holder)


def pause(world: World, agent: AgentId, conversation: ConversationId, until_ms: int) -> Head:
    """Set a contact aside until a time or until the customer writes; it stays the agent's and takes no capacity.

    Raises:
        InvalidRequestError: the time is past, or more than 90 days ahead.
        ConflictError, ForbiddenError, NotFoundError: as `wrap_up`.
    """
    if not world.clock() < until_ms <= world.clock() + MAX_PAUSE_MS:
        raise InvalidRequestError("until must lie ahead, at most 90 days")
    head = _own(world, agent, conversation, (*_WITH_AGENT, ContactState.PAUSED))
    work = {"kind": "resume", "conversation": conversation, "turn": head.turn, "until_ms": until_ms}
    world.timers.arm(work, delay_s=(until_ms - world.clock()) / 1000)
    head = _change(world, head, agent, {"state": ContactState.PAUSED, "until_ms": until_ms})
    _record(world, head, by=f"agent:{agent}", why="paused", agent=agent)
    change_agent(world, agent, lambda item: _set_aside(item, conversation, head.turn))
    settle(world, agent, ensure=True)
    notify_holder(world, head, conversation_frame(head))
    return head


def _set_aside(agent: Agent, conversation: ConversationId, turn: int) -> Agent:
    slot = agent.held.get(conversation)
    if slot is None or slot.turn != turn or slot.work_class == PAUSED_CLASS:
        return agent
    load = {**agent.load, slot.work_class: agent.load[slot.work_class] - 1}
    load[PAUSED_CLASS] = load.get(PAUSED_CLASS, 0) + 1
    aside = Slot(home=slot.home, turn=turn, work_class=PAUSED_CLASS)
    return replace(agent, held={**agent.held, conversation: aside}, load=load)


def resume_paused(  # noqa: PLR0913 - each is one word of the change's record
    world: World, head: Head, *, why: str, by: str, changes: Mapping[str, Any] | None = None, repeated: bool = False
) -> bool:
    """Queue a paused contact again, its agent preferred; False if it is no longer paused at that turn."""
    if head.holder is None:
        return False
    changes = {"preferred": head.holder, "until_ms": None, **(changes or {})}
    paused = (ContactState.PAUSED,)
    return requeue(world, head, paused, why=why, by=by, changes=changes, release=True, repeated=repeated)


def end_pause(world: World, conversation: ConversationId, turn: int, until_ms: int, *, repeated: bool) -> None:
    """Bring a paused contact back when its time has come, unless it was paused anew meanwhile."""
    head = find_head(world, conversation)
    if head is None:
        return
    if head.turn == turn and head.state is ContactState.PAUSED and head.until_ms == until_ms:
        resume_paused(world, head, why="pause is over", by="timer", repeated=repeated)
    elif repeated:
        finish_letting_go(world, head, turn, why="pause is over", by="timer")


def check_transfer(
    world: World, agent: AgentId, conversation: ConversationId, *, queue: str | None, to: AgentId | None
) -> Head:
    """Return the conversation if `agent` may transfer it there.

    Raises:
        InvalidRequestError: not exactly one target, an unknown queue, or a colleague who cannot take it.
        ForbiddenError, NotFoundError: the conversation is not with this agent.
    """
    head = _own(world, agent, conversation, _WITH_AGENT)
    if (queue is None) == (to is None):
        raise InvalidRequestError("to names either a queue or an agent")
    if queue is not None and world.settings.find_queue(queue) is None:
        raise InvalidRequestError("there is no such queue")
    if to is not None:
        colleague = world.routing.find_agent(to)
        if to == agent or colleague is None or not colleague.sockets or not colleague.capacity.get(head.work_class):
            raise InvalidRequestError("this colleague cannot take it now")
    return head


def transfer(
    world: World, agent: AgentId, conversation: ConversationId, *, queue: str | None, to_agent: AgentId | None
) -> None:
    """Have a contact moved to a queue or a colleague. A worker does it, so that it does not hang on a browser.

    Raises:
        InvalidRequestError, ForbiddenError, NotFoundError: as `check_transfer`.
    """
    head = find_head(world, conversation)
    if head and head.holder != agent and held_at(head, head.turn - 1) == agent:
        return  # a repetition of a frame whose work is done
    head = check_transfer(world, agent, conversation, queue=queue, to=to_agent)
    work = {
        "kind": "transfer",
        "agent": agent,
        "conversation": conversation,
        "turn": head.turn,
        "queue": queue,
        "to_agent": to_agent,
    }
    world.timers.arm(work, delay_s=0)


def carry_out_transfer(world: World, work: Mapping[str, Any], *, repeated: bool) -> None:
    """Move the contact of a transfer, unless it has changed hands since."""
    agent, turn = AgentId(work["agent"]), int(work["turn"])
    head = find_head(world, ConversationId(work["conversation"]))
    if head is None:
        return
    if head.turn != turn or head.holder != agent:
        if repeated:
            finish_letting_go(world, head, turn, why="transferred", by=f"agent:{agent}")
        return
    excluded = () if work["to_agent"] else (agent,)  # a queue does not hand it straight back
    moved = requeue(
        world,
        head,
        _WITH_AGENT,
        why="transferred",
        by=f"agent:{agent}",
        excluded=excluded,
        changes=_target(world, head, work["queue"], work["to_agent"]),
        repeated=repeated,
    )
    if moved:
        settle(world, agent, [(head.conversation, turn)], ensure=repeated)
        left = find_head(world, head.conversation)
        if left:
            notify_agent(world, agent, head.sockets, conversation_frame(left))


def _target(world: World, head: Head, queue: str | None, to_agent: str | None) -> dict[str, Any]:
    if to_agent:
        return {"requirement": personal(AgentId(to_agent))}
    target = world.settings.get_queue(str(queue))
    requirement = requirement_after_transfer(target, head.base_requirement, head.language)
    return {
        "queue": target.name,
        "work_class": target.work_class,
        "requirement": requirement,
        "base_requirement": requirement,
    }


def finish_letting_go(world: World, head: Head, turn: int, *, why: str, by: str) -> None:
    """Go on where an earlier attempt died: the contact is queued, perhaps unplaced, and a slot perhaps still held."""
    former = held_at(head, turn)
    if head.turn == turn + 1 and head.state is ContactState.QUEUED:
        finish_requeue(world, head, why=why, by=by, agent=former, repeated=True)
    if former:
        settle(world, former, [(head.conversation, turn)], ensure=True)

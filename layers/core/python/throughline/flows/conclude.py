"""How an agent lets go of a contact: wrap-up, close, pause, transfer. Each of them twice has the effect of once."""

from collections.abc import Mapping
from typing import Any

from throughline.domain.conversations import NONE_GIVEN, ContactState, Expected, Head
from throughline.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    StoreUnavailableError,
)
from throughline.domain.frames import conversation_frame, offer_ended_frame
from throughline.domain.identifiers import AgentId, ConversationId, digest
from throughline.domain.requirements import requirement_after_transfer
from throughline.domain.routing import PAUSED_CLASS, aside, left_over, personal
from throughline.flows.agents import change_agent
from throughline.flows.assign import policy_of, settle
from throughline.flows.notify import notify_agent, notify_holder, show_new_presence
from throughline.flows.read_thread import heard_since
from throughline.flows.record_state import record_state
from throughline.flows.reply import add_note
from throughline.flows.requeue import find_head, finish_requeue, held_at, requeue, with_past
from throughline.ports import World

MAX_PAUSE_MS = 90 * 24 * 3600 * 1000
MAX_PAUSED = 50  # contacts an agent may have set aside: each lengthens the item that every claim of theirs writes

UNSEEN_MS = 2_000  # a message may be that long on its way from the provider's webhook to the agent's eyes
TRIES = 5

_WITH_AGENT = (ContactState.ACTIVE, ContactState.WRAPPING)


def _get_own(world: World, agent: AgentId, conversation: ConversationId, states: tuple[ContactState, ...]) -> Head:
    head = find_head(world, conversation)
    if head is None:
        raise NotFoundError("no such conversation")
    _require_own(head, agent, states)
    return head


def _require_own(head: Head, agent: AgentId, states: tuple[ContactState, ...]) -> None:
    if head.holder != agent or head.state not in states:
        raise ForbiddenError("the conversation is not with this agent")


def wrap_up(world: World, agent: AgentId, conversation: ConversationId) -> Head:
    """Begin after-contact work: the customer has left, the capacity is still taken.

    Raises:
        ForbiddenError, NotFoundError: the conversation is not with this agent.
        ConflictError: it changed hands this instant.
    """
    head = _get_own(world, agent, conversation, _WITH_AGENT)
    if head.state is not ContactState.WRAPPING:
        head = _begin_wrap_up(world, head, agent)
    record_state(world, head, by=f"agent:{agent}", why="wrap-up", agent=agent)
    notify_holder(world, head, conversation_frame(head))
    return head


def _begin_wrap_up(world: World, head: Head, agent: AgentId) -> Head:
    """Return the contact as it wraps up; a second tab that said so at the same instant has done it for us."""
    try:
        return _change(world, head, agent, {"state": ContactState.WRAPPING, "until_ms": _end_of_wrap_up(world, head)})
    except ConflictError:
        current = _get_own(world, agent, head.conversation, _WITH_AGENT)
        if current.state is not ContactState.WRAPPING:
            raise
        return current


def _end_of_wrap_up(world: World, head: Head) -> int:
    """Return when the contact closes by itself, and have a timer see to it; 0 where the queue leaves it open."""
    seconds = policy_of(world, head.queue).wrap_up_s
    if not seconds:
        return 0
    until_ms = world.clock() + seconds * 1000
    work = {"kind": "wrap_up", "conversation": head.conversation, "turn": head.turn, "until_ms": until_ms}
    world.timers.arm(work, delay_s=seconds)  # before the write: an end without a timer would be none
    return until_ms


def end_wrap_up(world: World, conversation: ConversationId, turn: int, until_ms: int, *, repeated: bool) -> None:
    """Close a contact whose wrap-up has run out; one whose customer has written meanwhile is queued again.

    Raises:
        StoreUnavailableError: it kept changing. Repeat.
    """
    for _ in range(TRIES):
        head = find_head(world, conversation)
        if head is None or head.turn != turn:
            break
        if head.state is not ContactState.WRAPPING or head.until_ms != until_ms or head.holder is None:
            return
        if let_wrapping_go(world, head, why="wrap-up ran out", release=True, repeated=repeated):
            settle(world, head.holder, [(conversation, turn)], ensure=repeated)
            return
    else:
        raise StoreUnavailableError("the contact is changing too fast")
    if head and head.turn > turn and (repeated or not _is_closed_by_hand(head, turn)):
        finish_letting_go(world, head, turn, why="wrap-up ran out", by="timer")


def _is_closed_by_hand(head: Head, turn: int) -> bool:
    """Return whether the agent closed it in time, as most do; the frame that did so sees to the rest by itself."""
    resolved = head.turn == turn + 1 and head.state is ContactState.RESOLVED
    return resolved and head.disposition != NONE_GIVEN


def let_wrapping_go(world: World, head: Head, *, why: str, release: bool, repeated: bool = False) -> bool:
    """Resolve a contact in wrap-up for its agent; one whose customer has written meanwhile is queued again.

    The caller settles its agent; False if it has changed since `head` was read. `release` as in `requeue`.
    """
    if head.holder is None:
        return False
    if _customer_wrote(world, head):
        wrapping, changes = (ContactState.WRAPPING,), {"preferred": head.holder}
        wrote = "customer wrote during the wrap-up"
        return requeue(
            world, head, wrapping, why=wrote, by="timer", changes=changes, release=release, repeated=repeated
        )
    try:
        resolved = _resolve(world, head, head.holder, head.disposition or NONE_GIVEN, version=head.version)
    except ConflictError:
        return False
    record_state(world, resolved, by="timer", why=why, agent=head.holder)
    notify_agent(world, head.holder, head.sockets, conversation_frame(resolved))
    return True


def _customer_wrote(world: World, head: Head) -> bool:
    """Return whether a message came in since the wrap-up began, or too shortly before it to have been seen.

    Where the beginning is not on record, because its process died: whether there is a message at all.
    """
    changes = world.threads.list_changes(head.home, head.conversation)
    began = [item.at_ms for item in changes if (item.turn, item.state) == (head.turn, ContactState.WRAPPING)]
    return heard_since(world, head, (began[0] if began else 0) - UNSEEN_MS)


def _change(
    world: World, head: Head, agent: AgentId, changes: Mapping[str, Any], *, version: int | None = None
) -> Head:
    expected = Expected(
        conversation=head.conversation, turn=head.turn, states=(head.state,), holder=agent, version=version
    )
    outcome = world.threads.transition(head.home, expected, changes)
    now = outcome.head
    if now is None or not (outcome.won or _is_done(now, head, changes)):
        raise ConflictError("the conversation changed; look again", version=now.version if now else None)
    return now


def _is_done(now: Head, before: Head, changes: Mapping[str, Any]) -> bool:
    """Return whether a change that was lost had been made before: the reply to it was, too."""
    wanted = {"conversation": before.conversation, "turn": before.turn, **changes}
    named = ("conversation", "turn", "state", "why", "until_ms")
    return all(getattr(now, field) == wanted[field] for field in named if field in wanted)


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
    closed_before = head.state is ContactState.RESOLVED and held_at(head, head.turn - 1) == agent
    if closed_before and disposition != head.disposition:
        raise ConflictError("the conversation is closed, with another disposition")
    resolved = head if closed_before else _close(world, head, agent, disposition, version)
    record_state(world, resolved, by=f"agent:{agent}", why=resolved.disposition or "closed", agent=agent)
    settle(world, agent, [(conversation, resolved.turn - 1)], ensure=closed_before)
    notify_agent(world, agent, head.sockets, conversation_frame(resolved))
    return resolved


def _close(world: World, head: Head, agent: AgentId, disposition: str | None, version: int | None) -> Head:
    if head.holder != agent:
        _free_left_over(world, agent, head)
    _require_own(head, agent, _WITH_AGENT)
    known = policy_of(world, head.queue).dispositions
    if known and disposition not in known:
        raise InvalidRequestError(f"disposition: has to be one of {', '.join(known)}")
    return _resolve(world, head, agent, disposition, version=head.version if version is None else version)


def _free_left_over(world: World, agent_id: AgentId, head: Head) -> None:
    """Free the slot of a contact the agent had let go of, and that came back before the slot was freed."""
    agent = world.routing.find_agent(agent_id)
    dead = left_over(agent, head.conversation, head.turn) if agent else ()
    if dead:
        settle(world, agent_id, dead, ensure=True)


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
        "until_ms": world.clock() + policy_of(world, head.queue).reopen_s * 1000,
        "closed_ms": world.clock(),
    }
    return _change(world, head, agent, changes, version=version)


def pause(world: World, agent: AgentId, conversation: ConversationId, until_ms: int) -> Head:
    """Set a contact aside until a time or until the customer writes; it stays the agent's and takes no capacity.

    Raises:
        InvalidRequestError: the time is past, more than 90 days ahead, or the agent has set too many aside already.
        ConflictError, ForbiddenError, NotFoundError: as `wrap_up`.
    """
    if not world.clock() < until_ms <= world.clock() + MAX_PAUSE_MS:
        raise InvalidRequestError("until must lie ahead, at most 90 days")
    head = _get_own(world, agent, conversation, (*_WITH_AGENT, ContactState.PAUSED))
    _require_room(world, agent, conversation)
    work = {"kind": "resume", "conversation": conversation, "turn": head.turn, "until_ms": until_ms}
    world.timers.arm(work, delay_s=(until_ms - world.clock()) / 1000)
    head = _change(world, head, agent, {"state": ContactState.PAUSED, "until_ms": until_ms})
    record_state(world, head, by=f"agent:{agent}", why="paused", agent=agent)
    set_aside(world, agent, head)
    settle(world, agent, ensure=True)
    notify_holder(world, head, conversation_frame(head))
    return head


def _require_room(world: World, agent_id: AgentId, conversation: ConversationId) -> None:
    agent = world.routing.find_agent(agent_id)
    slot = agent.held.get(conversation) if agent else None
    if agent and slot and slot.work_class != PAUSED_CLASS and agent.load.get(PAUSED_CLASS, 0) >= MAX_PAUSED:
        raise InvalidRequestError(f"at most {MAX_PAUSED} conversations can be set aside at a time")


def set_aside(world: World, agent: AgentId, head: Head) -> None:
    """Let a paused contact's slot count for no capacity; the caller settles. Nothing happens if it does so already."""
    show_new_presence(world, *change_agent(world, agent, lambda item: aside(item, head.conversation, head.turn)))


def resume_paused(  # noqa: PLR0913 - each is one word of the change's record
    world: World, head: Head, *, why: str, by: str, changes: Mapping[str, Any] | None = None, repeated: bool = False
) -> bool:
    """Queue a paused contact again, its agent preferred; False if it is no longer paused at that turn."""
    if head.holder is None:
        return False
    changes = {"preferred": head.holder, **(changes or {})}
    paused = (ContactState.PAUSED,)
    return requeue(world, head, paused, why=why, by=by, changes=changes, release=True, repeated=repeated)


def end_pause(world: World, conversation: ConversationId, turn: int, until_ms: int, *, repeated: bool) -> None:
    """Bring a paused contact back when its time has come, unless it was paused anew meanwhile."""
    head = find_head(world, conversation)
    if head is None:
        return
    if head.turn == turn and head.state is ContactState.PAUSED and head.until_ms == until_ms:
        resume_paused(world, head, why="pause is over", by="timer", repeated=repeated)
    elif head.turn > turn:
        finish_letting_go(world, head, turn, why="pause is over", by="timer")


def check_transfer(
    world: World, agent: AgentId, conversation: ConversationId, *, queue: str | None, to: AgentId | None
) -> Head:
    """Return the conversation if `agent` may transfer it there.

    Raises:
        InvalidRequestError: not exactly one target, an unknown queue, or a colleague who cannot take it.
        ForbiddenError, NotFoundError: the conversation is not with this agent.
    """
    head = _get_own(world, agent, conversation, _WITH_AGENT)
    if (queue is None) == (to is None):
        raise InvalidRequestError("to names either a queue or an agent")
    if queue is not None and world.settings.find_queue(queue) is None:
        raise InvalidRequestError("there is no such queue")
    if to is not None:
        colleague = world.routing.find_agent(to)
        if to == agent or colleague is None or not colleague.sockets or not colleague.capacity.get(head.work_class):
            raise InvalidRequestError("this colleague cannot take it now")
    return head


def transfer(  # noqa: PLR0913 - the fields of the frame
    world: World,
    agent: AgentId,
    conversation: ConversationId,
    *,
    queue: str | None,
    to_agent: AgentId | None,
    note: str | None = None,
    note_id: str = "",
) -> None:
    """Have a contact moved to a queue or a colleague. A worker does it, so that it does not hang on a browser.

    `note` stands on the thread before that, once however often the frame with this `note_id` comes.

    Raises:
        InvalidRequestError, ForbiddenError, NotFoundError: as `check_transfer`.
        ConflictError: another note stands under `note_id`.
    """
    head = find_head(world, conversation)
    gone_on = head is not None and head.holder != agent and head.state is not ContactState.RESOLVED
    if head and gone_on and agent in {held_at(head, head.turn - 1), held_at(head, head.turn - 2)}:
        return  # a repetition of a frame whose work is done: it is queued again, or with somebody else by now
    head = check_transfer(world, agent, conversation, queue=queue, to=to_agent)
    if note is not None:
        add_note(world, agent, conversation, note_id=note_id, text=note)
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
        finish_letting_go(world, head, turn, why="transferred", by=f"agent:{agent}")
        return
    moved = requeue(
        world,
        head,
        _WITH_AGENT,
        why="transferred",
        by=f"agent:{agent}",
        excluded=() if work["to_agent"] else (agent,),  # a queue does not hand it straight back
        changes=_target(world, head, work["queue"], work["to_agent"]),
        repeated=repeated,
    )
    left = find_head(world, head.conversation) if moved else None
    if left:
        free_former(world, left, turn, agent, repeated=repeated)


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
    elif head.turn == turn + 1 and head.state is ContactState.RESOLVED:
        record_state(world, head, by=by, why=head.disposition or why, agent=former)
    if former:
        free_former(world, head, turn, former, repeated=True)


def free_former(world: World, now: Head, turn: int, former: AgentId, *, repeated: bool) -> None:
    """Tell whoever held a contact at `turn` that it has gone to somebody else or a queue, then free them of it.

    The slot goes last: it proves that the telling is still owed. Whether they had it or were offered it is not known
    any more; a screen passes over the end of an offer that it does not show.
    """
    agent = world.routing.find_agent(former)
    slot = agent.held.get(now.conversation) if agent else None
    if agent and slot and slot.turn == turn and now.holder != former:
        for frame in (offer_ended_frame(now.conversation, turn, "gone"), conversation_frame(now)):
            notify_agent(world, former, agent.sockets, frame)
    settle(world, former, [(now.conversation, turn)], ensure=repeated)

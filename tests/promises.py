"""What must hold of a contact centre whenever no step is under way: said once, for fakes and for real tables.

Each promise tells what breaks it, one sentence a breach. `Standing` is all they look at; tests/unit/promises.py makes
one of the fakes, tests/chaos/standing.py reads one from the tables.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from throughline.domain.conversations import HOLDING, ContactChange, ContactState, Entry, Head
from throughline.domain.identifiers import AgentId, Home
from throughline.domain.routing import PAUSED_CLASS, WORK_CLASSES, Agent, Ready, Slot, Waiting, able, fits


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What stands in a contact centre.

    `timers` is the work that is armed, near and far; None where nobody can tell, and then nothing is asked of timers.
    `directory` has ``(class, "req#…")``. `allowed` says what an agent may hold whose capacity
    was lowered below what they held.
    """

    agents: Mapping[AgentId, Agent]
    lives: Collection[Head]
    archived: Collection[Head]
    moves: Mapping[Home, Home]
    ready: Collection[Ready]
    waiting: Collection[Waiting]
    directory: Collection[tuple[str, str]]
    timers: Collection[Mapping[str, Any]] | None
    connections: Collection[str]
    changes: Collection[ContactChange]
    entries: Collection[Entry]
    allowed: Mapping[str, int] = field(default_factory=dict)


Breaches = Iterator[str]
Promise = Callable[[Standing], Breaches]


def load_is_what_is_held_and_within_capacity(standing: Standing) -> Breaches:
    for agent in standing.agents.values():
        held = Counter(slot.work_class for slot in agent.held.values())
        load = {name: count for name, count in agent.load.items() if count}
        if held != load:
            yield f"{agent.agent_id} holds {dict(held)} and is counted with {load}"
        for work_class in WORK_CLASSES:
            capacity = max(standing.allowed.get(agent.agent_id, 0), agent.capacity.get(work_class, 0))
            if held[work_class] > capacity:
                yield f"{agent.agent_id} is over capacity: {held[work_class]} of {capacity} {work_class}"


def a_contact_and_its_slot_agree(standing: Standing) -> Breaches:
    heads = {head.conversation: head for head in standing.lives}
    for agent in standing.agents.values():
        for conversation, slot in agent.held.items():
            if conversation in heads:
                yield from _disagreements(agent, slot, heads[conversation], mended=_has_grace(standing, agent))
            elif not _is_joining(standing, conversation):
                yield f"{agent.agent_id} holds {conversation}, which is not live"
    for head in standing.lives:
        if (head.holder is not None) != (head.state in HOLDING or head.state is ContactState.PAUSED):
            yield f"{head.conversation} is {head.state} and with {head.holder}"
        holder = standing.agents.get(head.holder) if head.holder else None
        if head.holder and (holder is None or head.conversation not in holder.held):
            yield f"{head.conversation} is with {head.holder}, who has no slot for it"


def _has_grace(standing: Standing, agent: Agent) -> bool:
    """Return whether a grace may be running, at whose end a pause that died half-way is finished."""
    timers, grace = standing.timers, ("grace", agent.agent_id, agent.epoch)
    return timers is None or any((t.get("kind"), t.get("agent"), t.get("epoch")) == grace for t in timers)


def _disagreements(agent: Agent, slot: Slot, head: Head, *, mended: bool) -> Breaches:
    held = f"{agent.agent_id} holds {head.conversation} at turn {slot.turn}"
    if (head.holder, head.turn) != (agent.agent_id, slot.turn):
        yield f"{held}, which is {head.state} with {head.holder} at turn {head.turn}"
    paused, aside = head.state is ContactState.PAUSED, slot.work_class == PAUSED_CLASS
    if paused != aside and not (mended and paused):
        yield f"{held} as {slot.work_class}, and it is {head.state}"
    if not set(agent.sockets) <= set(head.sockets):
        yield f"{held}, and it does not ring at every screen"


def _is_joining(standing: Standing, conversation: str) -> bool:
    """Return whether what follows the end of a conversation that joined another one may still be to be done."""
    timers = standing.timers
    return timers is None or any((t.get("kind"), t.get("conversation")) == ("joined", conversation) for t in timers)


def nobody_waits_while_an_able_agent_is_free(standing: Standing) -> Breaches:
    waiting = {(item.conversation, item.turn) for item in standing.waiting}
    for head in standing.lives:
        if head.state is not ContactState.QUEUED:
            continue
        if (head.conversation, head.turn) not in waiting:
            yield f"{head.conversation} waits at turn {head.turn} and cannot be found"
        for agent in standing.agents.values():
            fit = fits(head.requirement, agent.signature, agent.agent_id)
            if fit and able(agent, head.work_class) and agent.agent_id not in head.excluded:
                yield f"{head.conversation} waits while {agent.agent_id} is free"


def an_able_agent_can_be_found(standing: Standing) -> Breaches:
    ready = {(item.agent_id, item.work_class, item.stamp, item.signature) for item in standing.ready}
    for agent in standing.agents.values():
        for work_class in WORK_CLASSES:
            hint = (agent.agent_id, work_class, agent.stamps.get(work_class), agent.signature)
            if able(agent, work_class) and hint not in ready:
                yield f"{agent.agent_id} is free for {work_class} and cannot be found"


def hints_stand_where_others_look(standing: Standing) -> Breaches:
    for head in standing.lives:
        if head.state is ContactState.QUEUED and (head.work_class, f"req#{head.requirement}") not in standing.directory:
            yield f"nobody knows that contacts may need {head.requirement or 'nothing'}"


def whatever_has_an_end_has_a_timer(standing: Standing) -> Breaches:
    if standing.timers is None:
        return
    armed = {(work["kind"], work.get("conversation"), work.get("turn")) for work in standing.timers}
    for head in standing.lives:
        ends = {
            "offer_timeout": head.state is ContactState.OFFERED,
            "cool_down": head.state is ContactState.QUEUED and bool(head.excluded),
            "resume": head.state is ContactState.PAUSED,
            "wrap_up": head.state is ContactState.WRAPPING and bool(head.until_ms),
        }
        for kind, needed in ends.items():
            if needed and (kind, head.conversation, head.turn) not in armed:
                yield f"{head.conversation} is {head.state} at turn {head.turn} without {kind}"


def a_lost_agent_has_a_grace_running(standing: Standing) -> Breaches:
    if standing.timers is None:
        return
    armed = {(work["kind"], work.get("agent"), work.get("epoch")) for work in standing.timers}
    for agent in standing.agents.values():
        holds = any(slot.work_class != PAUSED_CLASS for slot in agent.held.values())
        waited_for = any(
            head.state is ContactState.QUEUED and head.requirement == f"@{agent.agent_id}" for head in standing.lives
        )
        if (holds or waited_for) and not agent.sockets and ("grace", agent.agent_id, agent.epoch) not in armed:
            yield f"{agent.agent_id} has gone, is needed, and no grace is running"


def who_is_to_leave_after_work_has_work(standing: Standing) -> Breaches:
    for agent in standing.agents.values():
        if agent.next and not agent.at_work:
            yield f"{agent.agent_id} has no work any more and is not yet {agent.next.presence}"


def no_screen_is_open_that_has_gone(standing: Standing) -> Breaches:
    for agent in standing.agents.values():
        for gone in set(agent.sockets) - set(standing.connections):
            yield f"{agent.agent_id} counts the screen {gone}, which has gone"


def homes_lead_to_one_conversation(standing: Standing) -> Breaches:
    for home in standing.moves:
        if root(standing.moves, home) is None:
            yield f"{home} points in a circle"


def root(moves: Mapping[Home, Home], home: Home) -> Home | None:
    """Return where a home leads to, None if nowhere."""
    for _ in range(len(moves) + 1):
        if home not in moves:
            return home
        home = moves[home]
    return None


def who_waited_is_not_left_where_they_joined(standing: Standing) -> Breaches:
    """What was queued or offered, and joined another conversation of its customer, is queued, offered or held there."""
    for over in standing.archived:
        changes = [change for change in standing.changes if change.conversation == over.conversation]
        joined = any(change.turn == over.turn and change.why == JOINED for change in changes)
        earlier = [change for change in changes if change.turn < over.turn]
        before = max(earlier, key=lambda change: (change.turn, change.at_ms)).state if earlier else ContactState.QUEUED
        if joined and before in {ContactState.QUEUED, ContactState.OFFERED}:
            yield from _left_waiting(standing, over)


JOINED = "joined another conversation of the customer"


def _left_waiting(standing: Standing, over: Head) -> Breaches:
    home = root(standing.moves, over.home)
    theirs = [head for head in (*standing.lives, *standing.archived) if root(standing.moves, head.home) == home]
    served = any(head.closed_ms >= over.closed_ms for head in theirs if head.conversation != over.conversation)
    for head in standing.lives:
        since = [item.at_ms for item in standing.changes if (item.conversation, item.turn, item.state) == _now(head)]
        set_aside = head.state in {ContactState.PAUSED, ContactState.RESOLVED}
        if head.home == home and set_aside and since and since[0] < over.closed_ms and not served:
            yield f"{over.conversation} waited and joined {head.conversation}, which is {head.state} since before"


def _now(head: Head) -> tuple[str, int, ContactState]:
    return head.conversation, head.turn, head.state


def a_message_is_one_entry(standing: Standing) -> Breaches:
    for digest, count in Counter(entry.digest for entry in standing.entries).items():
        if count > 1:
            yield f"the message {digest} is {count} entries"


def every_change_is_recorded(standing: Standing) -> Breaches:
    """Who, when and why: each turn that a contact came to, and the state it is in.

    Not one of `PROMISES`: behind a claim the decision is lost with the process that made it.
    """
    heads = (*standing.lives, *standing.archived)
    conversations = Counter(head.home for head in heads)
    for head in heads:
        changes = [change for change in standing.changes if change.conversation == head.conversation]
        recorded = {(change.turn, change.state) for change in changes if change.by and change.why}
        turns = {turn for turn, _ in recorded}
        # In the second conversation of a home turns go on from where the first one ended.
        opened_at = 1 if conversations[head.home] == 1 else min(turns, default=head.turn)
        if missing := set(range(opened_at + 1, head.turn + 1)) - turns:
            yield f"nobody knows how {head.conversation} came to the turns {sorted(missing)}"
        if head.turn != opened_at and (head.turn, head.state) not in recorded:
            yield f"nobody knows why {head.conversation} is {head.state}"


PROMISES: tuple[Promise, ...] = (
    load_is_what_is_held_and_within_capacity,
    a_contact_and_its_slot_agree,
    nobody_waits_while_an_able_agent_is_free,
    an_able_agent_can_be_found,
    hints_stand_where_others_look,
    whatever_has_an_end_has_a_timer,
    a_lost_agent_has_a_grace_running,
    who_is_to_leave_after_work_has_work,
    no_screen_is_open_that_has_gone,
    homes_lead_to_one_conversation,
    who_waited_is_not_left_where_they_joined,
    a_message_is_one_entry,
)


def breaches(standing: Standing) -> dict[str, list[str]]:
    """Return what breaks each promise that does not hold, by the promise's name."""
    found = {promise.__name__: list(promise(standing)) for promise in PROMISES}
    return {name: sentences for name, sentences in found.items() if sentences}

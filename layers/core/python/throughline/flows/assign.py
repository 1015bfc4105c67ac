"""Bring a queued contact and an able agent together.

The order of writes is the whole point: truth, then the hint, then the look, on both sides; so whichever of the two
comes second sees the first, and nobody waits while an able agent is free. Every step can be repeated from its first
line.
"""

from collections.abc import Collection, Mapping
from typing import Any

from throughline.domain.configuration import DEFAULT_GRACE_S, Queue
from throughline.domain.conversations import ContactState, Head, Moved
from throughline.domain.errors import StoreUnavailableError
from throughline.domain.identifiers import AgentId, ConversationId, digest
from throughline.domain.routing import (
    Agent,
    Claim,
    Offer,
    Ready,
    Slot,
    Waiting,
    able,
    able_classes,
    choose_candidate,
    fits,
    left_over,
    oldest,
    rank_candidates,
    released,
    with_slot,
    with_stamps,
    without_slots,
    written,
)
from throughline.flows.notify import show_new_presence, show_offer, show_on_later_screens
from throughline.ports import World

HEADS = 4  # how many waiting contacts of a requirement are looked at
GLANCE = 20  # how many able agents are looked at: half a read unit
WIDER = 8  # how many times as many where none of those may take the contact
CHEAP_TRIES = 2  # claims on eventually consistent hints before the contact is queued for good
TRIES = 50
SECOND_LOOK_S = 15.0  # longer than anybody may keep what they know of requirements

Drop = Collection[tuple[ConversationId, int]]
Change = tuple[Agent, Agent]  # before and after
Passed = Mapping[tuple[AgentId, str], str]  # hints (agent and stamp) that led nowhere, and why


def policy_of(world: World, queue: str) -> Queue:
    """Return a queue, with the defaults if it was taken out of the configuration while contacts are still in it."""
    return world.settings.find_queue(queue) or Queue(name=queue)


# ---------------------------------------------------------------- the contact's side


def place(world: World, head: Head, preview: str | None, *, repeated: bool = False) -> bool:
    """Find an agent for a contact queued at this turn, or leave it waiting where the next free agent will see it.

    Returns whether it was offered (or had ceased to be ours to place).

    Raises:
        StoreUnavailableError: too much contention. Repeat; the contact is still queued.
    """
    waiting = head.waiting(preview)
    if not repeated and _find(world, waiting, strong=False, tries=CHEAP_TRIES):
        return True
    if world.routing.add_requirement(waiting.work_class, waiting.requirement):
        # An agent whose knowledge of the requirements is a few seconds old meets this second look.
        work = {"kind": "place", "conversation": waiting.conversation, "turn": waiting.turn}
        world.timers.arm(work, delay_s=SECOND_LOOK_S)
    world.routing.put_waiting(waiting)
    if not _find(world, waiting, strong=True, tries=TRIES):
        _mind_absence(world, waiting)
        return False
    world.routing.delete_waiting(waiting)
    return True


def _mind_absence(world: World, waiting: Waiting) -> None:
    """Let a contact that waits for one agent alone be sent on, if that agent has gone before it began to wait."""
    if not waiting.requirement.startswith("@"):
        return
    agent = world.routing.find_agent(AgentId(waiting.requirement[1:]))
    if agent and not agent.capacity.get(waiting.work_class):
        world.timers.arm({"kind": "agent_configured", "agent": agent.agent_id}, delay_s=0)
    elif agent and not agent.sockets:
        world.timers.arm({"kind": "grace", "agent": agent.agent_id, "epoch": agent.epoch}, delay_s=DEFAULT_GRACE_S)


def _find(world: World, waiting: Waiting, *, strong: bool, tries: int) -> bool:
    passed: dict[tuple[AgentId, str], str] = {}
    for attempt in range(tries):
        ranked = _candidates(world, waiting, passed, strong=strong)
        if not ranked:
            return False
        draw = int(digest(waiting.conversation, str(waiting.turn), str(attempt)), 16)
        chosen = choose_candidate(waiting.requirement, ranked, draw)
        # A claim that fails costs four write units, a look one read unit: after the first loss, look first.
        unable = attempt and not _is_true(world, chosen)
        if not unable and _claim(world, waiting, chosen, _decision(waiting, ranked, passed)) is not Claim.AGENT_UNABLE:
            return True
        # The hint, not the agent: another hint of the same agent may be true.
        passed[chosen.agent_id, chosen.stamp] = "no longer able"
    if strong:
        raise StoreUnavailableError("too many agents were claimed by others")
    return False


def _decision(waiting: Waiting, ranked: Collection[Ready], passed: Passed) -> dict[str, Any]:
    candidates = [item.agent_id for item in ranked]
    unable = {agent: why for (agent, _), why in passed.items() if agent not in candidates}
    return {
        "candidates": candidates,
        "excluded": dict.fromkeys(waiting.excluded, "let it pass") | unable,
        "requirement": waiting.requirement,
    }


def _candidates(world: World, waiting: Waiting, passed: Passed, *, strong: bool) -> list[Ready]:
    if waiting.preferred:
        preferred = _ready_of(world, waiting.preferred, waiting, passed)
        if preferred:
            return [preferred]
    if waiting.requirement.startswith("@"):
        ready = _ready_of(world, AgentId(waiting.requirement[1:]), waiting, passed)
        return [ready] if ready else []
    return rank_candidates(waiting.requirement, _longest_ready(world, waiting, passed, strong=strong))


def _longest_ready(world: World, waiting: Waiting, passed: Passed, *, strong: bool) -> list[Ready]:
    """Return those who may take the contact among the agents who are able longest, as far as somebody may at all."""
    limit = GLANCE
    while True:
        found = world.routing.list_ready(waiting.work_class, limit=limit, strong=strong)
        fitting = [item for item in found if fits(waiting.requirement, item.signature)]
        fitting = [item for item in fitting if _may_be_asked(item, waiting, passed)]
        if fitting or len(found) < limit:
            return fitting
        limit *= WIDER  # a crowd who may not take it must not hide the one who may


def _may_be_asked(ready: Ready, waiting: Waiting, passed: Passed) -> bool:
    return ready.agent_id not in waiting.excluded and (ready.agent_id, ready.stamp) not in passed


def _ready_of(world: World, agent_id: AgentId, waiting: Waiting, passed: Passed) -> Ready | None:
    agent = None if agent_id in waiting.excluded else world.routing.find_agent(agent_id)
    ready = _ready(agent, waiting.work_class) if agent and able(agent, waiting.work_class) else None
    return ready if ready and _may_be_asked(ready, waiting, passed) else None


def _ready(agent: Agent, work_class: str) -> Ready:
    return Ready(
        work_class=work_class,
        signature=agent.signature,
        stamp=agent.stamps.get(work_class, ""),
        agent_id=agent.agent_id,
        epoch=agent.epoch,
        sockets=agent.sockets,
    )


def _is_true(world: World, ready: Ready) -> bool:
    agent = world.routing.find_agent(ready.agent_id)
    legitimate = agent is not None and able(agent, ready.work_class)
    legitimate = legitimate and agent is not None and agent.stamps.get(ready.work_class) == ready.stamp
    if not legitimate:
        world.routing.delete_ready(ready)
    return legitimate


def _claim(world: World, waiting: Waiting, ready: Ready, decision: Mapping[str, Any]) -> Claim:
    offer = _offer(world, waiting, ready.agent_id, ready.epoch, ready.sockets)
    _arm_deadline(world, offer)
    result, seen = world.routing.claim(offer)
    if result is Claim.AGENT_UNABLE:
        still = seen is not None and able(seen, ready.work_class) and seen.stamps.get(ready.work_class) == ready.stamp
        if not still:
            world.routing.delete_ready(ready)
        dead = left_over(seen, offer.conversation, offer.turn) if seen else ()
        if dead:
            settle(world, offer.agent_id, dead, ensure=True)
    if result is Claim.WON:
        show_offer(world, waiting, offer, decision)
        agent = world.routing.find_agent(offer.agent_id)
        if agent:
            before = without_slots(agent, [(offer.conversation, offer.turn)])
            withdraw_ready(world, before, agent)
            show_on_later_screens(world, waiting, offer, agent)
    return result


def _offer(world: World, waiting: Waiting, agent: AgentId, epoch: int, sockets: tuple[str, ...]) -> Offer:
    seconds = policy_of(world, waiting.queue).offer_s
    return Offer(
        conversation=waiting.conversation,
        home=waiting.home,
        turn=waiting.turn + 1,
        work_class=waiting.work_class,
        agent_id=agent,
        epoch=epoch,
        sockets=sockets,
        deadline_ms=world.clock() + seconds * 1000,
        nonce=world.draw(),
    )


def _arm_deadline(world: World, offer: Offer) -> None:
    # Before the claim: after it, a crash would leave an offer without end.
    deadline_ms = offer.deadline_ms
    work = {"kind": "offer_timeout", "conversation": offer.conversation, "turn": offer.turn, "deadline_ms": deadline_ms}
    world.timers.arm(work, delay_s=(deadline_ms - world.clock()) / 1000)


# ---------------------------------------------------------------- the agent's side


def settle(
    world: World, agent_id: AgentId, drop: Drop = (), *, ensure: bool = False, change: Change | None = None
) -> None:
    """Release the contacts in `drop` (each only if held at that turn), take the oldest waiting ones, else stand ready.

    To be called whenever the agent may have changed. `ensure` puts the ready hints even if their stamps are old: on any
    repetition. `change` is the agent before and after what the caller has just written; it saves a read, and tells
    which stamps are new. What is written from it is fenced by the sequence number.

    Raises:
        StoreUnavailableError: the agent's item is too busy. Repeat.
    """
    skip: set[tuple[ConversationId, int]] = set()
    first, known = change or (None, None)
    hinted: set[str] = set()  # stamps whose hints may stand in the table
    stood = False
    for _ in range(TRIES):
        agent, known = known or world.routing.find_agent(agent_id), None
        if agent is None:
            return
        first = first or agent
        hinted |= set((agent if ensure else first).stamps.values())
        freed = released(agent, drop)
        waiting = _oldest_waiting(world, freed, skip, strong=stood)
        if waiting:
            known = _swap(world, agent, freed, waiting, skip)
            if known:
                withdraw_ready(world, agent, known, hinted=hinted)
                show_new_presence(world, agent, known)
            stood = False
            continue
        if freed != agent or _unstamped(freed):
            fresh = with_stamps(agent, freed, world.clock())
            if not world.routing.replace_agent(agent, fresh):
                stood, ensure = False, True
                continue
            freed, stood = written(agent, fresh), False
            show_new_presence(world, agent, freed)
        classes = [c for c in able_classes(freed) if ensure or freed.stamps.get(c) != first.stamps.get(c)]
        if stood or not classes:
            return
        _stand_ready(world, freed, classes)
        hinted |= {freed.stamps[work_class] for work_class in classes}
        stood, skip = True, set()  # hint, then look: once more from the top
    raise StoreUnavailableError("the agent is changing too fast")


def _unstamped(agent: Agent) -> bool:
    return any(not agent.stamps.get(work_class) for work_class in able_classes(agent))


def _stand_ready(world: World, agent: Agent, classes: list[str]) -> None:
    for work_class in classes:
        world.routing.put_ready(_ready(agent, work_class))


def _oldest_waiting(
    world: World, agent: Agent, skip: set[tuple[ConversationId, int]], *, strong: bool
) -> Waiting | None:
    heads = []
    for work_class in able_classes(agent):
        for requirement in world.routing.list_requirements(work_class):
            if fits(requirement, agent.signature, agent.agent_id):
                head = _first_for(world, agent, (work_class, requirement), skip, strong=strong)
                heads += [head] if head else []
    return oldest(heads)


def _first_for(
    world: World, agent: Agent, where: tuple[str, str], skip: set[tuple[ConversationId, int]], *, strong: bool
) -> Waiting | None:
    limit = HEADS
    while True:
        found = world.routing.list_waiting(*where, limit=limit, strong=strong)
        for item in found:
            held = agent.held.get(item.conversation)
            free = agent.agent_id not in item.excluded and (held is None or held.turn < item.turn)
            if free and (item.conversation, item.turn) not in skip:
                return item
        if len(found) < limit:
            return None
        limit *= HEADS  # all of them refuse this agent: an excluded head must not hide the rest


def _swap(
    world: World, agent: Agent, freed: Agent, waiting: Waiting, skip: set[tuple[ConversationId, int]]
) -> Agent | None:
    """Try to give the agent this contact; return the agent as written if it was won."""
    offer = _offer(world, waiting, agent.agent_id, agent.epoch, agent.sockets)
    slot = Slot(home=offer.home, turn=offer.turn, work_class=offer.work_class)
    freed = without_slots(freed, left_over(freed, offer.conversation, offer.turn))
    holding = with_stamps(agent, with_slot(freed, offer.conversation, slot), world.clock())
    _arm_deadline(world, offer)
    result = world.routing.swap(agent, holding, offer)
    if result is Claim.WON:
        show_offer(world, waiting, offer, {"candidates": [agent.agent_id], "excluded": {}, "came_free": True})
        world.routing.delete_waiting(waiting)
        return written(agent, holding)
    if result is Claim.CONTACT_GONE:
        if not _still_queued(world, waiting):
            world.routing.delete_waiting(waiting)
        skip.add((waiting.conversation, waiting.turn))
    return None


def _still_queued(world: World, waiting: Waiting) -> bool:
    head = world.threads.get_live(waiting.home)
    if head is None or isinstance(head, Moved):
        return False
    same = head.conversation == waiting.conversation and head.turn == waiting.turn
    return same and head.state is ContactState.QUEUED


def withdraw_ready(
    world: World, before: Agent, after: Agent, *, hinted: Collection[str] | None = None, repeated: bool = False
) -> None:
    """Take away the hints of the classes that this change made the agent unable to take; only those in `hinted`."""
    for work_class, stamp in before.stamps.items():
        was_ready = (able(before, work_class) or repeated) and (hinted is None or stamp in hinted)
        if was_ready and stamp and not (able(after, work_class) and after.stamps.get(work_class) == stamp):
            world.routing.delete_ready(_ready(before, work_class))

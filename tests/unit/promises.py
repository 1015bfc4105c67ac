"""What must hold of a contact centre whenever no step is under way."""

from collections import Counter
from collections.abc import Callable

from tests.fakes.world import Centre
from throughline.domain.conversations import HOLDING, ContactState
from throughline.domain.identifiers import Home
from throughline.domain.routing import WORK_CLASSES, able, fits
from throughline.flows.conclude import PAUSED_CLASS


def load_is_what_is_held_and_within_capacity(centre: Centre, capacities: dict[str, int] | None = None) -> None:
    """`capacities` has what an agent may hold whose capacity was lowered below what they held."""
    for agent in centre.routing.agents.values():
        held = Counter(slot.work_class for slot in agent.held.values())
        assert held == {name: count for name, count in agent.load.items() if count}
        allowed = (capacities or {}).get(agent.agent_id, 0)
        assert held["chat"] <= max(allowed, agent.capacity.get("chat", 0))


def a_contact_and_its_slot_agree(centre: Centre) -> None:
    heads = {head.conversation: head for head in centre.threads.lives.values()}
    for agent in centre.routing.agents.values():
        for conversation, slot in agent.held.items():
            if conversation not in heads and is_joining(centre, conversation):
                continue
            head = heads[conversation]
            assert (head.holder, head.turn) == (agent.agent_id, slot.turn)
            assert (head.state is ContactState.PAUSED) == (slot.work_class == PAUSED_CLASS)
            assert set(agent.sockets) <= set(head.sockets)
    for head in heads.values():
        assert (head.holder is not None) == (head.state in HOLDING or head.state is ContactState.PAUSED)
        if head.holder:
            assert head.conversation in centre.routing.agents[head.holder].held


def is_joining(centre: Centre, conversation: str) -> bool:
    """Return whether what follows the end of a conversation that joined another one is still to be done, for sure."""
    return any(timer.work.get("conversation") == conversation for timer in centre.timers.of_kind("joined"))


def nobody_waits_while_an_able_agent_is_free(centre: Centre) -> None:
    waiting = {(item.conversation, item.turn) for item in centre.routing.waiting.values()}
    for head in centre.threads.lives.values():
        if head.state is ContactState.QUEUED:
            assert (head.conversation, head.turn) in waiting
            for agent in centre.routing.agents.values():
                fit = fits(head.requirement, agent.signature, agent.agent_id)
                assert not (fit and able(agent, "chat") and agent.agent_id not in head.excluded)


def an_able_agent_can_be_found(centre: Centre) -> None:
    ready = {(item.agent_id, item.work_class, item.stamp, item.signature) for item in centre.routing.ready.values()}
    for agent in centre.routing.agents.values():
        for work_class in WORK_CLASSES:
            if able(agent, work_class):
                assert (agent.agent_id, work_class, agent.stamps[work_class], agent.signature) in ready


def whatever_has_an_end_has_a_timer(centre: Centre) -> None:
    armed = {
        (timer.work["kind"], timer.work.get("conversation"), timer.work.get("turn")) for timer in centre.timers.armed
    }
    for head in centre.threads.lives.values():
        if head.state is ContactState.OFFERED:
            assert ("offer_timeout", head.conversation, head.turn) in armed
        if head.state is ContactState.QUEUED and head.excluded:
            assert ("cool_down", head.conversation, head.turn) in armed
        if head.state is ContactState.PAUSED:
            assert ("resume", head.conversation, head.turn) in armed


def a_lost_agent_has_a_grace_running(centre: Centre) -> None:
    armed = {(timer.work["kind"], timer.work.get("agent"), timer.work.get("epoch")) for timer in centre.timers.armed}
    for agent in centre.routing.agents.values():
        holds = any(slot.work_class != PAUSED_CLASS for slot in agent.held.values())
        waited_for = any(
            head.state is ContactState.QUEUED and head.requirement == f"@{agent.agent_id}"
            for head in centre.threads.lives.values()
        )
        if (holds or waited_for) and not agent.sockets:
            assert ("grace", agent.agent_id, agent.epoch) in armed


def no_screen_is_open_that_has_gone(centre: Centre) -> None:
    for agent in centre.routing.agents.values():
        assert set(agent.sockets) <= set(centre.connections.connections)


def homes_lead_to_one_conversation(centre: Centre) -> None:
    for home in centre.threads.moves:
        assert root(centre, home) not in centre.threads.moves


def root(centre: Centre, home: Home) -> Home:
    """Return where a home leads to."""
    for _ in range(len(centre.threads.moves) + 1):
        if home not in centre.threads.moves:
            return home
        home = centre.threads.moves[home]
    raise AssertionError("homes point in a circle")


def every_change_is_recorded(centre: Centre) -> None:
    """Who, when and why: each turn that a contact came to, and the state it is in."""
    heads = (*centre.threads.lives.values(), *centre.threads.archived.values())
    conversations = Counter(head.home for head in heads)
    for head in heads:
        changes = centre.threads.list_changes(head.home, head.conversation)
        recorded = {(change.turn, change.state) for change in changes if change.by and change.why}
        turns = {turn for turn, _ in recorded}
        # In the second conversation of a home turns go on from where the first one ended.
        opened_at = 1 if conversations[head.home] == 1 else min(turns, default=head.turn)
        assert set(range(opened_at + 1, head.turn + 1)) <= turns
        assert head.turn == opened_at or (head.turn, head.state) in recorded


PROMISES: tuple[Callable[[Centre], None], ...] = (
    load_is_what_is_held_and_within_capacity,
    a_contact_and_its_slot_agree,
    nobody_waits_while_an_able_agent_is_free,
    an_able_agent_can_be_found,
    whatever_has_an_end_has_a_timer,
    a_lost_agent_has_a_grace_running,
    no_screen_is_open_that_has_gone,
    homes_lead_to_one_conversation,
)


def broken(centre: Centre) -> list[str]:
    """Return the names of the promises that do not hold."""
    return [promise.__name__ for promise in PROMISES if not _holds(promise, centre)]


def _holds(promise: Callable[[Centre], None], centre: Centre) -> bool:
    try:
        promise(centre)
    except AssertionError:
        return False
    return True

"""How an agent stands in an item, and the condition that one is able. Over one KB it makes a claim cost half more."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from throughline.domain.identifiers import AgentId, ConversationId, Home
from throughline.domain.routing import WORK_CLASSES, Agent, NextPresence, Offer, Presence, Slot
from throughline.store._expressions import Expression, every, hole, path, value
from throughline.store._values import Item, to_attribute

AGENT = "agent"
Filled = tuple[Expression, Mapping[str, Any]]

_seq = path("seq")
_held = path("held", hole("conv"))
_ZERO, _ONE = to_attribute(0), to_attribute(1)

_UNCHANGED = Expression(condition=_seq == value("seq"))


def agent_key(agent: AgentId) -> str:
    """Return the partition of an agent."""
    return f"agent#{agent}"


def agent_item(agent: Agent) -> Item:
    """Return the item of an agent. Every class has a load, so that a claim can add to it."""
    item = {
        "pk": agent_key(agent.agent_id),
        "sk": AGENT,
        "presence": agent.presence,
        "routable": agent.routable,
        "sig": agent.signature,
        "cap": agent.capacity,
        "load": loads(agent),
        "held": {conversation: _slot_map(conversation, slot) for conversation, slot in agent.held.items()},
        "stamp": agent.stamps,
        "seq": agent.seq,
        "epoch": agent.epoch,
    }
    optional = {
        "name": agent.name,
        "teams": agent.teams,
        "reason": agent.reason,
        "since": agent.since_ms,
        "next": _next_map(agent.next),
        "sockets": agent.sockets,
    }
    return item | {name: given for name, given in optional.items() if given}


def agent_from(item: Item) -> Agent:
    """Return the agent in an item."""
    return Agent(
        agent_id=AgentId(item["pk"].removeprefix("agent#")),
        name=item.get("name", ""),
        signature=item["sig"],
        teams=tuple(item.get("teams", ())),
        presence=Presence(item["presence"]),
        reason=item.get("reason"),
        since_ms=item.get("since", 0),
        next=_next_from(item.get("next")),
        capacity=item["cap"],
        load=item["load"],
        held={conversation: _slot_from(conversation, slot) for conversation, slot in item["held"].items()},
        stamps=item["stamp"],
        sockets=tuple(item.get("sockets", ())),
        seq=item["seq"],
        epoch=item["epoch"],
    )


def _next_map(following: NextPresence | None) -> dict[str, Any] | None:
    if following is None:
        return None
    kept = {"p": following.presence}
    return kept | {"r": following.reason} if following.reason else kept


def _next_from(kept: Mapping[str, Any] | None) -> NextPresence | None:
    return NextPresence(presence=Presence(kept["p"]), reason=kept.get("r")) if kept else None


def loads(agent: Agent) -> dict[str, int]:
    """Return the agent's load with a figure for every class."""
    return dict.fromkeys((*WORK_CLASSES, *agent.capacity), 0) | dict(agent.load)


def _slot_map(conversation: ConversationId, slot: Slot) -> dict[str, Any]:
    kept = {"t": slot.turn, "c": slot.work_class}
    # A conversation's id begins with its home, as a rule.
    return kept if _home_in(conversation) == slot.home else kept | {"h": slot.home}


def _slot_from(conversation: str, slot: Mapping[str, Any]) -> Slot:
    home = slot.get("h") or _home_in(conversation)
    return Slot(home=Home(home), turn=slot["t"], work_class=slot["c"])


def _home_in(conversation: str) -> str:
    return conversation.partition(".")[0]


def claimed(offer: Offer) -> Filled:
    """Return the agent's half of a claim: one more contact, if able to take it and signed in as the offer says."""
    slot = Slot(home=offer.home, turn=offer.turn, work_class=offer.work_class)
    return _claimed(offer.work_class), {
        "conv": offer.conversation,
        "slot": _slot_map(offer.conversation, slot),
        "epoch": offer.epoch,
    }


@cache
def _claimed(work_class: str) -> Expression:
    load = path("load", work_class)
    return Expression(
        _held.set(value("slot", "M")),
        load.set(load + _ONE),
        _seq.set(_seq + _ONE),
        condition=every(
            # domain.routing.able, in the table's language; a property test holds the two equal.
            path("routable") == to_attribute(True),  # noqa: FBT003
            path("load", "voice") == _ZERO,
            load < path("cap", work_class),
            path("load", "chat") == _ZERO if work_class == "voice" else None,
            path("epoch") == value("epoch"),
            _held.does_not_exist(),
        ),
    )


def replaced(old: Agent, new: Agent) -> tuple[Item, Expression, Mapping[str, Any]]:
    """Return the item that replaces `old`, on condition that nobody has written since `old` was read."""
    return agent_item(new) | {"seq": old.seq + 1}, _UNCHANGED, {"seq": old.seq}

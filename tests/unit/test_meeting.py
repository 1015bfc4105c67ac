"""An agent and a contact that come at the same instant always meet: each interleaving that a naive order would lose."""

from collections.abc import Callable

import pytest

from tests.fakes.world import Centre, agent_profile
from throughline.domain.conversations import ContactState
from throughline.domain.errors import ConflictError
from throughline.domain.identifiers import AgentId
from throughline.domain.routing import Presence
from throughline.flows.conclude import close
from throughline.flows.offers import accept_offer, time_out_offer
from throughline.flows.presence import set_presence

MAYA = "telegram:1"
ANA = AgentId("ana")


@pytest.fixture
def centre() -> Centre:
    centre = Centre(agent_profile("ana", en=5), agent_profile("budi", en=5))
    centre.hello("ana")
    return centre


def interleave(store: object, method: str, other: Callable[[], object]) -> None:
    """Let `other` happen once, just before the first call of `method`."""
    original = getattr(store, method)

    def interleaved(*arguments: object, **named: object) -> object:
        setattr(store, method, original)
        other()
        return original(*arguments, **named)

    setattr(store, method, interleaved)


def become_available(centre: Centre) -> None:
    set_presence(centre.world, ANA, Presence.AVAILABLE, None)


def test_an_agent_who_stands_ready_between_the_contacts_look_and_its_waiting_hint_is_found(centre: Centre) -> None:
    interleave(centre.routing, "put_waiting", lambda: become_available(centre))
    centre.write(MAYA)
    assert centre.live(MAYA).holder == ANA


def test_a_contact_that_waits_between_the_agents_look_and_their_ready_hint_is_found(centre: Centre) -> None:
    interleave(centre.routing, "put_ready", lambda: centre.write(MAYA))
    become_available(centre)
    assert centre.live(MAYA).holder == ANA


def test_two_contacts_at_one_free_slot_make_one_offer_and_one_wait() -> None:
    centre = Centre(agent_profile("ana", chats=1, en=5))
    centre.available("ana")
    interleave(centre.routing, "claim", lambda: centre.write("telegram:2"))
    centre.write(MAYA)
    states = sorted(centre.live(sender).state for sender in (MAYA, "telegram:2"))
    assert states == [ContactState.OFFERED, ContactState.QUEUED]
    assert centre.routing.agents[ANA].load["chat"] == 1


def test_two_first_messages_at_once_make_one_customer_and_one_conversation(centre: Centre) -> None:
    interleave(centre.threads, "announce", lambda: centre.write(MAYA, "second"))
    centre.write(MAYA, "first")
    head = centre.live(MAYA)
    assert head.version == 2
    assert len(centre.threads.lives) == 1
    assert [item.conversation for item in centre.routing.waiting.values()] == [head.conversation]


def test_a_message_that_arrives_while_its_conversation_is_closed_brings_it_back(centre: Centre) -> None:
    become_available(centre)
    head = centre.write(MAYA)
    accept_offer(centre.world, ANA, head.conversation, head.turn)
    interleave(centre.threads, "transition", lambda: centre.write(MAYA, "wait"))
    with pytest.raises(ConflictError):
        close(centre.world, ANA, head.conversation, "solved", None)
    assert centre.live(MAYA).state is ContactState.ACTIVE


def test_an_accept_and_a_deadline_at_once_leave_one_holder(centre: Centre) -> None:
    centre.available("budi")
    become_available(centre)
    head = centre.write(MAYA)
    holder = AgentId(str(head.holder))
    interleave(
        centre.threads,
        "transition",
        lambda: accept_offer(centre.world, holder, head.conversation, head.turn),
    )
    time_out_offer(centre.world, head.conversation, head.turn, repeated=False)
    assert (centre.live(MAYA).state, centre.live(MAYA).holder) == (ContactState.ACTIVE, holder)
    assert centre.routing.agents[holder].load["chat"] == 1
    assert sum(agent.load["chat"] for agent in centre.routing.agents.values()) == 1

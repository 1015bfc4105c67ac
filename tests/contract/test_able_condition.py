"""`able` is written twice, as a function and as a condition of the table: a claim is won by those who are able."""

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.cloud import cloud
from tests.tables import HOME, Tables, agent, connection, offer, opening, tables_of
from throughline.domain.conversations import ContactState, Head
from throughline.domain.routing import WORK_CLASSES, Agent, Claim, NextPresence, Presence, able
from throughline.store._agents import agent_item
from throughline.store._heads import head_item
from throughline.store.routing import DynamoRouting

COUNTS = st.dictionaries(st.sampled_from(WORK_CLASSES), st.integers(min_value=0, max_value=3))
AGENTS = st.builds(
    agent,
    presence=st.sampled_from(Presence) | st.just(Presence.AVAILABLE),
    sockets=st.sampled_from([("socket",), ("socket",), ()]),
    capacity=COUNTS,
    load=COUNTS | st.fixed_dictionaries({}),
    next=st.none() | st.builds(NextPresence, presence=st.sampled_from(Presence)),
)
_NONCES = count()
QUEUED = Head(
    home=HOME,
    conversation=opening().conversation,
    version=1,
    state=ContactState.QUEUED,
    turn=1,
    work_class="chat",
    queue="support",
    requirement="",
    base_requirement="",
    score=0,
    opener="",
    opened_ms=0,
)


@pytest.fixture(scope="module")
def tables() -> Iterator[Tables]:
    with cloud():
        yield tables_of(connection())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(anna=AGENTS, work_class=st.sampled_from(WORK_CLASSES))
@example(anna=agent(capacity={"chat": 1}, load={"chat": 1}), work_class="chat")
@example(anna=agent(capacity={"voice": 1, "chat": 2}, load={"chat": 1}), work_class="voice")
@example(anna=agent(capacity={"voice": 2, "chat": 2}, load={"voice": 1}), work_class="chat")
@example(anna=agent(capacity={"chat": 2}), work_class="email")
@example(anna=agent(capacity={"chat": 2}, next=NextPresence(presence=Presence.NOT_READY)), work_class="chat")
@example(anna=agent(capacity={"chat": 2}, next=NextPresence(presence=Presence.AVAILABLE)), work_class="chat")
def test_the_condition_of_a_claim_is_the_function(tables: Tables, anna: Agent, work_class: str) -> None:
    check_claim(tables, anna, work_class)


def check_claim(tables: Tables, anna: Agent, work_class: str) -> None:
    """Claim a contact for `anna`, who stands there exactly so, and hold the table's answer against ours."""
    tables.routing.put(agent_item(anna))
    tables.threads.put(head_item(QUEUED, "live"))
    routing = DynamoRouting(tables.routing, tables.threads, clock=lambda: 0)

    result, _ = routing.claim(offer(QUEUED, work_class=work_class, nonce=f"nonce-{next(_NONCES)}"))

    assert (result is Claim.WON) == able(anna, work_class)
    now = routing.find_agent(anna.agent_id)
    assert now is not None
    assert now.load.get(work_class, 0) == anna.load.get(work_class, 0) + (result is Claim.WON)

"""Many at once on the local engine, with real connections: capacity is never exceeded, one opening, one holder."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.engine import start_engine
from infra.local.resources import create_resources
from tests.contract.test_able_condition import AGENTS, check_claim
from tests.tables import Stores, Tables, agent, dynamo_stores, entry, offer, opening, tables_of
from throughline.domain.conversations import ContactState, Expected, Head
from throughline.domain.identifiers import AgentId, Home, conversation_id
from throughline.domain.messages import DeliveryStatus
from throughline.domain.routing import WORK_CLASSES, Agent, Claim, Offer, Slot, with_slot, without_slots
from throughline.store._table import connect

WORKERS = 8
STAGE = "races"
RESOURCES = Path(__file__).parents[2] / "infra" / "resources.json"


@pytest.fixture(scope="module")
def tables() -> Iterator[Tables]:
    with start_engine("ministack", None) as engine:
        create_resources(engine.endpoint_url, json.loads(RESOURCES.read_text(encoding="utf-8")), STAGE)
        environment = {
            "AWS_ENDPOINT_URL_DYNAMODB": engine.endpoint_url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        }
        with patch.dict("os.environ", environment):
            connection = connect()
            assert connection.client.meta.endpoint_url == engine.endpoint_url
        yield tables_of(connection, STAGE)


@pytest.fixture
def stores(tables: Tables) -> Stores:
    return dynamo_stores(tables)


def at_once(steps: list[Callable[[], object]]) -> list[object]:
    """Take all steps from the same instant on, a thread each."""
    start = Barrier(len(steps))

    def run(step: Callable[[], object]) -> object:
        start.wait()
        return step()

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run, steps))


def claim(stores: Stores, claimed: Offer) -> Claim:
    return stores.routing.claim(claimed)[0]


def won(stores: Stores, home: Home, expected: Expected, changes: Mapping[str, Any]) -> bool:
    return stores.threads.transition(home, expected, changes).won


def homes(name: str, count: int) -> list[Home]:
    return [Home(f"h-{name}{number}") for number in range(count)]


def opened(stores: Stores, home: Home) -> Head:
    found = stores.threads.announce(home, replace(opening(), conversation=conversation_id(home, opening().reference)))
    assert isinstance(found, Head)
    return found


def live(stores: Stores, home: Home) -> Head:
    found = stores.threads.get_live(home)
    assert isinstance(found, Head)
    return found


def found(stores: Stores, agent_id: AgentId) -> Agent:
    standing = stores.routing.find_agent(agent_id)
    assert standing is not None
    return standing


@pytest.mark.parametrize("home", homes("opening", 5))
def test_first_messages_at_once_open_one_conversation(stores: Stores, home: Home) -> None:
    openings = [
        replace(opening(number), conversation=conversation_id(home, opening(number).reference))
        for number in range(WORKERS)
    ]
    random.Random(home).shuffle(openings)

    announced = at_once([partial(stores.threads.announce, home, each) for each in openings])

    head = live(stores, home)
    versions = sorted(each.version for each in announced if isinstance(each, Head))
    assert versions == list(range(1, WORKERS + 1))
    assert {each.conversation for each in announced if isinstance(each, Head)} == {head.conversation}
    assert head.latest == max(each.reference for each in openings)


@pytest.mark.parametrize("home", homes("entry", 3))
def test_deliveries_at_once_write_one_entry(stores: Stores, home: Home) -> None:
    deliveries = [entry(home=home, by=f"inbound-{number}") for number in range(WORKERS)]

    standing = at_once([partial(stores.threads.add_entry, each) for each in deliveries])

    assert standing.count(None) == 1
    assert len({each for each in map(str, standing) if each != "None"}) == 1


@pytest.mark.parametrize("number", range(5))
def test_claims_at_once_never_exceed_capacity(stores: Stores, number: int) -> None:
    anna = AgentId(f"busy-{number}")
    stores.routing.add_agent(agent(anna, capacity={"chat": 3}))
    heads = [opened(stores, home) for home in homes(f"capacity{number}", WORKERS)]

    results = at_once([partial(claim, stores, offer(head, anna, nonce=head.home)) for head in heads])

    holder = found(stores, anna)
    assert results.count(Claim.WON) == 3
    assert holder.load["chat"] == len(holder.held) == 3
    assert {head.conversation for head in heads if live(stores, head.home).holder == anna} == set(holder.held)


@pytest.mark.parametrize("home", homes("holder", 5))
def test_claims_at_once_give_a_contact_one_holder(stores: Stores, home: Home) -> None:
    agents = [AgentId(f"{home}-{number}") for number in range(WORKERS)]
    for each in agents:
        stores.routing.add_agent(agent(each))
    head = opened(stores, home)

    results = at_once([partial(claim, stores, offer(head, each)) for each in agents])

    assert results.count(Claim.WON) == 1
    assert [each for each in agents if found(stores, each).held] == [live(stores, home).holder]


@pytest.mark.parametrize("home", homes("repeated", 3))
def test_one_claim_sent_many_times_at_once_is_one(stores: Stores, home: Home) -> None:
    anna = AgentId(f"{home}-anna")
    stores.routing.add_agent(agent(anna))
    same = offer(opened(stores, home), anna)

    results = at_once([partial(claim, stores, same)] * WORKERS)

    assert results == [Claim.WON] * WORKERS
    assert found(stores, anna).load["chat"] == 1


@pytest.mark.parametrize("number", range(3))
def test_swaps_and_claims_at_once_keep_load_and_slots_together(stores: Stores, number: int) -> None:
    anna = AgentId(f"swapping-{number}")
    finished = conversation_id(Home("h-finished"), "1#1")
    busy = with_slot(agent(anna), finished, Slot(home=Home("h-finished"), turn=5, work_class="chat"))
    stores.routing.add_agent(busy)
    heads = [opened(stores, home) for home in homes(f"swap{number}", WORKERS)]

    def swap(head: Head) -> Claim:
        read = found(stores, anna)
        slot = Slot(home=head.home, turn=2, work_class="chat")
        new = with_slot(without_slots(read, [(finished, 5)]), head.conversation, slot)
        return stores.routing.swap(read, new, offer(head, anna, nonce=head.home))

    steps: list[Callable[[], object]] = [partial(swap, head) for head in heads[:4]]
    steps += [partial(claim, stores, offer(head, anna, nonce=head.home)) for head in heads[4:]]
    at_once(steps)

    holder = found(stores, anna)
    held = {head.conversation for head in heads if live(stores, head.home).holder == anna}
    assert holder.load["chat"] == len(holder.held)
    assert held == set(holder.held) - {finished}


def test_an_accept_and_the_end_of_the_offer_at_once_leave_one_of_them(stores: Stores) -> None:
    for home in homes("accept", 10):
        anna = AgentId(f"{home}-anna")
        stores.routing.add_agent(agent(anna))
        stores.routing.claim(offer(opened(stores, home), anna))
        head = live(stores, home)
        expected = Expected(conversation=head.conversation, turn=2, states=(ContactState.OFFERED,), holder=anna)
        changes: list[dict[str, Any]] = [
            {"state": ContactState.ACTIVE},
            {"state": ContactState.QUEUED, "turn": 3, "holder": None, "past": (f"2:{anna}",)},
        ]

        outcomes = at_once([partial(won, stores, home, expected, each) for each in changes])

        assert sorted(outcomes, key=bool) == [False, True]
        assert live(stores, home).state is (ContactState.ACTIVE if outcomes[0] else ContactState.QUEUED)


def test_receipts_at_once_leave_the_highest_status_and_every_provider_id(stores: Stores) -> None:
    for home in homes("receipt", 5):
        told = entry(home=home, status=DeliveryStatus.SENDING)
        stores.threads.add_entry(told)
        statuses = [DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ, DeliveryStatus.FAILED]

        set_status = partial(stores.threads.set_status, home, told.reference)
        at_once([partial(set_status, status, provider_ids=(f"p-{status}",)) for status in statuses])

        after = stores.threads.find_entry(home, told.reference)
        assert after is not None
        assert after.status is DeliveryStatus.READ
        assert set(after.provider_ids) == {f"p-{status}" for status in statuses}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(anna=AGENTS, work_class=st.sampled_from(WORK_CLASSES))
def test_the_condition_of_a_claim_is_the_function_here_too(tables: Tables, anna: Agent, work_class: str) -> None:
    check_claim(tables, anna, work_class)

"""What a decision costs in a small contact centre and in a very large one (D2).

Three decisions: a contact arrives while everybody is busy, an agent comes free and takes it, a contact arrives while
agents are able. Each in a centre of ten agents with nobody else waiting, and in one of ten thousand, with five hundred
sets of skills, where a hundred thousand contacts wait for somebody else. The large centre is written into the tables
as its functions would have left it.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import boto3

from tests.benchmarks.cost import Desk, Figure
from tests.benchmarks.meter import Bill
from throughline.domain.conversations import ContactState
from throughline.domain.identifiers import AgentId, ConversationId, Home
from throughline.domain.routing import Agent, Presence, Ready, Waiting
from throughline.flows.presence import set_presence
from throughline.store._agents import agent_item
from throughline.store._hints import ready_item, waiting_item
from throughline.store._values import Item, to_attributes

SMALL = {"agents": 10, "sets": 10, "waiting": 0}
LARGE = {"agents": 10_000, "sets": 500, "waiting": 100_000}
BATCH = 25  # so many items go into one BatchWriteItem
SARA = AgentId("sara")
UNITS: Mapping[str, Callable[[Bill], float]] = {
    "calls": lambda bill: len(bill.calls),
    "WRU": lambda bill: bill.write_units,
    "RRU": lambda bill: bill.read_units,
}


def measure_decisions(desk: Desk) -> Iterator[Figure]:
    """Yield how much more a decision costs in the large centre than in the small one. Nobody able may be there yet."""
    crowded = _Crowded(desk)
    small, large = crowded.decide(**SMALL), crowded.decide(**LARGE)
    for unit, count in UNITS.items():
        ratio = max(count(large[kind]) / count(small[kind]) for kind in small)
        told = "; ".join(f"{kind}: {count(small[kind]):g} and {count(large[kind]):g}" for kind in small)
        yield Figure(
            f"D2.{unit}", round(ratio, 2), "ratio", 1.5, None, f"10,000 agents, 100,000 waiting ÷ 10, 0; {told}"
        )


class _Crowded:
    """A contact centre that can be filled with people."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._table = desk.stack.environment["ROUTING_TABLE"]
        with desk.stack.meter.paused():
            desk.sign_in(SARA, Presence.NOT_READY)
            self._dynamodb = boto3.client("dynamodb", endpoint_url=desk.stack.environment["AWS_ENDPOINT_URL"])

    def decide(self, *, agents: int, sets: int, waiting: int) -> dict[str, Bill]:
        """Return what each kind of decision cost in a centre of this size."""
        self._write(
            itertools.chain(_directory(sets), (waiting_item(_waiting(number, sets)) for number in range(waiting)))
        )
        customer = self._desk.stranger()
        bills = {"all busy": self._counted(lambda: self._desk.message(customer))}
        assert self._desk.live(customer).state is ContactState.QUEUED, "somebody was able"
        bills["comes free"] = self._counted(lambda: self._declare(Presence.AVAILABLE))
        assert self._desk.live(customer).holder == SARA, "sara did not take the contact that waits for her"
        self._end(customer)
        crowd = [_agent(number, sets) for number in range(agents)]
        self._write(itertools.chain(map(agent_item, crowd), map(_ready_item, crowd)))
        customer = self._desk.stranger()
        bills["somebody able"] = self._counted(lambda: self._desk.message(customer))
        assert self._desk.live(customer).holder in {agent.agent_id for agent in crowd}, (
            "nobody of the crowd was offered it"
        )
        self._delete(map(_ready_item, crowd))
        return bills

    def _counted(self, step: Callable[[], object]) -> Bill:
        self._desk.warm_up()
        return self._desk.counted(step)

    def _declare(self, presence: Presence) -> None:
        set_presence(self._desk.world, SARA, presence, "training")

    def _end(self, customer: int) -> None:
        with self._desk.stack.meter.paused():
            self._desk.accept(customer)
            self._desk.close(customer)
            self._declare(Presence.NOT_READY)

    def _write(self, items: Iterable[Item]) -> None:
        self._batches({"PutRequest": {"Item": to_attributes(item)}} for item in items)

    def _delete(self, items: Iterable[Item]) -> None:
        keys = ({"pk": item["pk"], "sk": item["sk"]} for item in items)
        self._batches({"DeleteRequest": {"Key": to_attributes(key)}} for key in keys)

    def _batches(self, requests: Iterator[Any]) -> None:
        with self._desk.stack.meter.paused():
            while batch := list(itertools.islice(requests, BATCH)):
                left = self._dynamodb.batch_write_item(RequestItems={self._table: batch})["UnprocessedItems"]
                assert not left, "the engine put items off"


def _directory(sets: int) -> Iterator[Item]:
    for number in range(sets):
        yield {"pk": "directory#chat", "sk": f"req#{_requirement(number)}", "at": 0}


def _signature(number: int) -> str:
    """Return one of many sets of skills that all fit somebody who writes English."""
    return f"en.{1 + number % 5}+product{number}.{1 + number % 3}"


def _requirement(number: int) -> str:
    """Return one of many requirements that nobody here meets."""
    return f"tongue{number}.5"


def _agent(number: int, sets: int) -> Agent:
    return Agent(
        agent_id=AgentId(f"bench{number:05d}"),
        signature=_signature(number % sets),
        presence=Presence.AVAILABLE,
        capacity={"chat": 3},
        stamps={"chat": f"{1_700_000_000_000 + number:013d}.00000001"},
        sockets=(f"socket{number:05d}=",),
        seq=1,
        epoch=1,
    )


def _ready_item(agent: Agent) -> Item:
    return ready_item(
        Ready(
            work_class="chat",
            signature=agent.signature,
            stamp=agent.stamps["chat"],
            agent_id=agent.agent_id,
            epoch=agent.epoch,
            sockets=agent.sockets,
        )
    )


def _waiting(number: int, sets: int) -> Waiting:
    home = Home(f"h-{number:020x}")
    return Waiting(
        work_class="chat",
        requirement=_requirement(number % sets),
        score=1_700_000_000_000 + number,
        home=home,
        conversation=ConversationId(f"{home}.0123456789"),
        turn=1,
        queue="support",
        since_ms=1_700_000_000_000 + number,
        name="Somebody",
        preview="waits for somebody who speaks a tongue that nobody here speaks",
    )

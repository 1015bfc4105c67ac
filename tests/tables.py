"""Both kinds of stores, and what tests put into them: fixed ids, fixed clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pynamodb.connection.base import Connection

from tests.cloud import STAGE
from tests.fakes.connections import FakeConnections
from tests.fakes.customers import FakeCustomers
from tests.fakes.due_timers import FakeDueTimers
from tests.fakes.intake import FakeIntake
from tests.fakes.routing import FakeRouting
from tests.fakes.threads import FakeThreads
from throughline.domain.conversations import Direction, Entry, EntryKind, Head, Opening
from throughline.domain.customers import CardChange
from throughline.domain.identifiers import AgentId, ConversationId, Home, conversation_id
from throughline.domain.routing import Agent, Offer, Presence, Ready, Waiting
from throughline.ports import Connections, Customers, DueTimers, Intake, Routing, Threads
from throughline.store._table import Table, connect
from throughline.store.connections import DynamoConnections
from throughline.store.customers import DynamoCustomers
from throughline.store.due_timers import DynamoDueTimers
from throughline.store.intake import DynamoIntake
from throughline.store.routing import DynamoRouting
from throughline.store.threads import DynamoThreads

NOW_MS = 1_763_800_000_000
HOME = Home("h-00112233445566778899")
OTHER_HOME = Home("h-99887766554433221100")
ANNA, BEN = AgentId("anna"), AgentId("ben")
VIA = "telegram/4839574812|telegram:3527065"


@dataclass
class Clock:
    now_ms: int = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


@dataclass(frozen=True, kw_only=True)
class Stores:
    """One set of stores. `block` stands for what an operator does, the last two for what a later reader will do."""

    threads: Threads
    customers: Customers
    routing: Routing
    connections: Connections
    timers: DueTimers
    intake: Intake
    block: Callable[[Home], object]
    links: Callable[[], list[tuple[str, str, str, int]]]
    card_changes: Callable[[], list[tuple[CardChange, dict[str, Any]]]]
    clock: Clock = field(default_factory=Clock)


@dataclass(frozen=True, kw_only=True)
class Tables:
    threads: Table
    customers: Table
    routing: Table


def fake_stores() -> Stores:
    threads, customers = FakeThreads(), FakeCustomers()
    return Stores(
        threads=threads,
        customers=customers,
        routing=FakeRouting(threads),
        connections=FakeConnections(),
        timers=FakeDueTimers(),
        intake=FakeIntake(),
        block=threads.blocked.add,
        links=lambda: [(customer, other, *said) for (customer, other), said in customers.links.items()],
        card_changes=lambda: [(change, fields) for _, fields, change in customers.changes],
    )


def dynamo_stores(tables: Tables) -> Stores:
    clock = Clock()
    return Stores(
        threads=DynamoThreads(tables.threads),
        customers=DynamoCustomers(tables.customers),
        routing=DynamoRouting(tables.routing, tables.threads, clock=clock),
        connections=DynamoConnections(tables.routing),
        timers=DynamoDueTimers(tables.routing),
        intake=DynamoIntake(tables.routing),
        block=lambda home: tables.threads.put({"pk": home, "sk": "live", "blocked": True}),
        links=lambda: _links(tables.customers),
        card_changes=lambda: _card_changes(tables.customers),
        clock=clock,
    )


def _links(customers: Table) -> list[tuple[str, str, str, int]]:
    items = customers.query(f"customer#{HOME}", ("edge#", "edge#~"))
    return [(HOME, item["sk"].removeprefix("edge#"), item["why"], item["at"]) for item in items]


def _card_changes(customers: Table) -> list[tuple[CardChange, dict[str, Any]]]:
    items = customers.query(f"customer#{HOME}", ("change#", "change#~"))
    names = {"lang": "language"}
    return [
        (
            CardChange(by=AgentId(item["by"]), at_ms=item["at"]),
            {names.get(name, name): given for name, given in item["fields"].items()},
        )
        for item in items
    ]


def tables_of(connection: Connection, stage: str = STAGE) -> Tables:
    return Tables(
        **{name: Table(connection, f"throughline-{stage}-{name}") for name in ("threads", "customers", "routing")}
    )


@cache
def connection() -> Connection:
    """Return the one connection of this process; to be asked for inside `cloud()`."""
    return connect()


# ---------------------------------------------------------------- what tests put into them


def reference(number: int, at_ms: int = NOW_MS) -> str:
    return f"{at_ms:013d}#{number:022x}"


def opening(number: int = 1, **changed: Any) -> Opening:
    ref = changed.pop("reference", reference(number, NOW_MS + number))
    values: dict[str, Any] = {
        "reference": ref,
        "conversation": conversation_id(HOME, ref),
        "work_class": "chat",
        "queue": "support",
        "requirement": "de.1",
        "arrival_ms": NOW_MS + number,
        "priority_s": 0,
        "via": VIA,
        "via_ms": NOW_MS + number,
        "channel": "telegram",
        "name": None,
        "language": None,
    }
    return Opening(**(values | changed))


def entry(number: int = 1, **changed: Any) -> Entry:
    values: dict[str, Any] = {
        "home": HOME,
        "reference": reference(number, NOW_MS + number),
        "by": "inbound-1",
        "kind": EntryKind.MESSAGE,
        "direction": Direction.INBOUND,
        "channel": "telegram",
        "sent_ms": NOW_MS + number,
        "received_ms": NOW_MS + number + 250,
        "via": VIA,
        "text": "Hello",
    }
    return Entry(**(values | changed))


def agent(agent_id: AgentId = ANNA, **changed: Any) -> Agent:
    values: dict[str, Any] = {
        "agent_id": agent_id,
        "name": agent_id.title(),
        "signature": "billing.3+de.5",
        "teams": ("first",),
        "presence": Presence.AVAILABLE,
        "capacity": {"chat": 2, "voice": 1},
        "sockets": (f"socket-of-{agent_id}",),
        "epoch": 1,
    }
    return Agent(**(values | changed))


def offer(head: Head, agent_id: AgentId = ANNA, **changed: Any) -> Offer:
    values: dict[str, Any] = {
        "conversation": head.conversation,
        "home": head.home,
        "turn": head.turn + 1,
        "work_class": head.work_class,
        "agent_id": agent_id,
        "epoch": 1,
        "sockets": (f"socket-of-{agent_id}",),
        "deadline_ms": NOW_MS + 20_000,
        "nonce": f"nonce-{agent_id}",
    }
    return Offer(**(values | changed))


def ready(agent_id: AgentId = ANNA, **changed: Any) -> Ready:
    values: dict[str, Any] = {
        "work_class": "chat",
        "signature": "billing.3+de.5",
        "stamp": f"{NOW_MS:013d}.00000001",
        "agent_id": agent_id,
        "epoch": 1,
        "sockets": (f"socket-of-{agent_id}",),
    }
    return Ready(**(values | changed))


def waiting(number: int = 1, **changed: Any) -> Waiting:
    values: dict[str, Any] = {
        "work_class": "chat",
        "requirement": "de.1",
        "score": NOW_MS + number,
        "home": HOME,
        "conversation": ConversationId(f"{HOME}.{number:010x}"),
        "turn": 1,
        "queue": "support",
        "since_ms": NOW_MS + number,
    }
    return Waiting(**(values | changed))


def opened(stores: Stores, home: Home = HOME, **changed: Any) -> Head:
    """Open a conversation in `home` and return it."""
    ref = reference(1, NOW_MS + 1)
    found = stores.threads.announce(home, opening(conversation=conversation_id(home, ref), **changed))
    assert isinstance(found, Head)
    return found

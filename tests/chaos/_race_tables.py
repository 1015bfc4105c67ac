"""What stands in the real tables of a stage, read strongly consistent."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.local.resources import local_session
from tests.promises import Standing
from throughline.domain.conversations import ContactChange, Entry, Head, Moved
from throughline.domain.identifiers import ConversationId, Home
from throughline.domain.routing import WORK_CLASSES, Agent
from throughline.store._agents import agent_from
from throughline.store._changes import change_from
from throughline.store._entries import entry_from
from throughline.store._heads import LIVE, conversation_in, head_from, moved_in
from throughline.store._hints import ready_from, waiting_from
from throughline.store._values import Item, from_attributes, to_attributes

BATCH = 25


class RaceTables:
    """The tables of one stage, past every store."""

    def __init__(self, endpoint_url: str, stage: str) -> None:
        self._dynamodb: Any = local_session().client("dynamodb", endpoint_url=endpoint_url)
        self._threads, self._routing = (f"throughline-{stage}-{name}" for name in ("threads", "routing"))
        self._customers = f"throughline-{stage}-customers"

    # ------------------------------------------------------------ reading

    def standing(self, timers: Sequence[Mapping[str, Any]], homes: Sequence[str] | None = None) -> Standing:
        """Return what stands there; with `homes` only these are looked at of the threads."""
        threads = self._scan(self._threads) if homes is None else [i for home in homes for i in self._of(home)]
        routing = self._scan(self._routing)
        lives = [item for item in threads if item["sk"] == LIVE]
        moved = [found for found in map(moved_in, lives) if isinstance(found, Moved)]
        heads = [found for found in map(conversation_in, lives) if isinstance(found, Head)]
        agents = [agent_from(item) for item in routing if item["sk"] == "agent"]
        return Standing(
            agents={agent.agent_id: agent for agent in agents},
            lives=heads,
            archived=[head_from(item) for item in threads if item["sk"].startswith("head#")],
            moves={item.home: item.to for item in moved},
            ready=[ready_from(item) for item in _in(routing, "ready#")],
            waiting=[waiting_from(item) for item in _in(routing, "waiting#")],
            directory={(item["pk"].removeprefix("directory#"), item["sk"]) for item in _in(routing, "directory#")},
            timers=timers,
            connections=[item["pk"].removeprefix("connection#") for item in _in(routing, "connection#")],
            changes=[_change(item) for item in threads if item["sk"].startswith("change#")],
            entries=[entry_from(item) for item in threads if item["sk"].startswith("entry#")],
        )

    def entries(self) -> list[Entry]:
        """Return every entry there is."""
        return [entry_from(item) for item in self._scan(self._threads) if item["sk"].startswith("entry#")]

    def over_capacity(self) -> Iterator[str]:
        """Tell of every agent who has more than they may. One request, whatever else is going on."""
        for agent in self._agents():
            for work_class in WORK_CLASSES:
                held = sum(slot.work_class == work_class for slot in agent.held.values())
                if max(held, agent.load.get(work_class, 0)) > agent.capacity.get(work_class, 0):
                    yield f"{agent.agent_id} had {held} {work_class}, counted as {agent.load}, of {agent.capacity}"
            if agent.load.get("voice") and agent.load.get("chat"):
                yield f"{agent.agent_id} had a call and a chat at once"

    def changes(self, conversation: str) -> list[ContactChange]:
        """Return what a contact went through, oldest first; nothing for what is no conversation."""
        home, dot, _ = conversation.partition(".")
        items = self._of(home) if dot else []
        changes = [_change(item) for item in items if item["sk"].startswith(f"change#{conversation}#")]
        return sorted(changes, key=lambda change: (change.turn, change.at_ms))

    def identifiers(self, customer: str) -> set[str]:
        """Return the identifiers a customer has."""
        items = self._query(self._customers, f"customer#{customer}")
        return {item["sk"].removeprefix("identifier#") for item in items if item["sk"].startswith("identifier#")}

    def _agents(self) -> list[Agent]:
        return [agent_from(item) for item in self._scan(self._routing) if item["sk"] == "agent"]

    def _of(self, home: str) -> list[Item]:
        return self._query(self._threads, home)

    def _query(self, table: str, pk: str) -> list[Item]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_attributes({":pk": pk}),
            ConsistentRead=True,
        )
        return [from_attributes(item) for page in pages for item in page["Items"]]

    def _scan(self, table: str) -> list[Item]:
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [from_attributes(item) for page in pages for item in page["Items"]]

    # ------------------------------------------------------------ setting the scene

    def know(self, work_class: str, *names: str) -> None:
        """Have signatures (``sig#…``) and requirements (``req#…``) stand in the directory for long."""
        for name in names:
            item = {"pk": f"directory#{work_class}", "sk": name, "at": 0}
            self._dynamodb.put_item(TableName=self._routing, Item=to_attributes(item))

    def wipe_routing(self) -> None:
        """Remove everything of the routing table but the directory, which every process knows by heart."""
        items = [item for item in self._scan(self._routing) if not item["pk"].startswith("directory#")]
        for start in range(0, len(items), BATCH):
            gone = [{"DeleteRequest": {"Key": to_attributes(_key(item))}} for item in items[start : start + BATCH]]
            self._dynamodb.batch_write_item(RequestItems={self._routing: gone})


def _key(item: Item) -> Item:
    return {name: item[name] for name in ("pk", "sk")}


def _in(items: Sequence[Item], prefix: str) -> list[Item]:
    return [item for item in items if item["pk"].startswith(prefix)]


def _change(item: Item) -> ContactChange:
    conversation = ConversationId(item["sk"].removeprefix("change#").rsplit("#", 2)[0])
    return change_from(Home(item["pk"]), conversation, item)

"""The real tables of a stage, past every store: what stands in them, and what a scene begins with."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.local.resources import local_session
from tests.chaos.standing import Rows, read_standing, scan, standing_in
from tests.promises import Standing
from throughline.domain.conversations import ContactChange
from throughline.domain.identifiers import CustomerId
from throughline.domain.routing import WORK_CLASSES
from throughline.store._values import from_attributes, to_attributes

BATCH = 25


class RaceTables:
    """Everything is read strongly consistent."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._dynamodb: Any = local_session().client("dynamodb", endpoint_url=environment["AWS_ENDPOINT_URL"])
        self._environment = environment
        names = ("THREADS_TABLE", "ROUTING_TABLE", "CUSTOMERS_TABLE")
        self._threads, self._routing, self._customers = (environment[name] for name in names)

    # ------------------------------------------------------------ reading

    def standing(self, timers: Sequence[Mapping[str, Any]]) -> Standing:
        """Return what stands there."""
        return read_standing(self._dynamodb, self._environment, timers=timers)

    def over_capacity(self) -> Iterator[str]:
        """Tell of every agent who has more than they may, whatever else is going on."""
        for agent in standing_in([], scan(self._dynamodb, self._routing), timers=None).agents.values():
            for work_class in WORK_CLASSES:
                held = sum(slot.work_class == work_class for slot in agent.held.values())
                if max(held, agent.load.get(work_class, 0)) > agent.capacity.get(work_class, 0):
                    yield f"{agent.agent_id} is over capacity: {held} {work_class}, counted as {agent.load}"
            if agent.load.get("voice") and agent.load.get("chat"):
                yield f"{agent.agent_id} is over capacity: a call and a chat at once"

    def changes(self, conversation: str) -> list[ContactChange]:
        """Return what a contact went through, oldest first; nothing for what is no conversation."""
        home, dot, _ = conversation.partition(".")
        changes = standing_in(self._of(home), [], timers=None).changes if dot else ()
        own = [change for change in changes if change.conversation == conversation]
        return sorted(own, key=lambda change: (change.turn, change.at_ms))

    def identifiers(self, customer: CustomerId) -> set[str]:
        """Return the identifiers a customer has."""
        keys = [from_attributes(item)["sk"] for item in self._query(self._customers, f"customer#{customer}")]
        return {key.removeprefix("identifier#") for key in keys if key.startswith("identifier#")}

    def listeners(self) -> set[str]:
        """Return the connections that are told what happens to some visitor."""
        keys = [from_attributes(item) for item in scan(self._dynamodb, self._routing)]
        return {key["sk"].removeprefix("listener#") for key in keys if key["pk"].startswith("way#")}

    def _of(self, home: str) -> Rows:
        return self._query(self._threads, home)

    def _query(self, table: str, pk: str) -> Rows:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_attributes({":pk": pk}),
            ConsistentRead=True,
        )
        return [item for page in pages for item in page["Items"]]

    # ------------------------------------------------------------ setting the scene

    def know(self, work_class: str, *names: str) -> None:
        """Have requirements (``req#…``) stand in the directory for long."""
        for name in names:
            item = {"pk": f"directory#{work_class}", "sk": name, "at": 0}
            self._dynamodb.put_item(TableName=self._routing, Item=to_attributes(item))

    def wipe(self) -> None:
        """Remove everything but the directory, which every process knows by heart."""
        for table in (self._threads, self._routing, self._customers):
            items = [item for item in scan(self._dynamodb, table) if "directory#" not in item["pk"]["S"]]
            for start in range(0, len(items), BATCH):
                keys = [{name: item[name] for name in ("pk", "sk")} for item in items[start : start + BATCH]]
                gone = [{"DeleteRequest": {"Key": key}} for key in keys]
                self._dynamodb.batch_write_item(RequestItems={table: gone})

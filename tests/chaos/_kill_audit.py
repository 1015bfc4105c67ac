"""What stands in the tables, the queues and the sandbox's journal: the truth, whatever screens were told."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from infra.local.resources import local_session
from tests.chaos._kill_agents import Worker
from tests.chaos._kill_customers import CHANNELS, Customer
from tests.chaos._kill_machine import Machine
from tests.chaos._kill_visitors import Visitor
from tests.chaos.tally import Tally
from throughline.domain.identifiers import EntryId, entry_id
from throughline.domain.visitors import WEBCHAT
from throughline.store._agents import AGENT
from throughline.store._entries import ATTRIBUTES, PREFIX
from throughline.store._heads import LIVE

FINAL = frozenset({"sent", "delivered", "read", "failed", "unknown"})
TAKEN = frozenset({"sent", "delivered", "read"})
WORKED_OFF = ("inbound.fifo", "outbound.fifo", "media")
DEAD = ("inbound-dead.fifo", "outbound-dead.fifo", "timers-dead", "media-dead")

SHOWN = 20  # of what is broken in one way

Item = dict[str, Any]
Writer = Customer | Visitor


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One look at everything."""

    entries: dict[EntryId, Item]
    heads: list[Item]
    agents: list[Item]
    waiting: int
    dead: int
    sends: list[str]

    @property
    def open_contacts(self) -> list[str]:
        """Return every contact that is not at its end, with its state."""
        return [f"{head['conv']} is {head['state']}" for head in self.heads if head["state"] != "resolved"]

    @property
    def loads(self) -> int:
        """Return how much agents hold, together."""
        return sum(int(load) for agent in self.agents for load in agent["load"].values())

    def texts(self, direction: str) -> Counter[str]:
        """Return how many entries there are of each text."""
        return Counter(
            str(item[ATTRIBUTES["text"]])
            for item in self.entries.values()
            if item[ATTRIBUTES["direction"]] == direction and ATTRIBUTES["text"] in item
        )

    def status(self, entry: str) -> str | None:
        """Return the status of a reply, or None if there is no such entry."""
        item = self.entries.get(EntryId(entry))
        return str(item.get(ATTRIBUTES["status"])) if item else None

    @property
    def shown(self) -> dict[EntryId, str]:
        """Return the replies to visitors that were sent, which is by being on their thread, with the way of each."""
        return {
            entry: str(item[ATTRIBUTES["via"]])
            for entry, item in self.entries.items()
            if item[ATTRIBUTES["direction"]] == "outbound"
            and item[ATTRIBUTES["channel"]] == WEBCHAT
            and item.get(ATTRIBUTES["status"]) in TAKEN
        }


def look(machine: Machine) -> Picture:
    """Return what there is now."""
    url = machine.engine_url
    with closing(local_session().client("dynamodb", endpoint_url=url)) as dynamodb:
        threads = list(_items(dynamodb, "threads"))
        routing = list(_items(dynamodb, "routing"))
    with closing(local_session().client("sqs", endpoint_url=url)) as sqs:
        waiting = sum(_count(sqs, name) for name in WORKED_OFF)
        dead = sum(_count(sqs, name) for name in DEAD)
    stack = machine.client()
    sent = [record for channel in CHANNELS for record in stack.sent(channel) if record.get("message")]
    return Picture(
        entries={entry_id(i["pk"], i["sk"].removeprefix(PREFIX)): i for i in threads if i["sk"].startswith(PREFIX)},
        heads=[item for item in threads if item["sk"] == LIVE and "conv" in item],
        agents=[item for item in routing if item["sk"] == AGENT],
        waiting=waiting,
        dead=dead,
        sends=[str(record["message"]["text"]) for record in sent],
    )


def settled(picture: Picture, customers: Sequence[Writer], workers: list[Worker]) -> bool:
    """Return whether everything that was acknowledged is there, and worked off."""
    return not lost(picture, customers, workers) and not stuck(picture, workers)


def lost(picture: Picture, customers: Sequence[Writer], workers: list[Worker]) -> list[str]:
    """Return what was acknowledged and is not there."""
    texts, sends, shown = picture.texts("inbound"), set(picture.sends), picture.shown
    replies = [(entry, text) for worker in workers for entry, text in worker.replies.items()]
    return [
        *(text for customer in customers for text in customer.taken if text not in texts),
        *(text for entry, text in replies if picture.status(entry) is None),
        *(
            f"{text}, never sent"
            for entry, text in replies
            if picture.status(entry) in TAKEN and text not in sends and entry not in shown
        ),
    ]


def stuck(picture: Picture, workers: list[Worker]) -> list[str]:
    """Return in words what is there and not at its end."""
    replies = {entry: picture.status(entry) for worker in workers for entry in worker.replies}
    return [
        *picture.open_contacts,
        *(f"reply {entry} is {status}" for entry, status in replies.items() if status and status not in FINAL),
        *([f"agents hold {picture.loads}"] if picture.loads else []),
        *([f"{picture.waiting} records wait"] if picture.waiting else []),
        *([f"{picture.dead} dead letters"] if picture.dead else []),
    ]


def over_capacity(picture: Picture) -> list[str]:
    """Return every agent who holds more than they can."""
    return [
        f"{agent['pk']} holds {load} of {agent['cap'].get(work_class, 0)} ({work_class})"
        for agent in picture.agents
        for work_class, load in agent["load"].items()
        if load > agent["cap"].get(work_class, 0)
    ]


def judge(picture: Picture, customers: Sequence[Writer], workers: list[Worker], tally: Tally) -> None:
    """Count everything that was promised and is not so."""
    texts, sends = picture.texts("inbound"), Counter(picture.sends)
    findings = {
        "lost": lost(picture, customers, workers),
        "doubled": [f"{text} ({count} times)" for text, count in _more_than_once(picture)],
        "stuck": stuck(picture, workers),
        "over_capacity": [*over_capacity(picture), *(said for worker in workers for said in worker.overloads)],
    }
    tally.messages = sum(len(customer.taken) for customer in customers)
    tally.entries, tally.sends = sum(texts.values()), sum(sends.values())
    tally.offers = len({offer for worker in workers for offer in worker.offers})
    _add(tally, findings)
    tally.broken += [f"{customer.name} was answered {customer.refused}" for customer in customers if customer.refused]


def judge_visitors(picture: Picture, visitors: Sequence[Visitor], tally: Tally) -> None:
    """Count what visitors do not have: on their own thread, and on the page that was there all the time."""
    to = {visitor: {str(entry) for entry, way in picture.shown.items() if way == visitor.way} for visitor in visitors}
    tally.sends += len(picture.shown)
    findings = {
        "lost": [what for visitor in visitors for what in visitor.missed(to[visitor])],
        "doubled": [what for visitor in visitors for what in visitor.doubled()],
    }
    _add(tally, findings)


def _add(tally: Tally, findings: Mapping[str, list[str]]) -> None:
    for column, found in findings.items():
        setattr(tally, column, getattr(tally, column) + len(found))
        tally.broken += [f"{column}: {what}" for what in found[:SHOWN]]


def _more_than_once(picture: Picture) -> Iterator[tuple[str, int]]:
    for counted in (picture.texts("inbound"), picture.texts("outbound"), Counter(picture.sends)):
        yield from ((text, count) for text, count in counted.items() if count > 1)


def _items(dynamodb: Any, table: str) -> Iterator[Item]:
    read = TypeDeserializer()
    pages = dynamodb.get_paginator("scan").paginate(TableName=f"throughline-local-{table}", ConsistentRead=True)
    for page in pages:
        for item in page["Items"]:
            yield {name: read.deserialize(value) for name, value in item.items()}


def _count(sqs: Any, name: str) -> int:
    url = sqs.get_queue_url(QueueName=f"throughline-local-{name}")["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(map(int, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))

"""What happened on a local stack, in its own order, read from the engine's redo log while it grows.

The log has a line for each change of a table or a queue, in the order in which they were made: so who was served before
whom is a matter of counting, and no clock is asked.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

OVER = frozenset({"resolved", "closed"})
OPEN_OUTCOMES = frozenset({"queued", "sending", "retrying"})

Key = tuple[str, str]  # home, sort key
Item = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Job:
    """A customer's message in the inbound queue; `arrived` and `handled` are numbers of changes.

    `received` counts how often it was given to a worker: more than once if one failed, and came again after its time.
    """

    text: str
    group: str
    arrived: int
    received: int = 0
    handled: int | None = None


@dataclass(slots=True, kw_only=True)
class Contact:
    """A conversation as it waits for an agent; the lower its `score`, the longer it has waited."""

    score: int
    state: str
    queued: int
    offered: list[int] = field(default_factory=list)


class History:
    """Everything so far; `read_on` adds what has happened since."""

    def __init__(self, redo_log: Path) -> None:
        self.jobs: dict[str, Job] = {}
        self.entries: dict[str, set[Key]] = defaultdict(set)
        self.replies: dict[Key, Item] = {}
        self.contacts: dict[str, Contact] = {}
        self.offers: set[tuple[str, int]] = set()
        self.dead = 0
        self.over_capacity: set[str] = set()
        self._path = redo_log
        self._read_bytes = 0
        self._changes = 0
        self._deserialize = TypeDeserializer().deserialize

    def read_on(self) -> None:
        """Take in every change that is whole on disk."""
        with self._path.open("rb") as log:
            log.seek(self._read_bytes)
            content = log.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for line in whole.splitlines():
            for kind, (_, _, name), *values in json.loads(line.partition(b" ")[2]):
                self._changes += 1
                self._take(kind, name, values)

    def _take(self, kind: str, name: str, values: list[Any]) -> None:
        if kind == "sent" and "-dead" in name:
            self.dead += len(values[0])
        elif kind == "sent" and name.endswith("-inbound.fifo"):
            self._arrive(values[0])
        elif kind == "received" and name.endswith("-inbound.fifo"):
            for identity, _, count, _ in values[0]:
                if identity in self.jobs:
                    self.jobs[identity].received = count
        elif kind == "removed" and name.endswith("-inbound.fifo"):
            for identity in self.jobs.keys() & set(values[0]):
                self.jobs[identity].handled = self._changes
        elif kind == "item" and values[2] is not None:
            item = {key: self._deserialize(value) for key, value in values[2].items() if "B" not in value}
            self._put((values[0], values[1]), item)

    def _arrive(self, messages: list[Mapping[str, Any]]) -> None:
        for message in messages:
            text = json.loads(message["body"]).get("event", {}).get("text")
            if text:  # reports on our own replies say nothing
                self.jobs[message["id"]] = Job(text=text, group=message["group_id"], arrived=self._changes)

    def _put(self, key: Key, item: Item) -> None:
        if key[1].startswith("entry#"):
            self._entry(key, item)
        elif key[1] == "live" and "conv" in item:
            self._head(item)
        elif key[1] == "agent" and any(item["load"][kind] > item["cap"].get(kind, 0) for kind in item["load"]):
            self.over_capacity.add(f"{key[0]} has {item['load']} of {item['cap']}")

    def _entry(self, key: Key, item: Item) -> None:
        if item["d"] == "outbound":
            self.replies[key] = item
        elif item.get("t"):
            self.entries[item["t"]].add(key)

    def _head(self, item: Item) -> None:
        contact = self.contacts.get(item["conv"])
        if contact is None:
            contact = Contact(score=int(item["score"]), state="", queued=self._changes)
            self.contacts[item["conv"]] = contact
        state = str(item["state"])
        if state == "queued" and contact.state != "queued":
            contact.score, contact.queued = int(item["score"]), self._changes
        if state == "offered" and (item["conv"], int(item["turn"])) not in self.offers:
            self.offers.add((item["conv"], int(item["turn"])))
            contact.offered.append(self._changes)
        contact.state = state

    def unfinished(self) -> Iterator[str]:
        """Yield a word for everything that is still to be done."""
        yield from (f"the message {job.text!r} is in the queue" for job in self.jobs.values() if job.handled is None)
        yield from (f"{conv} is {one.state}" for conv, one in self.contacts.items() if one.state not in OVER)
        yield from (
            f"the reply {item.get('t')!r} is {item.get('st')}"
            for item in self.replies.values()
            if item.get("st") in OPEN_OUTCOMES
        )

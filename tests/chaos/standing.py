"""What stands in the real tables of a stage, for tests/promises.py to judge."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tests.promises import Standing
from throughline.domain.conversations import ContactChange, Entry, Head
from throughline.domain.identifiers import ConversationId, Home
from throughline.store._agents import AGENT, agent_from
from throughline.store._changes import change_from
from throughline.store._entries import PREFIX as ENTRY
from throughline.store._entries import entry_from
from throughline.store._heads import LIVE, conversation_in, head_from, moved_in
from throughline.store._hints import ready_from, waiting_from
from throughline.store._values import Item, from_attributes

ARCHIVED, CHANGE = "head#", "change#"

Rows = Sequence[Mapping[str, Any]]  # items as DynamoDB writes them


def scan(dynamodb: Any, table: str) -> list[dict[str, Any]]:
    """Return every item of a table as DynamoDB writes it, strongly consistent."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


def read_standing(
    dynamodb: Any,
    environment: Mapping[str, str],
    *,
    timers: Collection[Mapping[str, Any]] | None,
    allowed: Mapping[str, int] | None = None,
) -> Standing:
    """Return what stands in the tables of a stage that is at rest.

    `environment` names them as it does for the functions. `timers` is the work of the near timers, which a queue does
    not tell; the far ones are added. None: see `Standing`.
    """
    threads, routing = (scan(dynamodb, environment[name]) for name in ("THREADS_TABLE", "ROUTING_TABLE"))
    return standing_in(threads, routing, timers=timers, allowed=allowed)


def standing_in(
    threads: Rows,
    routing: Rows,
    *,
    timers: Collection[Mapping[str, Any]] | None,
    allowed: Mapping[str, int] | None = None,
) -> Standing:
    """As `read_standing`, of items that were read before."""
    said, hints = [from_attributes(item) for item in threads], [from_attributes(item) for item in routing]
    lives = [item for item in said if item["sk"] == LIVE]
    far = [json.loads(item["work"]) for item in hints if "work" in item]
    return Standing(
        agents={agent.agent_id: agent for item in hints if item["sk"] == AGENT for agent in [agent_from(item)]},
        lives=[head for item in lives if (head := conversation_in(item))],
        archived=list(_archived(said)),
        moves={moved.home: moved.to for item in lives if (moved := moved_in(item))},
        ready=[ready_from(item) for item in hints if item["pk"].startswith("ready#")],
        waiting=[waiting_from(item) for item in hints if item["pk"].startswith("waiting#")],
        directory={
            (item["pk"].removeprefix("directory#"), item["sk"]) for item in hints if item["pk"].startswith("directory#")
        },
        timers=None if timers is None else [*timers, *far],
        connections={item["pk"].removeprefix("connection#") for item in hints if item["pk"].startswith("connection#")},
        changes=list(_changes(said)),
        entries=list(_entries(said)),
        allowed=allowed or {},
    )


def _archived(said: Sequence[Item]) -> Iterator[Head]:
    return (head_from(item) for item in said if item["sk"].startswith(ARCHIVED))


def _changes(said: Sequence[Item]) -> Iterator[ContactChange]:
    for item in said:
        if item["sk"].startswith(CHANGE):
            conversation = item["sk"].removeprefix(CHANGE).rsplit("#", 2)[0]
            yield change_from(Home(item["pk"]), ConversationId(conversation), item)


def _entries(said: Sequence[Item]) -> Iterator[Entry]:
    return (entry_from(item) for item in said if item["sk"].startswith(ENTRY))

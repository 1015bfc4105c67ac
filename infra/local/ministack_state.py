# ruff: noqa: SLF001  # reaching into ministack's own stores is what this file is for
"""What ministack holds, as entries of the redo log: all of it written out, and all of it put back.

The second element of every entry is the address, [account, region, name of the table, queue or parameter]:
`table` address definition time-to-live point-in-time-recovery · `item` address partition sort item ·
`token` address outcome · `queue` address definition · `sent` address messages deduplication sequence ·
`received` address [id, handle, count, first]… · `removed` address ids · `parameter` address record history.
A definition, item or record of null means that it was deleted. Objects are not here: S3 keeps its own files.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ministack.core import responses
from ministack.services import dynamodb, s3, sqs, ssm

from infra.local.redo_log import Entry

Address = tuple[str, str, str]
Message = dict[str, Any]
Queue = dict[str, Any]
MessagesById = dict[str, Message]

_ACCOUNT_DIRECTORY = "[0-9]" * 12
_OWN_PARTS_OF_A_QUEUE = frozenset({"url", "messages", "dedup_cache"})


def address_here(name: str) -> Address:
    """Address something of the account and region of the current request."""
    return responses.get_account_id(), responses.get_region(), name


def table_entry(address: Address) -> Entry:
    """Describe a table without its items."""
    table = dynamodb._tables.get_scoped(*address)
    elsewhere = {"items", dynamodb._INDEX_MEMBERS}
    definition = table and {key: value for key, value in table.items() if key not in elsewhere}
    ttl, recovery = dynamodb._ttl_settings.get_scoped(*address), dynamodb._pitr_settings.get_scoped(*address)
    return ["table", address, definition, ttl, recovery]


def queue_entry(address: Address) -> Entry:
    """Describe a queue without its messages."""
    queue = find_queue(address)
    definition = queue and {key: value for key, value in queue.items() if key not in _OWN_PARTS_OF_A_QUEUE}
    return ["queue", address, definition]


def parameter_entry(address: Address) -> Entry:
    """Describe a parameter with all its versions."""
    return ["parameter", address, ssm._parameters.get_scoped(*address), ssm._parameter_history.get_scoped(*address)]


def find_queue(address: Address) -> Queue | None:
    """Look a queue up."""
    account, region, name = address
    queue: Queue | None = sqs._queues.get_scoped(account, region, sqs._queue_url_for_account(account, name))
    return queue


def current_state() -> Iterator[Entry]:
    """Yield the entries that make everything there is now, and nothing that has been."""
    for address, table in dynamodb._tables.all_items():
        yield table_entry(address)
        for partition, items in table["items"].items():
            for sort, item in items.items():
                yield ["item", address, partition, sort, item]
    for address, outcome in dynamodb._txn_idempotency.all_items():
        if time.time() - outcome["completed_at"] < dynamodb._TXN_TOKEN_TTL:
            yield ["token", address, outcome]
    for (account, region, _url), queue in sqs._queues.all_items():
        address = (account, region, queue["name"])
        yield queue_entry(address)
        yield ["sent", address, queue["messages"], queue["dedup_cache"], queue["fifo_seq"]]
    for address, _record in ssm._parameters.all_items():
        yield parameter_entry(address)


def restore(entries: Iterable[Entry]) -> None:
    """Put everything back; what was in somebody's hands is visible again, what was delayed keeps its time."""
    messages: dict[Address, MessagesById] = defaultdict(dict)  # removing one from a queue's list would be slow
    for kind, place, *values in entries:
        account, region, name = place
        address = (account, region, name)
        if kind in _RESTORE_MESSAGES:
            _RESTORE_MESSAGES[kind](messages[address], *values)
        if kind in _RESTORE:
            _RESTORE[kind](address, *values)
    now = time.time()
    for address, by_id in messages.items():
        queue = find_queue(address)
        if queue is not None:
            queue["messages"] = [_visible_again(message, now) for message in by_id.values()]


def _visible_again(message: Message, now: float) -> Message:
    if message["receive_count"]:
        message["visible_at"] = min(message["visible_at"], now)
    return message


def _restore_table(address: Address, definition: dict[str, Any] | None, ttl: Any, recovery: Any) -> None:
    held = dynamodb._tables.get_scoped(*address)
    _put(dynamodb._ttl_settings, address, ttl)
    _put(dynamodb._pitr_settings, address, recovery)
    table = definition and {**definition, "items": held["items"] if held else defaultdict(dict)}
    if table:
        dynamodb._items_replaced(table)
    _put(dynamodb._tables, address, table)


def _restore_item(address: Address, partition: str, sort: str, item: dict[str, Any] | None) -> None:
    table = dynamodb._tables.get_scoped(*address)
    if item is None:
        dynamodb._remove_item(table, partition, sort)
    else:
        dynamodb._set_item(table, partition, sort, item)


def _restore_token(address: Address, outcome: dict[str, Any]) -> None:
    _put(dynamodb._txn_idempotency, address, outcome)


def _restore_queue(address: Address, definition: dict[str, Any] | None) -> None:
    account, region, name = address
    held = find_queue(address)
    url = sqs._queue_url_for_account(account, name)  # the port may be another than last time
    deduplication = held["dedup_cache"] if held else {}
    queue = definition and {**definition, "url": url, "messages": [], "dedup_cache": deduplication}
    _put(sqs._queues, (account, region, url), queue)
    _put(sqs._queue_name_to_url, address, url if queue else None)


def _restore_deduplication(address: Address, _messages: list[Message], seen: dict[str, Any], sequence: int) -> None:
    queue = find_queue(address)
    if queue is not None:
        queue["dedup_cache"].update(seen)
        queue["fifo_seq"] = sequence


def _restore_parameter(address: Address, record: dict[str, Any] | None, history: list[Any] | None) -> None:
    _put(ssm._parameters, address, record)
    _put(ssm._parameter_history, address, history)


def _put(store: Any, address: Address, value: Any) -> None:
    store.pop_scoped(*address, None)
    if value is not None:
        store.set_scoped(*address, value)


_RESTORE: dict[str, Callable[..., None]] = {
    "table": _restore_table,
    "item": _restore_item,
    "token": _restore_token,
    "queue": _restore_queue,
    "sent": _restore_deduplication,
    "parameter": _restore_parameter,
}


def _restore_sent(by_id: MessagesById, messages: list[Message], _seen: dict[str, Any], _sequence: int) -> None:
    by_id.update({message["id"]: message for message in messages})


def _restore_received(by_id: MessagesById, deliveries: list[list[Any]]) -> None:
    for identity, handle, count, first in deliveries:
        if identity in by_id:
            by_id[identity].update(receipt_handle=handle, receive_count=count, first_receive_at=first)


def _restore_removed(by_id: MessagesById, identities: list[str]) -> None:
    for identity in identities:
        by_id.pop(identity, None)


def _forget_messages(by_id: MessagesById, definition: dict[str, Any] | None) -> None:
    if definition is None:
        by_id.clear()


_RESTORE_MESSAGES: dict[str, Callable[..., None]] = {
    "sent": _restore_sent,
    "received": _restore_received,
    "removed": _restore_removed,
    "queue": _forget_messages,
}


def restore_buckets(region: str) -> None:
    """Put back the buckets that have no object yet; S3 finds the others by their files."""
    for directory in sorted(Path(s3.DATA_DIR).glob(f"{_ACCOUNT_DIRECTORY}/*")):
        with responses.request_scope(directory.parent.name, region):
            if directory.name not in s3._buckets:
                asyncio.run(s3.handle_request("PUT", f"/{directory.name}", {}, b"", {}))

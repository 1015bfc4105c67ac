# ruff: noqa: SLF001  # ministack offers no other place to hook
"""Everything we hook in ministack 1.5.33, in one place: what it changes goes into the redo log, and comes back from it.

Results are kept, not requests: the item a write produced, the message with the id it got. So replay needs no clock and
decides nothing again, and an expired item or a transaction token that was used twice cannot make it differ. Operations
whose effect is not kept are refused, rather than forgotten by the next start.

`ministack_state` says what the entries are, and reads them back.
"""

import importlib
import json
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from ministack.core import responses
from ministack.services import dynamodb, sqs, ssm

from infra.local.ministack_state import (
    Address,
    Queue,
    address_here,
    current_state,
    parameter_entry,
    queue_entry,
    table_entry,
)
from infra.local.queue_doorbell import Doorbell
from infra.local.redo_log import RedoLog

_HOOKED = {
    "ministack.core.responses": ("get_account_id", "get_region", "request_scope", "error_response_json"),
    "ministack.services.dynamodb": (
        "handle_request", "_lock", "_set_item", "_remove_item", "_items_replaced", "_txn_token_store", "_tables",
        "_ttl_settings", "_pitr_settings", "_txn_idempotency", "_TXN_TOKEN_TTL", "_INDEX_MEMBERS",
    ),
    "ministack.services.s3": ("handle_request", "_buckets", "DATA_DIR"),
    "ministack.services.sqs": (
        "_HANDLERS", "_get_q", "_collect_msgs", "_dlq_sweep", "_queue_by_arn", "_queues", "_queue_name_to_url",
        "_queue_url_for_account", "_DEDUP_WINDOW_S",
    ),
    "ministack.services.ssm": ("handle_request", "_parameters", "_parameter_history"),
}  # fmt: skip

_TABLE_READS = frozenset({
    "GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems", "DescribeTable", "ListTables",
    "DescribeTimeToLive", "DescribeContinuousBackups", "DescribeLimits", "DescribeEndpoints", "ListTagsOfResource",
})  # fmt: skip
_ITEM_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
_TABLE_WRITES = frozenset({
    "CreateTable", "DeleteTable", "UpdateTable", "UpdateTimeToLive", "UpdateContinuousBackups",
})  # fmt: skip
_QUEUE_READS = frozenset({"ListQueues", "GetQueueUrl", "GetQueueAttributes", "ListQueueTags"})
_QUEUE_WRITES = frozenset({"CreateQueue", "DeleteQueue", "SetQueueAttributes", "TagQueue", "UntagQueue"})
_SENDS = frozenset({"SendMessage", "SendMessageBatch"})
_REMOVALS = frozenset({"DeleteMessage", "DeleteMessageBatch", "PurgeQueue"})
_POSTPONEMENTS = frozenset({"ChangeMessageVisibility", "ChangeMessageVisibilityBatch"})
_PARAMETER_READS = frozenset({
    "GetParameter", "GetParameters", "GetParametersByPath", "DescribeParameters", "GetParameterHistory",
})  # fmt: skip
_PARAMETER_WRITES = frozenset({"PutParameter", "DeleteParameter", "DeleteParameters"})

Reply = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Reply]]
Table = dict[str, Any]


class HookMissingError(RuntimeError):
    """This ministack is not the one these hooks were written for."""


def check_hooks() -> None:
    """Refuse to start on a ministack in which something we hook has gone.

    Raises:
        HookMissingError: with every missing name.
    """
    missing = [
        f"{module}.{name}"
        for module, names in _HOOKED.items()
        for name in names
        if not hasattr(importlib.import_module(module), name)
    ]
    actions = _QUEUE_READS | _QUEUE_WRITES | _SENDS | _REMOVALS | _POSTPONEMENTS | {"ReceiveMessage"}
    missing += sorted(f"sqs action {action}" for action in actions - set(sqs._HANDLERS))
    if missing:
        raise HookMissingError("not in this ministack: " + ", ".join(missing))


def install(log: RedoLog) -> None:
    """Hook the three services, so that nothing is answered before it is in the log."""
    dynamodb._lock = log.lock  # the thread that expires items holds it for its whole sweep
    _keep_tables(log)
    _keep_queues(log)
    _keep_parameters(log)


def forget_duplicates_after(seconds: int) -> None:
    """Let queues deduplicate for less than their five minutes, so that a test need not wait for what comes again."""
    sqs._DEDUP_WINDOW_S = seconds


def _operation(headers: dict[str, str]) -> str:
    return headers.get("x-amz-target", "").rpartition(".")[2]


def _refused(operation: str) -> Reply:
    message = f"The local engine does not keep what {operation} does, so it does not do it"
    reply: Reply = responses.error_response_json("UnknownOperationException", message, 400)
    return reply


def _address(arn: str, name: str) -> Address:
    _, _, _, region, account, _ = arn.split(":", 5)
    return account, region, name


def _rewrite_if_due(log: RedoLog) -> None:
    if log.rewrite_is_due:
        log.rewrite(current_state())


# Tables


def _keep_tables(log: RedoLog) -> None:
    original: Handler = dynamodb.handle_request
    set_item, remove_item, store_token = dynamodb._set_item, dynamodb._remove_item, dynamodb._txn_token_store

    def keep_set_item(table: Table, partition: str, sort: str, item: dict[str, Any]) -> Any:
        log.add("item", _address(table["TableArn"], table["TableName"]), partition, sort, item)
        return set_item(table, partition, sort, item)

    def keep_remove_item(table: Table, partition: str, sort: str) -> Any:
        log.add("item", _address(table["TableArn"], table["TableName"]), partition, sort, None)
        return remove_item(table, partition, sort)

    def keep_token(token: str, outcome: dict[str, Any]) -> None:
        store_token(token, outcome)
        log.add("token", address_here(token), outcome)

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Reply:
        operation = _operation(headers)
        if operation in _TABLE_READS:
            return await original(method, path, headers, body, query)
        if operation not in _ITEM_WRITES | _TABLE_WRITES:
            return _refused(operation)
        with log.batch():  # the original never waits inside, so this holds up the expiring thread and nobody else
            reply = await original(method, path, headers, body, query)
            if operation in _TABLE_WRITES and reply[0] == HTTPStatus.OK:
                log.add(*table_entry(address_here(json.loads(body)["TableName"].rpartition("/")[2])))
        _rewrite_if_due(log)
        return reply

    dynamodb._set_item, dynamodb._remove_item, dynamodb._txn_token_store = keep_set_item, keep_remove_item, keep_token
    dynamodb.handle_request = handle


# Queues


def _keep_queues(log: RedoLog) -> None:
    doorbell = Doorbell()
    kept = {action: sqs._HANDLERS[action] for action in _QUEUE_READS}
    kept |= {action: _keeping_queue(log, sqs._HANDLERS[action]) for action in _QUEUE_WRITES}
    kept |= {action: _keeping_sent(log, sqs._HANDLERS[action], doorbell) for action in _SENDS}
    kept |= {action: _keeping_removed(log, sqs._HANDLERS[action], doorbell) for action in _REMOVALS}
    kept |= {action: _ringing(sqs._HANDLERS[action], doorbell) for action in _POSTPONEMENTS}
    kept["ReceiveMessage"] = _waiting(sqs._HANDLERS["ReceiveMessage"], doorbell)
    sqs._HANDLERS.clear()
    sqs._HANDLERS.update(kept)
    _keep_received(log)
    _keep_moved_to_dead_letters(log, doorbell)


Action = Callable[[dict[str, Any], str], dict[str, Any]]


def _queue_of(data: dict[str, Any], url: str) -> Queue:
    queue: Queue = sqs._get_q(data.get("QueueUrl", url))
    return queue


def _queue_address(queue: Queue) -> Address:
    return _address(queue["attributes"]["QueueArn"], queue["name"])


def _keeping_queue(log: RedoLog, original: Action) -> Action:
    def act(data: dict[str, Any], url: str) -> dict[str, Any]:
        name = data.get("QueueName") or _queue_of(data, url)["name"]
        result = original(data, url)
        log.add(*queue_entry(address_here(name)))
        return result

    return act


def _keeping_sent(log: RedoLog, original: Action, doorbell: Doorbell) -> Action:
    def act(data: dict[str, Any], url: str) -> dict[str, Any]:
        queue = _queue_of(data, url)
        length = len(queue["messages"])
        try:
            return original(data, url)
        finally:  # of a batch that failed half-way, the first half was sent
            sent = queue["messages"][length:]
            if sent:
                log.add("sent", _queue_address(queue), sent, _deduplication(queue, sent), queue["fifo_seq"])
                doorbell.ring(queue)
                _rewrite_if_due(log)

    return act


def _deduplication(queue: Queue, messages: list[dict[str, Any]]) -> dict[str, Any]:
    cache, keys = queue["dedup_cache"], [message["dedup_cache_key"] for message in messages]
    return {key: cache[key] for key in keys if key in cache}


def _keeping_removed(log: RedoLog, original: Action, doorbell: Doorbell) -> Action:
    def act(data: dict[str, Any], url: str) -> dict[str, Any]:
        queue = _queue_of(data, url)
        before = list(queue["messages"])
        try:
            return original(data, url)
        finally:
            removed = _missing(before, queue["messages"])
            if removed:
                log.add("removed", _queue_address(queue), [message["id"] for message in removed])
                doorbell.ring(queue)  # the next message of the group may be taken now
                _rewrite_if_due(log)

    return act


def _missing(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    remaining = {message["id"] for message in after}
    return [message for message in before if message["id"] not in remaining]


def _keep_received(log: RedoLog) -> None:
    """Keep how often a message was received: consumers tell a repetition by it, and dead letters begin with it."""
    original = sqs._collect_msgs

    def collect(queue: Queue, limit: int, visibility_s: int) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = original(queue, limit, visibility_s)
        if messages:
            fields = ("id", "receipt_handle", "receive_count", "first_receive_at")
            log.add("received", _queue_address(queue), [[message[field] for field in fields] for message in messages])
        return messages

    sqs._collect_msgs = collect


def _keep_moved_to_dead_letters(log: RedoLog, doorbell: Doorbell) -> None:
    original = sqs._dlq_sweep

    def sweep(queue: Queue) -> None:
        before = queue["messages"]
        original(queue)
        moved = _missing(before, queue["messages"]) if len(before) != len(queue["messages"]) else []
        if moved:
            dead = sqs._queue_by_arn(json.loads(queue["attributes"]["RedrivePolicy"])["deadLetterTargetArn"])
            with log.batch():
                log.add("removed", _queue_address(queue), [message["id"] for message in moved])
                log.add("sent", _queue_address(dead), dead["messages"][-len(moved) :], {}, dead["fifo_seq"])
            doorbell.ring(dead)

    sqs._dlq_sweep = sweep


def _ringing(original: Action, doorbell: Doorbell) -> Action:
    def act(data: dict[str, Any], url: str) -> dict[str, Any]:
        result = original(data, url)
        doorbell.ring(_queue_of(data, url))
        return result

    return act


def _waiting(
    original: Callable[[dict[str, Any], str], Awaitable[dict[str, Any]]], doorbell: Doorbell
) -> Callable[[dict[str, Any], str], Awaitable[dict[str, Any]]]:
    async def act(data: dict[str, Any], url: str) -> dict[str, Any]:
        queue = _queue_of(data, url)
        wait_s = data.get("WaitTimeSeconds")
        if wait_s is None:
            wait_s = queue["attributes"].get("ReceiveMessageWaitTimeSeconds", "0")
        deadline = time.monotonic() + float(wait_s)
        while True:
            result = await original({**data, "WaitTimeSeconds": 0}, url)
            remaining_s = deadline - time.monotonic()
            if result or remaining_s <= 0:
                return result
            await doorbell.wait(queue, remaining_s)

    return act


# Parameters


def _keep_parameters(log: RedoLog) -> None:
    original: Handler = ssm.handle_request

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Reply:
        operation = _operation(headers)
        if operation in _PARAMETER_READS:
            return await original(method, path, headers, body, query)
        if operation not in _PARAMETER_WRITES:
            return _refused(operation)
        before = {name: record["Version"] for name, record in ssm._parameters.items()}
        with log.batch():
            reply = await original(method, path, headers, body, query)
            after = {name: record["Version"] for name, record in ssm._parameters.items()}
            for name in {name for name, _version in before.items() ^ after.items()}:
                log.add(*parameter_entry(address_here(name)))
        return reply

    ssm.handle_request = handle

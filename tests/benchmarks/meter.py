"""Count AWS requests at the client, and what DynamoDB would bill for them by its published rules.

Emulators report wrong capacity, so the meter reads each item before and after a request, by a client that it does not
count, and
computes: one write unit a started KB of the larger image, two in a transaction, a failed condition still billed; one
read unit a started 4 KB, half if eventually consistent; an item that is not there costs the minimum. There is no index
to bill for.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS

WRITE_UNIT = 1024
READ_UNIT = 4096
_MAX_DIGITS_BYTES = 21

Attributes = Mapping[str, Mapping[str, Any]]


def _size_of(value: Mapping[str, Any]) -> int:
    kind: str
    content: Any
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(str(content).encode())
        case "N":
            digits = str(content).replace("-", "").replace(".", "").strip("0") or "0"
            return min(_MAX_DIGITS_BYTES, math.ceil(len(digits) / 2) + 1 + str(content).startswith("-"))
        case "B":
            return len(bytes(content))
        case "L":
            return 3 + sum(1 + _size_of(item) for item in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _size_of(item) for name, item in content.items())
        case "BOOL" | "NULL":
            return 1
    raise ValueError(kind)


def item_bytes(item: Attributes | None) -> int:
    """Return the billed size of an item."""
    return sum(len(name.encode()) + _size_of(value) for name, value in item.items()) if item else 0


@dataclass(slots=True)
class Bill:
    """What was counted between two readings. `calls` lists service and operation in order.

    `sent_s` is when each was sent on, by a clock that only runs forwards.
    """

    calls: list[str] = field(default_factory=list)
    sent_s: list[float] = field(default_factory=list)
    write_units: float = 0
    read_units: float = 0


class Meter:
    """Counts the requests of every botocore client made after `attach`. `reader` is a DynamoDB client made before."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._delay_s = 0.0
        self.bill = Bill()

    def attach(self) -> None:
        """Listen to every client that is made from now on."""
        BUILTIN_HANDLERS.append(("provide-client-params.*.*", self._asked))
        BUILTIN_HANDLERS.append(("after-call.*.*", self._answered))

    @contextmanager
    def reading(self) -> Iterator[Bill]:
        """Count what happens inside the block, alone."""
        before, self.bill = self.bill, Bill()
        try:
            yield self.bill
        finally:
            self.bill = before

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Count nothing that happens inside the block, and hold up none of it."""
        with self.reading(), self.delaying(0):
            yield

    @contextmanager
    def delaying(self, delay_s: float) -> Iterator[None]:
        """Hold each request up for so long before it is sent."""
        before, self._delay_s = self._delay_s, delay_s
        try:
            yield
        finally:
            self._delay_s = before

    def _asked(self, params: Mapping[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        time.sleep(self._delay_s)
        self.bill.sent_s.append(time.monotonic())
        self.bill.calls.append(f"{model.service_model.service_name}.{model.name}")
        context["metered"] = (params, [self._peek(table, key) for table, key in _written(model.name, params)])

    def _answered(self, parsed: Mapping[str, Any], model: Any, context: Mapping[str, Any], **_: Any) -> None:
        if model.service_model.service_name != "dynamodb" or "metered" not in context:
            return
        params, before = context["metered"]
        after = [self._peek(table, key) for table, key in _written(model.name, params)]
        factor = 2 if model.name == "TransactWriteItems" else 1
        for old, new in zip(before, after, strict=True):
            self.bill.write_units += factor * max(1, math.ceil(max(item_bytes(old), item_bytes(new)) / WRITE_UNIT))
        self.bill.read_units += _read_units(model.name, params, parsed)

    def _peek(self, table: str, key: Attributes) -> Attributes | None:
        item: Attributes | None = self._reader.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return item


def _key(item: Attributes) -> Attributes:
    return {name: item[name] for name in ("pk", "sk")}


def _written(operation: str, params: Mapping[str, Any]) -> Sequence[tuple[str, Attributes]]:
    match operation:
        case "PutItem":
            return [(params["TableName"], _key(params["Item"]))]
        case "UpdateItem" | "DeleteItem":
            return [(params["TableName"], params["Key"])]
        case "TransactWriteItems":
            actions = [action for item in params["TransactItems"] for action in item.values()]
            return [(action["TableName"], action.get("Key") or _key(action["Item"])) for action in actions]
    return []


def _read_units(operation: str, params: Mapping[str, Any], parsed: Mapping[str, Any]) -> float:
    factor = 1.0 if params.get("ConsistentRead") else 0.5
    match operation:
        case "GetItem":
            return factor * max(1, math.ceil(item_bytes(parsed.get("Item")) / READ_UNIT))
        case "Query":
            return factor * max(1, math.ceil(sum(item_bytes(item) for item in parsed.get("Items", [])) / READ_UNIT))
        case "BatchGetItem":
            found = [item for items in parsed.get("Responses", {}).values() for item in items]
            return sum(0.5 * max(1, math.ceil(item_bytes(item) / READ_UNIT)) for item in found)
    return 0

"""One DynamoDB table through pynamodb's connection.

Its models hide the item that made a condition fail; the connection below them tells it. No request describes a table,
and none asks for the capacity it consumed.
"""

import os
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.connection.base import Connection
from pynamodb.exceptions import CancellationReason, VerboseClientError

from throughline.aws_errors import error_for, unreachable
from throughline.domain.errors import StoreUnavailableError
from throughline.store._expressions import Expression, path, value
from throughline.store._values import Item, from_attributes, to_attribute, to_attributes

CONNECT_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 3.0
ATTEMPTS = 3  # two retries by the SDK: a Lambda has fifteen seconds for everything
CONFLICT_ATTEMPTS = 12
CONFLICT_WAIT_S = 0.05
_BATCH = 100  # keys in one BatchGetItem

_TRANSACTION = "TransactWriteItems"
_REFUSED = "ConditionalCheckFailedException"
_CONFLICTS = frozenset({"TransactionConflictException", "TransactionInProgressException"})
_PASSING_REASONS = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})

_WHOLE = Expression(key=path("pk") == value("pk"))
_RANGE = Expression(key=(path("pk") == value("pk")) & path("sk").between(value("low"), value("high")))

# Won, and the item after the write; or lost, and the item as it stood ({} where there was none).
Written = tuple[bool, Item]
Part = tuple[str, Mapping[str, Any]]


def connect() -> Connection:
    """Return a connection; region, endpoint and credentials come from the environment, at the first request."""
    return Connection(
        region=os.environ.get("AWS_REGION"),
        connect_timeout_seconds=CONNECT_TIMEOUT_S,
        read_timeout_seconds=READ_TIMEOUT_S,
        retry_configuration={"total_max_attempts": ATTEMPTS, "mode": "standard"},
    )


class Table:
    """A table with a partition key `pk` and a sort key `sk`, both strings."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name

    def get(self, pk: str, sk: str, *, strong: bool = True) -> Item | None:
        """Return one item."""
        found = self._send("GetItem", Key=_key(pk, sk), ConsistentRead=strong).get("Item")
        return from_attributes(found) if found else None

    def get_all(self, keys: Sequence[tuple[str, str]]) -> list[Item]:
        """Return the items that exist, in no order. Eventually consistent; one request for a hundred keys."""
        found: list[Item] = []
        pending = [_key(pk, sk) for pk, sk in keys]
        while pending:
            asked, pending = pending[:_BATCH], pending[_BATCH:]
            reply = self._request("BatchGetItem", RequestItems={self._name: {"Keys": asked}})
            found += [from_attributes(item) for item in reply["Responses"].get(self._name, [])]
            pending += reply.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
        return found

    def query(
        self,
        pk: str,
        between: tuple[str, str] | None = None,
        *,
        limit: int | None = None,
        newest_first: bool = False,
        strong: bool = True,
    ) -> list[Item]:
        """Return up to `limit` items of a partition in the order of their sort keys. A request for every megabyte."""
        low, high = between or ("", "")
        arguments = (_RANGE if between else _WHOLE).fill({"pk": pk, "low": low, "high": high})
        arguments |= {"ConsistentRead": strong, "ScanIndexForward": not newest_first}
        found: list[Item] = []
        while limit is None or len(found) < limit:
            wanted = {} if limit is None else {"Limit": limit - len(found)}
            reply = self._send("Query", **arguments, **wanted)
            found += [from_attributes(item) for item in reply["Items"]]
            if "LastEvaluatedKey" not in reply:
                break
            arguments["ExclusiveStartKey"] = reply["LastEvaluatedKey"]
        return found

    def put(self, item: Item, condition: Expression | None = None, parameters: Mapping[str, Any] = {}) -> Item | None:
        """Write an item; return None, or the one that made the condition fail."""
        won, old = self._write("PutItem", condition, parameters, Item=to_attributes(item))
        return None if won else old

    def update(self, pk: str, sk: str, expression: Expression, parameters: Mapping[str, Any] = {}) -> Written:
        """Change an item, creating it if the condition allows."""
        return self._write("UpdateItem", expression, parameters, Key=_key(pk, sk), ReturnValues="ALL_NEW")

    def delete(
        self, pk: str, sk: str, condition: Expression | None = None, parameters: Mapping[str, Any] = {}
    ) -> Written:
        """Remove an item; what is not there counts as removed unless the condition needs it."""
        return self._write("DeleteItem", condition, parameters, Key=_key(pk, sk))

    def put_part(self, item: Item, condition: Expression, parameters: Mapping[str, Any]) -> Part:
        """Return the writing of a whole item as a part of a transaction."""
        arguments = condition.fill(parameters)
        return "Put", {"TableName": self._name, "Item": to_attributes(item), **arguments, **_TELL_OLD}

    def part(self, pk: str, sk: str, expression: Expression, parameters: Mapping[str, Any]) -> Part:
        """Return an update of one item as a part of a transaction."""
        arguments = expression.fill(parameters)
        return "Update", {"TableName": self._name, "Key": _key(pk, sk), **arguments, **_TELL_OLD}

    def transact(self, token: str, parts: Sequence[Part]) -> list[Item | None]:
        """Make all `parts`, also of other tables, or none; an empty list means they were made.

        Otherwise there is one element a part: the item that made its condition fail ({} where there was none), None
        where it would have held. Two WRU for every started KB of each item. Conflicts are waited out with the same
        token and the same bytes.

        Raises:
            StoreUnavailableError: conflicts or throttling for too long; nothing is known of the outcome.
        """
        items = [{kind: arguments} for kind, arguments in parts]
        for _ in range(CONFLICT_ATTEMPTS):
            try:
                self._dispatch(_TRANSACTION, TransactItems=items, ClientRequestToken=token)
            except VerboseClientError as error:
                refused = [_refused(reason) for reason in error.cancellation_reasons]
                if any(item is not None for item in refused):
                    return refused
                if not _passes(error):
                    raise error_for(_code(error), _TRANSACTION) from error
            else:
                return []
            _wait()
        raise StoreUnavailableError(f"{_TRANSACTION}: conflicts for too long")

    def _write(
        self, operation: str, expression: Expression | None, parameters: Mapping[str, Any], **arguments: Any
    ) -> Written:
        if expression is not None:
            arguments |= expression.fill(parameters) | _TELL_OLD
        for _ in range(CONFLICT_ATTEMPTS):
            try:
                reply = self._dispatch(operation, TableName=self._name, **arguments)
            except ClientError as error:
                code = _code(error)
                if code == _REFUSED:
                    return False, from_attributes(_old_item(error))
                if code not in _CONFLICTS:
                    raise error_for(code, operation) from error
            else:
                return True, from_attributes(reply.get("Attributes", {}))
            _wait()
        raise StoreUnavailableError(f"{operation}: conflicts for too long")

    def _send(self, operation: str, **arguments: Any) -> dict[str, Any]:
        return self._request(operation, TableName=self._name, **arguments)

    def _request(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            return self._dispatch(operation, **arguments)
        except ClientError as error:
            raise error_for(_code(error), operation) from error

    def _dispatch(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            return self._connection.dispatch(operation, {**arguments, "ReturnConsumedCapacity": "NONE"})
        except BotoCoreError as error:
            raise unreachable(operation, type(error).__name__) from error


_TELL_OLD = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def starting(prefix: str) -> tuple[str, str]:
    """Return the range of the sort keys that begin with `prefix`."""
    return prefix, prefix + "\U0010ffff"


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": to_attribute(pk), "sk": to_attribute(sk)}


def _wait() -> None:
    time.sleep(random.random() * CONFLICT_WAIT_S)  # noqa: S311 - jitter, no secret


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _old_item(error: ClientError) -> Mapping[str, Any]:
    # pynamodb's own error leaves the item out; the SDK's, which caused it, has it.
    response: Mapping[str, Any] = getattr(error.__cause__, "response", {})
    return response.get("Item") or {}


def _refused(reason: CancellationReason | None) -> Item | None:
    if reason is None or reason.code != "ConditionalCheckFailed":
        return None
    return from_attributes(reason.raw_item or {})


def _passes(error: VerboseClientError) -> bool:
    reasons = {reason.code for reason in error.cancellation_reasons if reason}
    return reasons <= _PASSING_REASONS if reasons else _code(error) in _CONFLICTS

"""Timers further away than a queue can delay, in the routing table by the minute. F-numbers: docs/data-model.md."""

import json
from collections.abc import Mapping
from typing import Any

from throughline.domain.identifiers import digest
from throughline.ports import DueTimer
from throughline.store._expressions import Expression, path, value
from throughline.store._table import Table

_MINUTE_MS = 60_000
_CURSOR = ("due#cursor", "cursor")
_until = path("until")
_FORWARD = Expression(_until.set(value("until")), condition=_until.does_not_exist() | (_until < value("until")))


class DynamoDueTimers:
    """Far timers in DynamoDB."""

    def __init__(self, routing: Table) -> None:
        self._routing = routing

    def put(self, work: Mapping[str, Any], due_ms: int) -> None:
        """F1. Keep `work` until `due_ms`. The same work at the same instant is one timer. One PutItem: 1 WRU."""
        text = json.dumps(work, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        self._routing.put({"pk": _bucket(due_ms // _MINUTE_MS), "sk": f"{due_ms:013d}#{digest(text)}", "work": text})

    def list_due(self, minute: int) -> list[DueTimer]:
        """F2. Return every timer of a minute, earliest first. One Query, strong: 1 RRU for every 4 KB."""
        return [
            DueTimer(due_ms=int(item["sk"].partition("#")[0]), key=item["sk"], work=json.loads(item["work"]))
            for item in self._routing.query(_bucket(minute))
        ]

    def delete(self, timer: DueTimer) -> None:
        """F3. Forget a timer that was handed on. One DeleteItem: 1 WRU."""
        self._routing.delete(_bucket(timer.due_ms // _MINUTE_MS), timer.key)

    def find_cursor(self) -> int | None:
        """F4. Return the last minute whose timers were all handed on. One GetItem, strong: 1 RRU."""
        item = self._routing.get(*_CURSOR)
        return item["until"] if item else None

    def advance_cursor(self, minute: int) -> None:
        """F5. Remember that every timer up to `minute` was handed on. Never goes back. One UpdateItem: 1 WRU."""
        self._routing.update(*_CURSOR, _FORWARD, {"until": minute})


def _bucket(minute: int) -> str:
    return f"due#{minute}"

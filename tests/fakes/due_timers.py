"""Far timers in memory."""

import json
import threading
from collections.abc import Mapping
from typing import Any

from throughline.domain.identifiers import digest
from throughline.ports import DueTimer


class FakeDueTimers:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cursor: int | None = None
        self.timers: dict[str, DueTimer] = {}

    def put(self, work: Mapping[str, Any], due_ms: int) -> None:
        key = f"{due_ms:013d}#{digest(json.dumps(work, sort_keys=True))}"
        with self._lock:
            self.timers[key] = DueTimer(due_ms=due_ms, key=key, work=dict(work))

    def list_due(self, minute: int) -> list[DueTimer]:
        with self._lock:
            return [self.timers[key] for key in sorted(self.timers) if self.timers[key].due_ms // 60_000 == minute]

    def delete(self, timer: DueTimer) -> None:
        with self._lock:
            self.timers.pop(timer.key, None)

    def find_cursor(self) -> int | None:
        return self._cursor

    def advance_cursor(self, minute: int) -> None:
        with self._lock:
            self._cursor = max(minute, self._cursor or minute)

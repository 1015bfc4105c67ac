"""Long polling that answers at once."""

import asyncio
import time
from contextlib import suppress
from typing import Any

_SHORTEST_WAIT_S = 0.005


class Doorbell:
    """Wakes who waits on a queue as soon as something changed there; ministack itself looks ten times a second."""

    def __init__(self) -> None:
        self._bells: dict[str, asyncio.Event] = {}

    def ring(self, queue: dict[str, Any]) -> None:
        """Wake everybody who waits on the queue."""
        bell = self._bells.pop(queue["url"], None)
        if bell is not None:
            bell.set()

    async def wait(self, queue: dict[str, Any], at_most_s: float) -> None:
        """Return when the queue changed, when a message of it becomes visible by itself, or when the time is over."""
        now = time.time()
        hidden = [message["visible_at"] - now for message in queue["messages"] if message["visible_at"] > now]
        bell = self._bells.setdefault(queue["url"], asyncio.Event())
        with suppress(TimeoutError):
            await asyncio.wait_for(bell.wait(), max(_SHORTEST_WAIT_S, min([at_most_s, *hidden])))

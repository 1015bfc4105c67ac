"""Keep one caller from asking too often: a bucket of calls each, which fills again with time, in this process only.

It stands behind API Gateway's own limit and is no exact count: each process has buckets of its own.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

from throughline.domain.errors import ThrottledError

MAX_CALLERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many calls may come at once, and how many a second after that."""

    burst: int
    per_s: float


class Throttle:
    """Buckets by caller. Safe to use from threads; holds ten thousand callers, the longest unseen give way."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, int]] = {}  # calls left, when that was

    def admit(self, caller: str, limit: Limit) -> None:
        """Count a call.

        Raises:
            ThrottledError: the caller has none left. Not counted.
        """
        now_ms = self._clock()
        with self._lock:
            left, at_ms = self._buckets.pop(caller, (float(limit.burst), now_ms))
            left = min(limit.burst, left + (now_ms - at_ms) / 1000 * limit.per_s)
            taken = left >= 1
            self._buckets[caller] = (left - taken, now_ms)
            if len(self._buckets) > MAX_CALLERS:
                del self._buckets[next(iter(self._buckets))]
        if not taken:
            raise ThrottledError("too many calls", retry_after_s=math.ceil((1 - left) / limit.per_s))

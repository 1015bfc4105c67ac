"""How much was taken in from each account and sender, in the routing table. I-numbers: docs/data-model.md."""

import threading

from throughline.domain.limits import WINDOW_MS, Allowance, free_of, window_of
from throughline.store._expressions import Expression, path, value
from throughline.store._table import Table

_KEPT_S = 3600  # after its window; nobody reads it any more
_ATTEMPTS = 3
_ADD = Expression(path("used").add(value("asked", "N")), path("expires_s").set(value("expires_s", "N")))


class DynamoIntake:
    """Intake, counted in this process first and together with the others only while a subject sends much.

    One process takes exactly `limit` of a window; each further one may take its free part on top. Safe to use from
    threads, of which several may ask at once.
    """

    def __init__(self, routing: Table) -> None:
        self._routing = routing
        self._lock = threading.Lock()
        self._window = 0
        self._allowances: dict[str, Allowance] = {}

    def take(self, subject: str, *, limit: int, at_ms: int) -> bool:
        """I1. Take one event of `subject`, if its limit allows.

        Nothing for what a process may take without asking (an eighth of the limit, at most 20); then one UpdateItem
        (1 WRU) for a sixteenth of the limit; nothing any more once the limit is reached.
        """
        window = window_of(at_ms)
        for _ in range(_ATTEMPTS):
            taken = self._spend(subject, window, limit)
            if taken is not None:
                return taken
            self._lease(subject, window, limit)
        return True  # other threads were quicker each time: then much is being granted

    def _spend(self, subject: str, window: int, limit: int) -> bool | None:
        """Return whether the event is taken; None if the others have to be asked first."""
        with self._lock:
            if window > self._window:
                self._window = window
                self._allowances.clear()
            allowance = self._allowances.setdefault(subject, Allowance(free=free_of(limit)))
            if allowance.spend():
                return True
            return False if allowance.closed else None

    def _lease(self, subject: str, window: int, limit: int) -> None:
        with self._lock:
            allowance = self._allowances.setdefault(subject, Allowance(free=0))
            asked = allowance.ask(limit)
        key, expires_s = (f"intake#{subject}", f"window#{window}"), (window + 1) * WINDOW_MS // 1000 + _KEPT_S
        _, item = self._routing.update(*key, _ADD, {"asked": asked, "expires_s": expires_s})
        with self._lock:
            allowance.grant(item["used"], limit)

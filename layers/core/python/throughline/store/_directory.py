"""Which requirements there are, remembered for a while. Nothing is ever taken out of the directory."""

from collections.abc import Callable

from throughline.store._expressions import ABSENT
from throughline.store._table import Table

_PREFIX = "req#"
CACHE_MS = 10_000
NEW_MS = 15_000  # longer than anybody's list may be old


class Directory:
    """The directory of the routing table, as one process knows it."""

    def __init__(self, routing: Table, clock: Callable[[], int]) -> None:
        self._routing = routing
        self._clock = clock
        self._added_ms: dict[tuple[str, str], int] = {}
        self._read_ms: dict[str, int] = {}

    def add(self, work_class: str, name: str) -> bool:
        """Add an entry unless it is known; return whether it is new to anybody."""
        key = work_class, _PREFIX + name
        if key not in self._added_ms:
            now_ms = self._clock()
            standing = self._routing.put({"pk": _partition(work_class), "sk": key[1], "at": now_ms}, ABSENT)
            self._added_ms[key] = standing["at"] if standing else now_ms
        return self._clock() - self._added_ms[key] < NEW_MS

    def names(self, work_class: str) -> list[str]:
        """Return the entries of a class, in order."""
        now_ms = self._clock()
        if now_ms - self._read_ms.get(work_class, -CACHE_MS) >= CACHE_MS:
            items = self._routing.query(_partition(work_class))
            self._added_ms |= {(work_class, item["sk"]): item["at"] for item in items}
            self._read_ms[work_class] = now_ms
        found = [sk for its_class, sk in list(self._added_ms) if its_class == work_class]
        return sorted(sk.removeprefix(_PREFIX) for sk in found)


def _partition(work_class: str) -> str:
    return f"directory#{work_class}"

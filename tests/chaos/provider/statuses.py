"""What became of a reply of ours, as a person's screen reads it."""

import asyncio
import time
from collections.abc import Callable

from tests.chaos.provider.case import Case, Entry, StuckError

STATUS_S = 45.0
LOOK_S = 0.25
RANKS = ("queued", "sending", "retrying", "unknown", "sent", "failed", "delivered", "read")
UNDER_WAY = frozenset({"queued", "sending", "retrying"})


async def status_of(case: Case, entry: str, enough: Callable[[str], bool]) -> Entry:
    """Return a reply once its status is enough; on the way that may never go back."""
    deadline, seen = time.monotonic() + STATUS_S, ""
    while time.monotonic() < deadline:
        (found,) = [item for item in await case.thread() if item["id"] == entry]
        status = found["status"]
        if seen and went_back(seen, status):
            case.broke(f"the status went back from {seen} to {status}")
        seen = status
        if enough(status):
            return found
        await asyncio.sleep(LOOK_S)
    raise StuckError(f"a reply stayed {seen}")


def went_back(before: str, after: str) -> bool:
    """Return whether a status is one that can not follow another; what is under way may be tried again."""
    return RANKS.index(after) < RANKS.index(before) and not {before, after} <= UNDER_WAY

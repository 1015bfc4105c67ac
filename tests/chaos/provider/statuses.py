"""What became of a reply of ours, as a person's screen reads it."""

from collections.abc import Callable

from tests.chaos.provider.case import Case, Entry, StuckError

STATUS_S = 45.0
RANKS = ("queued", "sending", "retrying", "unknown", "sent", "failed", "delivered", "read")
UNDER_WAY = frozenset({"queued", "sending", "retrying"})


async def status_of(case: Case, entry: str, enough: Callable[[str], bool]) -> Entry:
    """Return a reply once its status is enough; on the way that may never go back."""
    seen = ""
    async for thread in case.looks(STATUS_S):
        (found,) = [item for item in thread if item["id"] == entry]
        status = found["status"]
        if seen and went_back(seen, status):
            case.broke(f"the status went back from {seen} to {status}")
        seen = status
        if enough(status):
            return found
    raise StuckError(f"a reply stayed {seen}")


def went_back(before: str, after: str) -> bool:
    """Return whether a status is one that can not follow another; what is under way may be tried again."""
    return RANKS.index(after) < RANKS.index(before) and not {before, after} <= UNDER_WAY

"""The ids clients give their messages, and the time inside some of them."""

from uuid import UUID

from throughline.domain.errors import InvalidRequestError

MAX_AGE_MS = 120_000
MAX_AHEAD_MS = 5_000

_UUID_WITH_TIME = 7


def time_within(message_id: str) -> int | None:
    """Return the epoch milliseconds in a version 7 UUID (RFC 9562), or None for any other id."""
    try:
        named = UUID(message_id)
    except ValueError:
        return None
    return named.int >> 80 if named.version == _UUID_WITH_TIME else None


def require_recent(made_ms: int, now_ms: int) -> None:
    """Return quietly if an id made at `made_ms` may stand for its time.

    Raises:
        InvalidRequestError: it is more than two minutes old or five seconds ahead of us: the frame has been under way
            for too long, or the client's clock is wrong.
    """
    if not now_ms - MAX_AGE_MS <= made_ms <= now_ms + MAX_AHEAD_MS:
        raise InvalidRequestError("message_id: was made too long ago or ahead of our clock; send it under a new one")

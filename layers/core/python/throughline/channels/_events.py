"""What the adapters share when they build events."""

from typing import TypedDict

from throughline.domain.identifiers import Identifier
from throughline.domain.messages import ChannelEvent, JsonValue

UNREADABLE = "unreadable_item"  # the NotUnderstood reason of an item that does not have its documented shape


class SourceFields(TypedDict):
    """The fields of `Source`, to be passed on as keywords."""

    channel: str
    account: str
    provider_id: str
    senders: tuple[Identifier, ...]
    sent_ms: int | None
    raw: JsonValue
    name: str | None
    language: str | None


def oldest_first(events: list[ChannelEvent]) -> list[ChannelEvent]:
    """Return events in the order of the provider's time; one without a time stays behind what preceded it."""
    keyed: list[tuple[int, ChannelEvent]] = []
    latest_ms = 0
    for event in events:
        latest_ms = event.sent_ms if event.sent_ms is not None else latest_ms
        keyed.append((latest_ms, event))
    return [event for _, event in sorted(keyed, key=lambda pair: pair[0])]

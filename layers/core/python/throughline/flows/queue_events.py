"""Put what happened on a channel where it is durable, and a worker files it."""

from collections.abc import Sequence

from throughline.domain.encodings import InboundJob, encode_inbound, event_kind
from throughline.domain.identifiers import digest
from throughline.domain.messages import ChannelEvent
from throughline.ports import World


def queue_events(world: World, events: Sequence[tuple[ChannelEvent, str]], received_ms: int) -> None:
    """Queue events, each with what it must keep its order with. One write to the inbound queue for ten of them.

    Raises:
        StoreUnavailableError: not all of them are durable; queueing all of them again is safe.
    """
    jobs = [
        (
            encode_inbound(InboundJob(inbound=world.draw(), arrival_ms=received_ms, event=event)),
            group,
            digest(event.account, event.provider_id, event_kind(event)),
        )
        for event, group in events
    ]
    if jobs:
        world.inbound.put_all(jobs)

"""What a provider says became of a message of ours: delivered, read, failed. Reports come in any order, more than once.

A status never moves backwards: each is taken only if it ranks higher than what is known (`DELIVERY_RANK`).
"""

from throughline.domain.conversations import Direction, Entry
from throughline.domain.errors import InvalidRequestError
from throughline.domain.frames import status_frame
from throughline.domain.identifiers import CustomerId, parse_entry_id
from throughline.domain.messages import DELIVERY_RANK, DeliveryStatus, StatusReported
from throughline.domain.vias import Via
from throughline.flows.keep import keep_event
from throughline.flows.notify import notify_holder
from throughline.flows.read_thread import find_live
from throughline.flows.remember_consent import remember_consent
from throughline.flows.show_visitor import show_status
from throughline.ports import World

UNKNOWN_MESSAGE = "unknown_message"


def acknowledge(world: World, event: StatusReported, *, arrival_ms: int) -> None:
    """Raise the status of the entry a report is about and show it to whoever holds the conversation. Safe to repeat.

    1 WRU and 2 RRU; no version is raised, `hello` shows the statuses of the last page again. A report on a message that
    is not ours is kept and counted.

    Raises:
        StoreUnavailableError: give the record back to the queue.
    """
    entry = _find(world, event)
    if entry is None:
        keep_event(world, event, UNKNOWN_MESSAGE, arrival_ms)
        return
    if event.opted_out:
        _remember_opt_out(world, entry, event, arrival_ms)
    if _speaks_of_a_part(world, entry, event):
        return
    raised = world.threads.set_status(
        entry.home, entry.reference, event.status, reason=event.reason, provider_ids=_news(entry, event)
    )
    if raised:
        show_status(world, raised)
        _, live = find_live(world, CustomerId(entry.home))
        if live:
            notify_holder(world, live, status_frame(live, raised))


def _find(world: World, event: StatusReported) -> Entry | None:
    try:
        home, reference = parse_entry_id(event.entry or "")
    except InvalidRequestError:
        return None
    entry = world.threads.find_entry(home, reference)
    ours = entry and entry.direction is Direction.OUTBOUND and entry.channel == event.channel
    return entry if ours else None


def _news(entry: Entry, event: StatusReported) -> tuple[str, ...]:
    """Return the provider's id of the message if we did not know it: a report may overtake the answer to the send."""
    return () if event.message_id in entry.provider_ids else (event.message_id,)


def _speaks_of_a_part(world: World, entry: Entry, event: StatusReported) -> bool:
    """Return whether good news of one part would hide that the other parts are still to be sent."""
    if event.status is DeliveryStatus.FAILED or entry.status is None:
        return False
    under_way = DELIVERY_RANK[entry.status] < DELIVERY_RANK[DeliveryStatus.UNKNOWN]
    return under_way and _may_have_parts(world, entry)


def _may_have_parts(world: World, entry: Entry) -> bool:
    channel = world.channels.get(entry.channel)
    limit = channel.text_limit if channel else 0
    return len(entry.attachments) + bool(entry.text) > 1 or len(entry.text or "") > limit // 2


def _remember_opt_out(world: World, entry: Entry, event: StatusReported, arrival_ms: int) -> None:
    via = Via.parse(entry.via or "")
    customer, _ = find_live(world, CustomerId(entry.home))
    at_ms = event.sent_ms if event.sent_ms is not None else arrival_ms
    remember_consent(world, customer, via.identifier, via.account, granted=False, at_ms=at_ms)

"""Inbound: resolve the customer, append to the thread, announce, and bring an opened contact to an agent.

Entry first, then the head, then the frame, then the search: whatever a crash leaves undone, the queue's redelivery of
the same record does, because each step recognises its own earlier write. A redelivery by the provider is another
record and stops at the entry: the first record finishes its work.
"""

from dataclasses import dataclass, replace
from typing import Any

from throughline.domain.configuration import ChannelAccount
from throughline.domain.conversations import (
    ContactState,
    Direction,
    Entry,
    EntryKind,
    Expected,
    Head,
    Moved,
    Opening,
)
from throughline.domain.customers import Customer, CustomerIdentifier
from throughline.domain.encodings import MediaJob, encode_media
from throughline.domain.errors import ConfigurationError, StoreUnavailableError
from throughline.domain.frames import message_frame, offer_frame
from throughline.domain.identifiers import CustomerId, Home, conversation_id, digest, digest_in, home_of, reference
from throughline.domain.messages import (
    EVERYTHING,
    CallReported,
    ChannelEvent,
    ConsentChanged,
    Echo,
    IdentityChanged,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    NotUnderstood,
    Postback,
    Reaction,
    StatusReported,
)
from throughline.domain.requirements import requirement_for, spoken_language
from throughline.domain.routing import Waiting
from throughline.flows.accounts import get_configured
from throughline.flows.announce import announce_entry
from throughline.flows.assign import place
from throughline.flows.conclude import finish_letting_go, resume_paused
from throughline.flows.hand_over import bind, is_hand_over
from throughline.flows.link import ONE_BROWSER, home_key, link_identifiers, link_pair
from throughline.flows.notify import notify_holder, record_offer
from throughline.flows.read_thread import HOPS, find_live
from throughline.flows.recognise_language import recognise_language
from throughline.flows.record_state import record_state
from throughline.flows.remember_consent import remember_consent
from throughline.flows.show_visitor import show_entry, show_handed_over, show_opening
from throughline.ports import World

PersonEvent = (
    MessageReceived
    | MessageEdited
    | MessageDeleted
    | Reaction
    | Postback
    | ConsentChanged
    | IdentityChanged
    | Echo
    | CallReported
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How an event reached us: `inbound` is our id of the queue record, the same in each of its deliveries."""

    inbound: str
    arrival_ms: int
    repeated: bool = False


def receive(world: World, event: ChannelEvent, arrival: Arrival) -> None:
    """File what a customer did and act on it. Safe to repeat.

    Raises:
        StoreUnavailableError: give the record back to the queue.
        ConfigurationError: the channel account or its queue is not configured any more.
    """
    if isinstance(event, StatusReported | NotUnderstood) or not event.senders:
        raise ConfigurationError("this kind of event is handled elsewhere")
    if is_hand_over(event) and not bind(world, event):
        return
    home = home_of(event.senders[0], home_key(world))
    entry = _entry(world, event, home, arrival)
    if entry is None:
        return
    existing = world.threads.add_entry(entry)
    if existing and existing.by != arrival.inbound:
        return
    if existing:  # the record's own; the queue may have forgotten that it delivered it before (a redrive)
        entry, arrival = existing, replace(arrival, repeated=True)
    if isinstance(event, MessageReceived | Postback):
        _converse(world, event, entry, arrival)
    else:
        _amend(world, event, entry)
    show_entry(world, entry)


# ---------------------------------------------------------------- the entry


def _entry(world: World, event: PersonEvent, home: Home, arrival: Arrival) -> Entry | None:
    sent_ms = event.sent_ms
    if sent_ms is None:
        first = world.threads.remember_arrival(
            home, digest(event.account, event.provider_id), arrival.arrival_ms, arrival.inbound
        )
        sent_ms, by = first
        if by != arrival.inbound:
            return None
    return Entry(
        home=home,
        reference=reference(event.account, event.provider_id, sent_ms, event.sequence),
        by=arrival.inbound,
        kind=_KINDS[type(event)],
        direction=Direction.OUTBOUND if isinstance(event, Echo) else Direction.INBOUND,
        channel=event.channel,
        sent_ms=sent_ms,
        received_ms=arrival.arrival_ms,
        via=_via(event),
        author=None if isinstance(event, Echo) else event.name,
        raw=event.raw,
        **_content(event),
    )


_KINDS: dict[type[PersonEvent], EntryKind] = {
    MessageReceived: EntryKind.MESSAGE,
    Echo: EntryKind.MESSAGE,
    MessageEdited: EntryKind.EDIT,
    MessageDeleted: EntryKind.DELETION,
    Reaction: EntryKind.REACTION,
    Postback: EntryKind.POSTBACK,
    ConsentChanged: EntryKind.CONSENT,
    IdentityChanged: EntryKind.IDENTITY,
    CallReported: EntryKind.CALL,
}


def _via(event: PersonEvent) -> str:
    return f"{event.account}|{event.senders[0]}"


def _content(event: PersonEvent) -> dict[str, Any]:  # noqa: C901 - one case a kind
    def about(provider_id: str | None) -> str | None:
        return digest(event.account, provider_id) if provider_id else None

    content: dict[str, Any]
    match event:
        case MessageReceived():
            content = {
                "attachments": event.attachments,
                "location": event.location,
                "reply_to": digest_in(event.reply_to_entry) if event.reply_to_entry else about(event.reply_to),
                "details": dict(event.details) | ({"album": event.album} if event.album else {}),
            }
        case MessageEdited():
            content = {"attachments": event.attachments, "target": about(event.target)}
        case MessageDeleted():
            content = {"type": "deletion", "target": about(event.target)}
        case Reaction():
            content = {"type": "reaction", "emoji": event.emoji, "target": about(event.target)}
        case Postback():
            content = {"type": "postback", "target": about(event.target), "details": {"data": event.data}}
        case ConsentChanged():
            content = {"type": "opt_in" if event.granted else "opt_out", "details": {"scope": event.scope}}
        case IdentityChanged():
            content = {"type": "identity_change", "details": {"to": str(event.current)}}
        case Echo():
            content = {"attachments": event.attachments, "target": about(event.target)}
        case CallReported():
            content = {"type": event.event}
    return {"type": getattr(event, "type", None), "text": getattr(event, "text", None)} | content


# ---------------------------------------------------------------- messages: open, join, reopen


def _converse(world: World, event: MessageReceived | Postback, entry: Entry, arrival: Arrival) -> None:
    account = get_configured(world, event.account)
    opening = _opening(world, account, event, entry, arrival)
    head = _announce(world, entry.home, opening)
    if head is None:
        return  # blocked: kept on the thread, seen by nobody
    proven = [sender for sender in event.senders if sender.is_proven]
    if len(proven) > 1 or entry.home != head.home:
        survivor = link_identifiers(world, head, proven, announces=True)
        if survivor != head.home:
            head = _announce(world, survivor, opening) or head
            link_identifiers(world, head, proven, announces=True)
    if head.opener == entry.reference and (head.turn == 1 or arrival.repeated):
        _know_customer(world, head, event, entry)
    _keep_claims(world, head, event, entry)
    _copy_media(world, entry)
    notify_holder(world, head, message_frame(head, entry))
    _route(world, head, opening, entry, arrival)
    if head.opener == entry.reference or head.state is ContactState.RESOLVED:
        show_opening(world, entry)


def _opening(
    world: World, account: ChannelAccount, event: MessageReceived | Postback, entry: Entry, arrival: Arrival
) -> Opening:
    queue = world.settings.get_queue(account.queue)
    language = recognise_language(event.text, event.language, account.languages)
    return Opening(
        reference=entry.reference,
        conversation=conversation_id(entry.home, entry.reference),
        work_class=queue.work_class,
        queue=queue.name,
        requirement=requirement_for(account, queue, language),
        arrival_ms=arrival.arrival_ms,
        priority_s=queue.priority_s,
        via=_via(event),
        via_ms=entry.sent_ms,
        channel=event.channel,
        name=event.name,
        language=spoken_language(account, language),
    )


def _announce(world: World, home: Home, opening: Opening) -> Head | None:
    for _ in range(HOPS):
        # Where a conversation opens, its id must lead back to it.
        found = world.threads.announce(home, replace(opening, conversation=conversation_id(home, opening.reference)))
        if not isinstance(found, Moved):
            return found
        home = found.to
    raise StoreUnavailableError("homes point at one another")


def _know_customer(world: World, head: Head, event: PersonEvent, entry: Entry) -> None:
    customer = CustomerId(head.home)
    world.customers.add_customer(
        Customer(customer_id=customer, name=event.name, language=head.language, since_ms=entry.received_ms)
    )
    first = CustomerIdentifier(identifier=event.senders[0], home=entry.home, since_ms=entry.received_ms)
    world.customers.add_identifier(customer, first)


def _keep_claims(world: World, head: Head, event: PersonEvent, entry: Entry) -> None:
    """Keep by what else the customer says they are reached. It joins nobody: it stands with the home it was said in."""
    for claimed in event.senders:
        if not claimed.is_proven:
            known = CustomerIdentifier(identifier=claimed, home=entry.home, since_ms=entry.received_ms)
            world.customers.add_identifier(CustomerId(head.home), known)


def _copy_media(world: World, entry: Entry) -> None:
    for index, attachment in enumerate(entry.attachments):
        if attachment.source and not attachment.blob:
            job = MediaJob(home=entry.home, reference=entry.reference, index=index)
            world.media.put(encode_media(job), group=entry.home, dedup=f"{entry.digest}.{index}")


def _route(world: World, head: Head, opening: Opening, entry: Entry, arrival: Arrival) -> None:
    opened = head.opener == entry.reference
    match head.state:
        case ContactState.QUEUED if opened and arrival.repeated:
            finish_letting_go(world, head, head.turn - 1, why="customer wrote", by="customer")
        case ContactState.QUEUED if opened:
            place(world, head, entry.text)
        case ContactState.OFFERED if opened and arrival.repeated:
            _show_again(world, head, head.waiting(entry.text))
        case ContactState.PAUSED if not opened:
            changes = {"opener": entry.reference}
            resume_paused(world, head, why="customer wrote", by="customer", changes=changes, repeated=arrival.repeated)
        case ContactState.RESOLVED if not opened:  # else what it opened has been served meanwhile
            _reopen(world, head, opening, entry, arrival)


def _show_again(world: World, head: Head, waiting: Waiting) -> None:
    if head.holder:
        record_offer(world, waiting, head.turn, head.holder, {"candidates": [head.holder], "excluded": {}})
        notify_holder(world, head, offer_frame(waiting, head.turn, head.deadline_ms))


def _reopen(world: World, head: Head, opening: Opening, entry: Entry, arrival: Arrival) -> None:
    """Bring a resolved conversation back within its reopen window, or open the next one in its place."""
    within = arrival.arrival_ms <= head.until_ms
    operation = digest("reopen", entry.reference)
    changes: dict[str, Any] = {
        "state": ContactState.QUEUED,
        "turn": head.turn + 1,
        "why": operation,
        "opener": entry.reference,
        "score": opening.arrival_ms - opening.priority_s * 1000,
        "queue": opening.queue,
        "work_class": opening.work_class,
        "requirement": opening.requirement,
        "base_requirement": opening.requirement,
        "language": opening.language,
        "excluded": (),
        "disposition": None,
        "until_ms": None,
        "closed_ms": None,
        "reopened_ms": opening.arrival_ms if within else None,
    }
    if not within:
        world.threads.archive(head)
        changes |= {
            "conversation": conversation_id(head.home, entry.reference),
            "opened_ms": opening.arrival_ms,
            "preferred": None,
            "past": (),
            "answered_by": None,
            "answered_version": None,
        }
    expected = Expected(conversation=head.conversation, turn=head.turn, states=(ContactState.RESOLVED,))
    outcome = world.threads.transition(head.home, expected, changes)
    now = outcome.head
    mine = now is not None and now.why == operation and now.state is ContactState.QUEUED
    if now and (outcome.won or mine):
        # A conversation that opens needs no record: its first entry says who, when and why.
        if within:
            record_state(world, now, why="customer wrote again", by="customer", agent=None)
        place(world, now, entry.text, repeated=arrival.repeated)
    # Otherwise another message reopened it in the same instant, and places it.


# ---------------------------------------------------------------- everything that opens nothing


def _amend(world: World, event: PersonEvent, entry: Entry) -> None:
    customer, live = find_live(world, CustomerId(entry.home))
    if isinstance(event, ConsentChanged) and event.scope == EVERYTHING:
        remember_consent(world, customer, event.senders[0], event.account, granted=event.granted, at_ms=entry.sent_ms)
    if is_hand_over(event):
        link_pair(world, event.previous, event.current, why=ONE_BROWSER)
    elif isinstance(event, IdentityChanged) and live:
        link_identifiers(world, live, (event.previous, event.current))
    announce_entry(world, entry)
    if is_hand_over(event):
        show_handed_over(world, entry)

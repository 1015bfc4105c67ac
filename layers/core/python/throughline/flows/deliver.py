"""Deliver a reply: hand it to the provider once, and let the thread and the agent know what became of it.

Jobs of one customer come one at a time and in order (FIFO group), so nobody else works on the same reply. What is being
handed over is marked first: at the first attempt in the head, by the very update that announces the reply (so an
ordinary reply costs no write for it), later in the entry. A job that comes back while the mark stands died in between:
whether the provider took the reply is unknown, and it is said so instead of being repeated. docs/delivery.md has the
whole life of a reply.
"""

from dataclasses import dataclass, replace

from throughline.domain.conversations import Entry, Head
from throughline.domain.encodings import OutboundJob
from throughline.domain.errors import (
    ConfigurationError,
    DeliveryError,
    PartlySentError,
    ProviderThrottledError,
    RecipientOptedOutError,
    RetryableError,
    StoreUnavailableError,
    ThroughlineError,
    UnknownOutcomeError,
)
from throughline.domain.frames import message_frame, status_frame
from throughline.domain.identifiers import ConversationId, CustomerId
from throughline.domain.messages import Attachment, DeliveryStatus, OutboundMessage, SendReceipt
from throughline.domain.vias import Via
from throughline.flows.accounts import get_account
from throughline.flows.announce import announce_entry, answered_by
from throughline.flows.link import link_identifiers
from throughline.flows.notify import notify_holder
from throughline.flows.read_thread import find_live
from throughline.flows.remember_consent import remember_consent
from throughline.flows.require_open_way import require_open_way
from throughline.flows.show_visitor import show_entry
from throughline.ports import Account, Channel, World

WAITS_S = (2, 5, 15, 45, 120, 300)  # before the second, third … attempt; after the last one it is given up
MAX_WAIT_S = 900  # a provider that asks for more is not waited for: the agent is told at once
LINK_S = 3600  # how long a provider may fetch an attachment
UNKNOWN = "it is not known whether this was sent: ask the customer, or send it again"
NOT_CONFIGURED = "our side is not set up for this channel account; an operator has to look"
CONFIGURATION = "configuration"

_SETTLED = frozenset(
    {
        DeliveryStatus.SENT,
        DeliveryStatus.DELIVERED,
        DeliveryStatus.READ,
        DeliveryStatus.FAILED,
        DeliveryStatus.UNKNOWN,
    }
)

Problem = ThroughlineError | ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """A reply with what stands around it: the conversation it was written in, and the customer as known by now."""

    entry: Entry
    conversation: ConversationId
    customer: CustomerId
    live: Head | None
    last_inbound_ms: int | None
    under_way: bool

    @property
    def first(self) -> bool:
        """Return whether no attempt has come to an end yet; then no screen but the sender's has seen the reply."""
        return self.entry.status is DeliveryStatus.QUEUED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery:
    """The queue's own words about this delivery of the job."""

    receipt: str
    receive_count: int


def deliver(world: World, job: OutboundJob, *, receipt: str, receive_count: int) -> None:
    """Send a reply and record the outcome. Safe to repeat: what was handed over once is not handed over again.

    An ordinary reply costs 2 WRU here, and 2.5 RRU. `receipt` and `receive_count` are the queue's own of this delivery.

    Raises:
        RetryableError: the provider was away and the job is postponed, or a table did not answer. Leave the record on
            the queue; the customer's later replies wait behind it.
    """
    entry = world.threads.find_entry(job.entry.home, job.entry.reference) or world.threads.add_entry(job.entry)
    reply = _look_around(world, job.conversation, entry or job.entry)
    if reply.entry.status in _SETTLED:
        _tell(world, reply, reply.entry)
        return
    delivery = _Delivery(receipt=receipt, receive_count=receive_count)
    try:
        channel, account, message = _prepare(world, reply)
        marked = _mark(world, reply)
        if marked is None:
            return
        reply = marked
        sent = channel.send(message, account, world.http)
    except StoreUnavailableError:
        raise
    except PartlySentError as partly:
        _take(world, reply, delivery, partly.cause, partly.provider_ids)
    except (ThroughlineError, ConfigurationError) as problem:
        _take(world, reply, delivery, problem)
    else:
        _take_success(world, reply, sent)


# ---------------------------------------------------------------- before it leaves


def _look_around(world: World, conversation: ConversationId, entry: Entry) -> _Reply:
    customer, live = find_live(world, CustomerId(entry.home))
    own = live if live and live.conversation == conversation else world.threads.find_archived(conversation)
    heads, via = [head for head in (live, own) if head], entry.via or ""
    marked = entry.status is DeliveryStatus.QUEUED and entry.reference in {head.sending for head in heads}
    return _Reply(
        entry=entry,
        conversation=conversation,
        customer=customer,
        live=live,
        last_inbound_ms=max((head.vias[via] for head in heads if via in head.vias), default=None),
        under_way=marked or entry.status is DeliveryStatus.SENDING,
    )


def _prepare(world: World, reply: _Reply) -> tuple[Channel, Account, OutboundMessage]:
    """Return everything the adapter needs; nothing has left us, and nothing is written."""
    entry, via = reply.entry, Via.parse(reply.entry.via or "")
    channel = world.channels.get(via.channel)
    if reply.under_way and not (channel and channel.repeats_safely):
        raise UnknownOutcomeError("an earlier attempt ended without saying how")
    channel = require_open_way(world, reply.customer, via, reply.last_inbound_ms, templated=entry.template is not None)
    message = OutboundMessage(
        entry=entry.entry_id,
        to=via.identifier,
        text=entry.text,
        attachments=tuple(_linked(world, attachment) for attachment in entry.attachments),
        quick_replies=entry.quick_replies,
        template=entry.template,
        reply_to=entry.reply_to,
        language=reply.live.language if reply.live else None,
        last_inbound_ms=reply.last_inbound_ms,
        now_ms=world.clock(),
        parts_sent=entry.provider_ids,
    )
    return channel, get_account(world, via.account), message


def _linked(world: World, attachment: Attachment) -> Attachment:
    if attachment.blob is None:
        return attachment
    return replace(attachment, url=world.blobs.link(attachment.blob, seconds=LINK_S, name=attachment.name))


def _mark(world: World, reply: _Reply) -> _Reply | None:
    """Leave the mark that this reply is being handed over; None when its outcome has become known this instant.

    The first attempt counts the reply in the version at the same time. Nobody is told yet: a screen that does not
    answer must not come between the mark and the send.
    """
    entry, live = reply.entry, reply.live
    if reply.first:
        said = answered_by(entry)
        head = world.threads.announce_update(entry.home, reply.conversation, sending=entry.reference, answered_by=said)
        if head:
            return replace(reply, live=head)
        live = live and world.threads.announce_update(live.home, live.conversation, answered_by=said)
    if world.threads.mark_sending(entry.home, entry.reference) is None:
        return None
    return replace(reply, live=live)


# ---------------------------------------------------------------- what became of it


def _take_success(world: World, reply: _Reply, sent: SendReceipt) -> None:
    settled = _write(world, reply, DeliveryStatus.SENT, None, sent.provider_ids)
    if sent.identifiers and reply.live:
        link_identifiers(world, reply.live, sent.identifiers)
    if settled:
        _tell(world, reply, settled)


def _take(
    world: World, reply: _Reply, delivery: _Delivery, problem: Problem, provider_ids: tuple[str, ...] = ()
) -> None:
    """Record why a reply was not sent, or only in part, and say whether and when it is tried again."""
    match problem:
        case UnknownOutcomeError():
            world.telemetry.count("reply_unknown", channel=reply.entry.channel)
            _settle(world, reply, DeliveryStatus.UNKNOWN, UNKNOWN, provider_ids)
        case RetryableError() if (wait_s := _wait_s(problem, delivery.receive_count)) is not None:
            waiting = _write(world, reply, DeliveryStatus.RETRYING, problem.code, provider_ids)
            world.outbound.postpone(delivery.receipt, delay_s=wait_s)
            if waiting and reply.first:
                _tell(world, reply, waiting)
            raise problem
        case RetryableError():
            reason = f"given up after {delivery.receive_count} attempts: {problem.code}"
            _fail(world, reply, problem.code, reason, provider_ids)
        case DeliveryError():
            if isinstance(problem, RecipientOptedOutError):
                _remember_opt_out(world, reply)
            _fail(world, reply, problem.code, problem.reason, provider_ids)
        case ConfigurationError():
            world.telemetry.alert("configuration_error", problem, account=Via.parse(reply.entry.via or "").account)
            _fail(world, reply, CONFIGURATION, NOT_CONFIGURED, provider_ids)
        case _:
            raise problem


def _wait_s(problem: RetryableError, receive_count: int) -> float | None:
    """Return the seconds until the next attempt, or None if there is none."""
    asked_s = (problem.retry_after_s or 0) if isinstance(problem, ProviderThrottledError) else 0
    if receive_count > len(WAITS_S) or asked_s > MAX_WAIT_S:
        return None
    return max(WAITS_S[receive_count - 1], asked_s)


def _fail(world: World, reply: _Reply, code: str, reason: str, provider_ids: tuple[str, ...]) -> None:
    world.telemetry.count("reply_failed", channel=reply.entry.channel, code=code)
    partly = f"{reason} (parts sent before: {len(provider_ids)})" if provider_ids else reason
    _settle(world, reply, DeliveryStatus.FAILED, partly, provider_ids)


def _remember_opt_out(world: World, reply: _Reply) -> None:
    via = Via.parse(reply.entry.via or "")
    remember_consent(world, reply.customer, via.identifier, via.account, granted=False, at_ms=world.clock())


def _settle(
    world: World, reply: _Reply, status: DeliveryStatus, reason: str | None, provider_ids: tuple[str, ...]
) -> None:
    """Write an outcome and tell what stands then: a receipt may already know better."""
    settled = _write(world, reply, status, reason, provider_ids)
    if settled:
        _tell(world, reply, settled)


def _write(
    world: World, reply: _Reply, status: DeliveryStatus, reason: str | None, provider_ids: tuple[str, ...]
) -> Entry | None:
    """Write what became of a reply; return it as it stands then, which somebody else may have written.

    Or we did: a write whose answer was lost is made again, and finds itself. It has to be shown all the same.
    """
    entry = reply.entry
    raised = world.threads.set_status(entry.home, entry.reference, status, reason=reason, provider_ids=provider_ids)
    return raised or world.threads.find_entry(entry.home, entry.reference)


def _tell(world: World, reply: _Reply, entry: Entry) -> None:
    """Show the reply where it was not shown before, and its status. Bad news is counted in the version too."""
    show_entry(world, entry)
    bad = entry.status in {DeliveryStatus.FAILED, DeliveryStatus.UNKNOWN}
    head = announce_entry(world, entry) if bad else reply.live
    if head is None:
        return
    shown_before = bad or reply.entry.status is DeliveryStatus.RETRYING
    if not shown_before:
        notify_holder(world, head, message_frame(head, entry))
    notify_holder(world, head, status_frame(head, entry))

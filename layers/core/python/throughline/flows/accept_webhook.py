"""A webhook at the door: is it theirs, is it whole, is it durable? Only then is the provider told that it was taken.

400 is answered only while nobody has proven who they are; what is authentic is never sent back for being odd.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from throughline.domain.configuration import ChannelAccount
from throughline.domain.errors import (
    InvalidRequestError,
    MalformedPayloadError,
    PayloadTooLargeError,
    RejectedError,
    TooManyRequestsError,
    UnknownAccountError,
)
from throughline.domain.identifiers import digest, parse_entry_id
from throughline.domain.messages import ChannelEvent, NotUnderstood, StatusReported
from throughline.domain.sizes import cut_to_size, fits
from throughline.flows.accounts import find_configured, open_account, webhook_url
from throughline.flows.keep import LeftOver, keep_webhook, left_over
from throughline.flows.limit_intake import Excess, charge_event, group_for, require_room
from throughline.flows.queue_events import queue_events
from throughline.ports import Account, WebhookAnswer, WebhookChannel, WebhookRequest, World

UNREADABLE = "unreadable_body"
UNKNOWN_ACCOUNT = "unknown_account"
FOREIGN_ACCOUNT = "foreign_account"
TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingWebhook:
    """A request to ``/webhooks/{channel}/{account}``: the query string and the body's bytes exactly as received."""

    channel: str
    account: str
    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a webhook: how many events were queued, and what was left over, for which it is kept."""

    queued: int
    rest: tuple[LeftOver, ...]


def accept_webhook(world: World, incoming: IncomingWebhook, *, max_bytes: int) -> WebhookAnswer:
    """Return what the provider is told, once everything in its webhook is durable.

    One write to the inbound queue for ten events; nothing else where every event was understood, and its account and
    sender do not send much (`Intake.take`).

    Raises:
        UnknownAccountError: no such channel account is configured.
        PayloadTooLargeError: the body has more than `max_bytes`.
        SignatureMismatchError: the provider did not make this request.
        MalformedPayloadError: it cannot be read so far that its proof could be checked.
        ConfigurationError: a secret of the account is missing; the provider will try again.
        StoreUnavailableError: not everything is durable; the provider will try again.
        TooManyRequestsError: all of it is over a limit; nothing was taken, and the provider will try again.
    """
    try:
        channel, configured = find_webhook_account(world, incoming.channel, incoming.account)
        if len(incoming.body) > max_bytes:
            raise PayloadTooLargeError(f"a webhook may have {max_bytes} bytes")
        account, request = open_account(world, configured), as_request(world, incoming, world.clock())
        answer = channel.handshake(request, account)
        if answer is not None:
            return answer
        channel.verify(request, account)
        take_in(world, channel, configured, account, request)
    except (RejectedError, TooManyRequestsError) as refusal:
        known = incoming.channel if incoming.channel in world.channels else "unknown"
        world.telemetry.count("webhook_refused", channel=known, code=refusal.code)
        raise
    return channel.accepted(request)


def find_webhook_account(world: World, channel_name: str, name: str) -> tuple[WebhookChannel, ChannelAccount]:
    """Return the channel and the account of a webhook's address.

    Raises:
        UnknownAccountError: there is no such channel, or no account of that name.
    """
    channel = world.channels.get(channel_name)
    configured = world.settings.find_account(channel_name, name) if channel else None
    if not isinstance(channel, WebhookChannel) or configured is None:
        raise UnknownAccountError("no such channel account is configured")
    return channel, configured


def as_request(world: World, incoming: IncomingWebhook, received_ms: int) -> WebhookRequest:
    """Return a webhook as adapters read it: under the configured URL, with header names in lower case."""
    url = webhook_url(world, incoming.channel, incoming.account)
    query: dict[str, str] = {}
    for name, value in parse_qsl(incoming.query, keep_blank_values=True):
        query.setdefault(name, value)
    return WebhookRequest(
        method=incoming.method,
        url=f"{url}?{incoming.query}" if incoming.query else url,
        headers={name.lower(): value for name, value in incoming.headers.items()},
        query=query,
        body=incoming.body,
        received_ms=received_ms,
    )


# ---------------------------------------------------------------- authentic from here on


def take_in(  # noqa: PLR0913 - whose it is, what it says, and whether limits count
    world: World,
    channel: WebhookChannel,
    configured: ChannelAccount,
    account: Account,
    request: WebhookRequest,
    *,
    limited: bool = True,
) -> Taken:
    """Queue what an authentic webhook says, and keep it whole for what was not understood; return what came of it.

    One odd item costs nothing but itself. The same webhook may be taken in again: what is filed already is found so.

    Raises:
        TooManyRequestsError: it is `limited`, and all of it is over a limit.
    """
    try:
        events = channel.parse(request, account)
    except MalformedPayloadError:
        rest: tuple[LeftOver, ...] = (LeftOver(reason=UNREADABLE),)
        keep_webhook(world, account, request, rest)
        return Taken(queued=0, rest=rest)
    at_ms = request.received_ms
    parts = [_part(world, configured, account, event, at_ms if limited else None) for event in events]
    if limited and channel.retries_refused_webhooks:
        require_room([part.excess for part in parts], at_ms)
    for limit in sorted({part.excess for part in parts if part.excess}):
        world.telemetry.count("webhook_over_limit", channel=channel.name, limit=limit)
    wanted = [(part.event, group_of(world, part.event, part.excess)) for part in parts if part.unwanted is None]
    queue_events(world, wanted, at_ms)
    rest = tuple(left_over(part.whole, part.why_left) for part in parts if part.why_left is not None)
    if rest:
        keep_webhook(world, account, request, rest)
    return Taken(queued=len(wanted), rest=rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """An event of a webhook: `whole`, and as much of it as a thread can take.

    `unwanted` is why nobody here has a use for it, `excess` whose limit it is over.
    """

    whole: ChannelEvent
    event: ChannelEvent
    unwanted: str | None
    excess: Excess | None

    @property
    def why_left(self) -> str | None:
        """Return why something of it is left over, or None if all of it was taken."""
        return self.unwanted or (None if self.event is self.whole else TOO_LARGE)


def _part(world: World, configured: ChannelAccount, account: Account, whole: ChannelEvent, at_ms: int | None) -> _Part:
    """Return an event with what stands against it; without an instant it is charged to nobody."""
    event = cut_to_size(whole)
    unwanted = _why_not(world, configured, account, event)
    if at_ms is None:
        return _Part(whole=whole, event=event, unwanted=unwanted, excess=None)
    # Of others' events the webhook's proof does not speak.
    owner = find_configured(world, event.account) if unwanted is None else None
    excess = charge_event(world, event, owner or configured, at_ms, of_sender=owner is not None)
    return _Part(whole=whole, event=event, unwanted=unwanted, excess=excess)


def _why_not(world: World, configured: ChannelAccount, account: Account, event: ChannelEvent) -> str | None:
    """Return why nobody here has a use for an event, or None if somebody has."""
    if isinstance(event, NotUnderstood):
        return event.reason
    return _why_not_ours(world, configured, account, event) if fits(event) else TOO_LARGE


def _why_not_ours(world: World, configured: ChannelAccount, account: Account, event: ChannelEvent) -> str | None:
    """Return why an event is for nobody here, or None.

    A webhook may bring events of other accounts of its app. Its proof speaks for those that share a secret with it.
    """
    if isinstance(event, StatusReported) and event.entry:
        return None  # a message of ours, whichever number of a pool it left by
    if not event.senders and not isinstance(event, StatusReported):
        return "no_sender"
    if event.account == account.account_id:
        return None
    other = find_configured(world, event.account)
    if other is None:
        return UNKNOWN_ACCOUNT
    return None if _secrets_of(other) & _secrets_of(configured) else FOREIGN_ACCOUNT


def _secrets_of(account: ChannelAccount) -> set[str]:
    return {parameter for parameters in account.secrets.values() for parameter in parameters}


def group_of(world: World, event: ChannelEvent, excess: Excess | None = None) -> str:
    """Return what an event must keep its order with: one person's events, or the reports on one message."""
    if isinstance(event, StatusReported):
        return _home_in(event.entry) or digest(event.account, event.message_id)
    return group_for(world, event, excess)


def _home_in(entry: str | None) -> str | None:
    try:
        return parse_entry_id(entry)[0] if entry else None
    except InvalidRequestError:
        return None

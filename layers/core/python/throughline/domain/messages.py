"""What arrives from a channel and what leaves for one, once no provider's vocabulary is left in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from throughline.domain.identifiers import EntryId, Identifier
from throughline.domain.quick_replies import QuickReply
from throughline.domain.templates import FilledTemplate

JsonValue = Any


ATTACHMENT_KINDS = ("image", "video", "audio", "voice", "document", "sticker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that came with a message, or goes with one.

    `kind` is one of `ATTACHMENT_KINDS`. Inbound, `source` says where the provider keeps it (a
    media id or a URL, channel-specific); once copied, `blob` is its key in our bucket. Outbound, `blob` is set from
    the start and `url` is a short-lived link made for the provider at the moment of sending.
    """

    kind: str
    source: str | None = None
    content_type: str | None = None
    name: str | None = None
    size_bytes: int | None = None
    blob: str | None = None
    url: str | None = None
    failed: str | None = None  # why the copy was given up


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place somebody shared."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


EVERYTHING = "all"  # the scope of a consent that is not limited to a category


class DeliveryStatus(StrEnum):
    """What became of a message of ours. Order by `DELIVERY_RANK`; it never moves backwards."""

    QUEUED = "queued"
    SENDING = "sending"
    RETRYING = "retrying"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


# A receipt is taken when its rank is higher than the entry's. `failed` after `sent` is real (the network gave up);
# `delivered` after `failed` is a late truth, and wins too.
DELIVERY_RANK: Mapping[DeliveryStatus, int] = {
    DeliveryStatus.QUEUED: 0,
    DeliveryStatus.SENDING: 1,
    DeliveryStatus.RETRYING: 2,
    DeliveryStatus.UNKNOWN: 3,
    DeliveryStatus.SENT: 4,
    DeliveryStatus.FAILED: 5,
    DeliveryStatus.DELIVERED: 6,
    DeliveryStatus.READ: 7,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What every event of a channel carries.

    `account` is ``<channel>/<address>`` of the channel account the event belongs to (``whatsapp/106540352242922``):
    the address inside the payload decides where there is one, not the webhook's URL. `provider_id` is unique within
    it. `senders` names the customer, strongest and most lasting identifier first; empty where the event is not about a
    person. `sent_ms` is the provider's time, the same in every delivery, or None when it sends none. `raw` is the part
    of the webhook the event came from (JSON-able).
    """

    channel: str
    account: str
    provider_id: str
    senders: tuple[Identifier, ...] = ()
    sent_ms: int | None = None
    raw: JsonValue = None
    name: str | None = None  # what the customer calls themselves
    language: str | None = None  # BCP 47, as the provider tells it
    sequence: int | None = None  # the provider's own number of the message, which orders those of one instant


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived(Source):
    """The customer wrote; `type` is the finer kind (text, command, image, button, location, contact, unsupported …)."""

    type: str = "text"
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    location: Location | None = None
    reply_to: str | None = None  # provider id of the message it answers
    reply_to_entry: EntryId | None = None  # our id of it, where that is what the channel tells
    album: str | None = None  # messages with the same value were sent as one album
    details: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEdited(Source):
    """The customer changed the message `target` (its provider id); `provider_id` names the edit itself."""

    target: str
    type: str = "text"
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDeleted(Source):
    """The customer took the message `target` back."""

    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction(Source):
    """The customer reacted to `target`; `emoji` None takes the reaction away."""

    target: str
    emoji: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReported(Source):
    """What became of a message of ours.

    `provider_id` names this report (message id and status); `message_id` is the provider's id of our message; `entry`
    is our own reference where the provider gave it back, else None. `opted_out`: it failed because the customer does
    not want messages from this account.
    """

    message_id: str
    status: DeliveryStatus
    entry: str | None = None
    reason: str | None = None
    error_code: str | None = None
    opted_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Postback(Source):
    """The customer pressed something we had offered, without writing; `data` is what we had put behind it."""

    data: str
    text: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentChanged(Source):
    """The customer opted in (`granted`) or out, of everything or of a category such as ``marketing_messages``.

    Only the first stops replies: who wants no advertising still wants an answer.
    """

    granted: bool
    scope: str = EVERYTHING
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityChanged(Source):
    """The provider says that `previous` and `current` are the same person."""

    previous: Identifier
    current: Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo(Source):
    """Our side wrote, but not through us (the business's phone app); `senders` name the customer it went to."""

    type: str = "text"
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReported(Source):
    """Something happened to a call: `event` is the provider-neutral name (started, ended, input, transcript …)."""

    event: str
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotUnderstood(Source):
    """Authentic and not for us, or not known to us: kept whole and counted. `reason` is a stable snake_case word."""

    reason: str


ChannelEvent = (
    MessageReceived
    | MessageEdited
    | MessageDeleted
    | Reaction
    | StatusReported
    | Postback
    | ConsentChanged
    | IdentityChanged
    | Echo
    | CallReported
    | NotUnderstood
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """One message for one customer, ready for a provider.

    `entry` is our reference: put it where the provider gives it back. `to` is the identifier it goes to. `reply_to` is
    the provider id of the message it answers. `last_inbound_ms` is when the customer last wrote on this very
    identifier and account (for reply windows), or None. `now_ms` is the sending instant. `parts_sent` are the
    provider's ids of the parts an earlier attempt got through; a split message goes on behind them. With `template`,
    `text` is what the customer will read, and an attachment is the template's header. `language` is the customer's
    (BCP 47), for words of our own around the text.
    """

    entry: str
    to: Identifier
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    quick_replies: tuple[QuickReply, ...] = ()
    template: FilledTemplate | None = None
    reply_to: str | None = None
    language: str | None = None
    last_inbound_ms: int | None = None
    now_ms: int
    parts_sent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReceipt:
    """The provider took the whole message. `provider_ids` has one id a part (those of `parts_sent` first), never empty.

    `identifiers` are further identifiers of the customer that the answer told us.
    """

    provider_ids: tuple[str, ...]
    identifiers: tuple[Identifier, ...] = ()

"""What the flows need from the world. One Protocol a need, named for the need; stores, AWS and fakes implement them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from throughline.domain.configuration import AgentProfile, Answer, ChannelAccount, Issuer, Queue
from throughline.domain.conversations import ContactChange, Entry, Expected, Head, Moved, Opening, Outcome
from throughline.domain.customers import CardChange, Customer, CustomerIdentifier
from throughline.domain.errors import ConfigurationError
from throughline.domain.identifiers import AgentId, ConnectionId, ConversationId, CustomerId, Home, Identifier
from throughline.domain.messages import (
    Attachment,
    ChannelEvent,
    DeliveryStatus,
    MessageReceived,
    OutboundMessage,
    SendReceipt,
)
from throughline.domain.quick_replies import QuickReplyKind
from throughline.domain.routing import Agent, Claim, Offer, Ready, Waiting
from throughline.domain.visitors import Visitor, VisitorMessage

# ---------------------------------------------------------------- channels


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """A webhook exactly as it arrived.

    `url` is the *configured* public URL with the query string as received: what a provider signs, not what a proxy saw.
    Header names are lower case, `query` holds the decoded first values, `body` the raw bytes, `received_ms` our clock.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswer:
    """What the provider is told."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One channel account: the credentials of a webhook and of a send API.

    `name` is the URL segment, `address` the provider's own name of the endpoint (number, phone number id, bot).
    `secrets` maps a name to its values, the current one first (two while a secret is being rotated). `webhook_url` is
    the public URL of its webhook.
    """

    channel: str
    name: str
    address: str
    webhook_url: str
    secrets: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def account_id(self) -> str:
        """Return ``<channel>/<address>``, the identity messages are deduplicated in."""
        return f"{self.channel}/{self.address}"

    def secret(self, name: str) -> str:
        """Return the current value of a secret.

        Raises:
            ConfigurationError: the account has none of that name.
        """
        return self.secret_values(name)[0]

    def secret_values(self, name: str) -> Sequence[str]:
        """Return every value of a secret that is valid now, the current one first.

        Raises:
            ConfigurationError: the account has none of that name.
        """
        values = self.secrets.get(name)
        if not values:
            raise ConfigurationError(f"channel account {self.channel}/{self.name} has no secret named {name}")
        return values

    def setting(self, name: str) -> str:
        """Return a setting that must be there.

        Raises:
            ConfigurationError: the account has none of that name.
        """
        value = self.settings.get(name)
        if not value:
            raise ConfigurationError(f"channel account {self.channel}/{self.name} has no setting named {name}")
        return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """An answer, whatever its status. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient(Protocol):
    """HTTP to providers. Nothing is retried here."""

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float = 8.0,
    ) -> HttpResponse:
        """Send one request and return the answer, whatever its status; redirects are not followed.

        Raises:
            ProviderUnavailableError: no connection was made, so nothing was taken. Safe to repeat.
            UnknownOutcomeError: the request left and no whole answer came back.
        """
        ...

    def download(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        hosts: Sequence[str],
        max_bytes: int,
        timeout_s: float = 10.0,
    ) -> HttpResponse:
        """Get a file, following up to five redirects, each hop over HTTPS to one of `hosts` (exact, or ``*.name``).

        `headers` go to the first host alone. The body is capped at `max_bytes`.

        Raises:
            ProviderUnavailableError: no answer. Safe to repeat.
            UnsupportedContentError: a hop leaves `hosts`, or the file is larger than `max_bytes`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """A file as the provider handed it out."""

    content: bytes
    content_type: str
    name: str | None = None


class Channel(Protocol):
    """One provider. Stateless: credentials arrive as arguments. How it brings us messages says a Protocol below."""

    @property
    def name(self) -> str:
        """Return the URL segment, e.g. ``twilio_sms``."""
        ...

    @property
    def identifier_kinds(self) -> frozenset[str]:
        """Return the kinds of identifier it can send to."""
        ...

    @property
    def text_limit(self) -> int:
        """Return how many characters one message of ours may have before it is split."""
        ...

    @property
    def reply_window_ms(self) -> int | None:
        """Return how long after the customer's last message a free-form reply is allowed, or None for ever."""
        ...

    @property
    def counts_segments(self) -> bool:
        """Return whether a text is counted, and paid for, in SMS segments."""
        ...

    @property
    def attachment_kinds(self) -> frozenset[str]:
        """Return the kinds of attachment it can carry (`domain.messages.Attachment`)."""
        ...

    @property
    def repeats_safely(self) -> bool:
        """Return whether the provider deduplicates a send that is repeated after an unknown outcome."""
        ...

    @property
    def quick_reply_kinds(self) -> frozenset[QuickReplyKind]:
        """Return the kinds of quick reply it shows as something to tap; the others are written out in the text."""
        ...

    @property
    def has_templates(self) -> bool:
        """Return whether the provider takes message templates, which need no open reply window."""
        ...

    def send(self, message: OutboundMessage, account: Account, http: HttpClient) -> SendReceipt:
        """Hand `message` to the provider; returning means it gave us its id.

        Raises:
            RetryableError: it was not taken and may be later (throttled, 5xx, no connection).
            UnknownOutcomeError: it may or may not have been taken.
            PartlySentError: some parts were taken before one of the other errors came up.
            DeliveryError: it never will be; `reason` says why.
            ConfigurationError: our credentials are wrong.
        """
        ...

    def fetch_media(self, attachment: Attachment, account: Account, http: HttpClient) -> MediaFile:
        """Return the file behind an inbound attachment, from the provider's own hosts only.

        Raises:
            RetryableError: it may come later.
            DeliveryError: it is gone, too large, or somewhere else.
        """
        ...


@runtime_checkable
class WebhookChannel(Channel, Protocol):
    """A channel whose provider posts webhooks."""

    @property
    def retries_refused_webhooks(self) -> bool:
        """Return whether the provider delivers a webhook again that was answered 429, so that nothing of it is lost."""
        ...

    def handshake(self, request: WebhookRequest, account: Account) -> WebhookAnswer | None:
        """Answer a verification request (GET challenge, CRC), or return None if this is no such request.

        Raises:
            SignatureMismatchError: it is one, and not from the provider.
        """
        ...

    def verify(self, request: WebhookRequest, account: Account) -> None:
        """Return quietly if the provider made `request`; nothing in it may be believed before.

        Raises:
            SignatureMismatchError: the proof is missing or wrong.
            MalformedPayloadError: the body cannot be read so far that its proof could be checked.
        """
        ...

    def parse(self, request: WebhookRequest, account: Account) -> Sequence[ChannelEvent]:
        """Return every event in an authentic `request`, oldest first; a bad item becomes NotUnderstood, the rest stays.

        Raises:
            MalformedPayloadError: the body as a whole cannot be read.
        """
        ...

    def accepted(self, request: WebhookRequest) -> WebhookAnswer:
        """Return the 2xx answer this provider wants."""
        ...


@runtime_checkable
class VisitorChannel(Channel, Protocol):
    """A channel without a provider: visitors write over our own socket."""

    def said(self, visitor: Visitor, message: VisitorMessage) -> MessageReceived:
        """Return what a visitor sent as the event of any other channel."""
        ...


# ---------------------------------------------------------------- tables


class Threads(Protocol):
    """What has been said, and the one live conversation of each home. Reads are strongly consistent unless said."""

    def add_entry(self, entry: Entry) -> Entry | None:
        """Put `entry` unless its reference is taken; return the entry that has it, or None if this one was written."""
        ...

    def remember_arrival(self, home: Home, digest: str, arrival_ms: int, by: str) -> tuple[int, str]:
        """Remember when a message without a time first arrived; return the time and the `by` that hold."""
        ...

    def announce(self, home: Home, opening: Opening) -> Head | Moved | None:
        """Raise the version of the live conversation, opening one if none is live; None when the home is blocked.

        `latest` only moves forward, so that a head with a later one than the opening's reference tells of a late
        message.
        """
        ...

    def announce_update(
        self, home: Home, conversation: ConversationId, *, sending: str | None = None, answered_by: str | None = None
    ) -> Head | None:
        """Raise the version because something known changed; None when that conversation is no longer the live one.

        `sending` is the reference of a reply that is handed to its provider next: the head remembers the last one.
        `answered_by` says whose reply this announces: the head remembers that, and the version.
        """
        ...

    def get_live(self, home: Home) -> Head | Moved | None:
        """Return what stands as live in `home`."""
        ...

    def transition(self, home: Home, expected: Expected, changes: Mapping[str, Any]) -> Outcome:
        """Change attributes of the live conversation if it is as `expected`; a value of None removes the attribute.

        The keys are field names of Head. One conditional update (1 WRU); a lost one tells what stands there instead.
        """
        ...

    def move_home(self, home: Home, to: Home, head: Head | None) -> bool:
        """Let `home` point to `to` if nothing is live there (`head` None), or what is live is still exactly `head`."""
        ...

    def shorten_move(self, home: Home, to: Home) -> None:
        """Let a home that points somewhere point straight to `to`, where that leads; any other stays as it is."""
        ...

    def archive(self, head: Head) -> None:
        """Keep the last state of a conversation that is over. Overwrites."""
        ...

    def find_archived(self, conversation: ConversationId) -> Head | None:
        """Return the last state of a closed conversation."""
        ...

    def find_entry(self, home: Home, reference: str) -> Entry | None:
        """Return one entry."""
        ...

    def list_entries(self, home: Home, *, before: str | None, since_ms: int, limit: int) -> list[Entry]:
        """Return up to `limit` entries, newest first, that stand before `before` and not earlier than `since_ms`."""
        ...

    def set_status(
        self,
        home: Home,
        reference: str,
        status: DeliveryStatus,
        *,
        reason: str | None = None,
        provider_ids: tuple[str, ...] = (),
    ) -> Entry | None:
        """Raise an entry's delivery status if the new one ranks higher; return the entry then, else None."""
        ...

    def mark_sending(self, home: Home, reference: str) -> Entry | None:
        """Let an entry that is queued, sending or retrying be `sending`; return it, None when its outcome is known."""
        ...

    def set_attachment(self, home: Home, reference: str, index: int, attachment: Attachment) -> Entry | None:
        """Replace one attachment of an entry; return the entry, None when there is no such entry."""
        ...

    def record_change(self, change: ContactChange) -> None:
        """Keep who changed a contact, when and why. The first record of a turn and state stays."""
        ...

    def list_changes(self, home: Home, conversation: ConversationId) -> list[ContactChange]:
        """Return every recorded change of a conversation's contact, oldest first."""
        ...

    def list_live(self, homes: Sequence[Home]) -> list[Head]:
        """Return what is live in these homes, in no order; for people's eyes. Eventually consistent."""
        ...

    def list_archived(self, home: Home) -> list[Head]:
        """Return the last state of every closed conversation of a home, in no order. Eventually consistent."""
        ...


class Customers(Protocol):
    """Who the customers are and by which identifiers they are known."""

    def add_customer(self, customer: Customer) -> None:
        """Create the customer unless they exist."""
        ...

    def add_identifier(self, customer: CustomerId, identifier: CustomerIdentifier) -> bool:
        """Claim an identifier for a customer; return False if the customer had it."""
        ...

    def find_customer(self, customer: CustomerId) -> Customer | None:
        """Return the customer with all identifiers."""
        ...

    def find_identifier(self, customer: CustomerId, identifier: Identifier) -> CustomerIdentifier | None:
        """Return one identifier of a customer. Eventually consistent."""
        ...

    def set_consent(
        self, customer: CustomerId, identifier: Identifier, account: str, *, granted: bool, at_ms: int
    ) -> bool:
        """Remember an opt-in or opt-out for an account unless a later one is known; return whether it was taken."""
        ...

    def change_card(self, customer: CustomerId, changes: Mapping[str, Any], change: CardChange) -> None:
        """Change fields of a customer's card, and keep who changed what, and when; None removes a field.

        The keys are among `name`, `language`, `tier` and `value` of Customer. There need not have been a card before.
        """
        ...

    def complete_card(self, customer: CustomerId, other: Customer) -> None:
        """Let a customer's card have what is known of `other` and not of them: what they have themselves stays."""
        ...

    def record_link(self, customer: CustomerId, other: CustomerId, *, why: str, at_ms: int) -> None:
        """Keep that `other` is the same person as `customer`: an edge that can be taken back."""
        ...

    def bind_visitor(self, visitor: CustomerIdentifier, owner: Identifier) -> Identifier:
        """Let an anonymous visitor be `owner` for good, unless they are somebody's; return whose they are then."""
        ...

    def find_owner(self, visitor: Identifier) -> Identifier | None:
        """Return whom an anonymous visitor is bound to. Strongly consistent."""
        ...

    def list_visitors(self, owner: Identifier) -> list[CustomerIdentifier]:
        """Return every anonymous visitor who is bound to `owner`. Strongly consistent."""
        ...


class Routing(Protocol):
    """Agents, and the hints by which contacts and agents find one another."""

    def find_agent(self, agent: AgentId) -> Agent | None:
        """Return the agent, strongly consistent."""
        ...

    def add_agent(self, agent: Agent) -> bool:
        """Create the agent unless there is one of that id."""
        ...

    def replace_agent(self, old: Agent, new: Agent) -> bool:
        """Write `new` if nobody has written since `old` was read; its `seq` becomes that of `old` plus one."""
        ...

    def list_agents(self) -> list[Agent]:
        """Return every agent. For people's eyes, not for routing."""
        ...

    def claim(self, offer: Offer) -> tuple[Claim, Agent | None]:
        """Offer a queued contact to an agent in one transaction of two conditional updates (4 WRU).

        The agent half needs the agent able and of the offer's epoch, the contact half the head queued at its turn. A
        repetition after a lost reply is recognised by the nonce and counts as won. The agent is what stood there when
        it was unable.

        Raises:
            StoreUnavailableError: the transaction conflicted for too long; give the event back.
        """
        ...

    def swap(self, old: Agent, new: Agent, offer: Offer) -> Claim:
        """As `claim`, with the agent computed: `new` replaces `old` if nobody wrote since. Frees and claims in one."""
        ...

    def take_over(self, old: Agent, new: Agent, taken: Head, changes: Mapping[str, Any]) -> Claim:
        """Give a contact to an agent by hand, in one transaction: `new` replaces `old`, `changes` the conversation.

        The contact has to be at the turn of `taken`, in whatever state; `changes` are fields of Head, with a `nonce` by
        which a repetition after a lost reply counts as won. AGENT_UNABLE tells that `old` is no longer as read.

        Raises:
            StoreUnavailableError: as `claim`.
        """
        ...

    def put_ready(self, ready: Ready) -> None:
        """Put the hint that an agent is able."""
        ...

    def delete_ready(self, ready: Ready) -> None:
        """Take such a hint away. Only when it is no longer true: it never becomes true again."""
        ...

    def list_ready(self, work_class: str, *, limit: int, strong: bool) -> list[Ready]:
        """Return the agents who were able, longest first."""
        ...

    def put_waiting(self, waiting: Waiting) -> None:
        """Put the hint that a contact is queued."""
        ...

    def delete_waiting(self, waiting: Waiting) -> None:
        """Take such a hint away. Only when it is no longer true: it never becomes true again."""
        ...

    def list_waiting(self, work_class: str, requirement: str, *, limit: int, strong: bool) -> list[Waiting]:
        """Return the contacts of one requirement that were queued, oldest first."""
        ...

    def add_requirement(self, work_class: str, requirement: str) -> bool:
        """Let agents find contacts of this requirement, before its first use; return whether it was unknown.

        Whoever added an unknown one looks a second time after 15 seconds, because lists may be ten seconds old.
        """
        ...

    def list_requirements(self, work_class: str) -> list[str]:
        """Return every requirement that was ever used; may be ten seconds old, but never older than an own addition."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Who is at the other end of a socket. `expires_ms` is when its token does; `visitor` is set for web chat's."""

    connection_id: ConnectionId
    subject: str
    role: str
    expires_ms: int
    visitor: Visitor | None = None


class Connections(Protocol):
    """The open sockets."""

    def add_connection(self, connection: Connection) -> None:
        """Remember who connected."""
        ...

    def find_connection(self, connection_id: ConnectionId) -> Connection | None:
        """Return who is at the other end. Strongly consistent."""
        ...

    def delete_connection(self, connection_id: ConnectionId) -> None:
        """Forget a socket."""
        ...

    def add_listener(self, way: str, connection: Connection) -> None:
        """Let a visitor's socket be told what happens on the way (``<account>|<identifier>``) they write by."""
        ...

    def list_listeners(self, way: str) -> list[ConnectionId]:
        """Return the sockets that are told, those with the oldest tokens first. Strongly consistent."""
        ...

    def delete_listener(self, way: str, connection_id: ConnectionId) -> None:
        """Tell a socket no longer."""
        ...


class Intake(Protocol):
    """How much was taken in lately. A subject is whatever has a limit: an account, or a sender of an account."""

    def take(self, subject: str, *, limit: int, at_ms: int) -> bool:
        """Take one event of `subject` if fewer than `limit` were taken in these ten seconds; return whether it was.

        Counted over all processes, but not to the last: each may take a few more (`domain.limits.free_of`).

        Raises:
            StoreUnavailableError: nobody knows.
        """
        ...


class Settings(Protocol):
    """The configuration in force; may be a few seconds old."""

    def find_account(self, channel: str, name: str) -> ChannelAccount | None:
        """Return the channel account of a webhook URL."""
        ...

    def find_account_by_address(self, channel: str, address: str) -> ChannelAccount | None:
        """Return the channel account that the provider calls `address`."""
        ...

    def list_accounts(self) -> list[ChannelAccount]:
        """Return every channel account."""
        ...

    def find_queue(self, name: str) -> Queue | None:
        """Return a queue."""
        ...

    def get_queue(self, name: str) -> Queue:
        """Return a queue.

        Raises:
            ConfigurationError: there is none of that name.
        """
        ...

    def list_queues(self) -> list[Queue]:
        """Return every queue."""
        ...

    def find_agent_profile(self, agent: AgentId) -> AgentProfile | None:
        """Return what is configured of an agent."""
        ...

    def list_answers(self) -> list[Answer]:
        """Return every canned answer."""
        ...

    def list_not_ready_reasons(self) -> tuple[str, ...]:
        """Return what an agent who is not ready may give as reason; empty if any words will do."""
        ...

    def list_issuers(self) -> list[Issuer]:
        """Return whose tokens are accepted."""
        ...


# ---------------------------------------------------------------- AWS


class Timers(Protocol):
    """Things to do later, at least once. Work is a JSON object with a `kind`."""

    def arm(self, work: Mapping[str, Any], *, delay_s: float) -> None:
        """Have `work` done in `delay_s` seconds, however long that is; durable when this returns."""
        ...

    def postpone(self, receipt: str, *, delay_s: float) -> None:
        """Let the work handed out under `receipt` come back in `delay_s` seconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTimer:
    """Work that is to be done at an instant further away than a queue can delay. `key` names it within its minute."""

    due_ms: int
    key: str
    work: Mapping[str, Any]


class DueTimers(Protocol):
    """Far timers, in buckets of one minute (`due_ms` // 60000)."""

    def put(self, work: Mapping[str, Any], due_ms: int) -> None:
        """Keep `work` until `due_ms`. The same work at the same instant is one timer."""
        ...

    def list_due(self, minute: int) -> list[DueTimer]:
        """Return every timer of a minute, earliest first. Strongly consistent."""
        ...

    def delete(self, timer: DueTimer) -> None:
        """Forget a timer that was handed on."""
        ...

    def find_cursor(self) -> int | None:
        """Return the last minute whose timers were all handed on."""
        ...

    def advance_cursor(self, minute: int) -> None:
        """Remember that every timer up to `minute` was handed on. Never goes back."""
        ...


class Jobs(Protocol):
    """A queue of jobs for another function."""

    def put(self, job: Mapping[str, Any], *, group: str, dedup: str) -> None:
        """Add one job, behind the others of its group; the same `dedup` within five minutes is one job."""
        ...

    def put_all(self, jobs: Sequence[tuple[Mapping[str, Any], str, str]]) -> None:
        """Add several (job, group, dedup) in order.

        Raises:
            StoreUnavailableError: not all of them are durable; adding all of them again is safe.
        """
        ...

    def postpone(self, receipt: str, *, delay_s: float) -> None:
        """Let the job handed out under `receipt` come back in `delay_s` seconds; its group waits until then."""
        ...


class Sockets(Protocol):
    """The way to people's screens."""

    def post(self, connection: ConnectionId, frame: Mapping[str, Any]) -> bool:
        """Send one frame; False when nobody is there any more (410 Gone)."""
        ...


class Blobs(Protocol):
    """Files and bodies too large for a table."""

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Keep `content` under `key`. Overwrites."""
        ...

    def get(self, key: str) -> bytes:
        """Return what is kept under `key`.

        Raises:
            NotFoundError: nothing is.
        """
        ...

    def link(self, key: str, *, seconds: int, name: str | None = None) -> str:
        """Return a URL by which anybody can read `key` for that long."""
        ...

    def upload_form(self, key: str, *, content_type: str, max_bytes: int, seconds: int) -> Mapping[str, Any]:
        """Return ``{"url", "fields"}`` of a POST form that takes one file of that type and size."""
        ...


class Secrets(Protocol):
    """Values only named in the configuration."""

    def get_secret(self, name: str) -> str:
        """Return a secret; may be a few minutes old.

        Raises:
            ConfigurationError: there is none of that name.
        """
        ...


class Telemetry(Protocol):
    """Counting. Never with a customer's words or a secret in it."""

    def count(self, metric: str, **dimensions: str) -> None:
        """Add one to a metric."""
        ...

    def alert(self, metric: str, error: Exception, **dimensions: str) -> None:
        """Add one to a metric, and write down the error: an operator has to act on it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything a flow may reach. `clock` returns epoch milliseconds, `draw` 16 fresh random hex digits."""

    threads: Threads
    customers: Customers
    routing: Routing
    connections: Connections
    intake: Intake
    settings: Settings
    timers: Timers
    inbound: Jobs
    outbound: Jobs
    media: Jobs
    sockets: Sockets
    blobs: Blobs
    secrets: Secrets
    telemetry: Telemetry
    channels: Mapping[str, Channel]
    http: HttpClient
    clock: Callable[[], int]
    draw: Callable[[], str]
    public_url: str

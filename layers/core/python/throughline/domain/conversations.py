"""What stands on a thread: entries, the live conversation with its contact, and the changes it went through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from throughline.domain.identifiers import (
    DIGEST_CHARACTERS,
    AgentId,
    ConversationId,
    CustomerId,
    EntryId,
    Home,
    digest,
    entry_id,
)
from throughline.domain.messages import Attachment, DeliveryStatus, Location
from throughline.domain.quick_replies import QuickReply
from throughline.domain.routing import Waiting
from throughline.domain.templates import FilledTemplate

PREVIEW_CHARACTERS = 120
RECENT_MS = 60_000


class Direction(StrEnum):
    """Which way an entry went."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"  # never leaves us: notes


class EntryKind(StrEnum):
    """What an entry is. Edits, deletions and reactions are entries too; readers fold them onto their target."""

    MESSAGE = "message"
    NOTE = "note"
    EDIT = "edit"
    DELETION = "deletion"
    REACTION = "reaction"
    POSTBACK = "postback"
    CONSENT = "consent"
    IDENTITY = "identity"
    CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item of a thread, written once; only delivery status, attachments' copies and provider ids move afterwards.

    `reference` is where it stands: provider time, then the 22 hex digits of account and provider id. `by` is our
    id of the queue message that wrote it. `via` says through which account and identifier it went
    (``telegram/demo|telegram:3527065``). `target` is the digest of the message an edit, deletion or reaction is about.
    `raw` is the part of the webhook it came from.
    """

    home: Home
    reference: str
    by: str
    kind: EntryKind
    direction: Direction
    channel: str
    sent_ms: int
    received_ms: int
    via: str | None = None
    type: str = "text"
    text: str | None = None
    author: str | None = None  # agent id, or what the customer calls themselves
    attachments: tuple[Attachment, ...] = ()
    quick_replies: tuple[QuickReply, ...] = ()
    template: FilledTemplate | None = None
    location: Location | None = None
    reply_to: str | None = None
    target: str | None = None
    emoji: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    status: DeliveryStatus | None = None
    reason: str | None = None
    provider_ids: tuple[str, ...] = ()
    raw: Any = None

    @property
    def entry_id(self) -> EntryId:
        """Return the public id."""
        return entry_id(self.home, self.reference)

    @property
    def digest(self) -> str:
        """Return the 22 hex digits that name the message within its account."""
        return self.reference[-DIGEST_CHARACTERS:]

    @property
    def names(self) -> list[str]:
        """Return the digests by which the provider's ids of a message of ours name it, one a part of it."""
        account = (self.via or "").partition("|")[0]
        return [digest(account, provider_id) for provider_id in self.provider_ids]

    @property
    def from_outside(self) -> bool:
        """Return whether a provider told us of it: the customer's, or ours from the business's own phone."""
        return self.direction is Direction.INBOUND or (self.direction is Direction.OUTBOUND and self.author is None)

    @property
    def is_written(self) -> bool:
        """Return whether the customer wrote or chose it: what conversations open with, and are waiting for."""
        return self.direction is Direction.INBOUND and self.kind in {EntryKind.MESSAGE, EntryKind.POSTBACK}


class ContactState(StrEnum):
    """Where a conversation's contact is. `offered` and later hold an agent's capacity until `resolved` or `paused`."""

    QUEUED = "queued"
    OFFERED = "offered"
    ACTIVE = "active"
    PAUSED = "paused"
    WRAPPING = "wrapping"
    RESOLVED = "resolved"


NONE_GIVEN = "none given"  # the disposition of a contact whose wrap-up ran out; no name of a configuration has a space
HOLDING = frozenset({ContactState.OFFERED, ContactState.ACTIVE, ContactState.WRAPPING})
HELD = (ContactState.OFFERED, ContactState.ACTIVE, ContactState.WRAPPING, ContactState.PAUSED)  # has a holder


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The one live conversation of a home, with its contact: who holds it, since which turn, in which version.

    `turn` rises with every change of holder or queue and fences late accepts and timers. `version` rises by one per
    announcement. `score` orders the queue: enqueued minus priority, in milliseconds; it keeps the contact's age over
    every offer. `past` lists ``turn:agent`` of holders who lost it, `excluded` the agents who are not asked just now.
    `vias` says when the customer last wrote through which account and identifier. `why` names the last operation, so
    that its repetition recognises itself.
    """

    home: Home
    conversation: ConversationId
    version: int
    state: ContactState
    turn: int
    work_class: str
    queue: str
    requirement: str
    base_requirement: str
    score: int
    opener: str
    opened_ms: int
    excluded: tuple[AgentId, ...] = ()
    past: tuple[str, ...] = ()
    holder: AgentId | None = None
    preferred: AgentId | None = None
    epoch: int = 0
    deadline_ms: int = 0
    nonce: str = ""
    why: str = ""
    sockets: tuple[str, ...] = ()
    last_via: str | None = None
    vias: Mapping[str, int] = field(default_factory=dict)
    links: tuple[Home, ...] = ()
    latest: str = ""
    name: str | None = None
    language: str | None = None
    disposition: str | None = None
    reopened_ms: int = 0  # when the customer brought it back after it was resolved
    until_ms: int = 0  # end of the reopen window (resolved), of a pause (paused) or of the wrap-up (wrapping)
    closed_ms: int = 0
    answered_by: str = ""  # whose reply was announced last,
    answered_version: int = 0  # and the version that counted it
    sending: str = ""  # reference of the reply that was last handed to a provider, to know it again after a crash

    @property
    def waiting_since_ms(self) -> int:
        """Return since when the customer waits: from the message that opened the conversation, or brought it back."""
        return self.reopened_ms or self.opened_ms

    @property
    def customer(self) -> CustomerId:
        """Return whose conversation this is: a customer bears the name of the home their conversation lives in."""
        return CustomerId(self.home)

    def waiting(self, preview: str | None) -> Waiting:
        """Return the hint that this contact is queued; `preview` is what an offer of it will show."""
        return Waiting(
            work_class=self.work_class,
            requirement=self.requirement,
            score=self.score,
            home=self.home,
            conversation=self.conversation,
            turn=self.turn,
            queue=self.queue,
            since_ms=self.waiting_since_ms,
            excluded=self.excluded,
            preferred=self.preferred,
            name=self.name,
            via=self.last_via,
            preview=preview[:PREVIEW_CHARACTERS] if preview else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A home whose new messages go to another one, because both are one customer's."""

    home: Home
    to: Home


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a message would open a conversation with, if none is live. Times are epoch milliseconds."""

    reference: str
    conversation: ConversationId
    work_class: str
    queue: str
    requirement: str
    arrival_ms: int
    priority_s: int
    via: str
    via_ms: int
    channel: str
    name: str | None
    language: str | None

    @property
    def recent(self) -> bool:
        """Return whether the message was sent just before it arrived."""
        return self.arrival_ms - self.via_ms < RECENT_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a change of the live conversation takes for granted; it is lost if any of it no longer holds."""

    conversation: ConversationId
    turn: int
    states: tuple[ContactState, ...]
    holder: AgentId | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Whether a conditional change was made, and the conversation as it stands after it (or stood, if it was lost)."""

    won: bool
    head: Head | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactChange:
    """Who changed a contact's state, when and why; for an offer also the routing decision that led to it."""

    home: Home
    conversation: ConversationId
    turn: int
    state: ContactState
    at_ms: int
    by: str  # `agent:<id>`, `customer`, `routing` or `timer`
    why: str
    agent: AgentId | None = None
    decision: Mapping[str, Any] = field(default_factory=dict)

"""Visitors of web chat: who they are, what they told of themselves, and what of a thread is theirs to see."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from throughline.domain.conversations import Direction, Entry, EntryKind
from throughline.domain.identifiers import EntryId, Home, Identifier
from throughline.domain.messages import Attachment, DeliveryStatus
from throughline.domain.quick_replies import QuickReplyKind
from throughline.domain.vias import Via

WEBCHAT = "webchat"
COMMON_FIELDS = ("name", "email", "phone", "language")
TAPPED = frozenset({QuickReplyKind.REPLY, QuickReplyKind.LINK})  # quick replies a client shows as buttons
ANONYMOUS, IDENTIFIED = "visitor", "external-id"  # kinds of identifier: an id we made, or the company's own

SHOWN_KINDS = frozenset({EntryKind.MESSAGE, EntryKind.EDIT, EntryKind.DELETION, EntryKind.REACTION, EntryKind.POSTBACK})
SHOWN_STATUSES = frozenset({DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ})


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a visitor told of themselves; nothing of it is proven. `fields` are the account's own, by name."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """Return what `written` wrote, be it in another release of ours."""
        return cls(**{name: told[name] for name in (*COMMON_FIELDS, "fields") if name in told})

    def written(self) -> dict[str, Any]:
        """Return what was told, as JSON has it; nothing that was not."""
        return {name: given for name, given in asdict(self).items() if given}

    def told(self, name: str) -> str | None:
        """Return what was told for a field of the form."""
        found: str | None = getattr(self, name) if name in COMMON_FIELDS else self.fields.get(name)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A visitor of one web chat account. `account` is its name, `via` the way they write, `home` their identifier's."""

    account: str
    via: Via
    home: Home
    profile: Profile

    @property
    def identifier(self) -> Identifier:
        """Return who they are."""
        return self.via.identifier

    @property
    def way(self) -> str:
        """Return the way they write, as entries have it."""
        return str(self.via)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorMessage:
    """What a visitor sends. `files` are their uploads; `reply_to` is the id of the entry it answers."""

    message_id: str
    text: str | None
    files: tuple[Attachment, ...] = ()
    reply_to: EntryId | None = None
    introduced: bool = True  # whether what they told of themselves is known on the thread already


def is_of_webchat(way: str | None) -> bool:
    """Return whether an entry or a conversation went by web chat."""
    return way is not None and way.startswith(f"{WEBCHAT}/")


def is_shown(entry: Entry, *ways: str) -> bool:
    """Return whether an entry is for the visitor who has these `ways` to see."""
    return entry.via in ways and is_for_visitors(entry)


def is_for_visitors(entry: Entry) -> bool:
    """Return whether an entry is for a visitor to see: said to or by them in web chat, and no failed try."""
    if not is_of_webchat(entry.via) or entry.kind not in SHOWN_KINDS:
        return False
    return entry.direction is Direction.INBOUND or entry.status in SHOWN_STATUSES

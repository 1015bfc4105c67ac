"""Who somebody is: identifiers, homes, customers, and the ids made from them.

A **home** is the partition in which an identifier's entries and its live conversation stand. It is a keyed hash of the
identifier, so the first message of a stranger needs no lookup. The customer that an identifier creates takes its home
as id.
"""

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Self

from throughline.domain.errors import InvalidRequestError

Home = NewType("Home", str)
CustomerId = NewType("CustomerId", str)
ConversationId = NewType("ConversationId", str)
AgentId = NewType("AgentId", str)
ConnectionId = NewType("ConnectionId", str)
EntryId = NewType("EntryId", str)
OfferId = NewType("OfferId", str)
AttachmentId = NewType("AttachmentId", str)


class Evidence(StrEnum):
    """How we know that an identifier is this customer's, strongest first."""

    ATTESTED = "attested"  # the provider vouches for it
    VERIFIED = "verified"  # the customer proved it to us
    CLAIMED = "claimed"  # the customer said so
    INFERRED = "inferred"  # we think so


UNPROVEN = (Evidence.CLAIMED, Evidence.INFERRED)  # what joins no two customers


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """A typed, normalised address, e.g. ``tel:+14155550100``, ``telegram:3527065``, ``bsuid:US.1349``."""

    kind: str
    value: str
    evidence: Evidence = Evidence.ATTESTED

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"

    @property
    def is_proven(self) -> bool:
        """Return whether it says who somebody is: what they only claim, or we only think, joins no two customers."""
        return self.evidence not in UNPROVEN

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the identifier written as ``kind:value``.

        Raises:
            InvalidRequestError: there is no kind or no value.
        """
        kind, _, value = text.partition(":")
        if not kind or not value:
            raise InvalidRequestError("an identifier is written kind:value")
        return cls(kind=kind, value=value)


def home_of(identifier: Identifier, key: bytes) -> Home:
    """Return the identifier's home: 80 bits of HMAC-SHA256 under a key that is never rotated."""
    return Home("h-" + hmac.new(key, str(identifier).encode(), hashlib.sha256).hexdigest()[:20])


MAX_SEQUENCE = 10**10
MAX_REFERENCE_CHARACTERS = 256  # longer than any id of ours, and shorter than what a table refuses as a key
DIGEST_CHARACTERS = 22


def digest(*parts: str) -> str:
    """Return 22 hex digits that name `parts`, unambiguously joined."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode()).hexdigest()[:DIGEST_CHARACTERS]


def reference(account: str, provider_id: str, sent_ms: int, sequence: int | None = None) -> str:
    """Return where a message stands in its home: provider time, the provider's own sequence, then who it is.

    ``<13 digits>#<22 hex>``, or ``<13 digits>#<10 digits>-<22 hex>`` where the provider numbers its messages: times in
    whole seconds alone would let two messages of one second stand in any order.
    """
    order = f"{sequence:010d}-" if sequence is not None and 0 <= sequence < MAX_SEQUENCE else ""
    return f"{sent_ms:013d}#{order}{digest(account, provider_id)}"


def is_numbered(reference: str) -> bool:
    """Return whether the provider's own sequence stands in a reference."""
    return "-" in reference


def stands_behind(one: str, other: str) -> bool:
    """Return whether the provider says of two references that the first is the later: by time, then by its sequence.

    Nothing is said of two of one instant that are not both numbered.
    """
    same_instant = one.partition("#")[0] == other.partition("#")[0]
    return one > other and (not same_instant or (is_numbered(one) and is_numbered(other)))


def conversation_id(home: Home, reference: str) -> ConversationId:
    """Return the id of the conversation that the message at `reference` opens in `home`."""
    return ConversationId(f"{home}.{digest(home, reference)[:10]}")


def home_of_conversation(conversation: ConversationId, *, field: str = "conversation") -> Home:
    """Return the home in which a conversation was opened. `field` is the name under which a client gave us the id.

    Raises:
        InvalidRequestError: this is no conversation id.
    """
    home, dot, rest = conversation.partition(".")
    if not (dot and rest and home.startswith("h-")) or len(conversation) > MAX_REFERENCE_CHARACTERS:
        raise InvalidRequestError(f"{field}: is no {field} id")
    return Home(home)


def parse_customer_id(text: str) -> CustomerId:
    """Return the id of a customer that a client named, whether or not there is one.

    Raises:
        InvalidRequestError: no table could have such a key.
    """
    if not 0 < len(text) <= MAX_REFERENCE_CHARACTERS:
        raise InvalidRequestError("customer: is no customer id")
    return CustomerId(text)


def entry_id(home: Home, reference: str) -> EntryId:
    """Return the public id of the entry at `reference` in `home`: ``<home>.<ms>.<hash>``."""
    return EntryId(f"{home}.{reference.replace('#', '.')}")


def digest_in(entry: EntryId) -> str:
    """Return the part of an entry's id by which other entries speak of it."""
    return entry[-DIGEST_CHARACTERS:]


def parse_entry_id(entry: str, *, field: str = "entry") -> tuple[Home, str]:
    """Return the home and the reference inside an entry id. `field` is the name under which a client gave us the id.

    Raises:
        InvalidRequestError: this is no entry id.
    """
    parts = entry.split(".") if len(entry) <= MAX_REFERENCE_CHARACTERS else []
    if len(parts) != 3 or not parts[0].startswith("h-") or not parts[1].isdecimal():  # noqa: PLR2004
        raise InvalidRequestError(f"{field}: holds no entry id")
    return Home(parts[0]), f"{parts[1]}#{parts[2]}"


def offer_id(conversation: ConversationId, turn: int) -> OfferId:
    """Return the id of the offer made at `turn` of a conversation's contact."""
    return OfferId(f"{conversation}.{turn}")


def parse_offer_id(offer: str) -> tuple[ConversationId, int]:
    """Return the conversation and the turn inside an offer id.

    Raises:
        InvalidRequestError: this is no offer id.
    """
    conversation, dot, turn = offer.rpartition(".")
    if not (dot and turn.isdecimal()):
        raise InvalidRequestError("offer: is no offer id")
    home_of_conversation(ConversationId(conversation), field="offer")
    return ConversationId(conversation), int(turn)

"""Who may do what: action by role by how the conversation stands to the person. docs/protocol.md shows this very table.

What is not in the table is forbidden.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from throughline.domain.conversations import ContactState, Direction, Entry, Head
from throughline.domain.errors import ForbiddenError
from throughline.domain.identifiers import AgentId
from throughline.domain.visitors import Visitor


class Role(StrEnum):
    """What somebody signed in as. An issuer of visitors yields visitors, whatever its tokens claim."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    VISITOR = "visitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who a verified token says it is, and until when (epoch milliseconds). An agent's subject is the agent's id.

    `visitor` is set for visitors of web chat.
    """

    subject: str
    role: Role
    expires_ms: int
    visitor: Visitor | None = None

    @property
    def agent(self) -> AgentId:
        """Return the agent they are."""
        return AgentId(self.subject)


def require_visitor(visitor: Visitor | None) -> Visitor:
    """Return the visitor, where a caller of that role came through web chat and so has a thread.

    Raises:
        ForbiddenError: they only have a token of an issuer of visitors.
    """
    if visitor is None:
        raise ForbiddenError("this visitor came through no web chat of ours")
    return visitor


class Ownership(StrEnum):
    """How a conversation stands to a person."""

    HOLDER = "holder"  # it is theirs: accepted, or being wrapped up
    OFFERED = "offered"  # offered to them at this moment
    PAUSED = "paused"  # they set it aside; it is theirs still
    KEEPER = "keeper"  # it waits for them: resolved by them, or to be offered to them first
    PAST = "past"  # held by or offered to them before, in this very conversation
    TEAM = "team"  # with an agent of one of the supervisor's teams
    WAITING = "waiting"  # with nobody: any supervisor's business
    OTHER = "other"


class Right(StrEnum):
    """What a cell of the table says; what it does not mention is forbidden."""

    YES = "yes"
    REPEAT = "repeat"  # only a frame whose ack was lost: the flow finds its own earlier work, or answers with an error


_HELD = (Ownership.HOLDER,)
_OWN = (Ownership.HOLDER, Ownership.PAUSED)
_WAITED_FOR = (*_OWN, Ownership.KEEPER)
_KNOWN = (Ownership.HOLDER, Ownership.OFFERED, Ownership.PAUSED, Ownership.KEEPER, Ownership.PAST)
_LEFT = (Ownership.KEEPER, Ownership.PAST)
_LED = (*_KNOWN, Ownership.TEAM, Ownership.WAITING)
_ALL = tuple(Ownership)

Row = dict[Role, Mapping[Ownership, Right]]


def _staff(*agent: Ownership, supervisor: Iterable[Ownership] = (), repeat: Iterable[Ownership] = ()) -> Row:
    """Return what agents may; supervisors may the same, and what `supervisor` adds."""
    own = dict.fromkeys(repeat, Right.REPEAT) | dict.fromkeys(agent, Right.YES)
    return {Role.AGENT: own, Role.SUPERVISOR: own | dict.fromkeys(supervisor, Right.YES)}


# A visitor's frames and requests name no conversation: they have one thread, their own, and see nothing else.
_VISITORS: Row = {Role.VISITOR: dict.fromkeys(_ALL, Right.YES)}

RIGHTS: Mapping[str, Row] = {
    "ping": _staff(*_ALL) | _VISITORS,
    "hello": _staff(*_ALL) | _VISITORS,
    "presence.set": _staff(*_ALL),
    "offer.accept": _staff(Ownership.OFFERED, repeat=_KNOWN),
    "offer.reject": _staff(Ownership.OFFERED, repeat=_KNOWN),
    "message.send": _staff(*_OWN, repeat=_LEFT) | _VISITORS,
    "note.add": _staff(*_KNOWN, supervisor=_LED),
    "typing": _staff(*_WAITED_FOR) | _VISITORS,
    "read": _staff(*_WAITED_FOR) | _VISITORS,
    "received": _VISITORS,
    "conversation.wrap_up": _staff(*_HELD),
    "conversation.close": _staff(*_HELD, repeat=[Ownership.PAUSED, *_LEFT]),
    "conversation.transfer": _staff(*_HELD, repeat=[Ownership.PAUSED, *_LEFT]),
    "conversation.pause": _staff(*_OWN, repeat=[Ownership.KEEPER]),
    "conversation.take_over": _staff(supervisor=_LED),
    "contact.assign": _staff(supervisor=_LED),
    "GET /threads": _staff(*_KNOWN, supervisor=_ALL),
    "GET /conversations": _staff(*_KNOWN, supervisor=_ALL),
    "GET /customers": _staff(*_KNOWN, supervisor=_ALL),
    "PATCH /customers": _staff(*_OWN, supervisor=_ALL),
    "GET /answers": _staff(*_KNOWN, supervisor=_ALL),
    "GET /attachments": _staff(*_KNOWN, supervisor=_ALL) | _VISITORS,
    "POST /attachments": _staff(*_ALL) | _VISITORS,
    "GET /accounts": _staff(*_ALL),
    "GET /agents": _staff(*_ALL),
    "GET /queues": _staff(*_ALL),
    "GET /queues/waiting": _staff(supervisor=_ALL),
    "GET /webchat/thread": _VISITORS,
}


def right_of(action: str, role: Role, ownership: Ownership) -> Right | None:
    """Return what the table says; None is forbidden."""
    return RIGHTS.get(action, {}).get(role, {}).get(ownership)


def is_allowed(action: str, role: Role, ownership: Ownership = Ownership.OTHER) -> bool:
    """Return whether to go on. Where no conversation is concerned, leave `ownership` out."""
    return right_of(action, role, ownership) is not None


def require_right(action: str, role: Role, ownership: Ownership = Ownership.OTHER) -> None:
    """Return quietly if the table allows it.

    Raises:
        ForbiddenError: it does not.
    """
    if not is_allowed(action, role, ownership):
        raise ForbiddenError(f"{action} is not allowed here")


def ownership_of(head: Head, agent: AgentId) -> Ownership:
    """Return how a conversation stands to an agent, the closest word that applies."""
    if head.holder == agent:
        return _HELD_AS.get(head.state, Ownership.HOLDER)
    if head.holder is None and head.preferred == agent:
        return Ownership.KEEPER
    former = (AgentId(item.partition(":")[2]) for item in head.past)
    return Ownership.PAST if agent in former else Ownership.OTHER


_HELD_AS = {ContactState.OFFERED: Ownership.OFFERED, ContactState.PAUSED: Ownership.PAUSED}


def may_see(role: Role, entry: Entry) -> bool:
    """Return whether an entry may be shown to this role at all: what never leaves us is not for visitors."""
    return role is not Role.VISITOR or entry.direction is not Direction.INTERNAL

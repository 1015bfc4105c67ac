"""Who may take which contact. Pure: the same arguments, the same answer.

Written twice by necessity, here as functions and in the claim as a condition of the table; a property test holds them
equal.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from throughline.domain.identifiers import AgentId, ConversationId, Home

WORK_CLASSES = ("voice", "chat", "email")
PAUSED_CLASS = "paused"  # counted in an agent's load, compared with no capacity


class Presence(StrEnum):
    """What an agent declares. Whether a socket is open is another matter."""

    AVAILABLE = "available"
    NOT_READY = "not_ready"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class NextPresence:
    """What an agent will be once their work is done."""

    presence: Presence
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One contact that takes up an agent's capacity, or one set aside (`PAUSED_CLASS`), which takes none."""

    home: Home
    turn: int
    work_class: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent as routing sees one.

    `signature` is the sorted, ``+``-joined list of skills with their level (``billing.3+de.5``). `seq` rises with
    every write, `epoch` with every sign-in and every loss of all sockets, `stamps` holds per class when the agent last
    became able; none of them ever repeats. `sockets` are the open connections. `since_ms` is when the present presence
    began, `next` the one that comes with the write that frees the last contact.
    """

    agent_id: AgentId
    name: str = ""
    signature: str = ""
    teams: tuple[str, ...] = ()
    presence: Presence = Presence.OFFLINE
    reason: str | None = None
    since_ms: int = 0
    next: NextPresence | None = None
    capacity: Mapping[str, int] = field(default_factory=dict)
    load: Mapping[str, int] = field(default_factory=dict)
    held: Mapping[ConversationId, Slot] = field(default_factory=dict)
    stamps: Mapping[str, str] = field(default_factory=dict)
    sockets: tuple[str, ...] = ()
    seq: int = 0
    epoch: int = 0

    @property
    def routable(self) -> bool:
        """Return whether the agent wants work, is not about to leave, and can be reached."""
        wants = self.presence is Presence.AVAILABLE and (self.next is None or self.next.presence is Presence.AVAILABLE)
        return wants and bool(self.sockets)

    @property
    def at_work(self) -> bool:
        """Return whether anything is with the agent but what they have set aside."""
        return any(slot.work_class != PAUSED_CLASS for slot in self.held.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A hint that an agent was able to take work of a class; its key is never used twice."""

    work_class: str
    signature: str
    stamp: str
    agent_id: AgentId
    epoch: int
    sockets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A hint that a contact was queued at a turn; its key is never used twice.

    It carries what an offer shows, so that an agent who comes free is offered it without another read.
    """

    work_class: str
    requirement: str
    score: int
    home: Home
    conversation: ConversationId
    turn: int
    queue: str
    since_ms: int  # since when the customer waits
    excluded: tuple[AgentId, ...] = ()
    preferred: AgentId | None = None
    name: str | None = None
    via: str | None = None
    preview: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a claim writes: one agent's time-limited right to one contact. `nonce` is drawn once per logical claim."""

    conversation: ConversationId
    home: Home
    turn: int  # the turn the offer has; the contact was queued at the one before
    work_class: str
    agent_id: AgentId
    epoch: int
    sockets: tuple[str, ...]
    deadline_ms: int
    nonce: str


class Claim(StrEnum):
    """How a claim ended."""

    WON = "won"
    CONTACT_GONE = "contact_gone"  # no longer queued at that turn: the choice is obsolete
    AGENT_UNABLE = "agent_unable"  # filled up, left, or changed: choose another


def able(agent: Agent, work_class: str) -> bool:
    """Return whether the agent could take one more contact of this class now."""
    return agent.routable and has_room(agent, work_class)


def has_room(agent: Agent, work_class: str) -> bool:
    """Return whether the agent's capacity has room for one more of this class; a call excludes everything else."""
    load, capacity = agent.load, agent.capacity.get(work_class, 0)
    if load.get("voice", 0) or load.get(work_class, 0) >= capacity:
        return False
    return not (work_class == "voice" and load.get("chat", 0))


def able_classes(agent: Agent) -> list[str]:
    """Return the classes the agent is able to take now."""
    return [work_class for work_class in WORK_CLASSES if able(agent, work_class)]


def signature_of(skills: Mapping[str, int]) -> str:
    """Return the skill signature, e.g. ``billing.3+de.5``."""
    return "+".join(f"{name}.{level}" for name, level in sorted(skills.items()))


def skills_of(signature: str) -> dict[str, int]:
    """Return the skills and levels in a signature or a requirement."""
    pairs = (part.rpartition(".") for part in signature.split("+") if part)
    return {name: int(level) for name, _, level in pairs}


def personal(agent: AgentId) -> str:
    """Return the requirement that only this agent meets."""
    return f"@{agent}"


def fits(requirement: str, signature: str, agent: AgentId | None = None) -> bool:
    """Return whether an agent with this signature has every required skill at the required level."""
    if requirement.startswith("@"):
        return agent is not None and requirement == personal(agent)
    skills = skills_of(signature)
    return all(skills.get(name, 0) >= level for name, level in skills_of(requirement).items())


def proficiency(requirement: str, signature: str) -> int:
    """Return the sum of the agent's levels in the required skills, by which the more proficient goes first."""
    if requirement.startswith("@"):
        return 0
    skills = skills_of(signature)
    return sum(skills.get(name, 0) for name in skills_of(requirement))


def rank_candidates(requirement: str, ready: Iterable[Ready]) -> list[Ready]:
    """Return the candidates, most proficient first, then longest able."""
    return sorted(ready, key=lambda item: (-proficiency(requirement, item.signature), item.stamp, item.agent_id))


def choose_candidate(requirement: str, ranked: Sequence[Ready], draw: int) -> Ready:
    """Return one of the first three equally proficient candidates.

    `draw` is any number that differs between contacts: claims made at the same instant then spread instead of
    colliding.
    """
    best = proficiency(requirement, ranked[0].signature)
    equals = [item for item in ranked[:3] if proficiency(requirement, item.signature) == best]
    return equals[draw % len(equals)]


def oldest(waiting: Iterable[Waiting]) -> Waiting | None:
    """Return the contact that has waited longest (priority counted as age)."""
    return min(waiting, key=lambda item: (item.score, item.conversation), default=None)


def with_slot(agent: Agent, conversation: ConversationId, slot: Slot) -> Agent:
    """Return the agent holding one more contact."""
    load = {**agent.load, slot.work_class: agent.load.get(slot.work_class, 0) + 1}
    return replace(agent, held={**agent.held, conversation: slot}, load=load)


def without_slots(agent: Agent, drop: Collection[tuple[ConversationId, int]]) -> Agent:
    """Return the agent without the contacts in `drop`, each only if it is still held at that turn."""
    load, held = dict(agent.load), dict(agent.held)
    for conversation, turn in drop:
        slot = held.get(conversation)
        if slot is not None and slot.turn == turn:
            del held[conversation]
            load[slot.work_class] -= 1
    return replace(agent, held=held, load=load)


def released(agent: Agent, drop: Collection[tuple[ConversationId, int]]) -> Agent:
    """Return the agent without the contacts in `drop`, as `without_slots`, and with the next presence if it is due."""
    return with_due_presence(without_slots(agent, drop))


def aside(agent: Agent, conversation: ConversationId, turn: int) -> Agent:
    """Return the agent with a contact held at `turn` taking no capacity any more, and the next presence if it is due.

    The very agent where there is no such contact, or it takes none already.
    """
    slot = agent.held.get(conversation)
    if slot is None or slot.turn != turn or slot.work_class == PAUSED_CLASS:
        return agent
    paused = replace(slot, work_class=PAUSED_CLASS)
    return with_due_presence(with_slot(without_slots(agent, [(conversation, turn)]), conversation, paused))


def with_due_presence(agent: Agent) -> Agent:
    """Return the agent in the next presence, if there is one and no work is left before it."""
    if agent.next is None or agent.at_work:
        return agent
    return replace(agent, presence=agent.next.presence, reason=agent.next.reason, next=None)


def left_over(agent: Agent, conversation: ConversationId, turn: int) -> tuple[tuple[ConversationId, int], ...]:
    """Return what to drop of a contact that has come to `turn`: the agent's slot of an earlier turn, if there is one.

    Whoever let the contact go died before freeing it. It will never be held at that turn again.
    """
    slot = agent.held.get(conversation)
    return ((conversation, slot.turn),) if slot is not None and slot.turn < turn else ()


def written(old: Agent, new: Agent) -> Agent:
    """Return `new` as it stands in the table once it has replaced `old`."""
    return replace(new, seq=old.seq + 1)


def with_stamps(old: Agent, new: Agent, now_ms: int) -> Agent:
    """Return `new` with a fresh, never used stamp for every class that turned able or whose epoch changed.

    And with the instant at which its presence began, if that is another than before.
    """
    stamps = dict(new.stamps)
    for work_class in able_classes(new):
        if not able(old, work_class) or not stamps.get(work_class) or old.epoch != new.epoch:
            stamps[work_class] = f"{now_ms:013d}.{old.seq + 1:08d}"
    declared = (old.presence, old.reason) == (new.presence, new.reason)
    return replace(new, stamps=stamps, since_ms=new.since_ms if declared else now_ms)

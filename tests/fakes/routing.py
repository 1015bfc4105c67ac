"""Routing in memory."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.fakes.threads import FakeThreads
from throughline.domain.conversations import ContactState, Expected, Head
from throughline.domain.identifiers import AgentId
from throughline.domain.routing import (
    WORK_CLASSES,
    Agent,
    Claim,
    Offer,
    Ready,
    Slot,
    Waiting,
    able,
    with_slot,
)


class FakeRouting:
    """Claims write the live conversations of `threads`, under their lock."""

    def __init__(self, threads: FakeThreads) -> None:
        self._threads = threads
        self._lock = threads.lock
        self.agents: dict[AgentId, Agent] = {}
        self.ready: dict[tuple[str, str], Ready] = {}
        self.waiting: dict[tuple[str, str], Waiting] = {}
        self.directory: set[tuple[str, str]] = set()

    def find_agent(self, agent: AgentId) -> Agent | None:
        with self._lock:
            return self.agents.get(agent)

    def add_agent(self, agent: Agent) -> bool:
        with self._lock:
            if agent.agent_id in self.agents:
                return False
            self.agents[agent.agent_id] = _with_loads(agent)
            return True

    def replace_agent(self, old: Agent, new: Agent) -> bool:
        with self._lock:
            if not self._is_unchanged(old):
                return False
            self._write(old, new)
            return True

    def list_agents(self) -> list[Agent]:
        with self._lock:
            return [self.agents[agent] for agent in sorted(self.agents)]

    def claim(self, offer: Offer) -> tuple[Claim, Agent | None]:
        with self._lock:
            head, agent = self._threads.lives.get(offer.home), self.agents.get(offer.agent_id)
            can = agent is not None and able(agent, offer.work_class) and agent.epoch == offer.epoch
            can = can and agent is not None and offer.conversation not in agent.held
            if agent is None or not can or not _is_queued_for(head, offer):
                return _lost(head, offer), None if can else agent
            slot = Slot(home=offer.home, turn=offer.turn, work_class=offer.work_class)
            self._write(agent, with_slot(agent, offer.conversation, slot))
            self._offer(offer)
            return Claim.WON, None

    def swap(self, old: Agent, new: Agent, offer: Offer) -> Claim:
        with self._lock:
            head = self._threads.lives.get(offer.home)
            if not self._is_unchanged(old) or not _is_queued_for(head, offer):
                return _lost(head, offer)
            self._write(old, new)
            self._offer(offer)
            return Claim.WON

    def take_over(self, old: Agent, new: Agent, taken: Head, changes: Mapping[str, Any]) -> Claim:
        with self._lock:
            head = self._threads.lives.get(taken.home)
            if head is None or (head.conversation, head.turn) != (taken.conversation, taken.turn):
                return Claim.WON if head is not None and head.nonce == changes["nonce"] else Claim.CONTACT_GONE
            if not self._is_unchanged(old):
                return Claim.AGENT_UNABLE
            expected = Expected(conversation=taken.conversation, turn=taken.turn, states=())
            assert self._threads.transition(taken.home, expected, changes).won
            self._write(old, new)
            return Claim.WON

    def put_ready(self, ready: Ready) -> None:
        with self._lock:
            self.ready[_ready_key(ready)] = ready

    def delete_ready(self, ready: Ready) -> None:
        with self._lock:
            self.ready.pop(_ready_key(ready), None)

    def list_ready(self, work_class: str, *, limit: int, strong: bool) -> list[Ready]:
        del strong
        with self._lock:
            keys = sorted(key for key in self.ready if key[0] == work_class)
            return [self.ready[key] for key in keys[:limit]]

    def put_waiting(self, waiting: Waiting) -> None:
        with self._lock:
            self.waiting[_waiting_key(waiting)] = waiting

    def delete_waiting(self, waiting: Waiting) -> None:
        with self._lock:
            self.waiting.pop(_waiting_key(waiting), None)

    def list_waiting(self, work_class: str, requirement: str, *, limit: int, strong: bool) -> list[Waiting]:
        del strong
        with self._lock:
            keys = sorted(key for key in self.waiting if key[0] == f"{work_class}#{requirement}")
            return [self.waiting[key] for key in keys[:limit]]

    def add_requirement(self, work_class: str, requirement: str) -> bool:
        with self._lock:
            unknown = (work_class, requirement) not in self.directory
            self.directory.add((work_class, requirement))
            return unknown

    def list_requirements(self, work_class: str) -> list[str]:
        with self._lock:
            return sorted(requirement for its_class, requirement in self.directory if its_class == work_class)

    def _is_unchanged(self, old: Agent) -> bool:
        standing = self.agents.get(old.agent_id)
        return standing is not None and standing.seq == old.seq

    def _write(self, old: Agent, new: Agent) -> None:
        self.agents[old.agent_id] = replace(_with_loads(new), seq=old.seq + 1)

    def _offer(self, offer: Offer) -> None:
        self._threads.lives[offer.home] = replace(
            self._threads.lives[offer.home],
            state=ContactState.OFFERED,
            holder=offer.agent_id,
            epoch=offer.epoch,
            turn=offer.turn,
            deadline_ms=offer.deadline_ms,
            nonce=offer.nonce,
            sockets=offer.sockets,
        )


def _with_loads(agent: Agent) -> Agent:
    return replace(agent, load=dict.fromkeys((*WORK_CLASSES, *agent.capacity), 0) | dict(agent.load))


def _is_queued_for(head: Head | None, offer: Offer) -> bool:
    return (
        head is not None
        and (head.conversation, head.turn, head.state) == (offer.conversation, offer.turn - 1, ContactState.QUEUED)
        and offer.agent_id not in head.excluded
    )


def _lost(head: Head | None, offer: Offer) -> Claim:
    if _is_queued_for(head, offer):
        return Claim.AGENT_UNABLE
    return Claim.WON if head is not None and head.nonce == offer.nonce else Claim.CONTACT_GONE


def _ready_key(ready: Ready) -> tuple[str, str]:
    return ready.work_class, f"{ready.stamp}#{ready.agent_id}"


def _waiting_key(waiting: Waiting) -> tuple[str, str]:
    order = f"{waiting.score:013d}#{waiting.home}#{waiting.conversation}#{waiting.turn:06d}"
    return f"{waiting.work_class}#{waiting.requirement}", order

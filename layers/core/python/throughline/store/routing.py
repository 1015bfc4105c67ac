"""The routing table: agents, and the hints by which contacts and agents meet. R-numbers: docs/data-model.md."""

from collections.abc import Callable, Mapping
from typing import Any

from throughline.domain.conversations import Expected, Head
from throughline.domain.identifiers import AgentId, digest
from throughline.domain.routing import Agent, Claim, Offer, Ready, Waiting
from throughline.store._agents import AGENT, agent_from, agent_item, agent_key, claimed, replaced
from throughline.store._directory import Directory
from throughline.store._expressions import ABSENT
from throughline.store._head_writes import changed, offered
from throughline.store._heads import LIVE
from throughline.store._hints import (
    ready_from,
    ready_item,
    ready_key,
    ready_partition,
    waiting_from,
    waiting_item,
    waiting_key,
    waiting_partition,
)
from throughline.store._table import Part, Table

_ROSTER = "agents"


class DynamoRouting:
    """Routing in DynamoDB. A claim also writes the live conversation, so it needs the threads table."""

    def __init__(self, routing: Table, threads: Table, *, clock: Callable[[], int]) -> None:
        self._routing = routing
        self._threads = threads
        self._directory = Directory(routing, clock)

    # ------------------------------------------------------------ agents

    def find_agent(self, agent: AgentId) -> Agent | None:
        """R1. Return the agent. One GetItem, strong: 1 RRU."""
        item = self._routing.get(agent_key(agent), AGENT)
        return agent_from(item) if item else None

    def add_agent(self, agent: Agent) -> bool:
        """R2. Create the agent unless there is one of that id. Two PutItems, the roster's first: 2 WRU."""
        self._routing.put({"pk": _ROSTER, "sk": agent.agent_id})
        return self._routing.put(agent_item(agent), ABSENT) is None

    def replace_agent(self, old: Agent, new: Agent) -> bool:
        """R3. Write `new` if nobody has written since `old` was read; its `seq` becomes that of `old` plus one.

        One PutItem: 1 WRU. False after a lost reply of its own, too: read again and go on from there.
        """
        return self._routing.put(*replaced(old, new)) is None

    def list_agents(self) -> list[Agent]:
        """R4. Return every agent. For people's eyes, not for routing.

        One Query and a BatchGetItem for a hundred agents, eventually consistent: .5 RRU an agent.
        """
        roster = self._routing.query(_ROSTER, strong=False)
        items = self._routing.get_all([(agent_key(row["sk"]), AGENT) for row in roster])
        return sorted((agent_from(item) for item in items), key=lambda agent: agent.agent_id)

    # ------------------------------------------------------------ claims

    def claim(self, offer: Offer) -> tuple[Claim, Agent | None]:
        """R5. Offer a queued contact to an agent in one transaction of two conditional updates.

        One TransactWriteItems: 4 WRU, also when it is lost. A repetition after a lost reply is recognised by the nonce
        and counts as won. The agent is what stood there when it was unable.

        Raises:
            StoreUnavailableError: the transaction conflicted for too long; give the event back.
        """
        part = self._routing.part(agent_key(offer.agent_id), AGENT, *claimed(offer))
        return self._transact(offer, part)

    def swap(self, old: Agent, new: Agent, offer: Offer) -> Claim:
        """R6. As `claim`, with the agent computed: `new` replaces `old` if nobody has written since.

        One TransactWriteItems: 4 WRU, also when it is lost.
        """
        result, _ = self._transact(offer, self._routing.put_part(*replaced(old, new)))
        return result

    def take_over(self, old: Agent, new: Agent, taken: Head, changes: Mapping[str, Any]) -> Claim:
        """R15. Give a contact at its turn, in whatever state, to an agent by hand: `changes` of the conversation.

        `changes` has a `nonce`, as a claim has. One TransactWriteItems: 4 WRU, also when it is lost.
        """
        expected = Expected(conversation=taken.conversation, turn=taken.turn, states=())
        heads_part = self._threads.part(taken.home, LIVE, *changed(expected, changes))
        agents_part = self._routing.put_part(*replaced(old, new))
        token = digest(taken.conversation, str(taken.turn), old.agent_id, changes["nonce"])
        return self._decide(token, heads_part, agents_part, nonce=changes["nonce"])[0]

    def _transact(self, offer: Offer, agents_part: Part) -> tuple[Claim, Agent | None]:
        heads_part = self._threads.part(offer.home, LIVE, *offered(offer))
        token = digest(offer.conversation, str(offer.turn), offer.agent_id, offer.nonce)
        return self._decide(token, heads_part, agents_part, nonce=offer.nonce)

    def _decide(self, token: str, heads_part: Part, agents_part: Part, *, nonce: str) -> tuple[Claim, Agent | None]:
        refused = self._routing.transact(token, [heads_part, agents_part])
        if not refused:
            return Claim.WON, None
        head, agent = refused
        if head is not None and head.get("nonce") == nonce:
            return Claim.WON, None
        result = Claim.AGENT_UNABLE if head is None else Claim.CONTACT_GONE
        return result, agent_from(agent) if agent else None

    # ------------------------------------------------------------ hints

    def put_ready(self, ready: Ready) -> None:
        """R7. Put the hint that an agent is able. One PutItem: 1 WRU."""
        self._routing.put(ready_item(ready))

    def delete_ready(self, ready: Ready) -> None:
        """R8. Take such a hint away. Only when it is no longer true: it never becomes true again.

        One DeleteItem: 1 WRU.
        """
        self._routing.delete(*ready_key(ready))

    def list_ready(self, work_class: str, *, limit: int, strong: bool) -> list[Ready]:
        """R9. Return the agents who were able, longest first.

        One Query for a megabyte: 1 RRU for some thirty agents if strong, else .5.
        """
        items = self._routing.query(ready_partition(work_class), limit=limit, strong=strong)
        return [ready_from(item) for item in items]

    def put_waiting(self, waiting: Waiting) -> None:
        """R10. Put the hint that a contact is queued. One PutItem: 1 WRU."""
        self._routing.put(waiting_item(waiting))

    def delete_waiting(self, waiting: Waiting) -> None:
        """R11. Take such a hint away. Only when it is no longer true: it never becomes true again.

        One DeleteItem: 1 WRU.
        """
        self._routing.delete(*waiting_key(waiting))

    def list_waiting(self, work_class: str, requirement: str, *, limit: int, strong: bool) -> list[Waiting]:
        """R12. Return the contacts of one requirement that were queued, oldest first.

        One Query: 1 RRU if strong, else .5, for up to some ten contacts.
        """
        items = self._routing.query(waiting_partition(work_class, requirement), limit=limit, strong=strong)
        return [waiting_from(item) for item in items]

    # ------------------------------------------------------------ the directory

    def add_requirement(self, work_class: str, requirement: str) -> bool:
        """R13. Let agents find contacts of this requirement, before its first use; return whether it was unknown.

        One PutItem: 1 WRU the first time in a process, then nothing. What was added in the last quarter of a minute
        still counts as unknown: the one who added it may have died before acting on it.
        """
        return self._directory.add(work_class, requirement)

    def list_requirements(self, work_class: str) -> list[str]:
        """R14. Return every requirement that was ever used; up to ten seconds old, never older than an own addition.

        At most one Query in ten seconds, strong: 1 RRU for every 4 KB.
        """
        return self._directory.names(work_class)

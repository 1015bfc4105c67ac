"""The agents at work: they accept whatever they are offered, and let go of what nobody here asked for."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from infra.local.agent_client import AgentClient, Frame, RefusedFrameError, StayedAwayError
from tests.chaos.provider.site import Site

OFFER_S = 90.0
QUIET_S = 40.0
LOOK_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A conversation that an agent has accepted."""

    agent: AgentClient
    conversation: str
    customer: str
    disposition: str | None

    async def close(self) -> None:
        """Let it go."""
        await self.agent.send("conversation.close", conversation=self.conversation, disposition=self.disposition)


class Floor:
    """Everybody at work. A conversation is known by the first word of the message that opened it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._agents: list[AgentClient] = []
        self._working: list[asyncio.Task[None]] = []
        self._accepting: set[asyncio.Task[None]] = set()
        self._asked: dict[str, asyncio.Future[Held]] = {}
        self._dispositions: dict[str, str] = {}
        self.opened: dict[str, set[str]] = {}

    async def __aenter__(self) -> Self:
        queues = self._site.client.get("/queues", self._site.token(self._site.agents[0])).json()["queues"]
        self._dispositions = {queue["queue"]: queue["dispositions"][0] for queue in queues if queue["dispositions"]}
        for name in self._site.agents:
            agent = await self._site.sign_in(name)
            snapshot = await agent.send("hello", resume={})
            await agent.send("presence.set", presence="available")
            self._agents.append(agent)
            self._working.append(asyncio.create_task(self._work(agent, snapshot["offers"])))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for agent in self._agents:
            with contextlib.suppress(RefusedFrameError, StayedAwayError):
                await agent.send("presence.set", presence="offline")
            await agent.close()
        for task in (*self._working, *self._accepting):
            task.cancel()

    def ask(self, mark: str) -> "asyncio.Future[Held]":
        """Return what will be known once somebody has accepted the conversation that `mark` opened."""
        return self._asked.setdefault(mark, asyncio.get_running_loop().create_future())

    async def waits_for_nobody(self) -> None:
        """Return once no contact waits and no offer is being answered any more.

        Raises:
            StayedAwayError: that does not come.
        """
        token = self._site.token(self._site.agents[0])
        deadline = time.monotonic() + QUIET_S
        while time.monotonic() < deadline:
            answer = await asyncio.to_thread(self._site.client.get, "/queues", token)
            if not self._accepting and not any(_waiting(queue) for queue in answer.json()["queues"]):
                return
            await asyncio.sleep(LOOK_S)
        raise StayedAwayError("contacts wait, and everybody is free")

    async def _work(self, agent: AgentClient, waiting: list[Frame]) -> None:
        for offer in waiting:
            self._begin(agent, offer)
        seen = 0
        while agent.is_open:
            for frame in agent.frames[seen:]:
                seen += 1
                if frame["event"] == "offer":
                    self._begin(agent, frame)
            await agent.changed(seen)

    def _begin(self, agent: AgentClient, offer: Frame) -> None:
        task = asyncio.create_task(self._accept(agent, offer))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)

    async def _accept(self, agent: AgentClient, offer: Frame) -> None:
        self._site.tally.offers += 1
        mark = (offer["preview"] or "").partition(" ")[0]
        held = Held(
            agent=agent,
            conversation=offer["conversation"],
            customer=offer["customer"]["id"],
            disposition=self._dispositions.get(offer["queue"]),
        )
        if mark in self._asked:
            self.opened.setdefault(mark, set()).add(held.conversation)
        try:
            await agent.send("offer.accept", offer=offer["offer"])
            if mark not in self._asked:
                await held.close()
        except (RefusedFrameError, StayedAwayError):
            return  # it was over before we got there
        if mark in self._asked and not self._asked[mark].done():
            self._asked[mark].set_result(held)


def _waiting(queue: Frame) -> int:
    return int(queue["waiting"])

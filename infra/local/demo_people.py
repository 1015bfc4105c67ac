"""Who takes part in the demo, what they do, and what is held against it."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from infra.local.agent_client import AgentClient, Frame
from infra.local.centre import Account, Centre
from infra.local.client import StackClient
from infra.local.webhooks import Webhook

AGENTS = ("ana", "budi", "sara")
SUPERVISOR = "omar"
PATIENCE_S = 60.0


class MissingError(Exception):
    """Something of the story did not happen, so what follows cannot either."""


@dataclass(slots=True)
class Story:
    """What happened, line by line, and what did not."""

    missing: list[str] = field(default_factory=list)

    def chapter(self, title: str) -> None:
        """Begin a part."""
        print(f"\n{title}", flush=True)

    def tell(self, line: str) -> None:
        """Say what happened."""
        print(f"    {line}", flush=True)

    def check(self, what: str, *, holds: bool) -> None:
        """Say that something holds, or remember that it is missing."""
        print(f"  {'✓' if holds else '✗'} {what}", flush=True)
        if not holds:
            self.missing.append(what)

    def require(self, what: str, *, holds: bool) -> None:
        """As `check`; without it the story cannot go on."""
        self.check(what, holds=holds)
        if not holds:
            raise MissingError(what)


@dataclass(slots=True)
class Demo:
    """The people and the stack of the story."""

    story: Story
    stack: StackClient
    centre: Centre
    agents: dict[str, AgentClient] = field(default_factory=dict)

    # ------------------------------------------------------------ the outside world

    async def post(self, account: Account, webhook: Webhook, what: str) -> None:
        """Let a provider post a webhook, and see it accepted."""
        answer = await asyncio.to_thread(self.stack.post_webhook, account, webhook)
        self.story.require(f"{what} → {answer.status}", holds=answer.status == HTTPStatus.OK)

    async def refused(self, account: Account, webhook: Webhook) -> None:
        """Post a webhook that nobody signed, and one signed with another secret."""
        plain = {"Content-Type": webhook.content_type}
        forged = plain | {_PROOFS[account.channel]: "forged"}
        for what, headers in (
            ("with a wrong signature", forged),
            ("without one", plain),
        ):
            answer = await asyncio.to_thread(self.stack.post_webhook, account, webhook, headers)
            refused = answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
            self.story.check(f"its webhook {what} → {answer.status} {answer.body.decode()}", holds=refused)

    async def sent_to(self, channel: str, number: str, text: str) -> dict[str, Any]:
        """Return the request by which a provider was asked to deliver `text`, once it is there."""

        def is_it(request: Any) -> bool:
            message = request.get("message") or {}
            return message.get("to", "").lstrip("+") == number.lstrip("+") and message.get("text") == text

        sent = await self.until(lambda: [item for item in self.stack.sent(channel) if is_it(item)])
        self.story.require(f"{channel} was asked to deliver “{text}”", holds=bool(sent))
        self.story.tell(f"{sent[0]['method']} {sent[0]['url']} → {sent[0]['status']}, id {sent[0]['message']['id']}")
        self.story.check("exactly once", holds=len(sent) == 1)
        found: dict[str, Any] = sent[0]
        return found

    # ------------------------------------------------------------ agents

    async def connect(self, exits: AsyncExitStack) -> None:
        """Let the agents open their screens and want work."""
        for name in AGENTS:
            token = await asyncio.to_thread(self.stack.token, name)
            agent = await exits.enter_async_context(await AgentClient.open(self.stack.url, name, token))
            snapshot = await agent.send("hello", resume={})
            await agent.send("presence.set", presence="available")
            self.agents[name] = agent
            held = len(snapshot["conversations"])
            self.story.tell(f"{name} is connected and available ({held} conversations from before)")

    async def offered(self, since: dict[str, int], names: tuple[str, ...] = AGENTS) -> tuple[AgentClient, Frame]:
        """Return who of `names` is offered something, and the offer."""
        waits = [
            asyncio.create_task(self.agents[name].wait_for_event("offer", since=since[name]), name=name)
            for name in names
        ]
        done, waiting = await asyncio.wait(waits, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        offers = [(self.agents[task.get_name()], task.result()) for task in done if task.exception() is None]
        self.story.require(f"an offer reaches {' or '.join(names)}", holds=bool(offers))
        agent, offer = offers[0]
        who = offer["customer"]["name"] or "somebody"
        asked = f"{offer['channel']}, needs {offer['requirement'] or 'nobody special'}"
        self.story.tell(f"{agent.name} is offered “{offer['preview']}” from {who} ({asked})")
        return agent, offer

    def marks(self) -> dict[str, int]:
        """Return how many frames each agent has seen: what comes later is new."""
        return {name: len(agent.frames) for name, agent in self.agents.items()}

    async def accept(self, agent: AgentClient, offer: Frame) -> None:
        """Let an agent take an offer."""
        await agent.send("offer.accept", offer=offer["offer"])
        self.story.check(f"{agent.name} accepts", holds=True)

    async def answer(self, agent: AgentClient, offer: Frame, account: Account, number: str, text: str) -> str:
        """Let an agent reply; return the id of the entry, once the provider has it and said what became of it."""
        since = len(agent.frames)
        answer = await agent.send(
            "message.send", conversation=offer["conversation"], message_id=f"demo-{secrets.token_hex(8)}", text=text
        )
        entry = str(answer["entry"]["id"])
        await self.sent_to(account.channel, number, text)
        for status in _STATUSES[account.channel]:
            frame = await agent.wait_for_event("message.status", since=since, entry=entry, status=status)
            self.story.check(f"{agent.name} sees that it was {frame['status']}", holds=True)
        return entry

    # ------------------------------------------------------------ what stands in the thread

    async def thread(self, agent: AgentClient, customer: str) -> list[Any]:
        """Return a customer's entries as the REST API hands them to an agent."""
        token = await asyncio.to_thread(self.stack.token, agent.name)
        answer = await asyncio.to_thread(self.stack.get, f"/threads/{customer}", token)
        self.story.require(f"GET /threads/{customer} → {answer.status}", holds=answer.status == HTTPStatus.OK)
        return list(answer.json()["entries"])

    async def check_thread(self, agent: AgentClient, customer: str, expected: list[tuple[str, str, str]]) -> list[Any]:
        """Hold the thread against what was said: (direction, channel, text), in order; return its entries."""
        entries = await self.thread(agent, customer)
        said = [(entry["direction"], entry["channel"], entry.get("text", "")) for entry in entries]
        for direction, channel, text in said:
            self.story.tell(f"{'→' if direction == 'outbound' else '←'} {channel}: {text}")
        self.story.check(f"the thread has these {len(expected)} entries and no other", holds=said == expected)
        statuses = [entry.get("status") for entry in entries if entry["direction"] == "outbound"]
        final = {statuses_of[-1] for statuses_of in _STATUSES.values()}
        self.story.check(f"every reply has its outcome: {', '.join(statuses)}", holds=set(statuses) <= final)
        return entries

    async def close(self, agent: AgentClient, offer: Frame) -> None:
        """Let an agent end a conversation, and see it closed."""
        await agent.send("conversation.wrap_up", conversation=offer["conversation"])
        await agent.send("conversation.close", conversation=offer["conversation"], disposition="solved")
        token = await asyncio.to_thread(self.stack.token, SUPERVISOR, "supervisor")
        path = f"/conversations/{offer['conversation']}"
        view = (await asyncio.to_thread(self.stack.get, path, token)).json()
        states = [change["state"] for change in view["changes"]]
        self.story.tell(f"its contact was {', '.join(states)}")
        closed = view["disposition"] == "solved" and view["holder"] is None
        self.story.check(f"{agent.name} closes it as solved: {view['state']}", holds=closed)

    async def until(self, look: Callable[[], list[Any]]) -> list[Any]:
        """Look again and again until something is there, or patience is over."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while not (found := await asyncio.to_thread(look)) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # it stands in another process: there is nothing to wait on
        return found


_PROOFS = {
    "telegram": "X-Telegram-Bot-Api-Secret-Token",
    "twilio_sms": "X-Twilio-Signature",
    "whatsapp": "X-Hub-Signature-256",
}
# What an agent hears of a reply; Telegram tells no more than that it took it.
_STATUSES = {
    "telegram": ["sent"],
    "twilio_sms": ["sent", "delivered"],
    "whatsapp": ["sent", "delivered", "read"],
}

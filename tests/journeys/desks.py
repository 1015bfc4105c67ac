"""Agents at their desks, and customers who write to them, on a running stack."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from infra.local.agent_client import AgentClient, Frame
from infra.local.centre import Account, read_centre
from infra.local.client import StackClient
from infra.local.webhooks import Sender, Webhook, text_webhook

PATIENCE_S = 90.0
CENTRE = read_centre()
_NUMBERS = itertools.count(10**9 + secrets.randbelow(10**9))


@asynccontextmanager
async def at_work(stack: StackClient, *names: str) -> AsyncIterator[list[AgentClient]]:
    """Yield agents who are connected and available; they sign off afterwards."""
    async with AsyncExitStack() as exits:
        agents = [await exits.enter_async_context(await sign_in(stack, name)) for name in names]
        yield agents
        for agent in agents:
            if agent.is_open:
                await agent.send("presence.set", presence="offline")


async def sign_in(stack: StackClient, name: str) -> AgentClient:
    """Return an agent who is connected and available."""
    token = await asyncio.to_thread(stack.token, name)
    agent = await AgentClient.open(stack.url, name, token)
    await agent.send("hello", resume={})
    await agent.send("presence.set", presence="available")
    return agent


def account(channel: str) -> Account:
    """Return the demo's account of a channel."""
    return CENTRE.account(channel)


def telegram_customer() -> Sender:
    """Return somebody who never wrote before."""
    return Sender(number=str(next(_NUMBERS)), name="Noor")


def phone_customer() -> Sender:
    """Return somebody with a phone who never wrote before."""
    return Sender(number=f"+1415{2_000_000 + secrets.randbelow(7_000_000)}", name="Noor")


async def write(stack: StackClient, channel: str, sender: Sender, text: str) -> Webhook:
    """Let a customer write; return the webhook that was posted and accepted."""
    webhook = text_webhook(account(channel), sender, text)
    answer = await asyncio.to_thread(stack.post_webhook, account(channel), webhook)
    assert answer.status == 200, answer
    return webhook


async def take(agent: AgentClient, text: str, since: int = 0) -> Frame:
    """Let an agent accept the offer that begins with `text`."""
    offer = await agent.wait_for(
        f"the offer of {text!r}",
        lambda frame: frame.get("event") == "offer" and frame["preview"] == text,
        since=since,
        patience_s=PATIENCE_S,
    )
    await agent.send("offer.accept", offer=offer["offer"])
    return offer


async def reply(agent: AgentClient, offer: Frame, text: str, **fields: Any) -> str:
    """Let an agent answer; return the id of the entry."""
    message_id = secrets.token_hex(8)
    answer = await agent.send(
        "message.send", conversation=offer["conversation"], message_id=message_id, text=text, **fields
    )
    return str(answer["entry"]["id"])


async def close(agent: AgentClient, offer: Frame) -> None:
    """Let an agent end a conversation."""
    await agent.send("conversation.close", conversation=offer["conversation"], disposition="solved")


async def entries(stack: StackClient, agent: str, customer: str) -> list[Any]:
    """Return a customer's thread as the agent may read it."""
    token = await asyncio.to_thread(stack.token, agent)
    answer = await asyncio.to_thread(stack.get, f"/threads/{customer}?limit=100", token)
    assert answer.status == 200, answer
    return list(answer.json()["entries"])


async def sent(stack: StackClient, channel: str, sender: Sender) -> list[Any]:
    """Return what the provider was asked to send to a customer."""
    number = sender.number.lstrip("+")
    records = await asyncio.to_thread(stack.sent, channel)
    return [item for item in records if (item.get("message") or {}).get("to", "").lstrip("+") == number]


async def until(look: Callable[[], Any], what: str) -> Any:
    """Return what `look` finds as soon as it finds something."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not (found := await look()):
        assert asyncio.get_running_loop().time() < deadline, f"waited for {what}"
        await asyncio.sleep(0.1)
    return found

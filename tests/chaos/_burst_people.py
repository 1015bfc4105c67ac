"""Providers that post what customers write, and agents who work it off."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Any

from urllib3.exceptions import HTTPError

from infra.local.agent_client import AgentClient, Frame, RefusedFrameError, StayedAwayError
from infra.local.centre import Account
from infra.local.client import Answer, StackClient
from infra.local.webhooks import Sender, Webhook, text_webhook
from tests.journeys.desks import sign_in
from throughline.channels import WEBHOOK_CHANNELS

ATTEMPTS = 30
PASSING = (
    "internal",
    "store_unavailable",
    "conflict",
)  # close looks again: its own reply may just be raising the version


class Providers:
    """Post webhooks as the providers do: they repeat what was refused, if they ever do, after the time they are told.

    `taken` has every text that was answered 2xx, `refused` how often each channel was answered 429, and `broken` what
    no provider should meet.
    """

    def __init__(self, stack: StackClient, pool: Executor) -> None:
        self.taken: set[str] = set()
        self.refused: Counter[str] = Counter()
        self.posts = 0
        self.broken: list[str] = []
        self._stack = stack
        self._pool = pool

    async def deliver(self, account: Account, sender: Sender, *texts: str) -> None:
        """Deliver one sender's messages, each when the one before it was taken."""
        for text in texts:
            await self._deliver(account, text_webhook(account, sender, text), text)

    async def _deliver(self, account: Account, webhook: Webhook, text: str) -> None:
        repeats = WEBHOOK_CHANNELS[account.channel].retries_refused_webhooks
        for _ in range(ATTEMPTS if repeats else 1):
            answer = await self._post(account, webhook)
            if answer is not None and answer.status == HTTPStatus.OK:
                self.taken.add(text)
                return
            await asyncio.sleep(self._patience_s(account, answer))
        self.broken.append(f"{text!r} on {account.channel} was never taken")

    async def _post(self, account: Account, webhook: Webhook) -> Answer | None:
        self.posts += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, self._stack.post_webhook, account, webhook
            )
        except HTTPError:
            return None

    def _patience_s(self, account: Account, answer: Answer | None) -> int:
        if answer is None or answer.status != HTTPStatus.TOO_MANY_REQUESTS:
            return 1
        self.refused[f"{account.channel}/{account.name}"] += 1
        return int(answer.headers["retry-after"])


class Desk:
    """An agent who accepts whatever is offered, answers it once, and closes it."""

    def __init__(self, agent: AgentClient) -> None:
        self.answered: list[str] = []
        self.broken: list[str] = []
        self._agent = agent
        self._working = asyncio.create_task(self._work())
        self._serving: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Finish what is begun."""
        await asyncio.gather(*self._serving)
        self._working.cancel()
        await asyncio.gather(self._working, return_exceptions=True)

    async def _work(self) -> None:
        seen = 0
        while self._agent.is_open:
            await self._agent.changed(seen)
            news = self._agent.frames[seen:]
            seen += len(news)
            for frame in news:
                if frame.get("event") == "offer":  # the gateway's own frames have none
                    task = asyncio.create_task(self._serve(frame))
                    self._serving.add(task)
                    task.add_done_callback(self._serving.discard)

    async def _serve(self, offer: Frame) -> None:
        try:
            await self._insist("offer.accept", offer=offer["offer"])
            message_id, text = secrets.token_hex(8), f"answer {secrets.token_hex(8)}"
            conversation = offer["conversation"]
            await self._insist("message.send", conversation=conversation, message_id=message_id, text=text)
            self.answered.append(text)
            await self._insist("conversation.close", conversation=conversation, disposition="solved")
        except (RefusedFrameError, StayedAwayError) as problem:
            self.broken.append(f"{self._agent.name} could not serve {offer['preview']!r}: {problem}")

    async def _insist(self, action: str, **fields: Any) -> Frame:
        for _ in range(ATTEMPTS):
            try:
                return await self._agent.send(action, **fields)
            except StayedAwayError:
                if not self._agent.is_open:
                    raise
            except RefusedFrameError as refusal:
                if not str(refusal).startswith(PASSING):
                    raise
            await asyncio.sleep(0.5)
        raise StayedAwayError(action)


@asynccontextmanager
async def staffed(stack: StackClient, names: Sequence[str]) -> AsyncIterator[list[Desk]]:
    """Yield the desks of agents who are connected and available."""
    async with AsyncExitStack() as exits:
        desks = [Desk(await exits.enter_async_context(await sign_in(stack, name))) for name in names]
        yield desks
        for desk in desks:
            await desk.stop()

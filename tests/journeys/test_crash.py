"""`kill -9` under work: nothing acknowledged is lost or doubled, and after a restart work goes on by itself."""

import asyncio
import contextlib
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

from urllib3.exceptions import HTTPError
from websockets.exceptions import ConnectionClosed

from infra.local.agent_client import AgentClient, Frame, RefusedFrameError, StayedAwayError
from infra.local.client import StackClient
from infra.local.stack_process import StackProcess
from infra.local.webhooks import Sender, text_webhook
from tests.journeys.desks import (
    PATIENCE_S,
    account,
    close,
    entries,
    reply,
    sent,
    sign_in,
    take,
    telegram_customer,
    until,
    write,
)

CUSTOMERS = 12
KILL_AFTER = 5
# A batch in hand when the process dies is given out again when its time is over: not half a minute in a test.
QUICK = {"QUEUE_VISIBILITY_S": "4", "RECEIPTS_PACE_MS": "50", "FUNCTIONS_LOG": "-"}


def test_what_was_acknowledged_before_a_crash_is_worked_off_after_it(tmp_path: Path) -> None:
    customers = [telegram_customer() for _ in range(CUSTOMERS)]
    with StackProcess(tmp_path, QUICK) as first:
        acknowledged, replies = asyncio.run(_until_the_kill(first, customers))
        files_from = (tmp_path / "engine.port").read_text()
    assert len(acknowledged) >= KILL_AFTER
    with StackProcess(tmp_path, QUICK) as second:
        asyncio.run(_after_the_restart(second.client(), customers, acknowledged, replies))
        assert (tmp_path / "engine.port").read_text() == files_from  # pages that are open still fetch files there
        assert second.stop() == 0


def test_an_offer_whose_agent_went_down_with_the_stack_goes_to_the_next(tmp_path: Path) -> None:
    async def before() -> None:
        ana = await sign_in(first.client(), "ana")
        await write(first.client(), "telegram", telegram_customer(), "Who answers me?")
        await ana.wait_for_event("offer", preview="Who answers me?")
        first.kill()
        await ana.close()

    async def after() -> None:
        budi = await sign_in(second.client(), "budi")
        await close(budi, await take(budi, "Who answers me?"))
        await budi.close()

    with StackProcess(tmp_path, QUICK) as first:
        asyncio.run(before())
    with StackProcess(tmp_path, QUICK) as second:
        asyncio.run(after())


async def _until_the_kill(process: StackProcess, customers: list[Sender]) -> tuple[set[str], dict[str, str]]:
    """Let everybody write while an agent works; kill in the middle. Return whose webhooks and which replies stand."""
    stack = process.client()
    agent = await sign_in(stack, "ana")
    acknowledged: set[str] = set()
    replies: dict[str, str] = {}

    async def customer_writes(customer: Sender) -> None:
        webhook = text_webhook(account("telegram"), customer, f"I am {customer.number}")
        with contextlib.suppress(HTTPError):
            answer = await asyncio.to_thread(stack.post_webhook, account("telegram"), webhook)
            if answer.status == 200:
                acknowledged.add(customer.number)
        if len(acknowledged) == KILL_AFTER:
            process.kill()

    working = asyncio.create_task(_work_until_killed(agent, replies))
    for customer in customers:
        await customer_writes(customer)
        if process.process.poll() is not None:
            break
    await working
    return acknowledged, replies


async def _work_until_killed(agent: AgentClient, replies: dict[str, str]) -> None:
    """Accept and answer whatever comes; note which replies were acknowledged."""
    seen = 0
    with contextlib.suppress(ConnectionClosed, StayedAwayError, RefusedFrameError):
        while agent.is_open:
            await agent.changed(seen)
            for frame in agent.frames[seen:]:
                seen += 1
                if frame["event"] == "offer":
                    await agent.send("offer.accept", offer=frame["offer"])
                    text = f"Hello {frame['preview']}"
                    replies[await reply(agent, frame, text)] = text


async def _after_the_restart(
    stack: StackClient, customers: list[Sender], acknowledged: set[str], replies: dict[str, str]
) -> None:
    """Providers repeat what was not taken, an agent works everything off: nothing is missing, nothing there twice."""
    for customer in customers:
        if customer.number not in acknowledged:
            await write(stack, "telegram", customer, f"I am {customer.number}")
    ana = await sign_in(stack, "ana")
    met: dict[str, list[str]] = {}
    answered: set[str] = set()
    for _ in customers:
        contact = await _next_contact(ana, met)
        said = await until(
            partial(_settled_thread, stack, contact["customer"]["id"]), "every reply to have its outcome"
        )
        met[contact["conversation"]] = [entry["text"] for entry in said if entry["direction"] == "inbound"]
        answered |= {entry["id"] for entry in said if entry["direction"] == "outbound"}
        await close(ana, contact)
    assert sorted([f"I am {customer.number}"] for customer in customers) == sorted(met.values())
    assert replies.keys() <= answered
    for customer in customers:
        texts = [item["message"]["text"] for item in await sent(stack, "telegram", customer)]
        assert len(texts) == len(set(texts)), texts
    await ana.close()


async def _next_contact(agent: AgentClient, met: Collection[str]) -> Frame:
    """Return a contact the agent holds and has not met yet: one kept over the crash, or a new offer, accepted."""

    def found(frame: Frame) -> Any:
        if frame["event"] == "offer":
            return frame["conversation"] not in met
        return any(held["conversation"] not in met for held in _held(frame))

    frame = await agent.wait_for("somebody new", found, patience_s=PATIENCE_S)
    if frame["event"] == "offer":
        await agent.send("offer.accept", offer=frame["offer"])
        return frame
    return next(held for held in _held(frame) if held["conversation"] not in met)


def _held(frame: Frame) -> list[Frame]:
    return list(frame.get("conversations", ())) if frame["event"] == "snapshot" else []


async def _settled_thread(stack: StackClient, customer: str) -> list[Any]:
    """Return a thread when each reply was sent, or marked as unknown: the crash came between sending and noting it."""
    said = await entries(stack, "ana", customer)
    outcomes = {entry["status"] for entry in said if entry["direction"] == "outbound"}
    return said if outcomes <= {"sent", "unknown"} else []

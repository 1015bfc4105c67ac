"""A visitor on a web site, an agent at a desk, and a whole stack between them: real sockets, real workers."""

import asyncio
import secrets
import time
import uuid
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from websockets.exceptions import InvalidStatus

from infra.local.agent_client import AgentClient, RefusedFrameError
from infra.local.client import StackClient
from tests.journeys.desks import account, at_work, close, entries, reply, take, until

ACCOUNT = account("webchat")
PAGE = "/webchat/demo"


async def sign_in(stack: StackClient, **told: Any) -> Any:
    """Return what the stack answers to a page that asks for a visitor's token."""
    headers = {"Origin": stack.public_url}
    answer = await asyncio.to_thread(stack.request, "POST", f"{PAGE}/visitors", told, headers=headers)
    assert answer.status == 200, answer
    return answer.json()


async def visit(stack: StackClient, **told: Any) -> tuple[AgentClient, Mapping[str, Any], Mapping[str, Any]]:
    """Return a visitor's open tab, what their page was answered, and the snapshot."""
    answer = await sign_in(stack, **told)
    assert answer["socket"] == stack.url.replace("http", "ws", 1) + "/socket"
    tab = await AgentClient.open(stack.url, "visitor", answer["token"])
    return tab, answer, await tab.send("hello")


async def say(tab: AgentClient, text: str, **fields: Any) -> str:
    """Write; return the message id."""
    message_id = str(fields.pop("message_id", uuid.uuid4()))
    answer = await tab.send("message.send", message_id=message_id, text=text, **fields)
    assert answer["message_id"] == message_id
    return message_id


async def shown(tab: AgentClient, text: str) -> Any:
    """Return the entry with that text as soon as the tab has it."""
    frame = await tab.wait_for(
        f"the message {text!r}", lambda item: item.get("event") == "message" and item["entry"].get("text") == text
    )
    return frame["entry"]


def test_a_visitor_is_answered_leaves_and_comes_back_to_all_of_it(stack: StackClient) -> None:
    async def journey() -> None:
        question = f"My router is dead {secrets.token_hex(4)}"
        async with at_work(stack, "ana") as (ana,):
            tab, answer, snapshot = await visit(stack, name="Mina", phone="+971505550142")
            assert (snapshot["entries"], snapshot["conversation"]["state"]) == ([], "none")
            message_id = await say(tab, question)
            assert (await shown(tab, question))["message_id"] == message_id

            offer = await take(ana, question)
            assert (offer["channel"], offer["customer"]["name"]) == ("webchat", "Mina")
            await tab.wait_for_event("conversation", state="assigned", agent="Ana")
            await ana.send("typing", conversation=offer["conversation"])
            await tab.wait_for("typing", lambda frame: frame.get("from") == "Ana")
            await tab.send("typing")
            await ana.wait_for("typing", lambda frame: frame.get("from") == "customer")

            entry = await reply(ana, offer, "Is its light on?")
            assert (await shown(tab, "Is its light on?"))["author"] == "Ana"
            await tab.send("received", entries=[entry])
            await ana.wait_for_event("message.status", entry=entry, status="delivered")
            await tab.send("read", entries=[entry])
            await ana.wait_for_event("message.status", entry=entry, status="read")

            await tab.close()
            later = await reply(ana, offer, "Are you still there?")
            await ana.wait_for_event("message.status", entry=later, status="sent")
            back, _, snapshot = await visit(stack, visitor=answer["visitor"])
            texts = [item["text"] for item in snapshot["entries"]]
            assert texts == [question, "Is its light on?", "Are you still there?"]
            assert [item.get("status") for item in snapshot["entries"]] == [None, "read", "sent"]
            await close(ana, offer)
            await back.wait_for_event("conversation", state="ended")
            await back.close()

            card = await asyncio.to_thread(stack.get, _card(offer), await asyncio.to_thread(stack.token, "ana"))
            evidence = {item["identifier"]: item["evidence"] for item in card.json()["identifiers"]}
            assert evidence["tel:+971505550142"] == "claimed"

    asyncio.run(journey())


def _card(offer: Mapping[str, Any]) -> str:
    return f"/customers/{offer['customer']['id']}?conversation={offer['conversation']}"


def test_two_tabs_of_one_visitor_get_all_of_it(stack: StackClient) -> None:
    async def journey() -> None:
        question = f"Two windows {secrets.token_hex(4)}"
        async with at_work(stack, "ana") as (ana,):
            one, answer, _ = await visit(stack)
            two, _, _ = await visit(stack, visitor=answer["visitor"])
            await say(one, question)
            offer = await take(ana, question)
            entry = await reply(ana, offer, "I see one of you.")
            for tab in (one, two):
                await shown(tab, question)
                await shown(tab, "I see one of you.")
            await two.send("read", entries=[entry])
            await one.wait_for_event("message.status", entry=entry, status="read")
            await close(ana, offer)
            await one.close()
            await two.close()

    asyncio.run(journey())


def test_a_message_that_was_sent_again_and_again_is_one_entry(stack: StackClient) -> None:
    async def journey() -> None:
        question = f"Once {secrets.token_hex(4)}"
        async with at_work(stack, "ana") as (ana,):
            tab, answer, _ = await visit(stack)
            message_id = await say(tab, question)
            again, _, _ = await visit(stack, visitor=answer["visitor"])
            for client in (tab, again, tab):
                await say(client, question, message_id=message_id)
            await say(tab, "Something else")
            await shown(tab, "Something else")
            offer = await take(ana, question)

            async def filed() -> Any:
                texts = [item["text"] for item in await entries(stack, "ana", offer["customer"]["id"])]
                return texts if "Something else" in texts else None

            assert await until(filed, "the thread") == [question, "Something else"]
            await close(ana, offer)
            await tab.close()
            await again.close()

    asyncio.run(journey())


def test_a_visitor_acts_as_nobody_else_and_sees_no_other_thread(stack: StackClient) -> None:
    async def journey() -> None:
        question = f"Private {secrets.token_hex(4)}"
        async with at_work(stack, "ana") as (ana,):
            tab, _, _ = await visit(stack)
            await say(tab, question)
            offer = await take(ana, question)
            entry = await reply(ana, offer, "Between us.")
            await shown(tab, "Between us.")

            other, answer, snapshot = await visit(stack)
            assert snapshot["entries"] == []
            for action, fields in {
                "presence.set": {"presence": "available"},
                "note.add": {"conversation": offer["conversation"], "text": "I was here"},
                "conversation.close": {"conversation": offer["conversation"], "disposition": "solved"},
            }.items():
                with pytest.raises(RefusedFrameError, match="forbidden"):
                    await other.send(action, **fields)
            for path in ("/agents", "/queues", f"/threads/{offer['customer']['id']}", f"/attachments/{entry}.0"):
                refused = await asyncio.to_thread(stack.get, path, answer["token"])
                assert refused.status == 403, path
            page = await asyncio.to_thread(stack.get, f"{PAGE}/thread?before={entry}", answer["token"])
            assert page.json() == {"entries": [], "before": None}
            with pytest.raises(InvalidStatus):
                await AgentClient.open(stack.url, "thief", answer["visitor"])
            await close(ana, offer)
            await tab.close()
            await other.close()

    asyncio.run(journey())


def test_whom_the_company_signs_in_has_one_thread_on_two_devices(stack: StackClient) -> None:
    async def journey() -> None:
        question = f"It is me {secrets.token_hex(4)}"
        claims = {"sub": f"u-{secrets.token_hex(4)}", "exp": 4_000_000_000, "name": "Noor"}
        refused = await asyncio.to_thread(
            stack.request, "POST", f"{PAGE}/visitors", {"identity": _signed(claims)}, headers={}
        )
        assert refused.status == 401  # valid for far too long
        claims["exp"] = int(time.time()) + 600
        phone, _, _ = await visit(stack, identity=_signed(claims))
        await say(phone, question)
        await shown(phone, question)
        laptop, _, snapshot = await visit(stack, identity=_signed(claims))
        assert [item["text"] for item in snapshot["entries"]] == [question]
        assert snapshot["visitor"] == {"name": "Noor", "identified": True}
        await phone.close()
        await laptop.close()

    asyncio.run(journey())


def test_a_visitor_who_signs_in_goes_on_with_the_same_agent(stack: StackClient) -> None:
    async def journey() -> None:
        question, answer = f"My router is dead {secrets.token_hex(4)}", f"Which light? {secrets.token_hex(4)}"
        claims = {"sub": f"u-{secrets.token_hex(4)}", "exp": int(time.time()) + 600, "name": "Noor"}
        async with at_work(stack, "ana") as (ana,):
            before, anonymous, _ = await visit(stack, name="Noor")
            await say(before, question)
            offer = await take(ana, question)
            await reply(ana, offer, answer)
            await shown(before, answer)
            after, _, snapshot = await visit(stack, visitor=anonymous["visitor"], identity=_signed(claims))
            assert [item["text"] for item in snapshot["entries"]] == [question, answer]
            await ana.wait_for(
                "who the visitor is",
                lambda item: item.get("event") == "message" and item["entry"]["kind"] == "identity",
            )
            await reply(ana, offer, f"{answer} Again")
            await shown(after, f"{answer} Again")
            with pytest.raises(RefusedFrameError):
                await say(before, "Is this lost?")
            refused = await asyncio.to_thread(
                stack.request,
                "POST",
                f"{PAGE}/visitors",
                {"visitor": anonymous["visitor"]},
                headers={"Origin": stack.public_url},
            )
            assert refused.status == 401
            await close(ana, offer)
            await before.close()
            await after.close()

    asyncio.run(journey())


def _signed(claims: Mapping[str, Any]) -> str:
    return jwt.encode(dict(claims), ACCOUNT.secrets["identity_secret"], "HS256")

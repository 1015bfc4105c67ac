"""Agents and customers on a whole stack: real sockets, real webhooks, providers that do as they like."""

import asyncio
import json
from typing import Any

import pytest
import urllib3
from websockets.exceptions import InvalidStatus

from infra.local.agent_client import AgentClient, RefusedFrameError
from infra.local.client import StackClient
from tests.journeys.desks import (
    account,
    at_work,
    close,
    entries,
    phone_customer,
    reply,
    sent,
    sign_in,
    take,
    telegram_customer,
    until,
    write,
)


@pytest.mark.parametrize("channel", ["telegram", "twilio_sms", "whatsapp"])
def test_a_question_is_answered_on_its_own_channel(stack: StackClient, channel: str) -> None:
    async def journey() -> None:
        customer = telegram_customer() if channel == "telegram" else phone_customer()
        async with at_work(stack, "ana") as (ana,):
            await write(stack, channel, customer, f"Is anybody there on {channel}?")
            offer = await take(ana, f"Is anybody there on {channel}?")
            entry = await reply(ana, offer, "I am.")
            await ana.wait_for_event("message.status", entry=entry, status="sent")
            assert ["I am."] == [item["message"]["text"] for item in await sent(stack, channel, customer)]
            await close(ana, offer)

    asyncio.run(journey())


def test_two_screens_of_one_agent_agree(stack: StackClient) -> None:
    async def journey() -> None:
        customer = telegram_customer()
        async with at_work(stack, "ana") as (first,), await sign_in(stack, "ana") as second:
            await write(stack, "telegram", customer, "Which screen?")
            offer = await take(second, "Which screen?")
            await first.wait_for_event("offer.ended", offer=offer["offer"], reason="accepted")
            entry = await reply(first, offer, "This one.")
            for screen in (first, second):
                await screen.wait_for_event("message.status", entry=entry, status="sent")
            await close(second, offer)
            await first.wait_for_event("conversation", conversation=offer["conversation"], state="resolved")

    asyncio.run(journey())


def test_who_reconnects_has_missed_nothing(stack: StackClient) -> None:
    async def journey() -> None:
        customer = telegram_customer()
        async with at_work(stack, "ana") as (ana,):
            await write(stack, "telegram", customer, "first")
            offer = await take(ana, "first")
            await ana.close()
            for text in ("second", "third"):
                await write(stack, "telegram", customer, text)
            token = await asyncio.to_thread(stack.token, "ana")
            async with await AgentClient.open(stack.url, "ana", token) as again:

                async def missed() -> Any:
                    snapshot = await again.send("hello", resume={offer["conversation"]: 1})
                    held = {item["conversation"]: item for item in snapshot["conversations"]}
                    texts = [entry["text"] for entry in held[offer["conversation"]]["entries"]]
                    return sorted(texts) == ["first", "second", "third"]  # Telegram tells whole seconds

                await until(missed, "everything that was said meanwhile")
                await again.send("presence.set", presence="offline")
                await close(again, offer)

    asyncio.run(journey())


def test_a_picture_is_copied_and_a_file_goes_out(stack: StackClient) -> None:
    async def journey() -> None:
        customer = telegram_customer()
        async with at_work(stack, "ana") as (ana,):
            await write(stack, "telegram", customer, "Send me the form, please")
            offer = await take(ana, "Send me the form, please")
            token = await asyncio.to_thread(stack.token, "ana")
            upload = await asyncio.to_thread(_upload, stack, token, b"%PDF-1.7 a form")
            entry = await reply(ana, offer, "Here it is.", attachments=[upload])
            await ana.wait_for_event("message.status", entry=entry, status="sent")
            request = (await sent(stack, "telegram", customer))[0]
            assert [{"status": 200, "size_bytes": 15}] == request["fetched"]
            await close(ana, offer)

    asyncio.run(journey())


def _upload(stack: StackClient, token: str, content: bytes) -> str:
    wanted = {"content_type": "application/pdf", "size_bytes": len(content), "name": "form.pdf"}
    headers = {"Authorization": f"Bearer {token}"}
    offered = stack.request("POST", "/attachments", wanted, headers=headers).json()
    form = {**offered["upload"]["fields"], "file": ("form.pdf", content, "application/pdf")}
    with urllib3.PoolManager(retries=False) as http:
        answer = http.request("POST", offered["upload"]["url"], fields=form)
    assert answer.status in {200, 201, 204}, answer.data
    return str(offered["id"])


def test_a_receipt_may_overtake_the_providers_answer(stack: StackClient) -> None:
    async def journey() -> None:
        customer = phone_customer()
        async with at_work(stack, "ana") as (ana,):
            await write(stack, "twilio_sms", customer, "Can you hear me?")
            offer = await take(ana, "Can you hear me?")
            await _behave(stack, channel="twilio_sms", delay_s=9.0)
            entry = await reply(ana, offer, "Loud and clear.")
            await ana.wait_for_event("message.status", entry=entry, status="delivered")
            assert 1 == len(await sent(stack, "twilio_sms", customer))
            final = next(item for item in await entries(stack, "ana", offer["customer"]["id"]) if item["id"] == entry)
            assert final["status"] == "delivered"
            await close(ana, offer)

    asyncio.run(journey())


def test_a_reply_whose_outcome_is_unknown_is_marked_and_not_repeated(stack: StackClient) -> None:
    async def journey() -> None:
        customer = telegram_customer()
        async with at_work(stack, "ana") as (ana,):
            await write(stack, "telegram", customer, "Did you get that?")
            offer = await take(ana, "Did you get that?")
            await _behave(stack, channel="telegram", delay_s=20.0)
            entry = await reply(ana, offer, "I did.")
            frame = await ana.wait_for_event("message.status", entry=entry, status="unknown")
            assert frame["reason"]
            await close(ana, offer)
            assert 1 == len(await sent(stack, "telegram", customer))

    asyncio.run(journey())


def test_a_reply_that_the_provider_refuses_for_good_fails_with_a_reason(stack: StackClient) -> None:
    async def journey() -> None:
        customer = telegram_customer()
        async with at_work(stack, "ana") as (ana,):
            await write(stack, "telegram", customer, "Leave me alone")
            offer = await take(ana, "Leave me alone")
            await _behave(stack, channel="telegram", status=403)
            entry = await reply(ana, offer, "Are you sure?")
            frame = await ana.wait_for_event("message.status", entry=entry, status="failed")
            assert "blocked" in frame["reason"]
            await close(ana, offer)

    asyncio.run(journey())


async def _behave(stack: StackClient, **rule: Any) -> None:
    answer = await asyncio.to_thread(stack.request, "POST", "/sandbox/behaviour", rule)
    assert answer.status == 204


def test_a_redelivered_webhook_becomes_no_second_entry(stack: StackClient) -> None:
    async def journey() -> None:
        customer = telegram_customer()
        async with at_work(stack, "ana") as (ana,):
            webhook = await write(stack, "telegram", customer, "Only once")
            offer = await take(ana, "Only once")
            for _ in range(3):
                await asyncio.to_thread(stack.post_webhook, account("telegram"), webhook)
            await write(stack, "telegram", customer, "the end")
            await ana.wait_for("the end", lambda frame: (frame.get("entry") or {}).get("text") == "the end")
            texts = [item["text"] for item in await entries(stack, "ana", offer["customer"]["id"])]
            assert ["Only once", "the end"] == sorted(texts)
            await close(ana, offer)

    asyncio.run(journey())


def test_nobody_touches_a_conversation_that_is_not_theirs(stack: StackClient) -> None:
    async def journey() -> None:
        customer = telegram_customer()
        async with at_work(stack, "ana") as (ana,):
            await write(stack, "telegram", customer, "Just between us")
            offer = await take(ana, "Just between us")
            async with at_work(stack, "budi") as (budi,):
                with pytest.raises(RefusedFrameError, match="forbidden"):
                    await reply(budi, offer, "Hello!")
                token = await asyncio.to_thread(stack.token, "budi")
                answer = await asyncio.to_thread(stack.get, f"/threads/{offer['customer']['id']}", token)
                assert answer.status == 403
            await close(ana, offer)

    asyncio.run(journey())


@pytest.mark.parametrize("token", ["", "no.token.atall", None])
def test_nobody_comes_in_without_a_token_of_ours(stack: StackClient, token: str | None) -> None:
    async def journey() -> None:
        with pytest.raises(InvalidStatus) as refused:
            await AgentClient.open(stack.url, "ana", token or (await _foreign_token()))
        assert refused.value.response.status_code == 401

    if token != "":
        asyncio.run(journey())
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = stack.request("GET", "/agents", headers=headers)
    assert (401, {"error": "unauthenticated"}) == (answer.status, json.loads(answer.body))


async def _foreign_token() -> str:
    import jwt
    from cryptography.hazmat.primitives.asymmetric import ec

    claims = {"iss": "http://localhost/local", "aud": "throughline", "sub": "ana", "exp": 2**31}
    return jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers={"kid": "mine"})


def test_a_supervisor_sees_everybody(stack: StackClient) -> None:
    token = stack.token("omar", "supervisor")
    agents = stack.get("/agents", token).json()["agents"]
    queues = stack.get("/queues", token).json()["queues"]
    assert {"sales", "support"} == {queue["queue"] for queue in queues}
    assert {agent["agent"] for agent in agents} <= {"ana", "budi", "sara", "omar"}

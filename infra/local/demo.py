"""`python -m infra.local.demo`: the main job from end to end, on recorded webhooks, told line by line.

`make demo` runs it. It uses the stack on PORT if one is there, and on ENGINE where that is set; else it starts one of
its own and stops it afterwards. Nothing here shares code with the adapters: webhooks are signed by `signing`, and what
the providers were sent is read from their sandbox. Exit code 1, and what is missing, if anything is.
"""

import asyncio
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path

import urllib3

from infra.local.agent_client import RefusedFrameError, StayedAwayError
from infra.local.centre import read_centre
from infra.local.client import NoStackError, NotSignedInError, StackClient
from infra.local.demo_people import AGENTS, Demo, MissingError, Story
from infra.local.options import centre_file
from infra.local.recorded import renewed
from infra.local.stack_process import StackDidNotStartError, StackProcess

PLAYED = f"{', '.join(AGENTS[:-1])} and {AGENTS[-1]}"


async def telegram_story(demo: Demo) -> None:
    """Answer somebody who writes Indonesian on Telegram."""
    demo.story.chapter("Telegram: somebody writes Indonesian, so it is work for Budi")
    account, number = demo.centre.account("telegram"), str(10**9 + secrets.randbelow(9 * 10**9))
    webhook, since = renewed(account, "text_unescaped", number), demo.marks()
    await demo.refused(account, webhook)
    await demo.post(account, webhook, "Telegram posts the recorded webhook")
    agent, offer = await demo.offered(since, ("budi",))
    await demo.post(account, webhook, "Telegram posts it once more, as providers do")
    await demo.accept(agent, offer)
    reply = "Selamat pagi! Saya cek sekarang."
    await demo.answer(agent, offer, account, number, reply)
    expected = [("inbound", "telegram", offer["preview"]), ("outbound", "telegram", reply)]
    await demo.check_thread(agent, offer["customer"]["id"], expected)
    await demo.close(agent, offer)


async def two_channels_story(demo: Demo) -> None:
    """Follow one customer from SMS to WhatsApp; the first agent rejects, the next one answers."""
    demo.story.chapter("SMS, then WhatsApp: one person, one thread")
    sms, whatsapp = demo.centre.account("twilio_sms"), demo.centre.account("whatsapp")
    number = f"+1415{2_000_000 + secrets.randbelow(7_000_000)}"
    webhook, since = renewed(sms, "sms", number), demo.marks()
    await demo.refused(sms, webhook)
    await demo.post(sms, webhook, "Twilio posts the recorded webhook")
    first, offer = await demo.offered(since)
    await first.send("offer.reject", offer=offer["offer"], reason="lunch")
    demo.story.tell(f"{first.name} rejects it")
    others = tuple(name for name in AGENTS if name != first.name)
    agent, offer = await demo.offered(since, others)
    await demo.accept(agent, offer)
    question = offer["preview"]
    on_sms = "Sorry about that! Let me look."
    await demo.answer(agent, offer, sms, number, on_sms)
    await demo.post(sms, webhook, "Twilio posts the first webhook once more")

    await asyncio.sleep(1.1)  # WhatsApp tells whole seconds: written in the same one, it would stand before the reply
    webhook, seen = renewed(whatsapp, "text", number), len(agent.frames)
    await demo.refused(whatsapp, webhook)
    await demo.post(whatsapp, webhook, "Meta posts a recorded webhook of the same number")
    frame = await agent.wait_for_event("message", since=seen, conversation=offer["conversation"])
    entry = frame["entry"]
    same = entry["channel"] == "whatsapp" and entry["direction"] == "inbound"
    demo.story.check(f"{agent.name} gets it in the same conversation: “{entry['text']}”", holds=same)
    await demo.post(whatsapp, webhook, "Meta posts it once more")
    on_whatsapp = "It left this morning. The link works for me, too."
    await demo.answer(agent, offer, whatsapp, number, on_whatsapp)
    expected = [
        ("inbound", "twilio_sms", question),
        ("outbound", "twilio_sms", on_sms),
        ("inbound", "whatsapp", entry["text"]),
        ("outbound", "whatsapp", on_whatsapp),
    ]
    await demo.check_thread(agent, offer["customer"]["id"], expected)
    await demo.close(agent, offer)


async def picture_story(demo: Demo) -> None:
    """Follow a picture from Telegram into our bucket, for an agent who reads Arabic."""
    demo.story.chapter("A picture, in Arabic, and Telegram has no time just then")
    account, number = demo.centre.account("telegram"), str(10**9 + secrets.randbelow(9 * 10**9))
    since = demo.marks()
    await demo.post(account, renewed(account, "photo_with_caption", number), "Telegram posts a recorded picture")
    agent, offer = await demo.offered(since, ("sara",))
    await demo.accept(agent, offer)
    token = await asyncio.to_thread(demo.stack.token, agent.name)
    files = await demo.until(lambda: _ready_files(demo.stack, token, offer["customer"]["id"]))
    demo.story.require("the picture was copied to our bucket", holds=bool(files))
    answer = await asyncio.to_thread(demo.stack.get, f"/attachments/{files[0]}", token)
    content = await asyncio.to_thread(_fetch, answer.json()["url"])
    demo.story.check(f"{agent.name} can open it: {len(content)} bytes", holds=content.startswith(b"\x89PNG"))
    busy = {"channel": "telegram", "status": 429, "times": 1}
    await asyncio.to_thread(demo.stack.request, "POST", "/sandbox/behaviour", busy)
    reply = "شكرا، سنرسل علبة جديدة."
    await demo.answer(agent, offer, account, number, reply)
    ours = [item for item in demo.stack.sent("telegram") if item["body"].get("chat_id") == number]
    tries = [item["status"] for item in ours if item["body"]["text"] == reply]
    demo.story.check(f"Telegram answered {', '.join(map(str, tries))}", holds=tries == [429, 200])
    await demo.close(agent, offer)


def _ready_files(stack: StackClient, token: str, customer: str) -> list[str]:
    entries = stack.get(f"/threads/{customer}", token).json()["entries"]
    return [file["id"] for entry in entries for file in entry.get("attachments", ()) if file["ready"]]


def _fetch(url: str) -> bytes:
    with urllib3.PoolManager(retries=False) as http:
        return http.request("GET", url).data


async def tell(stack: StackClient, story: Story) -> None:
    """Tell the whole story on a running stack."""
    demo = Demo(story=story, stack=stack, centre=read_centre(centre_file()))
    async with AsyncExitStack() as exits:
        story.chapter("Three agents come to work")
        await demo.connect(exits)
        await telegram_story(demo)
        await two_channels_story(demo)
        await picture_story(demo)
        for agent in demo.agents.values():
            await agent.send("presence.set", presence="offline")


def running_stack(environ: Mapping[str, str]) -> StackClient | None:
    """Return the stack that runs on PORT; None if there is none, or one on another engine than the ENGINE asked for."""
    try:
        client = StackClient.find(environ)
    except NoStackError:
        return None
    return client if environ.get("ENGINE") in {None, "", client.engine} else None


@contextmanager
def _stack(story: Story) -> Iterator[StackClient]:
    """Yield the stack that runs here, or one of our own, whose last lines are shown if something is missing."""
    with ExitStack() as exits:
        client = running_stack(os.environ)
        if client is not None:
            print(
                f"Using the stack at {client.url}: the demo plays {PLAYED} there; real screens of theirs see its offers"
            )
        else:
            state = exits.enter_context(tempfile.TemporaryDirectory(prefix="throughline-demo-"))
            engine = os.environ.get("ENGINE") or "ministack"
            print(f"Starting a stack with {engine}, and stopping it afterwards")
            own = {"PORT": "0", "ENGINE": engine, "FUNCTIONS_LOG": "-"}
            process = exits.enter_context(StackProcess(Path(state), own))
            client = process.client()
            exits.callback(_show_last_lines, process, story)
        yield client


def _show_last_lines(process: StackProcess, story: Story) -> None:
    if story.missing:
        print("\nThe stack's last lines:", *process.log[-20:], sep="\n")


def main() -> int:
    """Run the demo; return the exit code."""
    story = Story()
    try:
        with _stack(story) as stack:
            _tell_all(stack, story)
    except StackDidNotStartError as error:
        story.missing.append(str(error))
    if story.missing:
        print("\nMissing:\n" + "\n".join(f"  ✗ {what}" for what in story.missing))
        return 1
    print("\nEverything was there.")
    return 0


def _tell_all(stack: StackClient, story: Story) -> None:
    try:
        asyncio.run(tell(stack, story))
    except (MissingError, NotSignedInError, StayedAwayError, RefusedFrameError) as error:
        if str(error) not in story.missing:
            story.missing.append(str(error))


if __name__ == "__main__":
    sys.exit(main())

"""`python -m infra.local.demo`: the main job from end to end, on recorded webhooks, told line by line.

`make demo` runs it. It uses the stack on PORT if one is there, else starts one of its own and stops it afterwards.
Nothing here shares code with the adapters: webhooks are signed by `signing`, and what the providers were sent is read
from their sandbox. Exit code 1, and what is missing, if anything is.
"""

import asyncio
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3

from infra.local.agent_client import AgentClient, Frame, RefusedFrameError, StayedAwayError
from infra.local.centre import Account, Centre, read_centre
from infra.local.client import NoStackError, StackClient
from infra.local.options import centre_file
from infra.local.recorded import renewed
from infra.local.stack_process import StackDidNotStartError, StackProcess
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

        sent = await self._until(lambda: [item for item in self.stack.sent(channel) if is_it(item)])
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

    async def _until(self, look: Callable[[], list[Any]]) -> list[Any]:
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
    files = await demo._until(lambda: _ready_files(demo.stack, token, offer["customer"]["id"]))  # noqa: SLF001
    demo.story.require("the picture was copied to our bucket", holds=bool(files))
    answer = await asyncio.to_thread(demo.stack.get, f"/attachments/{files[0]}", token)
    content = await asyncio.to_thread(_fetch, answer.json()["url"])
    demo.story.check(f"{agent.name} can open it: {len(content)} bytes", holds=content.startswith(b"\x89PNG"))
    busy = {"channel": "telegram", "status": 429, "times": 1}
    await asyncio.to_thread(demo.stack.request, "POST", "/sandbox/behaviour", busy)
    reply = "شكرا، سنرسل علبة جديدة."
    await demo.answer(agent, offer, account, number, reply)
    tries = [item["status"] for item in demo.stack.sent("telegram") if item["body"].get("text") == reply]
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


@contextmanager
def _stack() -> Iterator[StackClient]:
    """Yield the stack that runs here, or one made for the purpose."""
    with ExitStack() as exits:
        try:
            client = StackClient.find()
            print(f"Using the stack at {client.url}")
        except NoStackError:
            state = exits.enter_context(tempfile.TemporaryDirectory(prefix="throughline-demo-"))
            engine = os.environ.get("ENGINE") or "ministack"
            print(f"No stack runs here; starting one with {engine}, and stopping it afterwards")
            process = exits.enter_context(StackProcess(Path(state), {"PORT": "0", "ENGINE": engine}))
            client = process.client()
        yield client


def main() -> int:
    """Run the demo; return the exit code."""
    story = Story()
    try:
        with _stack() as stack:
            asyncio.run(tell(stack, story))
    except (StackDidNotStartError, NoStackError) as error:
        story.missing.append(str(error))
    except (MissingError, StayedAwayError, RefusedFrameError) as error:
        if str(error) not in story.missing:
            story.missing.append(str(error))
    if story.missing:
        print("\nMissing:\n" + "\n".join(f"  ✗ {what}" for what in story.missing))
        return 1
    print("\nEverything was there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

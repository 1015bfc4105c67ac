"""`python -m infra.local.agent NAME`: an agent at a terminal. Shows every frame; reconnects, and misses nothing."""

import argparse
import asyncio
import json
import sys
import threading
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from urllib3.exceptions import HTTPError
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from infra.local.agent_client import AgentClient, Frame, RefusedFrameError, StayedAwayError
from infra.local.client import NoStackError, NotSignedInError, StackClient

HELD = ("active", "paused", "wrapping")
FINAL: Mapping[int, str] = {
    401: "the stack does not believe the token; is the issuer's jwks_url the stack's own? A restart of it puts that in",
    403: "this agent may not connect; the configuration in force has to name them under `agents`",
    404: "there is no socket for agents at this address; PORT has to be the stack's",
}
PASSING = "the stack is in trouble; its functions' log says what it is. Trying again"

RECONNECT_S = 2.0
PING_S = 300.0
HELP = """\
  accept | reject            the offer that came last
  say TEXT                   answer the customer
  ask TEXT | A | B           answer with A and B to tap
  template NAME | P | Q      a template, with P and Q in its places
  note TEXT                  for colleagues only
  wrap | close [DISPOSITION] end the conversation
  available | not_ready [REASON] | offline
  quit"""


class NotAdmittedError(Exception):
    """The stack does not let this agent in, and will not; the message says why."""


class NothingOpenError(Exception):
    """There is no offer, or no conversation, that the agent could mean."""


@dataclass(slots=True)
class Desk:
    """What the agent has before them: offers, the last one at the end, conversations they hold, versions they know.

    `conversation` is the one they talk in; `held` are all of theirs, the one that was taken last at the end.
    `me` is who they are, as the first snapshot says.
    """

    me: str | None = None
    begun: bool = False
    offers: list[str] = field(default_factory=list)
    conversation: str | None = None
    held: list[str] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    followed: dict[str, int] = field(default_factory=dict)  # the version at which a conversation's state was told last

    def take_in(self, frame: Frame) -> None:
        """Follow what a frame says."""
        conversation = frame.get("conversation")
        match frame["event"]:
            case "offer":
                self.offers.append(frame["offer"])
            case "offer.ended":
                self.offers = [offer for offer in self.offers if offer != frame["offer"]]
            case "message" if conversation in self.held:
                self.conversation = conversation
            case "conversation":
                self._follow(frame)
            case "ack" if isinstance(conversation, dict):
                self._follow(conversation)
                self._turn_to(conversation["conversation"] if "entries" in conversation else None)
            case "snapshot":
                self._restore(frame)
        if isinstance(conversation, str) and "version" in frame:
            self.versions[conversation] = max(frame["version"], self.versions.get(conversation, 0))

    def _follow(self, view: Frame) -> None:
        """Take a conversation up or let go of it, unless what is told is older than what is known."""
        conversation = view["conversation"]
        if view["version"] < self.followed.get(conversation, 0):
            return
        self.followed[conversation] = view["version"]
        if view["state"] not in HELD or view.get("holder", self.me) != self.me:
            self.held = [held for held in self.held if held != conversation]
        elif conversation not in self.held:
            self.held.append(conversation)
        self._turn_to(self.conversation)

    def _turn_to(self, conversation: str | None) -> None:
        """Talk in `conversation` if it is the agent's, else stay, else go to the one that was taken last."""
        wanted = [*self.held[-1:], self.conversation, conversation]
        self.conversation = next((one for one in reversed(wanted) if one in self.held), None)

    def _restore(self, snapshot: Frame) -> None:
        self.offers = [offer["offer"] for offer in snapshot.get("offers", ())]
        self.me = snapshot["me"]["agent"]
        views = snapshot.get("conversations", ())
        self.held = [view["conversation"] for view in views if view["state"] in HELD]
        for view in views:
            self.versions[view["conversation"]] = max(view["version"], self.versions.get(view["conversation"], 0))
        self._turn_to(None)


async def carry_out(line: str, desk: Desk, client: AgentClient) -> None:
    """Do what was typed.

    Raises:
        RefusedFrameError, StayedAwayError: the stack did not.
        NothingOpenError: there is nothing to do it with.
    """
    command, _, rest = line.strip().partition(" ")
    match command:
        case "":
            return
        case "accept" | "reject":
            await client.send(f"offer.{command}", offer=_last(desk.offers, "no offer is open"))
        case "say":
            await _reply(desk, client, text=rest)
        case "ask":
            words, *labels = _parts_of(rest)
            replies = [{"kind": "reply", "text": label} for label in labels]
            await _reply(desk, client, text=words, quick_replies=replies)
        case "template":
            name, *parameters = _parts_of(rest)
            await _reply(desk, client, template={"name": name, "parameters": parameters})
        case "note":
            await client.send("note.add", conversation=_talk(desk), text=rest)
        case "wrap":
            await client.send("conversation.wrap_up", conversation=_talk(desk))
        case "close":
            disposition = {"disposition": rest} if rest else {}
            await client.send("conversation.close", conversation=_talk(desk), **disposition)
        case "available" | "not_ready" | "offline":
            await client.send("presence.set", presence=command, **({"reason": rest} if rest else {}))
        case _:
            print(HELP)


def _last(offers: Sequence[str], otherwise: str) -> str:
    if not offers:
        raise NothingOpenError(otherwise)
    return offers[-1]


def _talk(desk: Desk) -> str:
    if desk.conversation is None:
        raise NothingOpenError("no conversation is open")
    return desk.conversation


async def _reply(desk: Desk, client: AgentClient, **content: Any) -> None:
    await client.send("message.send", conversation=_talk(desk), message_id=str(uuid.uuid4()), **content)


def _parts_of(line: str) -> list[str]:
    return [part.strip() for part in line.split("|")]


async def work(stack: StackClient, name: str, lines: "asyncio.Queue[str | None]") -> None:
    """Stay connected until the input ends.

    Raises:
        NotAdmittedError, NotSignedInError: the stack does not let this agent in.
    """
    desk = Desk()
    while True:
        try:
            token = await asyncio.to_thread(stack.token, name)
            async with await AgentClient.open(stack.url, name, token) as client:
                if await _at_work(client, desk, lines):
                    return
        except InvalidStatus as error:
            print(f"! not connected: {refusal(name, error.response.status_code)}", flush=True)
        except (OSError, HTTPError, InvalidHandshake, ConnectionClosed) as error:
            print(f"! not connected ({type(error).__name__}); trying again", flush=True)
        await asyncio.sleep(RECONNECT_S)


def refusal(name: str, status: int) -> str:
    """Return what is told about an upgrade that was refused but may be granted later.

    Raises:
        NotAdmittedError: it will not be.
    """
    if status in FINAL:
        raise NotAdmittedError(f"{name} was refused with {status}: {FINAL[status]}")
    return f"{status}: {PASSING}"


async def _at_work(client: AgentClient, desk: Desk, lines: "asyncio.Queue[str | None]") -> bool:
    """Follow one socket; return whether the agent wants to leave."""
    showing = asyncio.create_task(_show(client, desk))
    pinging = asyncio.create_task(_ping(client))
    try:
        await _try(client.send("hello", resume=dict(desk.versions)))
        if not desk.begun:  # who comes back after a cut is as they had said they were
            await _try(client.send("presence.set", presence="available"))
            desk.begun = True
        while client.is_open:
            typed = asyncio.create_task(lines.get())
            await asyncio.wait([typed, showing], return_when=asyncio.FIRST_COMPLETED)
            if not typed.done():
                typed.cancel()
                return False
            line = typed.result()
            if line is None or line.strip() == "quit":
                return True
            await _try(carry_out(line, desk, client))
        return False
    finally:
        showing.cancel()
        pinging.cancel()


async def _try(doing: Awaitable[object]) -> None:
    try:
        await doing
    except (RefusedFrameError, StayedAwayError, NothingOpenError) as error:
        print(f"! {error}")


async def _show(client: AgentClient, desk: Desk) -> None:
    seen = 0
    while client.is_open or seen < len(client.frames):
        for frame in client.frames[seen:]:
            seen += 1
            before = desk.conversation
            desk.take_in(frame)
            print("<", json.dumps(frame, ensure_ascii=False), flush=True)
            if desk.conversation != before:
                print(f"* say goes to {desk.conversation or 'nobody: no conversation is open'}", flush=True)
        await client.changed(seen)


async def _ping(client: AgentClient) -> None:
    while client.is_open:
        await asyncio.sleep(PING_S)
        await _try(client.send("ping"))


def _read_lines(put: Callable[[str | None], None]) -> None:
    for line in sys.stdin:
        put(line)
    put(None)


async def _main(name: str) -> None:
    stack = await asyncio.to_thread(StackClient.find)
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    reader = threading.Thread(
        target=_read_lines, args=(lambda line: loop.call_soon_threadsafe(lines.put_nowait, line),), daemon=True
    )
    reader.start()
    print(f"{name} at {stack.url}. Type:\n{HELP}", flush=True)
    await work(stack, name, lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Work until the input ends or Ctrl-C; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.agent", description=__doc__)
    parser.add_argument("name", help="the agent's id in the configuration, e.g. ana")
    given = parser.parse_args(arguments)
    try:
        asyncio.run(_main(given.name))
    except (NoStackError, NotAdmittedError, NotSignedInError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())

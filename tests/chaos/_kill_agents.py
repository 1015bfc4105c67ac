"""Agents whose screens connect again by themselves, and repeat a frame that got no answer with the same id."""

import asyncio
import contextlib
import random
import uuid
from dataclasses import dataclass, field
from typing import Any

from urllib3.exceptions import HTTPError
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from infra.local.agent_client import AgentClient, Frame, RefusedFrameError, StayedAwayError
from infra.local.client import NotSignedInError
from tests.chaos._kill_machine import Machine

AGAIN_AFTER_S = 0.3
LOOK_S = 1.0
LOST = (ConnectionClosed, InvalidHandshake, StayedAwayError, HTTPError, NotSignedInError, OSError, ValueError)
# Our trouble, not theirs: the same frame is good later. (A conflict is too, but for another one: look again.)
LATER = frozenset({"internal", "store_unavailable", "retryable", "provider_unavailable", "unauthenticated"})


@dataclass
class Step:
    """A frame of ours, the same however often it is sent."""

    action: str
    fields: dict[str, Any]
    about: str
    frame_id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Worker:
    """An agent at work. `replies` maps acknowledged entries to their text; `said` is every text ever tried."""

    def __init__(self, machine: Machine, name: str, chance: random.Random) -> None:
        self.name = name
        self.replies: dict[str, str] = {}
        self.said: list[str] = []
        self.offers: set[str] = set()
        self.repeats = 0
        self.overloads: list[str] = []
        self.quiet = False  # no more passing contacts around
        self._machine = machine
        self._chance = chance
        self._step: Step | None = None
        self._offered: dict[str, str] = {}
        self._held: dict[str, list[Frame]] = {}
        self._turns: dict[str, int] = {}
        self._answered: set[str] = set()
        self._passed_on: set[str] = set()

    async def work(self) -> None:
        """Connect, work, and connect again, until it is over."""
        while not self._machine.over:
            with contextlib.suppress(*LOST, RefusedFrameError):
                await self._shift()
            await asyncio.sleep(AGAIN_AFTER_S)

    async def _shift(self) -> None:
        token = await asyncio.to_thread(self._machine.client().token, self.name)
        async with await AgentClient.open(self._machine.url, self.name, token) as screen:
            self._take_stock(await screen.send("hello", resume={}))
            await screen.send("presence.set", presence="available")
            seen = 0
            while screen.is_open and not self._machine.over:
                fresh, seen = screen.frames[seen:], len(screen.frames)
                for frame in fresh:
                    self._read(frame)
                if step := self._step or self._choose():
                    await self._carry_out(screen, step)
                else:
                    await self._wait_for_news(screen, seen)

    async def _wait_for_news(self, screen: AgentClient, seen: int) -> None:
        """Return when there is some; if none comes for a while, take stock: an accept that was refused leaves doubt."""
        try:
            await asyncio.wait_for(screen.changed(seen), LOOK_S)
        except TimeoutError:
            self._take_stock(await screen.send("hello", resume={}))

    # ------------------------------------------------------------ what the screen knows

    def _take_stock(self, snapshot: Frame) -> None:
        self._offered = {offer["offer"]: offer["conversation"] for offer in snapshot["offers"]}
        self.offers |= self._offered.keys()
        self._held, self._turns, self._passed_on = {}, {}, set()
        for contact in snapshot["conversations"]:
            self._hold(contact)
        self._weigh(snapshot["agent"])

    def _hold(self, contact: Frame) -> None:
        self._turns[contact["conversation"]] = contact["turn"]
        self._held[contact["conversation"]] = [
            entry for entry in contact["entries"] if entry["direction"] == "inbound" and entry["kind"] == "message"
        ]

    def _weigh(self, agent: Frame) -> None:
        for work_class, capacity in agent["capacity"].items():
            if agent["load"].get(work_class, 0) > capacity:
                self.overloads.append(f"{self.name} holds {agent['load']} of {agent['capacity']}")

    def _read(self, frame: Frame) -> None:
        match frame["event"]:
            case "offer":
                self.offers.add(frame["offer"])
                self._offered[frame["offer"]] = frame["conversation"]
            case "offer.ended":
                self._offered.pop(frame["offer"], None)
            case "message" if frame["conversation"] in self._held and frame["entry"]["direction"] == "inbound":
                self._held[frame["conversation"]].append(frame["entry"])
            case "conversation" if frame["turn"] >= self._turns.get(frame["conversation"], 0):
                if frame["state"] in {"queued", "resolved"} or frame["holder"] != self.name:
                    self._let_go(frame["conversation"])
            case "presence" if frame["agent"] == self.name:
                self._weigh(frame)

    def _let_go(self, conversation: str) -> None:
        self._held.pop(conversation, None)
        self._passed_on.discard(conversation)

    # ------------------------------------------------------------ what they do

    def _choose(self) -> Step | None:
        for offer, conversation in self._offered.items():
            return Step("offer.accept", {"offer": offer}, conversation)
        for conversation, entries in self._held.items():
            if conversation in self._passed_on:
                continue
            open_questions = [entry for entry in entries if entry["id"] not in self._answered]
            if open_questions:
                return self._reply(conversation, open_questions)
            return self._finish(conversation)
        return None

    def _reply(self, conversation: str, questions: list[Frame]) -> Step:
        text = f"{self.name}'s answer {len(self.said)}"
        self.said.append(text)
        self._answered |= {question["id"] for question in questions}
        fields = {"conversation": conversation, "message_id": str(uuid.uuid4()), "text": text}
        return Step("message.send", fields, conversation)

    def _finish(self, conversation: str) -> Step:
        if not self.quiet and self._chance.random() < 0.2:
            self._passed_on.add(conversation)
            fields: dict[str, Any] = {"conversation": conversation, "to": {"queue": "support"}}
            return Step("conversation.transfer", fields, conversation)
        return Step("conversation.close", {"conversation": conversation, "disposition": "solved"}, conversation)

    async def _carry_out(self, screen: AgentClient, step: Step) -> None:
        self.repeats += step is self._step
        self._step = step
        try:
            answer = await screen.send(step.action, frame_id=step.frame_id, **step.fields)
        except RefusedFrameError as refusal:
            code = str(refusal).partition(":")[0]
            if code in LATER:
                await asyncio.sleep(AGAIN_AFTER_S)
                return
            self._step = None
            self._passed_on.discard(step.about)
            if code != "conflict" or step.action == "offer.accept":
                self._forget(step)
            return
        self._step = None
        self._note(step, answer)

    def _note(self, step: Step, answer: Frame) -> None:
        match step.action:
            case "offer.accept":
                self._offered.pop(step.fields["offer"], None)
                self._hold(answer["conversation"])
                self._passed_on.discard(step.about)
            case "message.send":
                self.replies[answer["entry"]["id"]] = step.fields["text"]
            case "conversation.close":
                self._let_go(step.about)

    def _forget(self, step: Step) -> None:
        """Take it that the contact is not theirs any more, or never was."""
        self._offered.pop(step.fields.get("offer", ""), None)
        if step.action != "offer.accept":
            self._let_go(step.about)

"""Visitors of web chat whose pages connect again by themselves, and repeat a message that got no answer as it was."""

import asyncio
import contextlib
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from urllib3.exceptions import HTTPError
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from infra.local.agent_client import AgentClient, Frame, RefusedFrameError, StayedAwayError
from tests.chaos._kill_customers import PAUSE_S, REPEAT_AFTER_S
from tests.chaos._kill_machine import Machine
from tests.journeys.desks import account
from throughline.flows.token_claims import unverified

PAGE = account("webchat").webhook_path
LOST = (ConnectionClosed, InvalidHandshake, StayedAwayError, HTTPError, OSError, ValueError)
RENEW_AFTER_S = 600.0  # of fifteen minutes
MOST_SEEN = 50  # entries one frame may name
PAGES = 200  # of a thread: more is a loop


class AwayError(Exception):
    """The stack did not answer, or not with what was asked."""


class Visitor:
    """One of them.

    `taken` are the texts that were acknowledged, `refused` the codes nobody may answer, `seen` is every entry their
    page was shown, by snapshot or by doorbell, and `thread` at the end what REST answers.
    """

    def __init__(self, machine: Machine, number: int, chance: random.Random) -> None:
        self.name = f"visitor {number}"
        self.taken: list[str] = []
        self.refused: list[str] = []
        self.repeats = 0
        self.seen: dict[str, Frame] = {}
        self.thread: list[Frame] = []
        self._read: set[str] = set()  # the replies of which it was acknowledged that they are read
        self._ids: dict[str, str] = {}  # text → message id
        self._machine = machine
        self._stack = machine.client()
        self._chance = chance
        self._token, self._lasting, self._renew_s = "", "", 0.0
        self._begun: str | None = None  # the text that has no answer yet
        self._number = 0

    async def write_until(self, quiet: asyncio.Event) -> None:
        """Write, again and again, and connect again; what was begun is brought to its end."""
        while not self._machine.over and (self._begun or not quiet.is_set()):
            with contextlib.suppress(*LOST, AwayError):
                await self._stay(quiet)
            await asyncio.sleep(REPEAT_AFTER_S)

    async def look_again(self) -> None:
        """Come back at the end: say hello as a page that was away, and read the whole thread."""
        async with await self._open():
            pass
        self.thread = await asyncio.to_thread(self._read_thread)

    async def _stay(self, quiet: asyncio.Event) -> None:
        """Be there until the socket closes."""
        async with await self._open() as tab:
            heard = len(tab.frames)
            while tab.is_open and (self._begun or not quiet.is_set()):
                await self._say(tab)
                await asyncio.sleep(self._chance.uniform(*PAUSE_S))
                self._hear(tab.frames[heard:])
                heard = len(tab.frames)
                await self._look_at_replies(tab)
            self._hear(tab.frames[heard:])

    async def _open(self) -> AgentClient:
        if time.monotonic() > self._renew_s:
            await asyncio.to_thread(self._sign_in)
        tab = await AgentClient.open(self._machine.url, self.name, self._token)
        newest = max(self.seen.values(), key=lambda view: (view["sent_at"], view["id"]), default=None)
        try:
            snapshot = await tab.send("hello", **({"resume": newest["id"]} if newest else {}))
        except (*LOST, RefusedFrameError) as lost:
            await tab.close()
            raise AwayError from lost
        self._hear([snapshot, *tab.frames])
        return tab

    async def _say(self, tab: AgentClient) -> None:
        if self._begun is None:
            self._number += 1
            self._begun = f"{self.name} says {self._number}"
            self._ids[self._begun] = str(uuid.uuid4())
        else:
            self.repeats += 1
        text = self._begun
        try:
            await tab.send("message.send", message_id=self._ids[text], text=text)
        except RefusedFrameError as refusal:
            if str(refusal).partition(":")[0] in {"invalid_request", "forbidden"}:
                self.refused.append(str(refusal))
            raise AwayError from refusal
        self.taken.append(text)
        self._begun = None

    async def _look_at_replies(self, tab: AgentClient) -> None:
        replies = {view["id"] for view in self.seen.values() if view["direction"] == "outbound"}
        if unread := sorted(replies - self._read)[:MOST_SEEN]:
            try:
                await tab.send("read", entries=unread)
            except RefusedFrameError as refusal:
                raise AwayError from refusal
            self._read |= set(unread)

    def _hear(self, frames: list[Frame]) -> None:
        for frame in frames:
            if frame.get("event") == "message":
                self.seen[frame["entry"]["id"]] = frame["entry"]
            elif frame.get("event") == "snapshot":
                self.seen |= {view["id"]: view for view in frame["entries"]}

    # ------------------------------------------------------------ over HTTP

    def _sign_in(self) -> None:
        told = {"visitor": self._lasting} if self._lasting else {"name": self.name}
        answer = self._asked("POST", f"{PAGE}/visitors", told, {"Origin": self._machine.url})
        self._token, self._lasting = answer["token"], answer["visitor"]
        self._renew_s = time.monotonic() + RENEW_AFTER_S

    def _read_thread(self) -> list[Frame]:
        headers, entries, before = {"Authorization": f"Bearer {self._token}"}, list[Frame](), ""
        for _ in range(PAGES):
            page = self._asked("GET", f"{PAGE}/thread?limit=100{before}", None, headers)
            entries = [*page["entries"], *entries]
            if not page["before"]:
                return entries
            before = f"&before={page['before']}"
        raise AwayError

    def _asked(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        answer = self._stack.request(method, path, body, headers=headers)
        if answer.status != HTTPStatus.OK:
            raise AwayError
        return answer.json()

    # ------------------------------------------------------------ what has to be so

    def missed(self, replies: set[str]) -> Iterator[str]:
        """Tell what of theirs is not on their own thread, or was never on their page. `replies` are those to them."""
        thread = {view["id"] for view in self.thread}
        ids = {view.get("message_id") for view in self.thread}
        yield from (f"{text}, not on the thread of its visitor" for text in self.taken if self._ids[text] not in ids)
        yield from (f"reply {entry}, not on the thread of {self.name}" for entry in replies - thread)
        yield from (f"{entry}, never seen by {self.name}" for entry in thread - self.seen.keys())
        unread = {view["id"] for view in self.thread if view.get("status") != "read"}
        yield from (f"{entry}, which {self.name} has read, and it is not known" for entry in self._read & unread)

    def doubled(self) -> Iterator[str]:
        """Tell what is on their thread more than once."""
        for field in ("id", "message_id"):
            counted = Counter(view[field] for view in self.thread if view.get(field))
            yield from (f"{value} on the thread of {self.name}" for value, count in counted.items() if count > 1)

    @property
    def way(self) -> str:
        """Return the way they write, as entries have it."""
        if not self._token:
            return ""
        return f"webchat/demo|{unverified(self._token)[1]['sub']}"

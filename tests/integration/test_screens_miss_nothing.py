"""The socket is a doorbell: a screen that follows the rules of docs/protocol.md has everything, whatever gets lost."""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cloud import REGION
from tests.integration.center import Center, center
from tests.tables import fake_stores
from throughline.domain.conversations import Entry
from throughline.domain.identifiers import ConnectionId, Home

Frame = Mapping[str, Any]


class Screen:
    """An agent's screen, made from the page and from nothing else. `deaf` loses what is posted to it."""

    def __init__(self, desk: Center) -> None:
        self.desk = desk
        self.versions: dict[str, int] = {}
        self.entries: dict[str, dict[str, Frame]] = {}
        self.deaf = False
        self.missed_something = False
        self.tab = "tab-0"
        self._tabs = 0
        self._post = desk.sockets.post
        desk.sockets.post = self.post  # type: ignore[method-assign]

    def post(self, connection: ConnectionId, frame: Frame) -> bool:
        if connection != self.tab:
            return False
        took = self._post(connection, frame)
        if not self.deaf:
            self.take(json.loads(json.dumps(frame)))
        return took

    def take(self, frame: Frame) -> None:
        if frame["event"] == "message":
            self._take_message(frame)
        if frame["event"] in {"message.status", "conversation"}:
            self.missed_something |= frame["version"] > self.versions.get(frame["conversation"], 0)
        for conversation in [*frame.get("conversations", []), *([frame] if frame["event"] == "entries" else [])]:
            self._take_entries(conversation)

    def _take_message(self, frame: Frame) -> None:
        conversation, mine = frame["conversation"], self.versions.get(frame["conversation"], 0)
        self.entries.setdefault(conversation, {})[frame["entry"]["id"]] = frame["entry"]
        if frame["version"] == mine + 1:
            self.versions[conversation] = frame["version"]
        elif frame["version"] > mine + 1:
            self.missed_something = True

    def _take_entries(self, conversation: Frame) -> None:
        known = self.entries.setdefault(conversation["conversation"], {})
        known.update({entry["id"]: entry for entry in conversation["entries"]})
        if not conversation.get("more"):
            mine = self.versions.get(conversation["conversation"], 0)
            self.versions[conversation["conversation"]] = max(mine, conversation["version"])

    def reconnect(self) -> None:
        self._tabs += 1
        self.tab = f"tab-{self._tabs}"
        self.desk.connect(self.tab, f"throughline.v1, {self.desk.token('ana')}")
        self.hello()

    def hello(self) -> None:
        self.missed_something = False
        frame = {"action": "hello", "id": f"hello-{self.desk.clock.now_ms}", "resume": self.versions}
        self.desk.post(self.tab, json.dumps(frame))

    def texts(self, conversation: str) -> list[str]:
        known = self.entries.get(conversation, {}).values()
        return [entry["text"] for entry in sorted(known, key=lambda entry: (entry["sent_at"], entry["id"]))]


class Interrupted:
    """Let something happen once, just before or just after the next reading of entries."""

    def __init__(self, desk: Center) -> None:
        self._read = desk.stores.threads.list_entries
        desk.stores.threads.list_entries = self.list_entries  # type: ignore[method-assign]
        self.before: Callable[[], object] | None = None
        self.after: Callable[[], object] | None = None

    def list_entries(self, home: Home, *, before: str | None, since_ms: int, limit: int) -> list[Entry]:
        first, self.before = self.before, None
        last, self.after = self.after, None
        if first:
            first()
        found = self._read(home, before=before, since_ms=since_ms, limit=limit)
        if last:
            last()
        return found


STEPS = st.sampled_from(
    ["write", "write late", "lose", "reconnect", "write before reading", "write after reading", "lose after reading"]
)


@given(steps=st.lists(STEPS, max_size=10))
@settings(max_examples=60, deadline=None)
def test_whatever_is_lost_late_or_in_between_a_screen_that_resumes_has_everything_in_order(steps: list[str]) -> None:
    with patch.dict(os.environ, {"AWS_REGION": REGION}), center(fake_stores()) as desk:
        screen, interrupted = Screen(desk), Interrupted(desk)
        screen.reconnect()
        desk.say(screen.tab, "presence.set", presence="available")
        head = desk.customer_writes("text 0")
        desk.say(screen.tab, "offer.accept", offer=desk.sockets.to(screen.tab, "offer")[-1]["offer"])
        screen.hello()
        for number, step in enumerate(steps, start=1):
            _take_step(desk, screen, interrupted, step, f"text {number}")
            if screen.missed_something:
                screen.hello()
        screen.hello()

        expected = desk.stores.threads.list_entries(head.home, before=None, since_ms=0, limit=100)
        assert screen.texts(head.conversation) == [entry.text for entry in reversed(expected)]
        assert screen.versions[head.conversation] == desk.head(head.conversation).version


def _take_step(desk: Center, screen: Screen, interrupted: Interrupted, step: str, text: str) -> None:
    def write() -> None:
        desk.customer_writes(text)

    def lose() -> None:
        screen.deaf = True
        write()
        screen.deaf = False

    match step:
        case "write":
            write()
        case "write late":
            desk.customer_writes(text, sent_ms=desk.clock.now_ms - 500)
        case "lose":
            lose()
        case "reconnect":
            screen.reconnect()
        case "write before reading":
            interrupted.before = write
            screen.reconnect()
        case "write after reading":
            interrupted.after = write
            screen.reconnect()
        case "lose after reading":
            interrupted.after = lose
            screen.reconnect()

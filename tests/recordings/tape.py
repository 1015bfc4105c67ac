"""A contact centre at play, with every frame on its sockets written down."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from chalice.test import Client

from app import app
from tests.cloud import REGION
from tests.fakes.channel import FakeChannel
from tests.integration.center import Center, center
from tests.tables import fake_stores
from throughline.channels import CHANNELS
from throughline.domain.frames import Frame
from throughline.domain.identifiers import ConnectionId

Line = Mapping[str, Any]


class Tape:
    """Everything that goes over the sockets of a centre, in order, in steps that say what happens.

    After each step stands what a `hello` would be answered now, where that has changed: `whole` to a screen that has
    nothing, and in `current` the entries of a conversation to one that has its version. The server answers whatever
    versions an agent's screen has out of these two, conversation by conversation; `whole` has the entries of the page
    over REST.
    """

    def __init__(self, desk: Center) -> None:
        self.lines: list[Line] = []
        self._desk = desk
        self._posting, self._sending = desk.sockets.post, desk.post
        self._greeted: list[str] = []
        self._told: dict[str, Line] = {}
        desk.sockets.post = self._post  # type: ignore[method-assign]
        desk.post = self._send  # type: ignore[method-assign]

    def step(self, told: str) -> None:
        """Begin a step, having asked what is known after the last one."""
        self.end()
        self.lines.append({"step": told})

    def end(self) -> None:
        """Write down what whoever comes now would be told."""
        for tab in filter(self._is_open, self._greeted):
            self._ask(tab)

    # ------------------------------------------------------------ what goes over the sockets

    def _post(self, connection: ConnectionId, frame: Frame) -> bool:
        taken = self._posting(connection, frame)
        if taken:
            self.lines.append({"tab": connection, "posted": frame})
        return taken

    def _send(self, tab: str, body: str) -> None:
        frame = json.loads(body)
        self.lines.append({"tab": tab, "sent": frame})
        if frame["action"] == "hello" and tab not in self._greeted:
            self._greeted.append(tab)
        self._sending(tab, body)

    def _is_open(self, tab: str) -> bool:
        return tab not in self._desk.sockets.gone and self._connection(tab) is not None

    def _connection(self, tab: str) -> Any:
        return self._desk.stores.connections.find_connection(ConnectionId(tab))

    # ------------------------------------------------------------ what could be asked

    def _ask(self, tab: str) -> None:
        if tab in self._desk.sockets.visitors:
            self._tell(tab, {"tab": tab, "whole": self._answer_to_visitor(tab)})
            return
        whole = self._answer(tab, {})
        versions = {item["conversation"]: item["version"] for item in whole["conversations"]}
        current = self._answer(tab, versions)
        assert whole == {**current, "conversations": whole["conversations"]}
        self._require_same_over_rest(tab, whole)
        ours = {item["conversation"]: item["entries"] for item in current["conversations"]}
        self._tell(tab, {"tab": tab, "whole": whole, "current": ours})

    def _answer_to_visitor(self, tab: str) -> Frame:
        """Return what a visitor is answered: in a thread as short as these the same, whatever they resume from."""
        whole = self._answer(tab, None)
        assert all(self._answer(tab, entry["id"]) == whole for entry in whole["entries"])
        return whole

    def _answer(self, tab: str, resume: Any) -> Frame:
        kept, self.lines = self.lines, []
        self._desk.say(tab, "hello", id="hello", resume=resume)
        said, self.lines = self.lines[1:], kept
        (line,) = said  # and nobody else was told anything
        answer: Frame = line["posted"]
        return answer

    def _require_same_over_rest(self, tab: str, whole: Frame) -> None:
        token = self._desk.token(self._connection(tab).subject)
        for view in whole["conversations"]:
            with Client(app) as client:
                path = f"/threads/{view['customer']['id']}"
                answer = client.http.get(path, headers={"Authorization": f"Bearer {token}"})
            assert answer.json_body["entries"] == view["entries"], path

    def _tell(self, tab: str, line: Line) -> None:
        if self._told.get(tab) != line:
            self._told[tab] = line
            self.lines.append(line)


# ---------------------------------------------------------------- recordings

Scenario = Callable[[Center, Tape], None]


def recording(scenario: Scenario) -> str:
    """Return what a scenario sounds like, as it stands in its file: a line for each frame."""
    with _playing() as desk:
        tape = Tape(desk)
        scenario(desk, tape)
        tape.end()
    lines = [{"tells": " ".join((scenario.__doc__ or "").split())}, *tape.lines]
    return "[\n" + ",\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n]\n"


@contextmanager
def _playing() -> Iterator[Center]:
    channels = {**CHANNELS, "telegram": FakeChannel()}
    with patch.dict(os.environ, {"AWS_REGION": REGION}), center(fake_stores(), channels) as desk:
        yield desk

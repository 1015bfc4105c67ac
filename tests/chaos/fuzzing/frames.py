"""Frames of the agents' WebSocket API: read, carried out, and split where they are too large."""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from unittest.mock import patch

from functions._wiring import use_world
from tests.chaos.fuzzing.target import Attempt, declared, tell_nothing
from tests.integration.center import Center
from tests.tables import fake_stores
from throughline.aws.queues import compact
from throughline.domain.client_frames import frame_id_of, read_frame
from throughline.domain.errors import (
    ForbiddenError,
    InvalidRequestError,
    ThroughlineError,
)
from throughline.domain.frame_splitting import frames_within
from throughline.domain.visitor_frames import read_visitor_frame

CONVERSATION = "h-00112233445566778899.0123456789"
FRAMES: tuple[dict[str, Any], ...] = (
    {"action": "hello", "resume": {CONVERSATION: 3}},
    {"action": "ping"},
    {"action": "presence.set", "presence": "not_ready", "reason": "lunch"},
    {"action": "offer.accept", "offer": f"{CONVERSATION}.1"},
    {"action": "offer.reject", "offer": f"{CONVERSATION}.1", "reason": "busy"},
    {"action": "message.send", "conversation": CONVERSATION, "message_id": "m1", "text": "Hi", "attachments": ["u-1"]},
    {
        "action": "message.send",
        "conversation": CONVERSATION,
        "message_id": "019ab5a0-0000-7000-8000-000000000000",
        "text": "Hi",
        "via": "telegram:3527065",
    },
    {"action": "note.add", "conversation": CONVERSATION, "note_id": "n1", "text": "VIP"},
    {"action": "typing", "conversation": CONVERSATION},
    {"action": "read", "conversation": CONVERSATION},
    {"action": "conversation.wrap_up", "conversation": CONVERSATION},
    {"action": "conversation.close", "conversation": CONVERSATION, "disposition": "sold", "version": 2},
    {"action": "conversation.transfer", "conversation": CONVERSATION, "to": {"queue": "sales"}},
    {"action": "conversation.transfer", "conversation": CONVERSATION, "to": {"agent": "ben"}},
    {"action": "conversation.pause", "conversation": CONVERSATION, "until": "2026-11-22T10:00:00Z"},
)


def frame_seeds(conversation: str = CONVERSATION) -> list[bytes]:
    return [json.dumps({"id": "f1", **frame}).replace(CONVERSATION, conversation).encode() for frame in FRAMES]


def visitor_frame_seeds() -> list[bytes]:
    """Return a frame of each action that visitors have."""
    entry = "h-00112233445566778899.1763800000000.0123456789abcdef012345"
    frames: tuple[dict[str, Any], ...] = (
        {"action": "hello", "resume": entry},
        {"action": "ping"},
        {"action": "message.send", "message_id": "m1", "text": "Hi", "attachments": ["u-1"], "reply_to": entry},
        {"action": "typing"},
        {"action": "received", "entries": [entry]},
        {"action": "read", "entries": [entry]},
        {"action": "note.add", "text": "not for visitors"},
    )
    return [json.dumps({"id": "f1", **frame}).encode() for frame in frames]


def read_any_visitor_frame(data: bytes) -> None:
    text = data.decode(errors="replace")
    frame = declared((InvalidRequestError, ForbiddenError), (), lambda: read_visitor_frame(text))
    assert frame is None or frame.frame_id == frame_id_of(text)


def read_any_frame(data: bytes) -> None:
    text = data.decode(errors="replace")
    frame = declared(InvalidRequestError, (), lambda: read_frame(text))
    frame_id = frame_id_of(text)
    assert frame is None or frame.frame_id == frame_id
    json.dumps({"id": frame_id}, ensure_ascii=False).encode()


def socket_attempt() -> Attempt:
    """Let an agent who holds a conversation send a frame: every frame is answered, and never with ``internal``."""

    def attempt(data: bytes) -> None:
        made, conversation = ana_at_work()
        text = data.decode(errors="replace").replace(CONVERSATION, conversation)
        before = len(made.sockets.to("ana-tab"))
        with every_error_declared(secrets=()):
            made.post("ana-tab", text)
        assert made.sockets.to("ana-tab")[before:]
        use_world(None)

    return attempt


@contextlib.contextmanager
def every_error_declared(secrets: Iterable[str]) -> Iterator[None]:
    """Let through what is not one of our own errors, in the place of the log line that would tell of it."""

    def note(error: Exception, **_: Any) -> None:
        if not isinstance(error, ThroughlineError):
            raise error
        tell_nothing(error, secrets)

    with patch("functions._edges._log", note):
        yield


def ana_at_work() -> tuple[Center, str]:
    os.environ.setdefault("AWS_REGION", "us-east-1")  # Chalice makes a client for the sockets before we are asked
    made = Center(fake_stores())
    use_world(made.world)
    tab = made.sign_in("ana")
    head = made.customer_writes("My parcel is lost")
    made.say(tab, "offer.accept", offer=made.sockets.to(tab, "offer")[-1]["offer"])
    return made, head.conversation


def splitting_seeds() -> list[bytes]:
    """Return texts of entries: some too large together, some of no shape in particular."""
    return [json.dumps(["x" * 900] * 5).encode(), b'["a", {"b": "c"}]']


def splitting_attempt() -> Attempt:
    max_bytes = 2_000

    def attempt(data: bytes) -> None:
        try:
            texts = json.loads(data)
        except (ValueError, RecursionError):
            return
        given = [
            {"id": f"e{place}", "text": text}
            for place, text in enumerate(texts if isinstance(texts, list) else [texts])
        ]
        try:
            frames = frames_within(_snapshot(given), max_bytes)
        except UnicodeEncodeError:
            return  # half a surrogate pair never gets onto a thread
        brought = [entry["id"] for frame in frames for entry in _entries_in(frame)]
        assert [entry["id"] for entry in given] == brought
        assert all(len(compact(frame).encode()) <= max_bytes + 200 for frame in frames)

    return attempt


def _snapshot(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "event": "snapshot",
        "id": "f1",
        "conversations": [{"conversation": CONVERSATION, "version": 1, "entries": entries}],
    }


def _entries_in(frame: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(frame.get("entries") or [entry for part in frame.get("conversations", ()) for entry in part["entries"]])

import json
from typing import Any

import pytest

from throughline.domain.client_frames import READERS, Ping
from throughline.domain.errors import ForbiddenError, InvalidRequestError
from throughline.domain.visitor_frames import (
    MAX_SEEN,
    VISITOR_READERS,
    Say,
    Seen,
    Typing,
    VisitorHello,
    read_visitor_frame,
)

ENTRY = "h-00112233445566778899.1763800000000.0a1b2c3d4e5f6071829304"
VISITOR_READ: dict[str, dict[str, Any]] = {
    "hello": {"resume": ENTRY},
    "ping": {},
    "message.send": {"message_id": "m-1", "text": "Hi", "attachments": ["u-1"], "reply_to": ENTRY},
    "typing": {},
    "received": {"entries": [ENTRY]},
    "read": {"entries": [ENTRY, ENTRY]},
}


def frame(action: str, **fields: Any) -> str:
    return json.dumps({"action": action, "id": "f1", **fields})


@pytest.mark.parametrize(
    ("action", "read"),
    [
        ("hello", VisitorHello(action="hello", frame_id="f1", resume=ENTRY)),
        ("ping", Ping(action="ping", frame_id="f1")),
        (
            "message.send",
            Say(
                action="message.send",
                frame_id="f1",
                message_id="m-1",
                text="Hi",
                attachments=("u-1",),
                reply_to=ENTRY,
            ),
        ),
        ("typing", Typing(action="typing", frame_id="f1")),
        ("received", Seen(action="received", frame_id="f1", entries=(ENTRY,))),
        ("read", Seen(action="read", frame_id="f1", entries=(ENTRY,))),
    ],
)
def test_a_frame_is_read_as_what_it_asks_for(action: str, read: object) -> None:
    assert read_visitor_frame(frame(action, **VISITOR_READ[action])) == read


@pytest.mark.parametrize("action", sorted(READERS.keys() - VISITOR_READERS.keys()))
def test_what_those_who_work_here_do_is_forbidden_whatever_stands_in_the_frame(action: str) -> None:
    with pytest.raises(ForbiddenError):
        read_visitor_frame(frame(action, anything=1))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (frame("dance"), "action"),
        (frame("message.send", message_id="m-1"), "text"),
        (frame("message.send", message_id="m-1", text="  "), "text"),
        (frame("message.send", text="Hi"), "message_id"),
        (frame("message.send", message_id="m-1", text="x" * 16_001), "text"),
        (frame("message.send", message_id="m-1", text="Hi", conversation="h-1.2"), "a field too many"),
        (frame("message.send", message_id="m-1", text="Hi", reply_to="m-0"), "reply_to"),
        (frame("hello", resume={"h-1.2": 3}), "resume"),
        (frame("hello", resume="yesterday"), "resume"),
        (frame("hello", resume="h-1.²³.2"), "resume"),  # digits to Python, and no number
        (frame("read"), "entries"),
        (frame("read", entries=[]), "entries"),
        (frame("read", entries=["x"]), "entries"),
        (frame("received", entries=[ENTRY] * (MAX_SEEN + 1)), "entries"),
        ("[]", "JSON object"),
        ("{", "JSON"),
    ],
)
def test_what_is_no_frame_is_refused_with_the_name_of_the_field(given: str, field: str) -> None:
    with pytest.raises(InvalidRequestError, match=field):
        read_visitor_frame(given)

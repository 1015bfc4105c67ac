import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from throughline.domain.client_frames import (
    MAX_FRAME_BYTES,
    READERS,
    AddNote,
    AnswerOffer,
    Assign,
    ClientFrame,
    Close,
    ConversationFrame,
    Hello,
    Pause,
    Ping,
    SendMessage,
    SetPresence,
    TakeOver,
    TemplateAsked,
    Transfer,
    frame_id_of,
    read_frame,
)
from throughline.domain.errors import InvalidRequestError
from throughline.domain.identifiers import AgentId, ConversationId
from throughline.domain.quick_replies import Form, QuickReply, QuickReplyKind
from throughline.domain.routing import Presence

CONVERSATION = ConversationId("h-0011223344556677aabb.0123456789")

MESSAGE: dict[str, Any] = {"conversation": CONVERSATION, "message_id": "m1", "text": "Hi"}
ANSWER = {"kind": "reply", "text": "Yes"}
BAD_QUICK_REPLIES: list[Any] = [
    "Yes",
    ["Yes"],
    [ANSWER] * 14,
    [ANSWER, ANSWER],
    [ANSWER, {"kind": "link", "text": "Pay", "url": "https://pay.example"}],
    [{"kind": "location", "text": "A"}, {"kind": "location", "text": "B"}],
    [{"kind": "link", "text": "Pay"}],
    [{"kind": "form", "text": "Book"}],
    [{"kind": "reply", "text": "Yes", "url": "https://a.example"}],
]

READ: dict[str, tuple[dict[str, Any], ClientFrame]] = {
    "ping": ({}, Ping(action="ping", frame_id="f1")),
    "hello": (
        {"resume": {CONVERSATION: 7}},
        Hello(action="hello", frame_id="f1", resume={CONVERSATION: 7}),
    ),
    "presence.set": (
        {"presence": "not_ready", "reason": "lunch", "after_work": True},
        SetPresence(action="presence.set", frame_id="f1", presence=Presence.NOT_READY, reason="lunch", after_work=True),
    ),
    "offer.accept": (
        {"offer": f"{CONVERSATION}.3"},
        AnswerOffer(action="offer.accept", frame_id="f1", conversation=CONVERSATION, turn=3, reason=None),
    ),
    "offer.reject": (
        {"offer": f"{CONVERSATION}.3", "reason": "busy"},
        AnswerOffer(action="offer.reject", frame_id="f1", conversation=CONVERSATION, turn=3, reason="busy"),
    ),
    "message.send": (
        {
            "conversation": CONVERSATION,
            "message_id": "m1",
            "text": "Hi",
            "attachments": ["u-1"],
            "via": "sms/1|tel:+1",
            "seen_version": 7,
        },
        SendMessage(
            action="message.send",
            frame_id="f1",
            conversation=CONVERSATION,
            message_id="m1",
            text="Hi",
            attachments=("u-1",),
            via="sms/1|tel:+1",
            seen_version=7,
        ),
    ),
    "note.add": (
        {"conversation": CONVERSATION, "text": "VIP", "note_id": "n1"},
        AddNote(action="note.add", frame_id="f1", conversation=CONVERSATION, note_id="n1", text="VIP"),
    ),
    "typing": (
        {"conversation": CONVERSATION},
        ConversationFrame(action="typing", frame_id="f1", conversation=CONVERSATION),
    ),
    "read": (
        {"conversation": CONVERSATION},
        ConversationFrame(action="read", frame_id="f1", conversation=CONVERSATION),
    ),
    "conversation.wrap_up": (
        {"conversation": CONVERSATION},
        ConversationFrame(action="conversation.wrap_up", frame_id="f1", conversation=CONVERSATION),
    ),
    "conversation.close": (
        {"conversation": CONVERSATION, "disposition": "solved", "version": 12},
        Close(action="conversation.close", frame_id="f1", conversation=CONVERSATION, disposition="solved", version=12),
    ),
    "conversation.transfer": (
        {"conversation": CONVERSATION, "to": {"agent": "ben"}, "note": "wants a refund"},
        Transfer(
            action="conversation.transfer",
            frame_id="f1",
            conversation=CONVERSATION,
            queue=None,
            to_agent=AgentId("ben"),
            note="wants a refund",
        ),
    ),
    "conversation.pause": (
        {"conversation": CONVERSATION, "until": "2026-11-22T12:00:00+02:00"},
        Pause(action="conversation.pause", frame_id="f1", conversation=CONVERSATION, until_ms=1_795_341_600_000),
    ),
    "conversation.take_over": (
        {"conversation": CONVERSATION, "turn": 3},
        TakeOver(action="conversation.take_over", frame_id="f1", conversation=CONVERSATION, turn=3),
    ),
    "contact.assign": (
        {"conversation": CONVERSATION, "turn": 3, "agent": "ben"},
        Assign(action="contact.assign", frame_id="f1", conversation=CONVERSATION, turn=3, agent=AgentId("ben")),
    ),
}


def frame(action: str, **fields: Any) -> str:
    return json.dumps({"action": action, "id": "f1", **fields})


def test_every_action_has_its_example_here() -> None:
    assert set(READ) == set(READERS)


@pytest.mark.parametrize("action", READERS)
def test_a_frame_of_each_action_is_read(action: str) -> None:
    fields, expected = READ[action]

    assert expected == read_frame(frame(action, **fields))


def test_what_may_be_left_out_may_be_left_out_or_null() -> None:
    assert read_frame(frame("hello")) == Hello(action="hello", frame_id="f1", resume={})
    assert read_frame(frame("hello", resume=None)) == Hello(action="hello", frame_id="f1", resume={})
    closed = read_frame(frame("conversation.close", conversation=CONVERSATION))
    assert isinstance(closed, Close)
    assert (closed.disposition, closed.version) == (None, None)


def test_a_note_without_an_id_of_its_own_takes_that_of_its_frame() -> None:
    note = read_frame(frame("note.add", conversation=CONVERSATION, text="VIP"))

    assert isinstance(note, AddNote)
    assert note.note_id == "f1"


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("hello", {"resume": []}, "resume"),
    ("hello", {"resume": {CONVERSATION: -1}}, "resume"),
    ("hello", {"resume": {CONVERSATION: True}}, "resume"),
    ("hello", {"resume": {CONVERSATION: "7"}}, "resume"),
    ("hello", {"resume": {f"{CONVERSATION}{n}": 1 for n in range(101)}}, "resume"),
    ("presence.set", {}, "presence"),
    ("presence.set", {"presence": "away"}, "presence"),
    ("presence.set", {"presence": ["available"]}, "presence"),
    ("presence.set", {"presence": "available", "reason": 7}, "reason"),
    ("presence.set", {"presence": "available", "after_work": 1}, "after_work"),
    ("presence.set", {"presence": "available", "after_work": "true"}, "after_work"),
    ("offer.accept", {}, "offer"),
    ("offer.accept", {"offer": "x"}, "offer"),
    ("offer.accept", {"offer": "x.1"}, "offer: "),
    ("offer.accept", {"offer": f"{CONVERSATION}.²"}, "offer"),
    ("offer.accept", {"offer": f"{CONVERSATION}.x"}, "offer"),
    ("message.send", {"conversation": CONVERSATION, "message_id": "m1"}, "text"),
    ("message.send", {"conversation": CONVERSATION, "message_id": "m1", "text": ""}, "text"),
    ("message.send", {"conversation": CONVERSATION, "message_id": "m1", "text": "x" * 16_001}, "text"),
    ("message.send", {"conversation": CONVERSATION, "message_id": "m1", "text": "\ud83d"}, "text"),
    ("message.send", {"conversation": CONVERSATION, "text": "Hi"}, "message_id"),
    *(("message.send", {**MESSAGE, "quick_replies": replies}, "quick_replies") for replies in BAD_QUICK_REPLIES),
    ("message.send", {**MESSAGE, "quick_replies": [{"kind": "link", "text": "L", "url": "http://localhost/"}]}, "url"),
    ("message.send", {**MESSAGE, "quick_replies": [{"kind": "link", "text": "L", "url": "a.example/b"}]}, "url"),
    ("message.send", {**MESSAGE, "quick_replies": [{"kind": "reply", "text": " "}]}, "text"),
    ("message.send", {**MESSAGE, "quick_replies": [{"kind": "reply", "text": "A", "b": 1}]}, "field too many"),
    ("message.send", {**MESSAGE, "quick_replies": [{"kind": "call", "text": "A"}]}, "kind"),
    ("message.send", {**MESSAGE, "quick_replies": [{"kind": "form", "text": "A", "form": {"screen": "B"}}]}, "id"),
    ("message.send", {**MESSAGE, "template": {"name": "t"}}, "template"),
    ("message.send", {**MESSAGE, "text": None, "template": {"parameters": ["a"]}}, "name"),
    ("message.send", {**MESSAGE, "text": None, "template": {"name": "t", "parameters": [""]}}, "parameters"),
    ("message.send", {**MESSAGE, "text": None, "quick_replies": [ANSWER]}, "quick_replies"),
    ("message.send", {"conversation": CONVERSATION, "message_id": "m" * 65, "text": "Hi"}, "message_id"),
    ("message.send", {"message_id": "m1", "text": "Hi"}, "conversation"),
    ("message.send", {"conversation": "c", "message_id": "m1", "text": "Hi"}, "conversation: "),
    ("message.send", {"conversation": CONVERSATION, "message_id": "m1", "attachments": "u-1"}, "attachments"),
    ("message.send", {"conversation": CONVERSATION, "message_id": "m1", "attachments": [7]}, "attachments"),
    ("message.send", {"conversation": CONVERSATION, "message_id": "m1", "attachments": ["u"] * 11}, "attachments"),
    ("message.send", {"conversation": CONVERSATION, "message_id": "m1", "text": "Hi", "attachment": "u"}, "field"),
    ("note.add", {"conversation": CONVERSATION}, "text"),
    ("conversation.close", {"conversation": CONVERSATION, "version": 1.5}, "version"),
    ("conversation.close", {"conversation": CONVERSATION, "disposition": {}}, "disposition"),
    ("conversation.transfer", {"conversation": CONVERSATION}, "to"),
    ("conversation.transfer", {"conversation": CONVERSATION, "to": "sales"}, "to"),
    ("conversation.transfer", {"conversation": CONVERSATION, "to": {"queue": "a", "agent": "b"}}, "to"),
    ("conversation.transfer", {"conversation": CONVERSATION, "to": {"team": "b"}}, "field"),
    ("conversation.transfer", {"conversation": CONVERSATION, "to": {"queue": "a"}, "note": ""}, "note"),
    ("conversation.take_over", {"conversation": CONVERSATION}, "turn"),
    ("conversation.take_over", {"conversation": CONVERSATION, "turn": -1}, "turn"),
    ("contact.assign", {"conversation": CONVERSATION, "turn": 1}, "agent"),
    ("message.send", {"conversation": CONVERSATION, "message_id": "m1", "text": "Hi", "seen_version": "7"}, "seen"),
    ("conversation.pause", {"conversation": CONVERSATION}, "until"),
    ("conversation.pause", {"conversation": CONVERSATION, "until": "2026-11-22T12:00:00"}, "until"),
    ("conversation.pause", {"conversation": CONVERSATION, "until": "2026-13-01T00:00:00Z"}, "until"),
    ("conversation.pause", {"conversation": CONVERSATION, "until": 1_795_341_600_000}, "until"),
]


@pytest.mark.parametrize(("action", "fields", "named"), WRONG)
def test_a_wrong_field_is_refused_by_name(action: str, fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidRequestError, match=named):
        read_frame(frame(action, **fields))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "None",
        "hello",
        "[]",
        "null",
        '"ping"',
        '{"action": "ping"}',
        '{"id": "f1"}',
        '{"action": "dance", "id": "f1"}',
        '{"action": {}, "id": "f1"}',
        '{"action": "ping", "id": 7}',
        '{"action": "ping", "id": ""}',
        json.dumps({"action": "ping", "id": "x" * 65}),
        '{"action": "ping", "id": "f1", "at": NaN}',
        "[" * 30_000,
        '{"a":' * 5_000,
        '{"action": "ping", "id": "f1", "n": ' + "9" * 5_000 + "}",
    ],
)
def test_what_is_no_frame_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        read_frame(text)


def test_a_frame_over_the_limit_is_refused_even_if_its_characters_would_fit() -> None:
    fitting = frame("ping", padding="")
    with pytest.raises(InvalidRequestError, match="at most"):
        read_frame(frame("ping", padding="x" * MAX_FRAME_BYTES))
    with pytest.raises(InvalidRequestError, match="at most"):
        read_frame(fitting.replace('""', json.dumps("é" * (MAX_FRAME_BYTES // 2), ensure_ascii=False)))


@pytest.mark.parametrize("secret", ["4111 1111 1111 1111"])
def test_a_refusal_never_repeats_what_was_sent(secret: str) -> None:
    frames = [
        frame("message.send", conversation=secret, message_id="m1", text="Hi"),
        frame("message.send", conversation=CONVERSATION, message_id=secret * 9, text="Hi"),
        frame("message.send", conversation=CONVERSATION, message_id="m1", text="Hi", **{secret: 1}),
        frame("presence.set", presence=secret),
        frame("conversation.pause", conversation=CONVERSATION, until=secret),
        frame(secret),
        secret,
    ]
    for text in frames:
        with pytest.raises(InvalidRequestError) as caught:
            read_frame(text)
        assert secret not in str(caught.value)


def test_the_id_is_found_however_wrong_the_rest_is() -> None:
    assert frame_id_of('{"id": "f1", "action": 7}') == "f1"
    assert frame_id_of('{"id": 7}') is None
    assert frame_id_of('{"action": "ping"}') is None
    assert frame_id_of(json.dumps({"id": "x" * 65})) is None
    assert frame_id_of("nonsense") is None
    assert frame_id_of("[" * 30_000) is None


@pytest.mark.parametrize("frame_id", ["\ud800", "f\udfff", ""])
def test_an_id_that_the_protocol_does_not_take_is_none_that_an_answer_could_bear(frame_id: str) -> None:
    text = json.dumps({"action": "ping", "id": frame_id})

    assert frame_id_of(text) is None
    with pytest.raises(InvalidRequestError, match="id: "):
        read_frame(text)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
JSON_VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=9), SCALARS, max_size=3)
NAMES = st.sampled_from(
    ["conversation", "offer", "text", "resume", "to", "until", "via", "version", "attachments", "presence"]
)


@given(action=st.sampled_from(sorted(READERS)), fields=st.dictionaries(NAMES, JSON_VALUES, max_size=4))
def test_whatever_json_arrives_is_read_or_refused_and_nothing_else_happens(action: str, fields: dict[str, Any]) -> None:
    with contextlib.suppress(InvalidRequestError):
        read_frame(frame(action, **fields))


def test_a_message_may_lay_answers_ready() -> None:
    form = {"id": "123", "screen": "DATES", "values": {"name": "Ana"}, "token": "t1"}
    frame = read_frame(
        json.dumps(
            {
                "action": "message.send",
                "id": "f1",
                **MESSAGE,
                "quick_replies": [{"kind": "form", "text": "Book", "form": form}],
            }
        )
    )
    assert isinstance(frame, SendMessage)
    assert frame.quick_replies == (
        QuickReply(
            kind=QuickReplyKind.FORM,
            text="Book",
            form=Form(form_id="123", screen="DATES", values={"name": "Ana"}, token="t1"),
        ),
    )


def test_a_message_may_be_a_template() -> None:
    asked = {"name": "visit", "parameters": ["Ana", "x" * 1000]}
    frame = read_frame(json.dumps({"action": "message.send", "id": "f1", **MESSAGE, "text": None, "template": asked}))
    assert isinstance(frame, SendMessage)
    assert frame.template == TemplateAsked(name="visit", parameters=("Ana", "x" * 1000))

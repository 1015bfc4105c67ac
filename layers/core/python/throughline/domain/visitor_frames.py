"""Frames that a visitor sends. They name no conversation: a visitor has one thread, their own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from throughline.domain.client_frames import (
    MAX_ATTACHMENTS,
    MAX_FRAME_BYTES,
    MAX_ID_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    READERS,
    ClientFrame,
)
from throughline.domain.errors import ForbiddenError, InvalidRequestError
from throughline.domain.identifiers import MAX_REFERENCE_CHARACTERS, parse_entry_id
from throughline.domain.json_fields import Fields, decode_object

MAX_SEEN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorHello(ClientFrame):
    """A client (re)connected; `resume` is the id of the newest entry it has."""

    resume: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(ClientFrame):
    """A visitor's message; `reply_to` is an entry id."""

    message_id: str
    text: str | None
    attachments: tuple[str, ...]
    reply_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing(ClientFrame):
    """The visitor is writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(ClientFrame):
    """`received` or `read`: what became of messages of ours, by entry id."""

    entries: tuple[str, ...]


def read_visitor_frame(text: str) -> ClientFrame:
    """Return what a visitor asks for.

    Raises:
        ForbiddenError: it is an action for those who work here.
        InvalidRequestError: it is no frame of the protocol; the message says which field and what it has to be.
    """
    fields = Fields(decode_object(text, MAX_FRAME_BYTES))
    frame_id = fields.text("id", MAX_ID_CHARACTERS)
    action = fields.one_of("action", tuple({**READERS, **VISITOR_READERS}))
    if action not in VISITOR_READERS:
        raise ForbiddenError(f"{action} is not allowed here")
    frame = VISITOR_READERS[action](fields, action, frame_id)
    fields.refuse_others()
    return frame


def _hello(fields: Fields, action: str, frame_id: str) -> VisitorHello:
    resume = _entry_or_none(fields, "resume")
    return VisitorHello(action=action, frame_id=frame_id, resume=resume)


def _say(fields: Fields, action: str, frame_id: str) -> Say:
    frame = Say(
        action=action,
        frame_id=frame_id,
        message_id=fields.text("message_id", MAX_ID_CHARACTERS),
        text=fields.text_or_none("text", MAX_TEXT_CHARACTERS),
        attachments=fields.texts("attachments", MAX_ATTACHMENTS),
        reply_to=_entry_or_none(fields, "reply_to"),
    )
    if not (frame.text and frame.text.strip()) and not frame.attachments:
        raise InvalidRequestError("text: is missing, and so are attachments")
    return frame


def _typing(_: Fields, action: str, frame_id: str) -> Typing:
    return Typing(action=action, frame_id=frame_id)


def _seen(fields: Fields, action: str, frame_id: str) -> Seen:
    entries = fields.texts("entries", MAX_SEEN)
    if not entries:
        raise InvalidRequestError("entries: is missing")
    for entry in entries:
        parse_entry_id(entry, field="entries")
    return Seen(action=action, frame_id=frame_id, entries=tuple(dict.fromkeys(entries)))


def _entry_or_none(fields: Fields, name: str) -> str | None:
    entry = fields.text_or_none(name, MAX_REFERENCE_CHARACTERS)
    if entry is not None:
        parse_entry_id(entry, field=name)
    return entry


VISITOR_READERS: Mapping[str, Callable[[Fields, str, str], ClientFrame]] = {
    "hello": _hello,
    "ping": READERS["ping"],
    "message.send": _say,
    "typing": _typing,
    "received": _seen,
    "read": _seen,
}

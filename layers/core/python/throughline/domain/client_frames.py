"""Frames that a client sends: their fields, checked and typed.

docs/protocol.md describes them; a test holds the two together. What is wrong with a frame is said with the name of the
field and never with its value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from throughline.domain.errors import InvalidRequestError
from throughline.domain.identifiers import MAX_REFERENCE_CHARACTERS, AgentId, ConversationId, parse_offer_id
from throughline.domain.json_fields import Fields, decode_object, is_count
from throughline.domain.quick_replies import MAX_QUICK_REPLIES, QuickReply, read_quick_replies
from throughline.domain.routing import Presence

MAX_FRAME_BYTES = 32 * 1024  # what API Gateway takes in one frame
MAX_ID_CHARACTERS = 64
MAX_AGENT_CHARACTERS = 128
MAX_TEXT_CHARACTERS = 16_000
MAX_REASON_CHARACTERS = 200
MAX_ATTACHMENTS = 10
MAX_PARAMETERS = 30
MAX_PARAMETER_CHARACTERS = 1000
MAX_RESUMED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFrame:
    """What every frame has. `frame_id` is chosen by the client, unique for good: the same one twice has one effect."""

    action: str
    frame_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping(ClientFrame):
    """Keep the connection open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello(ClientFrame):
    """A screen (re)connected and knows these versions."""

    resume: Mapping[ConversationId, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPresence(ClientFrame):
    """The agent declares whether they want work, now or once theirs is done."""

    presence: Presence
    reason: str | None
    after_work: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationFrame(ClientFrame):
    """A frame about one conversation; on its own `conversation.wrap_up`, `typing` and `read`."""

    conversation: ConversationId


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOffer(ConversationFrame):
    """`offer.accept` or `offer.reject` of the offer made at `turn`."""

    turn: int
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateAsked:
    """The template of a reply, by our name, and what stands in the places of its parameters."""

    name: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessage(ConversationFrame):
    """A reply. `via` is ``<account>|<identifier>``, or None for the one last used.

    With `seen_version`, only if nobody else has answered since.
    """

    message_id: str
    text: str | None
    attachments: tuple[str, ...] = ()
    via: str | None = None
    quick_replies: tuple[QuickReply, ...] = ()
    template: TemplateAsked | None = None
    seen_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNote(ConversationFrame):
    """A note that never leaves us."""

    note_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(ConversationFrame):
    """The matter is done. With `version`, only if nothing was announced since."""

    disposition: str | None
    version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(ConversationFrame):
    """Give the contact to a queue or to a colleague: one of the two is set. `note` goes on the thread before."""

    queue: str | None
    to_agent: AgentId | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(ConversationFrame):
    """Keep the conversation and free the capacity until then (epoch milliseconds) or until the customer writes."""

    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOver(ConversationFrame):
    """A supervisor becomes the holder of what stands at `turn`."""

    turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign(ConversationFrame):
    """A supervisor has what stands at `turn` offered to one agent."""

    turn: int
    agent: AgentId


def frame_id_of(text: str) -> str | None:
    """Return the id of a frame however wrong the rest of it is, or None where there is none that can be sent back."""
    try:
        return Fields(decode_object(text, MAX_FRAME_BYTES)).text_or_none("id", MAX_ID_CHARACTERS)
    except InvalidRequestError:
        return None


def read_frame(text: str) -> ClientFrame:
    """Return what the client asks for.

    Raises:
        InvalidRequestError: it is no frame of the protocol; the message says which field and what it has to be.
    """
    fields = Fields(decode_object(text, MAX_FRAME_BYTES))
    frame_id = fields.text("id", MAX_ID_CHARACTERS)
    action = fields.one_of("action", tuple(READERS))
    frame = READERS[action](fields, action, frame_id)
    fields.refuse_others()
    return frame


# ---------------------------------------------------------------- one reader an action


def _ping(_: Fields, action: str, frame_id: str) -> Ping:
    return Ping(action=action, frame_id=frame_id)


def _hello(fields: Fields, action: str, frame_id: str) -> Hello:
    resume = fields.object_or_empty("resume")
    if len(resume) > MAX_RESUMED or not all(is_count(version) for version in resume.values()):
        raise InvalidRequestError(f"resume: has to map at most {MAX_RESUMED} conversations to their versions")
    return Hello(action=action, frame_id=frame_id, resume={ConversationId(key): value for key, value in resume.items()})


def _set_presence(fields: Fields, action: str, frame_id: str) -> SetPresence:
    presence = Presence(fields.one_of("presence", tuple(Presence)))
    reason = fields.text_or_none("reason", MAX_REASON_CHARACTERS)
    after_work = fields.flag("after_work")
    return SetPresence(action=action, frame_id=frame_id, presence=presence, reason=reason, after_work=after_work)


def _answer_offer(fields: Fields, action: str, frame_id: str) -> AnswerOffer:
    conversation, turn = parse_offer_id(fields.text("offer", MAX_REFERENCE_CHARACTERS))
    reason = fields.text_or_none("reason", MAX_REASON_CHARACTERS) if action == "offer.reject" else None
    return AnswerOffer(action=action, frame_id=frame_id, conversation=conversation, turn=turn, reason=reason)


def _send_message(fields: Fields, action: str, frame_id: str) -> SendMessage:
    frame = SendMessage(
        action=action,
        frame_id=frame_id,
        conversation=fields.conversation(),
        message_id=fields.text("message_id", MAX_ID_CHARACTERS),
        text=fields.text_or_none("text", MAX_TEXT_CHARACTERS),
        attachments=fields.texts("attachments", MAX_ATTACHMENTS),
        via=fields.text_or_none("via", MAX_REFERENCE_CHARACTERS),
        quick_replies=read_quick_replies(fields.objects("quick_replies", MAX_QUICK_REPLIES)),
        template=_template(fields.object_or_empty("template")),
        seen_version=fields.number_or_none("seen_version"),
    )
    _require_content(frame)
    return frame


def _require_content(frame: SendMessage) -> None:
    if frame.template and (frame.text is not None or frame.quick_replies):
        raise InvalidRequestError("template: has its own text, and goes with neither text nor quick_replies")
    if frame.quick_replies and not (frame.text or "").strip():
        raise InvalidRequestError("quick_replies: need a text to stand under")
    if frame.text is None and not frame.attachments and frame.template is None:
        raise InvalidRequestError("text: is missing, and so are attachments")


def _template(given: Mapping[str, Any]) -> TemplateAsked | None:
    if not given:
        return None
    fields = Fields(given)
    asked = TemplateAsked(
        name=fields.text("name", MAX_ID_CHARACTERS),
        parameters=fields.texts("parameters", MAX_PARAMETERS, longest=MAX_PARAMETER_CHARACTERS),
    )
    fields.refuse_others()
    return asked


def _add_note(fields: Fields, action: str, frame_id: str) -> AddNote:
    return AddNote(
        action=action,
        frame_id=frame_id,
        conversation=fields.conversation(),
        note_id=fields.text_or_none("note_id", MAX_ID_CHARACTERS) or frame_id,
        text=fields.text("text", MAX_TEXT_CHARACTERS),
    )


def _about(fields: Fields, action: str, frame_id: str) -> ConversationFrame:
    return ConversationFrame(action=action, frame_id=frame_id, conversation=fields.conversation())


def _close(fields: Fields, action: str, frame_id: str) -> Close:
    return Close(
        action=action,
        frame_id=frame_id,
        conversation=fields.conversation(),
        disposition=fields.text_or_none("disposition", MAX_ID_CHARACTERS),
        version=fields.number_or_none("version"),
    )


def _transfer(fields: Fields, action: str, frame_id: str) -> Transfer:
    conversation = fields.conversation()
    target = Fields(fields.object_or_empty("to"))
    queue, agent = target.text_or_none("queue", MAX_ID_CHARACTERS), target.text_or_none("agent", MAX_AGENT_CHARACTERS)
    target.refuse_others()
    if (queue is None) == (agent is None):
        raise InvalidRequestError("to: has to name a queue or an agent, one of the two")
    return Transfer(
        action=action,
        frame_id=frame_id,
        conversation=conversation,
        queue=queue,
        to_agent=None if agent is None else AgentId(agent),
        note=fields.text_or_none("note", MAX_TEXT_CHARACTERS),
    )


def _pause(fields: Fields, action: str, frame_id: str) -> Pause:
    conversation, until_ms = fields.conversation(), fields.instant_ms("until")
    return Pause(action=action, frame_id=frame_id, conversation=conversation, until_ms=until_ms)


def _take_over(fields: Fields, action: str, frame_id: str) -> TakeOver:
    return TakeOver(action=action, frame_id=frame_id, conversation=fields.conversation(), turn=fields.number("turn"))


def _assign(fields: Fields, action: str, frame_id: str) -> Assign:
    return Assign(
        action=action,
        frame_id=frame_id,
        conversation=fields.conversation(),
        turn=fields.number("turn"),
        agent=AgentId(fields.text("agent", MAX_AGENT_CHARACTERS)),
    )


READERS: Mapping[str, Callable[[Fields, str, str], ClientFrame]] = {
    "hello": _hello,
    "ping": _ping,
    "presence.set": _set_presence,
    "offer.accept": _answer_offer,
    "offer.reject": _answer_offer,
    "message.send": _send_message,
    "note.add": _add_note,
    "typing": _about,
    "read": _about,
    "conversation.wrap_up": _about,
    "conversation.close": _close,
    "conversation.transfer": _transfer,
    "conversation.pause": _pause,
    "conversation.take_over": _take_over,
    "contact.assign": _assign,
}

"""Jobs as the JSON objects that travel through the queues, and back.

A job says its version. What is of another one, has a field too many or too few, or a field of the wrong type is refused
(MalformedPayloadError) with the name of the field and never with its value: it was written by another release of ours.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar

from throughline.domain.conversations import Direction, Entry, EntryKind
from throughline.domain.errors import MalformedPayloadError
from throughline.domain.identifiers import ConversationId, Evidence, Home, Identifier
from throughline.domain.messages import (
    Attachment,
    CallReported,
    ChannelEvent,
    ConsentChanged,
    DeliveryStatus,
    Echo,
    IdentityChanged,
    Location,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    NotUnderstood,
    Postback,
    Reaction,
    StatusReported,
)
from throughline.domain.quick_replies import Form, QuickReply, QuickReplyKind
from throughline.domain.templates import FilledTemplate

VERSION = 1

Json = dict[str, Any]
Word = TypeVar("Word", bound=StrEnum)
Type = TypeVar("Type")
Reader = Callable[[Any, str], Any]

EVENT_KINDS: Mapping[str, type[ChannelEvent]] = {
    "message": MessageReceived,
    "edit": MessageEdited,
    "deletion": MessageDeleted,
    "reaction": Reaction,
    "status": StatusReported,
    "postback": Postback,
    "consent": ConsentChanged,
    "identity": IdentityChanged,
    "echo": Echo,
    "call": CallReported,
    "not_understood": NotUnderstood,
}
_NAMES = {event_type: kind for kind, event_type in EVENT_KINDS.items()}

# ---------------------------------------------------------------- jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundJob:
    """An event on its way to the thread. `inbound` is our id of it, the same in every delivery of the job."""

    inbound: str
    arrival_ms: int
    event: ChannelEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundJob:
    """A reply on its way to the provider, with the whole entry: it does not depend on whether that was written down."""

    conversation: ConversationId
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaJob:
    """A file of a customer's to be copied: the `index`th attachment of an entry."""

    home: Home
    reference: str
    index: int


def event_kind(event: ChannelEvent) -> str:
    """Return the name by which events of this type travel."""
    return _NAMES[type(event)]


def encode_inbound(job: InboundJob) -> Json:
    """Return the job of an event: version, our id, when it arrived, whose it is, and the event."""
    event = {"kind": event_kind(job.event), **encode_record(job.event)}
    account = event.pop("account")
    return {"v": VERSION, "inbound": job.inbound, "arrival_ms": job.arrival_ms, "account": account, "event": event}


def decode_inbound(value: Mapping[str, Any]) -> InboundJob:
    """Return the job that `encode_inbound` wrote.

    Raises:
        MalformedPayloadError: it did not, or another version of it did.
    """
    given = _opened(value, {"inbound", "arrival_ms", "account", "event"})
    event = dict(_object(given["event"], "event"))
    event_type = EVENT_KINDS.get(_words(event.pop("kind", None), "kind"))
    if event_type is None:
        raise MalformedPayloadError("an event of a kind that is not known")
    return InboundJob(
        inbound=_words(given["inbound"], "inbound"),
        arrival_ms=_whole(given["arrival_ms"], "arrival_ms"),
        event=decode_record(event_type, {**event, "account": given["account"]}),
    )


def encode_outbound(job: OutboundJob) -> Json:
    """Return the job of a reply."""
    return {"v": VERSION, "conversation": job.conversation, "entry": encode_record(job.entry)}


def decode_outbound(value: Mapping[str, Any]) -> OutboundJob:
    """Return the job that `encode_outbound` wrote.

    Raises:
        MalformedPayloadError: it did not, or another version of it did.
    """
    given = _opened(value, {"conversation", "entry"})
    return OutboundJob(
        conversation=ConversationId(_words(given["conversation"], "conversation")),
        entry=decode_record(Entry, _object(given["entry"], "entry")),
    )


def encode_media(job: MediaJob) -> Json:
    """Return the job of a file."""
    return {"v": VERSION, "home": job.home, "reference": job.reference, "index": job.index}


def decode_media(value: Mapping[str, Any]) -> MediaJob:
    """Return the job that `encode_media` wrote.

    Raises:
        MalformedPayloadError: it did not, or another version of it did.
    """
    given = _opened(value, {"home", "reference", "index"})
    return MediaJob(
        home=Home(_words(given["home"], "home")),
        reference=_words(given["reference"], "reference"),
        index=_whole(given["index"], "index"),
    )


def _opened(value: Mapping[str, Any], names: set[str]) -> Mapping[str, Any]:
    if _object(value, "job").get("v") != VERSION:
        raise MalformedPayloadError("a job of a version that is not known")
    if value.keys() != names | {"v"}:
        raise MalformedPayloadError(f"a job must have exactly {', '.join(sorted(names))}")
    return value


# ---------------------------------------------------------------- records: events, entries and what they hold


def encode_record(record: Any) -> Json:
    """Return the fields of a record; what is as by default is left out."""
    given = {field.name: getattr(record, field.name) for field in fields(record)}
    defaults = _DEFAULTS[type(record)]
    return {name: _encoded(value) for name, value in given.items() if name not in defaults or value != defaults[name]}


def _encoded(value: Any) -> Any:
    if type(value) in _DEFAULTS:
        return encode_record(value)
    if isinstance(value, tuple):
        return [_encoded(item) for item in value]
    return value


def decode_record(record_type: Any, given: Mapping[str, Any]) -> Any:
    """Return the record that `encode_record` wrote; MalformedPayloadError if it did not."""
    known = {field.name for field in fields(record_type)}
    if not known >= given.keys() >= known - _DEFAULTS[record_type].keys():
        raise MalformedPayloadError(f"{record_type.__name__}: a field is missing or one too many")
    return record_type(**{name: _reader(record_type, name)(value, name) for name, value in given.items()})


def _reader(record_type: type, name: str) -> Reader:
    return _READERS.get((record_type, name)) or _READERS[name]


def _typed(value: Any, name: str, wanted: type[Type]) -> Type:
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise MalformedPayloadError(f"{name}: has the wrong type")
    return value


def _words(value: Any, name: str) -> str:
    return _typed(value, name, str)


def _words_or_none(value: Any, name: str) -> str | None:
    return None if value is None else _typed(value, name, str)


def _whole(value: Any, name: str) -> int:
    return _typed(value, name, int)


def _whole_or_none(value: Any, name: str) -> int | None:
    return None if value is None else _typed(value, name, int)


def _flag(value: Any, name: str) -> bool:
    return _typed(value, name, bool)


def _figure(value: Any, name: str) -> float:
    try:
        return float(value) if isinstance(value, float) else float(_typed(value, name, int))
    except OverflowError:
        raise MalformedPayloadError(f"{name}: is too large") from None


def _object(value: Any, name: str) -> Mapping[str, Any]:
    return _typed(value, name, dict)


def _anything(value: Any, _name: str) -> Any:
    return value


def _one_of(words: type[Word]) -> Callable[[Any, str], Word]:
    def read(value: Any, name: str) -> Word:
        if value not in list(words):
            raise MalformedPayloadError(f"{name}: is a word that is not known")
        return words(value)

    return read


def _record(record_type: type) -> Reader:
    return lambda value, name: decode_record(record_type, _object(value, name))


def _several(read: Reader) -> Callable[[Any, str], tuple[Any, ...]]:
    return lambda value, name: tuple(read(item, name) for item in _typed(value, name, list))


_RECORDS = (Entry, Identifier, Attachment, Location, QuickReply, Form, FilledTemplate, *EVENT_KINDS.values())
_DEFAULTS: Mapping[type, Json] = {
    record: {
        field.name: field.default if field.default_factory is MISSING else field.default_factory()
        for field in fields(record)
        if field.default is not MISSING or field.default_factory is not MISSING
    }
    for record in _RECORDS
}
_READERS: Mapping[Any, Reader] = {
    **dict.fromkeys(("account", "by", "channel", "data", "event", "home", "kind", "message_id", "provider_id"), _words),
    **dict.fromkeys(("reference", "type", "value"), _words),
    **dict.fromkeys(("album", "author", "blob", "content_type", "emoji", "entry", "error_code"), _words_or_none),
    **dict.fromkeys(
        ("failed", "address", "language", "name", "reason", "reply_to", "reply_to_entry", "source"), _words_or_none
    ),
    **dict.fromkeys(("description", "screen", "target", "text", "token", "url", "via"), _words_or_none),
    **dict.fromkeys(("form_id", "provider_name"), _words),
    **dict.fromkeys(("latitude", "longitude"), _figure),
    **dict.fromkeys(("granted", "opted_out"), _flag),
    **dict.fromkeys(("sent_ms", "sequence", "size_bytes"), _whole_or_none),
    "received_ms": _whole,
    "scope": _words,
    "details": _object,
    "raw": _anything,
    "direction": _one_of(Direction),
    "evidence": _one_of(Evidence),
    "status": _one_of(DeliveryStatus),
    "provider_ids": _several(_words),
    "parameters": _several(_words),
    "values": _object,
    "quick_replies": _several(_record(QuickReply)),
    "template": _record(FilledTemplate),
    "form": _record(Form),
    "attachments": _several(_record(Attachment)),
    "senders": _several(_record(Identifier)),
    "previous": _record(Identifier),
    "current": _record(Identifier),
    "location": _record(Location),
    (Entry, "kind"): _one_of(EntryKind),
    (QuickReply, "kind"): _one_of(QuickReplyKind),
    (QuickReply, "text"): _words,
    (FilledTemplate, "name"): _words,
    (FilledTemplate, "language"): _words,
    (Entry, "sent_ms"): _whole,
    (MessageDeleted, "target"): _words,
    (MessageEdited, "target"): _words,
    (Reaction, "target"): _words,
    (NotUnderstood, "reason"): _words,
}

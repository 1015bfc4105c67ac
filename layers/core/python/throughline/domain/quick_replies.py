"""Answers we lay ready for the customer to tap, and how they read where a channel has nothing to tap."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from throughline.domain.errors import InvalidRequestError
from throughline.domain.json_fields import Fields

MAX_QUICK_REPLIES = 13
MAX_LABEL_CHARACTERS = 80
MAX_DESCRIPTION_CHARACTERS = 200
MAX_URL_CHARACTERS = 2000
MAX_FORM_VALUES = 20

_PUBLIC_URL = re.compile(r"https?://[^\s/?#@]+\.[^\s/?#@]{2,}([/?#]\S*)?")


class QuickReplyKind(StrEnum):
    """What a tap does. Those of one message are of one kind; there is one form or one request for a place at most."""

    REPLY = "reply"  # says the label
    LINK = "link"  # opens `url`
    FORM = "form"  # opens a form: the provider's own (`form`), or a page of ours (`url`)
    LOCATION = "location"  # asks where the customer is


_ALONE = frozenset({QuickReplyKind.FORM, QuickReplyKind.LOCATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form that lives at the provider (a WhatsApp Flow): its id, the screen to begin with and what is filled in."""

    form_id: str
    screen: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None  # comes back with the answer


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReply:
    """One thing to tap. `text` is its label."""

    kind: QuickReplyKind
    text: str
    description: str | None = None
    url: str | None = None
    form: Form | None = None


def written_out(text: str, quick_replies: Sequence[QuickReply]) -> str:
    """Return `text` with the quick replies behind it, for a channel without buttons: numbered, or with their address.

    A request for a place needs no line of its own: the text asks for it.
    """
    match [reply.kind for reply in quick_replies]:
        case [QuickReplyKind.REPLY, *_]:
            lines = [f"{number}. {_described(reply)}" for number, reply in enumerate(quick_replies, start=1)]
        case _:
            lines = [f"{_described(reply)}: {reply.url}" for reply in quick_replies if reply.url]
    return "\n".join([text, "", *lines]) if lines else text


def _described(reply: QuickReply) -> str:
    return f"{reply.text} ({reply.description})" if reply.description else reply.text


# ---------------------------------------------------------------- as clients send them


def read_quick_replies(given: Sequence[Mapping[str, Any]]) -> tuple[QuickReply, ...]:
    """Return the quick replies of a frame.

    Raises:
        InvalidRequestError: one is not as the protocol says, or they do not go together.
    """
    replies = tuple(_read(Fields(item)) for item in given)
    kinds = {reply.kind for reply in replies}
    if len(kinds) > 1:
        raise InvalidRequestError("quick_replies: have to be of one kind")
    if kinds & _ALONE and len(replies) > 1:
        raise InvalidRequestError("quick_replies: a form or a request for a place stands alone")
    if len({reply.text for reply in replies}) < len(replies):
        raise InvalidRequestError("quick_replies: no two may have the same text")
    return replies


def _read(fields: Fields) -> QuickReply:
    reply = QuickReply(
        kind=QuickReplyKind(fields.one_of("kind", tuple(QuickReplyKind))),
        text=fields.text("text", MAX_LABEL_CHARACTERS).strip(),
        description=fields.text_or_none("description", MAX_DESCRIPTION_CHARACTERS),
        url=fields.text_or_none("url", MAX_URL_CHARACTERS),
        form=_read_form(fields.object_or_empty("form")),
    )
    fields.refuse_others()
    _require_target(reply)
    return reply


def _read_form(given: Mapping[str, Any]) -> Form | None:
    if not given:
        return None
    fields = Fields(given)
    values = Fields(fields.object_or_empty("values"))
    if len(values.names) > MAX_FORM_VALUES:
        raise InvalidRequestError(f"values: at most {MAX_FORM_VALUES} are taken")
    form = Form(
        form_id=fields.text("id", MAX_LABEL_CHARACTERS),
        screen=fields.text_or_none("screen", MAX_LABEL_CHARACTERS),
        values={name: values.text(name, MAX_DESCRIPTION_CHARACTERS) for name in values.names},
        token=fields.text_or_none("token", MAX_DESCRIPTION_CHARACTERS),
    )
    fields.refuse_others()
    return form


def _require_target(reply: QuickReply) -> None:
    """Raise unless the reply leads where one of its kind leads, and nowhere else."""
    if not reply.text:
        raise InvalidRequestError("text: of a quick reply is blank")
    if reply.url is not None and not _PUBLIC_URL.fullmatch(reply.url):
        raise InvalidRequestError("url: has to be a public address with http:// or https://")
    match reply:
        case QuickReply(kind=QuickReplyKind.LINK, url=str(), form=None):
            return
        case QuickReply(kind=QuickReplyKind.FORM) if reply.url or reply.form:
            return
        case QuickReply(kind=QuickReplyKind.REPLY | QuickReplyKind.LOCATION, url=None, form=None):
            return
    raise InvalidRequestError("quick_replies: a link has a url, a form a form or a url, and the others neither")

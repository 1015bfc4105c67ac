"""A message of ours as the bodies that WhatsApp takes.

https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
"""

from collections.abc import Mapping, Sequence
from typing import Any

from throughline.channels._media import file_name
from throughline.channels._parts import link_to
from throughline.channels._texts import split, utf16_length
from throughline.domain.errors import UnsupportedContentError
from throughline.domain.identifiers import Identifier
from throughline.domain.messages import Attachment, OutboundMessage
from throughline.domain.quick_replies import Form, QuickReply, QuickReplyKind, written_out
from throughline.domain.templates import FilledTemplate

TEXT_LIMIT = 4096  # .../whatsapp/messages/text-messages
CAPTION_LIMIT = 1024  # .../whatsapp/messages/image-messages
BODY_LIMIT = 1024  # .../whatsapp/messages/interactive-reply-buttons-messages; a list's may be longer, the others' not
BUTTONS, BUTTON_LIMIT = 3, 20
ROWS, ROW_LIMIT, DESCRIPTION_LIMIT = 10, 24, 72  # .../whatsapp/messages/interactive-list-messages
CALL_LIMIT = 20  # .../whatsapp/messages/interactive-cta-url-messages
FORM_CALL_LIMIT = 30  # .../whatsapp/flows/guides/sendingaflow

# our kind of attachment → theirs; the captioned ones can carry the text along, and stand above buttons
MEDIA_TYPES: Mapping[str, str] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "voice": "audio",
    "document": "document",
    "sticker": "sticker",
}
CAPTIONED = frozenset({"image", "video", "document"})
HEADED = frozenset({"button", "cta_url", "flow"})  # kinds of interactive message with room for a file above the text

# what the customer presses to see a list, by the language they write
MENU: Mapping[str, str] = {"ar": "القائمة", "es": "Menú", "fa": "منو", "fr": "Menu", "id": "Menu", "pt": "Menu"}

Request = dict[str, Any]


def requests_of(message: OutboundMessage) -> list[Request]:
    """Return the bodies to post: files, then the text; the first one quotes what the message answers."""
    envelope = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **_recipient(message.to),
        "biz_opaque_callback_data": message.entry,
    }
    requests = [{**envelope, **content} for content in _contents(message)]
    if requests and message.reply_to:
        requests[0]["context"] = {"message_id": message.reply_to}
    return requests


def _contents(message: OutboundMessage) -> list[Request]:
    if message.template:
        return [_template(message.template, message.attachments)]
    words, replies = message.text or "", message.quick_replies
    if replies and (interactive := _interactive(replies, message.language)):
        return _tappable(words, message.attachments, interactive)
    return _plain(written_out(words, replies) if replies else words, message.attachments)


def _recipient(to: Identifier) -> Request:
    return {"recipient": to.value} if to.kind == "bsuid" else {"to": to.value.removeprefix("+")}


# ---------------------------------------------------------------- texts and files


def _plain(words: str, files: Sequence[Attachment]) -> list[Request]:
    """Return the files, a short text as the caption of a single one, any other text behind."""
    captioned = len(files) == 1 and files[0].kind in CAPTIONED and bool(words.strip())
    captioned = captioned and utf16_length(words) <= CAPTION_LIMIT
    contents = [_file(attachment, words if captioned else None) for attachment in files]
    return contents + [_text(piece) for piece in ([] if captioned else split(words, TEXT_LIMIT))]


def _text(piece: str) -> Request:
    return {"type": "text", "text": {"body": piece, "preview_url": "https://" in piece or "http://" in piece}}


def _file(attachment: Attachment, caption: str | None = None) -> Request:
    kind = MEDIA_TYPES.get(attachment.kind)
    if kind is None:
        raise UnsupportedContentError(f"WhatsApp cannot carry an attachment of kind {attachment.kind}")
    file = {"link": link_to(attachment)}
    if caption:
        file["caption"] = caption
    name = attachment.name or file_name(file["link"])
    if kind == "document" and name:
        file["filename"] = name
    return {"type": kind, kind: file}


# ---------------------------------------------------------------- something to tap


def _tappable(words: str, files: Sequence[Attachment], interactive: Request) -> list[Request]:
    """Return the interactive message under the end of the text, with what does not fit in it before it."""
    *before, body = split(words, BODY_LIMIT)
    header = {}
    if interactive["type"] in HEADED and len(files) == 1 and files[0].kind in CAPTIONED:
        header, files = {"header": _file(files[0])}, ()
    content = {"type": interactive["type"], **header, "body": {"text": body}, "action": interactive["action"]}
    first = [*(_file(attachment) for attachment in files), *(_text(piece) for piece in before)]
    return [*first, {"type": "interactive", "interactive": content}]


def _interactive(replies: Sequence[QuickReply], language: str | None) -> Request | None:
    """Return type and action of the interactive message, or None where WhatsApp has none that would hold them."""
    match replies:
        case [QuickReply(kind=QuickReplyKind.REPLY), *_]:
            return _buttons(replies) or _list(replies, language)
        case [QuickReply(kind=QuickReplyKind.LINK) as link] if len(link.text) <= CALL_LIMIT:
            return {"type": "cta_url", "action": _action("cta_url", display_text=link.text, url=link.url)}
        case [QuickReply(kind=QuickReplyKind.FORM, form=Form() as form) as reply] if len(reply.text) <= FORM_CALL_LIMIT:
            return {"type": "flow", "action": _flow(form, reply.text)}
        case [QuickReply(kind=QuickReplyKind.LOCATION)]:
            return {"type": "location_request_message", "action": {"name": "send_location"}}
    return None


def _buttons(replies: Sequence[QuickReply]) -> Request | None:
    if len(replies) > BUTTONS or any(reply.description or len(reply.text) > BUTTON_LIMIT for reply in replies):
        return None
    buttons = [
        {"type": "reply", "reply": {"id": str(index), "title": reply.text}} for index, reply in enumerate(replies)
    ]
    return {"type": "button", "action": {"buttons": buttons}}


def _list(replies: Sequence[QuickReply], language: str | None) -> Request | None:
    if len(replies) > ROWS or any(
        len(reply.text) > ROW_LIMIT or len(reply.description or "") > DESCRIPTION_LIMIT for reply in replies
    ):
        return None
    rows = [
        {"id": str(index), "title": reply.text, **({"description": reply.description} if reply.description else {})}
        for index, reply in enumerate(replies)
    ]
    menu = MENU.get((language or "").partition("-")[0].lower(), "Menu")
    return {"type": "list", "action": {"button": menu, "sections": [{"rows": rows}]}}


def _flow(form: Form, label: str) -> Request:
    parameters: Request = {"flow_message_version": "3", "flow_id": form.form_id, "flow_cta": label}
    if form.screen:
        payload: Request = {"screen": form.screen, **({"data": dict(form.values)} if form.values else {})}
        parameters |= {"flow_action": "navigate", "flow_action_payload": payload}
    if form.token:
        parameters["flow_token"] = form.token
    return _action("flow", **parameters)


def _action(name: str, **parameters: Any) -> Request:
    return {"name": name, "parameters": parameters}


# ---------------------------------------------------------------- templates


def _template(template: FilledTemplate, files: Sequence[Attachment]) -> Request:
    """Return a template; https://developers.facebook.com/documentation/business-messaging/whatsapp/templates."""
    header = [_file(attachment) for attachment in files]
    body = [{"type": "text", "text": parameter} for parameter in template.parameters]
    components = [
        {"type": kind, "parameters": parameters}
        for kind, parameters in (("header", header), ("body", body))
        if parameters
    ]
    content = {
        "name": template.provider_name,
        "language": {"policy": "deterministic", "code": template.language},
        **({"components": components} if components else {}),
    }
    return {"type": "template", "template": content}


def said_in(part: Request) -> tuple[str, ...]:
    """Return the words of ours in a body: nobody may read them in an error."""
    content = part[part["type"]]
    match part["type"]:
        case "template":
            parameters = [item for component in content.get("components", ()) for item in component["parameters"]]
            return tuple(item["text"] for item in parameters if "text" in item)
        case "interactive":
            return (content["body"]["text"],)
    words = content.get("body") or content.get("caption")
    return (words,) if words else ()

"""What a WhatsApp message says: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from throughline.channels._fields import Json, ident, items, mapping, number, read_json, required, text
from throughline.domain.errors import MalformedPayloadError
from throughline.domain.messages import Attachment, Location

# type of a message → our kind of attachment; `voice` is what older clients called a voice note
MEDIA: Mapping[str, str] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "voice": "voice",
    "document": "document",
    "sticker": "sticker",
}


class Content(NamedTuple):
    """What a message says."""

    type: str
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    location: Location | None = None
    details: Mapping[str, Any] = {}


def content_of(message: Json) -> Content:
    """Return what `message` says; a type nobody knows yet is ``unsupported``, because the customer did write.

    Raises:
        MalformedPayloadError: it lacks what its type promises.
    """
    kind = required(text(message.get("type")), "type")
    if kind in MEDIA:
        return _media(kind, mapping(message.get(kind)))
    read = _READERS.get(kind)
    return read(message.get(kind)) if read else _unsupported(message)


def _text(body: object) -> Content:
    return Content("text", required(text(mapping(body).get("body")), "text"))


def _media(kind: str, file: Json) -> Content:
    # the id outlives the link that newer webhooks carry along, which is good for five minutes
    source = ident(file.get("id")) or text(file.get("url"))
    attachment = Attachment(
        kind="voice" if file.get("voice") is True else MEDIA[kind],
        source=required(source, "media id"),
        content_type=text(file.get("mime_type")),
        name=text(file.get("filename")),
    )
    return Content(kind, text(file.get("caption")), (attachment,))


def _location(value: object) -> Content:
    place = mapping(value)
    latitude, longitude = number(place.get("latitude")), number(place.get("longitude"))
    if latitude is None or longitude is None:
        raise MalformedPayloadError("no coordinates")
    name, address = text(place.get("name")), text(place.get("address"))
    return Content("location", location=Location(latitude=latitude, longitude=longitude, name=name, address=address))


def _button(value: object) -> Content:
    button = mapping(value)
    return Content("button", text(button.get("text")), details={"data": text(button.get("payload"))})


def _interactive(value: object) -> Content:
    answer = mapping(value)
    kind = text(answer.get("type"))
    chosen = mapping(answer.get(kind or ""))
    if kind is not None and kind in {"button_reply", "list_reply"}:
        details = {"data": text(chosen.get("id")), "description": text(chosen.get("description"))}
        return Content(kind.removesuffix("_reply"), text(chosen.get("title")), details=details)
    if kind == "nfm_reply":
        return Content("flow", text(chosen.get("body")), details=_flow_answers(text(chosen.get("response_json"))))
    return Content("unsupported", details={"provider_type": f"interactive.{kind}"})


def _flow_answers(written: str | None) -> Mapping[str, Any]:
    """Return the answers given in a Flow, which come as JSON inside a string."""
    try:
        return {"response": read_json((written or "").encode())}
    except MalformedPayloadError:
        return {}


def _order(value: object) -> Content:
    order = mapping(value)
    details = {"catalog": ident(order.get("catalog_id")), "products": items(order.get("product_items"))}
    return Content("order", text(order.get("text")), details=details)


def _contacts(value: object) -> Content:
    """Return the cards somebody shared, one a line: name and numbers."""
    cards = [mapping(card) for card in items(value)]
    people = [(_card_name(card), _card_phones(card)) for card in cards]
    lines = [_card_line(name, ", ".join(phones)) for name, phones in people]
    details = {"contacts": [{"name": name, "phones": phones} for name, phones in people]}
    return Content("contacts", "\n".join(line for line in lines if line) or None, details=details)


def _card_line(name: str | None, phones: str) -> str:
    return f"{name} ({phones})" if name and phones else name or phones


def _card_name(card: Json) -> str | None:
    return text(mapping(card.get("name")).get("formatted_name"))


def _card_phones(card: Json) -> list[str]:
    phones = [text(mapping(phone).get("phone")) for phone in items(card.get("phones"))]
    return [phone for phone in phones if phone]


def _unsupported(message: Json) -> Content:
    kind = text(message.get("type"))
    problem = mapping(next(iter(items(message.get("errors"))), None))
    meant = kind if kind != "unsupported" else text(mapping(message.get("unsupported")).get("type"))
    return Content("unsupported", details={"provider_type": meant, "error_code": ident(problem.get("code"))})


_READERS: Mapping[str, Callable[[object], Content]] = {
    "text": _text,
    "location": _location,
    "contacts": _contacts,
    "button": _button,
    "interactive": _interactive,
    "order": _order,
}


def context_of(message: Json) -> tuple[str | None, Mapping[str, Any]]:
    """Return the message it answers, and how it came about: forwarded, from an advertisement, about a product."""
    context, details = mapping(message.get("context")), dict[str, Any]()
    if context.get("forwarded") is True or context.get("frequently_forwarded") is True:
        details["forwarded"] = "frequently" if context.get("frequently_forwarded") is True else "once"
    for field, holder in (("referral", message), ("referred_product", context)):
        if mapping(holder.get(field)):
            details[field] = holder[field]
    return text(context.get("id")), details

"""What a Telegram message says: https://core.telegram.org/bots/api#message."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from throughline.channels._fields import Json, ident, items, mapping, number, required, text, whole
from throughline.channels._phones import tel
from throughline.domain.errors import MalformedPayloadError
from throughline.domain.identifiers import Evidence, Identifier
from throughline.domain.messages import Attachment, Location

# field of a message → our kind of attachment. An animation repeats itself as a document, so the order matters.
MEDIA: Mapping[str, str] = {
    "photo": "image",
    "animation": "video",
    "video": "video",
    "video_note": "video",
    "audio": "audio",
    "voice": "voice",
    "sticker": "sticker",
    "document": "document",
}
CONTENT_TYPES: Mapping[str, str] = {"photo": "image/jpeg", "sticker": "image/webp", "video_note": "video/mp4"}


class Content(NamedTuple):
    """What a message says."""

    type: str
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    location: Location | None = None
    details: Mapping[str, Any] = {}


def content_of(message: Json) -> Content:
    written = text(message.get("text"))
    if written:
        return _command(written) if written.startswith("/") else Content("text", written)
    for field, kind in MEDIA.items():
        if field in message:
            return Content(field, text(message.get("caption")), (_attachment(field, kind, message[field]),))
    for field, read in _OTHER_CONTENT.items():
        if isinstance(message.get(field), dict):
            return read(message[field])
    return Content("unsupported", text(message.get("caption")))


def _command(written: str) -> Content:
    command, _, argument = written[1:].partition(" ")
    name = command.partition("@")[0]
    if not name.replace("_", "").isalnum():
        return Content("text", written)
    return Content("command", written, details={"command": name, "argument": argument.strip() or None})


def _attachment(field: str, kind: str, value: Any) -> Attachment:
    """Return one attachment; a photo comes in several sizes, of which the largest is taken."""
    sizes = [mapping(size) for size in items(value)] or [mapping(value)]
    file = max(sizes, key=lambda size: (whole(size.get("width")) or 0) * (whole(size.get("height")) or 0))
    return Attachment(
        kind=kind,
        source=required(text(file.get("file_id")), "file_id"),
        content_type=text(file.get("mime_type")) or CONTENT_TYPES.get(field),
        name=text(file.get("file_name")),
        size_bytes=whole(file.get("file_size")),
    )


def _place(place: Json) -> Content:
    return Content("location", location=_coordinates(place))


def _venue(venue: Json) -> Content:
    place = mapping(venue.get("location"))
    return Content("venue", location=_coordinates(place, text(venue.get("title")), text(venue.get("address"))))


def _coordinates(place: Json, name: str | None = None, address: str | None = None) -> Location:
    latitude, longitude = number(place.get("latitude")), number(place.get("longitude"))
    if latitude is None or longitude is None:
        raise MalformedPayloadError("no coordinates")
    return Location(latitude=latitude, longitude=longitude, name=name, address=address)


def _contact(contact: Json) -> Content:
    names = (text(contact.get("first_name")), text(contact.get("last_name")))
    name, phone = " ".join(part for part in names if part), text(contact.get("phone_number"))
    written = f"{name} ({phone})" if name and phone else name or phone
    return Content("contact", written, details={"contact": {"name": name or None, "phone": phone}})


def _web_app_data(answer: Json) -> Content:
    return Content("web_app_data", text(answer.get("button_text")), details={"data": text(answer.get("data"))})


_OTHER_CONTENT: Mapping[str, Callable[[Json], Content]] = {
    "venue": _venue,  # before location: a venue's message has both
    "location": _place,
    "contact": _contact,
    "web_app_data": _web_app_data,
}


def proven_number(message: Json) -> tuple[Identifier, ...]:
    """Return the sender's own phone number, which they shared by the button that shares nothing else."""
    if forwarded(message):
        return ()
    contact, sender = mapping(message.get("contact")), ident(mapping(message.get("from")).get("id"))
    if sender is None or ident(contact.get("user_id")) != sender:
        return ()
    own = tel(text(contact.get("phone_number")), Evidence.VERIFIED)
    return (own,) if own else ()


def forwarded(message: Json) -> bool:
    """Return whether somebody else wrote the message first."""
    return "forward_origin" in message or "forward_date" in message

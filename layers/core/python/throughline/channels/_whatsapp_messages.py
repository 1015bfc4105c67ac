"""What customers write, and what our side writes in the WhatsApp Business app, as events.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
"""

from throughline.channels._events import SourceFields
from throughline.channels._fields import Json, ident, mapping, required, text, time_ms
from throughline.channels._whatsapp_content import Content, content_of, context_of
from throughline.channels._whatsapp_people import Change, identifiers, receiver_of, sender_of
from throughline.domain.messages import (
    ChannelEvent,
    Echo,
    IdentityChanged,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    Reaction,
)


def message_events(message: Json, change: Change) -> list[ChannelEvent]:
    """Return the events of one item of ``messages[]``."""
    wamid = required(ident(message.get("id")), "id")
    if message.get("group_id"):
        return [change.not_understood(message, wamid, "group_message")]
    if message.get("type") == "system":
        return _system(message, change, wamid)
    person = sender_of(message)
    senders = change.identifiers(person)
    if not senders:
        return [change.not_understood(message, wamid, "bad_sender" if person.named else "no_sender")]
    source = change.source(message, wamid, person, time_ms(message.get("timestamp")), senders=senders)
    return [_written(message, source, mapping(change.contact(person).get("profile")))]


def _written(message: Json, source: SourceFields, profile: Json) -> ChannelEvent:
    match message.get("type"):
        case "reaction":
            target, emoji = _reaction(message)
            return Reaction(**source, target=target, emoji=emoji)
        case "revoke":
            return MessageDeleted(**source, target=_original(message, "revoke"))
        case "edit":
            new, target = _edited(message)
            return MessageEdited(**source, target=target, type=new.type, text=new.text, attachments=new.attachments)
    content = content_of(message)
    reply_to, context = context_of(message)
    username = text(profile.get("username"))
    return MessageReceived(
        **source,
        type=content.type,
        text=content.text,
        attachments=content.attachments,
        location=content.location,
        reply_to=reply_to,
        details={**content.details, **context, **({"username": username} if username else {})},
    )


def _original(message: Json, kind: str) -> str:
    return required(ident(mapping(message.get(kind)).get("original_message_id")), "original_message_id")


def _edited(message: Json) -> tuple[Content, str]:
    return content_of(mapping(mapping(message.get("edit")).get("message"))), _original(message, "edit")


def _reaction(message: Json) -> tuple[str, str | None]:
    """Return what was reacted to and with which emoji: none, or an empty one, takes the reaction away."""
    reaction = mapping(message.get("reaction"))
    return required(ident(reaction.get("message_id")), "message_id"), text(reaction.get("emoji"))


def _system(message: Json, change: Change, wamid: str) -> list[ChannelEvent]:
    """Return who became whom; a changed number brings a changed business-scoped id along.

    Only fields are read: the sentence in `body` begins with a name that the customer chose.
    """
    system = mapping(message.get("system"))
    before = identifiers(
        message.get("from") or system.get("customer"), system.get("previous_user_id") or message.get("from_user_id")
    )
    after = identifiers(system.get("new_wa_id") or system.get("wa_id"), system.get("user_id"))
    alike = [(old, new) for old in before for new in after if old.kind == new.kind]
    changed = [(old, new) for old, new in alike or zip(before[:1], after[:1], strict=False) if old != new]
    if not changed:
        return [change.not_understood(message, wamid, "system_message")]
    moment, names = time_ms(message.get("timestamp")), (wamid, f"{wamid}:1")
    senders = dict.fromkeys((*before, *after))
    return [
        IdentityChanged(
            **change.source(message, name, sender_of(message), moment, senders=senders), previous=old, current=new
        )
        for name, (old, new) in zip(names, changed, strict=False)
    ]


def echo_events(message: Json, change: Change) -> list[ChannelEvent]:
    """Return what our side wrote in the WhatsApp Business app: one item of ``message_echoes[]``."""
    person = receiver_of(message)
    customer = [other for other in change.identifiers(person) if other != change.own_number()]
    wamid = required(ident(message.get("id")), "id")
    source = change.source(message, wamid, person, time_ms(message.get("timestamp")), senders=customer)
    content, target = _echoed(message)
    return [Echo(**source, type=content.type, text=content.text, attachments=content.attachments, target=target)]


def _echoed(message: Json) -> tuple[Content, str | None]:
    match message.get("type"):
        case "reaction":
            target, emoji = _reaction(message)
            return Content("reaction", emoji), target
        case "revoke":
            return Content("revoke"), _original(message, "revoke")
        case "edit":
            new, target = _edited(message)
            return new._replace(type="edit"), target
    return content_of(message), None

"""Telegram's updates as events: https://core.telegram.org/bots/api#update."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from throughline.channels._events import UNREADABLE, SourceFields
from throughline.channels._fields import Json, ident, items, mapping, required, text, time_ms
from throughline.channels._telegram_content import content_of, forwarded, proven_number
from throughline.domain.errors import MalformedPayloadError
from throughline.domain.identifiers import Identifier
from throughline.domain.messages import (
    ChannelEvent,
    ConsentChanged,
    MessageEdited,
    MessageReceived,
    NotUnderstood,
    Postback,
    Reaction,
)
from throughline.ports import Account

CHANNEL = "telegram"
EVENT_KINDS = frozenset({MessageReceived, MessageEdited, Reaction, Postback, ConsentChanged, NotUnderstood})

# what a message says about the chat rather than to us
SERVICE_FIELDS = frozenset(
    {
        "boost_added",
        "chat_background_set",
        "connected_website",
        "message_auto_delete_timer_changed",
        "passport_data",
        "pinned_message",
        "refunded_payment",
        "successful_payment",
        "write_access_allowed",
    }
)
GROUPS = frozenset({"group", "supergroup", "channel"})


def events_of(update: Json, account: Account) -> list[ChannelEvent]:
    """Return the events of one update.

    Raises:
        MalformedPayloadError: it has no update_id, so it is no update.
    """
    update_name = f"update:{required(ident(update.get('update_id')), 'update_id')}"
    source = _Source(update, account, update_name)
    for field, read in _READERS.items():
        if isinstance(update.get(field), dict):
            try:
                return read(update[field], source)
            except MalformedPayloadError:
                return [source.not_understood(UNREADABLE)]
    return [source.not_understood("unknown_update")]


def message_name(chat: str, number_in_chat: str) -> str:
    """Return a message's provider id: Telegram numbers messages per chat."""
    return f"{chat}:{number_in_chat}"


class _Source(NamedTuple):
    """Where the events of one update come from."""

    update: Json
    account: Account
    update_name: str

    def fields(self, provider_id: str, person: Json, sent_ms: int | None, *further: Identifier) -> SourceFields:
        user = Identifier(kind="telegram", value=required(ident(person.get("id")), "sender"))
        names = (text(person.get("first_name")), text(person.get("last_name")))
        return SourceFields(
            channel=CHANNEL,
            account=self.account.account_id,
            provider_id=provider_id,
            senders=(user, *further),
            sent_ms=sent_ms,
            raw=self.update,
            name=" ".join(name for name in names if name) or None,
            language=text(person.get("language_code")),
        )

    def not_understood(self, reason: str) -> NotUnderstood:
        return NotUnderstood(
            channel=CHANNEL,
            account=self.account.account_id,
            provider_id=self.update_name,
            raw=self.update,
            reason=reason,
        )


def _message(message: Json, source: _Source) -> list[ChannelEvent]:
    chat = mapping(message.get("chat"))
    if (refused := _not_ours(message)) is not None:
        return [source.not_understood(refused)]
    content = content_of(message)
    answered = mapping(message.get("reply_to_message"))
    proven = proven_number(message)
    return [
        MessageReceived(
            **source.fields(_name(message), _person(message), time_ms(message.get("date")), *proven),
            type=content.type,
            text=content.text,
            attachments=content.attachments,
            location=content.location,
            reply_to=_name({**answered, "chat": chat}) if answered else None,
            album=text(message.get("media_group_id")),
            details={**content.details, **({"forwarded": "once"} if forwarded(message) else {})},
            sequence=_number_in_chat(message),
        )
    ]


def _edited(message: Json, source: _Source) -> list[ChannelEvent]:
    if (refused := _not_ours(message)) is not None:
        return [source.not_understood(refused)]
    content = content_of(message)
    if content.location is not None:
        return [source.not_understood("live_location")]  # moves every few seconds, and an edit carries no place
    target = _name(message)
    moment = time_ms(message.get("edit_date") or message.get("date"))
    return [
        MessageEdited(
            # Telegram gives an edit no id of its own; the update's is the same in every delivery of it
            **source.fields(f"{target}:edit:{source.update['update_id']}", _person(message), moment),
            target=target,
            type=content.type,
            text=content.text,
            attachments=content.attachments,
        )
    ]


def _callback(query: Json, source: _Source) -> list[ChannelEvent]:
    message = mapping(query.get("message"))
    if _in_a_group(message):
        return [source.not_understood("group_message")]
    data = text(query.get("data"))
    if data is None:
        return [source.not_understood("callback_without_data")]
    callback = required(ident(query.get("id")), "callback id")
    return [
        Postback(
            # the message's date is that of our own message, not of the press
            **source.fields(f"callback:{callback}", mapping(query.get("from")), None),
            data=data,
            text=_label(message, data),
            target=_name(message) if message else None,
        )
    ]


def _reactions(change: Json, source: _Source) -> list[ChannelEvent]:
    """Return one event an emoji that stands now, or one without emoji when none is left."""
    if _in_a_group(change):
        return [source.not_understood("group_message")]
    chosen = [_emoji(mapping(reaction)) for reaction in items(change.get("new_reaction"))]
    standing = [emoji for emoji in chosen if emoji]
    if chosen and not standing:
        return [source.not_understood("custom_reaction")]
    target, moment = _name(change), time_ms(change.get("date"))
    prefix = f"{target}:reaction:{source.update['update_id']}"
    return [
        Reaction(**source.fields(f"{prefix}:{place}", mapping(change.get("user")), moment), target=target, emoji=emoji)
        for place, emoji in enumerate(standing or [None])
    ]


def _membership(change: Json, source: _Source) -> list[ChannelEvent]:
    """Return the consent that blocking (``kicked``) and unblocking (``member``) the bot amounts to."""
    if _in_a_group(change):
        return [source.not_understood("group_message")]
    status = text(mapping(change.get("new_chat_member")).get("status"))
    if status not in {"kicked", "member"}:
        return [source.not_understood("unknown_membership")]
    fields = source.fields(source.update_name, mapping(change.get("from")), time_ms(change.get("date")))
    return [ConsentChanged(**fields, granted=status == "member")]


_READERS: Mapping[str, Callable[[Json, _Source], list[ChannelEvent]]] = {
    "message": _message,
    "edited_message": _edited,
    "callback_query": _callback,
    "message_reaction": _reactions,
    "my_chat_member": _membership,
    "channel_post": lambda _, source: [source.not_understood("group_message")],
    "edited_channel_post": lambda _, source: [source.not_understood("group_message")],
}


def _in_a_group(item: Json) -> bool:
    return text(mapping(item.get("chat")).get("type")) in GROUPS


def _not_ours(message: Json) -> str | None:
    if _in_a_group(message):
        return "group_message"
    if mapping(message.get("from")).get("is_bot") is True:
        return "from_a_bot"
    if SERVICE_FIELDS & message.keys():
        return "service_message"
    return None


def _person(message: Json) -> Json:
    return mapping(message.get("from")) or mapping(message.get("chat"))


def _number_in_chat(message: Json) -> int | None:
    """Return the number that tells messages of one second apart: Telegram counts them, its clock has whole seconds."""
    number = message.get("message_id")
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _name(message: Json) -> str:
    """Return the provider id of a message, or of anything else that has a chat and a message_id."""
    chat = required(ident(mapping(message.get("chat")).get("id")), "chat")
    return message_name(chat, required(ident(message.get("message_id")), "message_id"))


def _label(message: Json, data: str) -> str | None:
    """Return what stood on the button that carries `data`."""
    rows = items(mapping(message.get("reply_markup")).get("inline_keyboard"))
    buttons = [mapping(button) for row in rows for button in items(row)]
    return next((text(button.get("text")) for button in buttons if button.get("callback_data") == data), None)


def _emoji(reaction: Json) -> str | None:
    """Return the emoji of a reaction; a custom one is a picture of Telegram's own."""
    return "⭐" if reaction.get("type") == "paid" else text(reaction.get("emoji"))

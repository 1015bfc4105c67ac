"""Meta's changes as events: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview."""

import json
from collections.abc import Callable, Mapping, Sequence

from throughline.channels._answers import presentable
from throughline.channels._events import UNREADABLE, oldest_first
from throughline.channels._fields import Json, ident, items, mapping, required, text, time_ms
from throughline.channels._whatsapp_messages import echo_events, message_events
from throughline.channels._whatsapp_people import (
    Change,
    Person,
    bsuid,
    identifiers,
    parent_bsuid,
    receiver_of,
    sender_of,
)
from throughline.domain.errors import MalformedPayloadError
from throughline.domain.identifiers import Identifier, digest
from throughline.domain.messages import (
    CallReported,
    ChannelEvent,
    ConsentChanged,
    DeliveryStatus,
    Echo,
    IdentityChanged,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    NotUnderstood,
    Reaction,
    StatusReported,
)
from throughline.ports import Account

EVENT_KINDS = frozenset(
    {
        CallReported,
        ConsentChanged,
        Echo,
        IdentityChanged,
        MessageDeleted,
        MessageEdited,
        MessageReceived,
        NotUnderstood,
        Reaction,
        StatusReported,
    }
)

STATUSES: Mapping[str, DeliveryStatus] = {
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "played": DeliveryStatus.READ,  # a voice note, listened to
    "failed": DeliveryStatus.FAILED,
}
# https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
REASONS: Mapping[str, str] = {
    "130472": "Meta did not deliver it: the customer is part of an experiment",
    "131026": "the customer cannot be reached on WhatsApp",
    "131047": "more than 24 hours have passed since the customer last wrote",
    "131049": "Meta chose not to deliver it, to keep the customer's inbox healthy",
    "131050": "the customer does not want advertising",
    "131051": "WhatsApp does not carry this kind of message",
    "131053": "WhatsApp could not use the file",
}
PREFERENCES: Mapping[str, bool] = {"resume": True, "stop": False}
CALL_EVENTS: Mapping[str, str] = {"connect": "started", "terminate": "ended"}


def events_of(body: Json, account: Account) -> list[ChannelEvent]:
    """Return the events of one webhook, oldest first.

    Raises:
        MalformedPayloadError: it has no list of entries.
    """
    if not isinstance(body.get("entry"), list):
        raise MalformedPayloadError("no entry")
    events = [event for entry in body["entry"] for event in _entry_events(entry, account)]
    return oldest_first(events)


def _entry_events(entry: object, account: Account) -> list[ChannelEvent]:
    changes = items(mapping(entry).get("changes"))
    if not changes:
        nowhere = Change(account=account, field=None, value={})
        return [nowhere.not_understood(entry, _made_up_id("entry", entry), "unknown_entry")]
    return [event for change in map(mapping, changes) for event in _change_events(change, account)]


def _change_events(raw: Json, account: Account) -> list[ChannelEvent]:
    change = Change(account=account, field=text(raw.get("field")), value=mapping(raw.get("value")))
    found = [
        event
        for kind, read in _READERS.items()
        for item in _listed(change.value.get(kind))
        for event in _item_events(kind, read, item, change)
    ]
    return found or [change.not_understood(raw, _made_up_id("change", raw), "unknown_field")]


def _listed(value: object) -> Sequence[object]:
    """Return the items of a list; what is no list is one item, so that it is not lost."""
    return [] if value is None else items(value) if isinstance(value, list) else [value]


def _item_events(kind: str, read: "Reader", item: object, change: Change) -> list[ChannelEvent]:
    try:
        return read(mapping(item), change)
    except MalformedPayloadError:
        named = ident(mapping(item).get("id")) or _made_up_id(kind, item)
        return [change.not_understood(item, named, UNREADABLE)]


def _made_up_id(kind: str, item: object) -> str:
    """Return an id for what has none: the same item, delivered again, has the same."""
    return f"{kind}:{digest(json.dumps(item, sort_keys=True))}"


def _status(status: Json, change: Change) -> list[ChannelEvent]:
    message_id = required(ident(status.get("id")), "id")
    word = required(text(status.get("status")), "status")
    name = f"{message_id}:{word}"
    person = Person(
        ident(status.get("recipient_id")),
        text(status.get("recipient_user_id")),
        text(status.get("recipient_parent_user_id")),
    )
    if status.get("recipient_type") == "group":
        return [change.not_understood(status, name, "group_message")]
    source = change.source(status, name, person, time_ms(status.get("timestamp")), senders=change.identifiers(person))
    if status.get("type") == "call":
        return [CallReported(**source, event=word.lower())]
    if word not in STATUSES:
        return [change.not_understood(status, name, "deleted" if word == "deleted" else "unknown_status")]
    problem = mapping(next(iter(items(status.get("errors"))), None))
    code = ident(problem.get("code"))
    return [
        StatusReported(
            **source,
            message_id=message_id,
            status=STATUSES[word],
            entry=text(status.get("biz_opaque_callback_data")),
            reason=_reason(code, problem) if word == "failed" else None,
            error_code=code,
        )
    ]


def _reason(code: str | None, problem: Json) -> str:
    words = text(mapping(problem.get("error_data")).get("details")) or text(problem.get("title"))
    return REASONS.get(code or "") or presentable(words) or "WhatsApp could not deliver it"


def _call(call: Json, change: Change) -> list[ChannelEvent]:
    name, word = required(ident(call.get("id")), "id"), required(text(call.get("event")), "event")
    person = receiver_of(call) if call.get("direction") == "BUSINESS_INITIATED" else sender_of(call)
    moment = time_ms(call.get("timestamp"))
    source = change.source(call, f"{name}:{word}", person, moment, senders=change.identifiers(person))
    return [CallReported(**source, event=CALL_EVENTS.get(word, word.lower()))]


def _preference(preference: Json, change: Change) -> list[ChannelEvent]:
    name = _made_up_id("preference", preference)
    granted = PREFERENCES.get(text(preference.get("value")) or "")
    person = Person(ident(preference.get("wa_id")), text(preference.get("user_id")))
    senders = change.identifiers(person)
    if granted is None or not senders:
        return [change.not_understood(preference, name, "unknown_preference")]
    source = change.source(preference, name, person, time_ms(preference.get("timestamp")), senders=senders)
    return [ConsentChanged(**source, granted=granted, scope=text(preference.get("category")) or "all")]


def _user_id_update(update: Json, change: Change) -> list[ChannelEvent]:
    name, moment = _made_up_id("user_id_update", update), time_ms(update.get("timestamp"))
    pairs = [_pair(update, "user_id", bsuid), _pair(update, "parent_user_id", parent_bsuid)]
    changed = [(old, new) for old, new in pairs if old and new and old != new]
    if not changed:
        return [change.not_understood(update, name, "unknown_identity_change")]
    person = Person(ident(update.get("wa_id")), changed[0][1].value)
    senders = (*identifiers(person.phone, None), *(who for pair in changed for who in reversed(pair)))
    return [
        IdentityChanged(
            **change.source(update, f"{name}:{old.kind}", person, moment, senders=senders), previous=old, current=new
        )
        for old, new in changed
    ]


def _pair(
    update: Json, field: str, read: Callable[[object], Identifier | None]
) -> tuple[Identifier | None, Identifier | None]:
    ids = mapping(update.get(field))
    return read(ids.get("previous")), read(ids.get("current"))


def _account_error(problem: Json, change: Change) -> list[ChannelEvent]:
    return [change.not_understood(problem, _made_up_id("error", problem), "account_error")]


Reader = Callable[[Json, Change], list[ChannelEvent]]

# list in a change's value → how to read one item of it
_READERS: Mapping[str, Reader] = {
    "messages": message_events,
    "statuses": _status,
    "message_echoes": echo_events,
    "calls": _call,
    "user_preferences": _preference,
    "user_id_update": _user_id_update,
    "errors": _account_error,
}

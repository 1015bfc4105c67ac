"""Twilio's forms as events: https://www.twilio.com/docs/messaging/guides/webhook-request."""

import base64
import binascii
import re
from collections.abc import Mapping

from throughline.channels._answers import presentable
from throughline.channels._events import SourceFields
from throughline.channels._fields import clean
from throughline.channels._media import kind_of
from throughline.channels._phones import sms_address
from throughline.domain.messages import (
    Attachment,
    ChannelEvent,
    ConsentChanged,
    DeliveryStatus,
    MessageReceived,
    NotUnderstood,
    StatusReported,
)
from throughline.ports import Account

CHANNEL = "twilio_sms"
EVENT_KINDS = frozenset({MessageReceived, StatusReported, ConsentChanged, NotUnderstood})

# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
STATUSES: Mapping[str, DeliveryStatus] = {
    "accepted": DeliveryStatus.SENT,  # from here on Twilio has it, which is all that `sent` says
    "scheduled": DeliveryStatus.SENT,
    "queued": DeliveryStatus.SENT,
    "sending": DeliveryStatus.SENT,
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "undelivered": DeliveryStatus.FAILED,
    "failed": DeliveryStatus.FAILED,
    "canceled": DeliveryStatus.FAILED,
}
# https://www.twilio.com/docs/api/errors
REASONS: Mapping[str, str] = {
    "21610": "the customer replied STOP to this number",
    "30003": "the phone is switched off or out of reach",
    "30004": "the customer or their network blocks messages from this number",
    "30005": "the number does not exist or is no longer in service",
    "30006": "the number is a landline or its network cannot be reached",
    "30007": "the network filtered the message as unwanted",
    "30008": "the network gave no reason",
    "30034": "our number is not registered for business messages",
}
OPTED_OUT = frozenset({"21610"})  # the codes by which it says that the customer does not want to hear from us
# What Twilio itself obeys when it is the whole message: https://help.twilio.com/articles/223134027
OPT_OUTS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
OPT_INS = frozenset({"START", "UNSTOP", "YES"})

_MEDIA_FIELD = re.compile(r"MediaUrl(\d{1,3})")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{58,}={0,2}")


def is_status(form: Mapping[str, str]) -> bool:
    """Return whether the form reports on a message of ours."""
    return "MessageStatus" in form


def events_of(form: Mapping[str, str], entry: str | None, account: Account, *, fallback_id: str) -> list[ChannelEvent]:
    """Return the events of one form.

    `entry` is our reference from its URL, `fallback_id` names a form that has no id of its own.
    """
    form = {clean(name): clean(value) for name, value in form.items()}
    sid = form.get("MessageSid") or form.get("SmsSid")
    if not sid:
        return [_not_understood(form, account, fallback_id, "voice_call" if "CallSid" in form else "unknown_form")]
    if is_status(form):
        return [_status(form, sid, entry, account)]
    return _message(form, sid, account)


def not_a_form(body: bytes, account: Account, provider_id: str) -> NotUnderstood:
    """Return the event of a body of another kind: the products that post JSON are not for this channel."""
    kept = {"body": clean(body.decode(errors="replace"))}
    return NotUnderstood(
        channel=CHANNEL, account=account.account_id, provider_id=provider_id, raw=kept, reason="not_a_form"
    )


def _message(form: Mapping[str, str], sid: str, account: Account) -> list[ChannelEvent]:
    if ":" in form.get("From", ""):
        return [_not_understood(form, account, sid, "not_an_sms")]  # WhatsApp and others over Twilio are other channels
    if not form.get("From"):
        return [_not_understood(form, account, sid, "no_sender")]
    if sms_address(form["From"]) is None:
        return [_not_understood(form, account, sid, "bad_sender")]  # an alphanumeric sender cannot be answered
    words, attachments = _words(form.get("Body", "")), _attachments(form)
    message = MessageReceived(
        **_source(form, account, sid, ours="To", theirs="From"),
        type="media" if attachments else "text",
        text=words or None,
        attachments=attachments,
    )
    return [message, *_consent(form, sid, words, account)]


def _consent(form: Mapping[str, str], sid: str, words: str, account: Account) -> list[ChannelEvent]:
    """Return the change Twilio made by itself to whether it lets us send: told by it, else by the keyword."""
    keyword = form.get("OptOutType", "").upper() or words.strip().upper()
    if keyword not in OPT_OUTS | OPT_INS:
        return []
    granted = keyword in OPT_INS
    fields = _source(form, account, f"{sid}:{'opt_in' if granted else 'opt_out'}", ours="To", theirs="From")
    return [ConsentChanged(**fields, granted=granted, text=words or None)]


def _status(form: Mapping[str, str], sid: str, entry: str | None, account: Account) -> ChannelEvent:
    word = form["MessageStatus"]
    status = STATUSES.get(word)
    if status is None:
        return _not_understood(form, account, f"{sid}:{word}", "unknown_status")
    failed, code = status is DeliveryStatus.FAILED, form.get("ErrorCode") or None
    return StatusReported(
        **_source(form, account, f"{sid}:{word}", ours="From", theirs="To"),
        message_id=sid,
        status=status,
        entry=clean(entry) if entry else None,
        reason=_reason(code, form.get("ErrorMessage")) if failed else None,
        error_code=code,
        opted_out=failed and code in OPTED_OUT,
    )


def _reason(code: str | None, words: str | None) -> str:
    return REASONS.get(code or "") or presentable(words) or "Twilio could not deliver it"


def _source(form: Mapping[str, str], account: Account, provider_id: str, *, ours: str, theirs: str) -> SourceFields:
    """Return what every event carries; `ours` and `theirs` are the fields of the addresses. Twilio sends no time."""
    person = sms_address(form.get(theirs))
    return SourceFields(
        channel=CHANNEL,
        account=_account_id(form.get(ours), account),
        provider_id=provider_id,
        senders=(person,) if person else (),
        sent_ms=None,
        raw={"form": dict(form)},
        name=None,
        language=None,
    )


def _account_id(address: str | None, account: Account) -> str:
    """Return the account the address in the form belongs to, spelt like our own where it is our own."""
    own = sms_address(address)
    if own is None or own == sms_address(account.address):
        return account.account_id
    return f"{CHANNEL}/{own.value}"


def _not_understood(form: Mapping[str, str], account: Account, provider_id: str, reason: str) -> NotUnderstood:
    return NotUnderstood(
        channel=CHANNEL,
        account=account.account_id,
        provider_id=provider_id,
        raw={"form": dict(form)},
        reason=reason,
    )


def _attachments(form: Mapping[str, str]) -> tuple[Attachment, ...]:
    numbers = sorted(int(found[1]) for found in map(_MEDIA_FIELD.fullmatch, form) if found and form[found[0]])
    return tuple(_attachment(form, number) for number in numbers)


def _attachment(form: Mapping[str, str], number: int) -> Attachment:
    content_type = form.get(f"MediaContentType{number}") or None
    return Attachment(kind=kind_of(content_type), source=form[f"MediaUrl{number}"], content_type=content_type)


def _words(body: str) -> str:
    """Return the text; some networks hand Twilio a long SMS in Base64, and then nobody wrote it that way."""
    packed = "".join(body.splitlines())
    if len(packed) % 4 or not _BASE64.fullmatch(packed):
        return body
    try:
        words = base64.b64decode(packed, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return body
    readable = " " in words and all(character.isprintable() or character in "\r\n\t" for character in words)
    return words if readable else body

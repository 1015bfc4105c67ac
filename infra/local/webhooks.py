"""Webhooks made here, as the providers make them: for people who try the stack, and for the demo."""

import base64
import json
import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from urllib.parse import urlencode

from infra.local.centre import Account
from infra.local.signing import UnknownChannelError

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
_NUMBERS = count(time.time_ns() // 1_000_000 % 2**31)  # the clock alone gives two messages of one millisecond one id


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who writes. `number` is what the provider knows them by: a chat id for Telegram, a phone number elsewhere."""

    number: str
    name: str = "Mina"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A body and its type; the signature depends on where it is posted to."""

    body: bytes
    content_type: str


def sender_for(channel: str) -> Sender:
    """Return somebody who writes when nobody else is named: the same person on every channel that knows numbers."""
    return Sender(number="70011" if channel == "telegram" else "+14155550142")


def text_webhook(account: Account, sender: Sender, text: str, *, age: timedelta = timedelta()) -> Webhook:
    """Return a text message with ids of its own, written `age` ago by the provider's clock (SMS tells no time).

    Raises:
        UnknownChannelError: nobody here knows that provider's webhooks.
    """
    match account.channel:
        case "telegram":
            return _json(_telegram(sender, text, age))
        case "twilio_sms":
            return Webhook(body=urlencode(_twilio(account, sender, text)).encode(), content_type=FORM)
        case "whatsapp":
            return _json(_whatsapp(account, sender, text, age))
    raise UnknownChannelError(f"no webhook of the channel {account.channel} can be made here")


def _json(payload: object) -> Webhook:
    return Webhook(body=json.dumps(payload, ensure_ascii=False).encode(), content_type=JSON)


def _written_s(age: timedelta) -> int:
    return int(time.time() - age.total_seconds())


def _telegram(sender: Sender, text: str, age: timedelta) -> object:
    person = {"id": int(sender.number), "first_name": sender.name}
    number = next(_NUMBERS)
    return {
        "update_id": number,
        "message": {
            "message_id": number,
            "from": person | {"is_bot": False, "language_code": "en"},
            "chat": person | {"type": "private"},
            "date": _written_s(age),
            "text": text,
        },
    }


def _twilio(account: Account, sender: Sender, text: str) -> dict[str, str]:
    sid = f"SM{uuid.uuid4().hex}"
    return {
        "AccountSid": account.settings["account_sid"],
        "ApiVersion": "2010-04-01",
        "Body": text,
        "From": sender.number,
        "FromCountry": "US",
        "MessageSid": sid,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "SmsStatus": "received",
        "To": account.address,
    }


def _whatsapp(account: Account, sender: Sender, text: str, age: timedelta) -> object:
    number = sender.number.removeprefix("+")
    message = {
        "from": number,
        "id": "wamid." + base64.b64encode(secrets.token_bytes(30)).decode(),
        "timestamp": str(_written_s(age)),
        "type": "text",
        "text": {"body": text},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": account.address, "phone_number_id": account.address},
        "contacts": [{"profile": {"name": sender.name}, "wa_id": number}],
        "messages": [message],
    }
    entry = {"id": "100000000000009", "changes": [{"value": value, "field": "messages"}]}
    return {"object": "whatsapp_business_account", "entry": [entry]}

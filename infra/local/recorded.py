"""Recorded webhooks with ids, numbers and times of their own: what providers really send, sent as something new."""

import base64
import json
import secrets
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from infra.local.centre import Account
from infra.local.deployed import ROOT
from infra.local.signing import UnknownChannelError
from infra.local.webhooks import FORM, JSON, Webhook

RECORDINGS = ROOT / "events/providers"


def renewed(account: Account, case: str, sender: str, recordings: Path = RECORDINGS) -> Webhook:
    """Return the recording `case` of the account's channel as if `sender` had just written it to the account.

    Raises:
        UnknownChannelError: nobody here knows that provider's webhooks.
    """
    content = (recordings / account.channel / f"{case}.http").read_bytes()
    body = content.partition(b"\n\n")[2]
    match account.channel:
        case "telegram":
            return _json(_telegram(json.loads(body), int(sender)))
        case "twilio_sms":
            form = parse_qsl(body.decode(), keep_blank_values=True)
            return Webhook(body=urlencode(_twilio(form, account, sender)).encode(), content_type=FORM)
        case "whatsapp":
            return _json(_whatsapp(json.loads(body), account, sender.removeprefix("+")))
    raise UnknownChannelError(f"no recording of the channel {account.channel} can be used here")


def _json(payload: Any) -> Webhook:
    return Webhook(body=json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode(), content_type=JSON)


def _telegram(update: Any, sender: int) -> Any:
    number = time.time_ns() // 1_000_000 % 2**31
    message = update["message"]
    message |= {"message_id": number, "date": int(time.time())}
    message["from"]["id"] = message["chat"]["id"] = sender
    return update | {"update_id": number}


def _twilio(form: list[tuple[str, str]], account: Account, sender: str) -> list[tuple[str, str]]:
    sid = dict(form)["MessageSid"][:2] + uuid.uuid4().hex
    fresh = {
        "AccountSid": account.settings["account_sid"],
        "From": sender,
        "MessageSid": sid,
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "To": account.address,
    }
    return [(name, fresh.get(name, value)) for name, value in form]


def _whatsapp(payload: Any, account: Account, sender: str) -> Any:
    for value in (change["value"] for entry in payload["entry"] for change in entry["changes"]):
        value["metadata"]["phone_number_id"] = account.address
        for contact in value["contacts"]:
            contact["wa_id"] = sender
        for message in value["messages"]:
            message |= {"from": sender, "timestamp": str(int(time.time()))}
            message["id"] = "wamid." + base64.b64encode(secrets.token_bytes(30)).decode()
    return payload

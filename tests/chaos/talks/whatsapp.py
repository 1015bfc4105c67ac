"""WhatsApp: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview."""

import base64
import json
import secrets
from typing import Any

from infra.local.centre import Account
from infra.local.sandbox.whatsapp import report
from infra.local.webhooks import Sender, text_webhook
from tests.chaos.mutations import replaced
from tests.chaos.talks.talk import Payload, Picture, Receipt, Talk
from tests.journeys.desks import phone_customer

_VALUE = ("entry", 0, "changes", 0, "value")
_MESSAGES = (*_VALUE, "messages")


def _message(payload: Payload) -> Any:
    return payload["entry"][0]["changes"][0]["value"]["messages"][0]


def _with(payload: Payload, message: Any) -> Payload:
    changed: Payload = replaced(payload, (*_MESSAGES, 0), message)
    return changed


def _wamid() -> str:
    return "wamid." + base64.b64encode(secrets.token_bytes(30)).decode()


def _say(account: Account, sender: Sender, text: str, at: int) -> Payload:
    payload: Payload = json.loads(text_webhook(account, sender, "-").body)
    return _with(payload, _message(payload) | {"timestamp": str(at), "text": {"body": text}})


def _about(said: Payload, at: int, kind: str, what: Payload) -> Payload:
    """Return what comes as a message of its own about one said before."""
    head = {name: _message(said)[name] for name in ("from",)}
    original = {"original_message_id": _message(said)["id"]}
    return _with(said, head | {"id": _wamid(), "timestamp": str(at), "type": kind, kind: original | what})


def _show(account: Account, sender: Sender, picture: Picture, at: int) -> Payload:
    """Return a picture; WhatsApp does not say which album it is of."""
    payload = _say(account, sender, picture.caption, at)
    message = {name: value for name, value in _message(payload).items() if name != "text"}
    image = {"caption": picture.caption, "mime_type": "image/jpeg", "id": str(secrets.randbelow(10**15))}
    return _with(payload, message | {"type": "image", "image": image})


def _receipt(account: Account, sender: Sender, entry: str, status: str, at: int) -> Receipt:
    told: Payload = report(account, _wamid(), sender.number.removeprefix("+"), entry or None, status)
    return Receipt(payload=replaced(told, (*_VALUE, "statuses", 0, "timestamp"), str(at)))


WHATSAPP = Talk(
    channel="whatsapp",
    sender=phone_customer,
    say=_say,
    batch=_MESSAGES,
    edit=lambda said, text, at: _about(said, at, "edit", {"message": {"type": "text", "text": {"body": text}}}),
    take_back=lambda said, at: _about(said, at, "revoke", {}),
    show=_show,
    statuses=("sent", "failed", "delivered", "read"),
    receipt=_receipt,
    refusal_called_success={"error": {"code": 131026, "type": "OAuthException", "message": "Message undeliverable"}},
)

"""WhatsApp's Cloud API: sending, media, and the statuses it posts to the app's webhook.

https://developers.facebook.com/docs/whatsapp/cloud-api
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from infra.local.centre import Account
from infra.local.sandbox.calls import Call, Json, Message, Receipt, Reply
from infra.local.sandbox.pictures import CONTENT_TYPE, picture

API = "https://graph.facebook.com"
MEDIA = "https://lookaside.fbsbx.com"
MAX_TEXT = 4096

_PATH = re.compile(r"/v\d+\.\d+/(?P<node>[\w-]+)(?P<edge>/messages)?")
_ERRORS: Mapping[int, tuple[int, str, str]] = {
    400: (131026, "OAuthException", "(#131026) Message undeliverable"),
    401: (190, "OAuthException", "Invalid OAuth access token - Cannot parse access token"),
    403: (10, "OAuthException", "(#10) Application does not have permission for this action"),
    404: (100, "GraphMethodException", "Unsupported request"),
    429: (130429, "OAuthException", "(#130429) Rate limit hit"),
    500: (131000, "OAuthException", "(#131000) Something went wrong"),
    503: (131016, "OAuthException", "(#131016) Service unavailable"),
}


class WhatsApp:
    """Takes messages from the configured numbers and reports each as sent, delivered, read."""

    channel = "whatsapp"

    def __init__(self, accounts: Sequence[Account], public_url: str, *, pace_s: float) -> None:
        self._accounts = {account.address: account for account in accounts if account.channel == self.channel}
        self._public_url = public_url
        self._pace_s = pace_s

    def sends(self, call: Call) -> bool:
        """Return whether a message is to be sent; marking one as read is not."""
        return call.method == "POST" and call.path.endswith("/messages") and "status" not in call.fields

    def failure(self, status: int) -> Json:
        """Return the Graph API's error object."""
        code, kind, message = _ERRORS.get(status, (status, "OAuthException", HTTPStatus(status).phrase))
        return _error(code, kind, message)

    def answer(self, call: Call) -> Reply:
        """Check the token, then send, or tell where a file is."""
        found = _PATH.fullmatch(call.path)
        if found is None:
            return self._refused(HTTPStatus.NOT_FOUND)
        if not self._knows(call):
            return self._refused(HTTPStatus.UNAUTHORIZED)
        if found["edge"] is None:
            return _file(found["node"])
        account = self._accounts.get(found["node"])
        if account is None or call.method != "POST":
            return _unknown(found["node"])
        return self._take(account, call.fields)

    def media(self, call: Call) -> Reply:
        """Return a file, to the bearer of a token alone."""
        if not self._knows(call):
            return Reply(status=HTTPStatus.UNAUTHORIZED, body={})
        return Reply(body=picture(), content_type=CONTENT_TYPE)

    def _knows(self, call: Call) -> bool:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        tokens = [account.secrets["access_token"] for account in self._accounts.values()]
        return scheme.lower() == "bearer" and any(hmac.compare_digest(token, known) for known in tokens)

    def _take(self, account: Account, fields: Mapping[str, Any]) -> Reply:
        if fields.get("messaging_product") != "whatsapp":
            return _invalid("(#100) The parameter messaging_product is required.")
        if fields.get("status") == "read":
            return Reply(body={"success": True})
        to = str(fields.get("to") or fields.get("recipient") or "")
        kind = str(fields.get("type") or "text")
        content = fields.get(kind)
        if not to or not isinstance(content, Mapping):
            return _invalid(f"(#100) The parameter {'to' if not to else kind} is required.")
        text = _words(kind, content)
        if isinstance(text, str) and len(text) > MAX_TEXT:
            return _invalid(f"(#100) Param {kind}['body'] must be at most {MAX_TEXT} characters long.")
        message_id = "wamid." + base64.b64encode(secrets.token_bytes(30)).decode()
        contact = {"input": to, "wa_id": to.lstrip("+")} if to.lstrip("+").isdigit() else {"input": to, "user_id": to}
        return Reply(
            body={"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": message_id}]},
            message=Message(message_id=message_id, to=to, text=text, links=_links(content)),
            receipts=self._receipts(account, message_id, to.lstrip("+"), fields.get("biz_opaque_callback_data")),
        )

    def _receipts(self, account: Account, message_id: str, to: str, callback_data: str | None) -> list[Receipt]:
        return [
            Receipt(
                after_s=self._pace_s * step,
                channel=self.channel,
                url=self._public_url + account.webhook_path,
                content_type="application/json",
                body=json.dumps(report(account, message_id, to, callback_data, status)).encode(),
                retried=True,
            )
            for step, status in enumerate(("sent", "delivered", "read"), start=1)
        ]

    def _refused(self, status: HTTPStatus) -> Reply:
        return Reply(status=status, body=self.failure(status))


def report(account: Account, message_id: str, to: str, callback_data: str | None, status: str) -> Json:
    """Return the webhook that tells what became of a message."""
    said: dict[str, Json] = {
        "id": message_id,
        "status": status,
        "timestamp": str(int(time.time())),
        "recipient_id": to,
        "pricing": {"billable": True, "pricing_model": "PMP", "category": "service"},
    }
    if callback_data is not None:
        said["biz_opaque_callback_data"] = callback_data
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": account.address, "phone_number_id": account.address},
        "statuses": [said],
    }
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "100000000000001", "changes": [{"value": value, "field": "messages"}]}],
    }


def _words(kind: str, content: Mapping[str, Any]) -> Any:
    """Return what the customer reads: of an interactive message its text and labels, of a template its parameters."""
    match kind:
        case "interactive":
            action = content.get("action", {})
            rows = [row for section in action.get("sections", ()) for row in section["rows"]]
            labels = [button["reply"]["title"] for button in action.get("buttons", ())] + [row["title"] for row in rows]
            return " ".join([content["body"]["text"], *(f"[{label}]" for label in labels)])
        case "template":
            parts = [item for component in content.get("components", ()) for item in component["parameters"]]
            return " ".join([f"template {content['name']}:", *(item["text"] for item in parts if "text" in item)])
    return content.get("body") or content.get("caption")


def _links(content: Mapping[str, Any]) -> list[str]:
    return [str(content["link"])] if content.get("link") else []


def _file(media_id: str) -> Reply:
    content = picture()
    return Reply(
        body={
            "messaging_product": "whatsapp",
            "url": f"{MEDIA}/whatsapp_business/attachments/?mid={media_id}",
            "mime_type": CONTENT_TYPE,
            "sha256": hashlib.sha256(content).hexdigest(),
            "file_size": len(content),
            "id": media_id,
        }
    )


def _unknown(node: str) -> Reply:
    message = f"Unsupported post request. Object with ID '{node}' does not exist or cannot be loaded"
    return Reply(status=HTTPStatus.BAD_REQUEST, body=_error(100, "GraphMethodException", message))


def _invalid(message: str) -> Reply:
    return Reply(status=HTTPStatus.BAD_REQUEST, body=_error(100, "OAuthException", message))


def _error(code: int, kind: str, message: str) -> Json:
    return {"error": {"message": message, "type": kind, "code": code, "fbtrace_id": secrets.token_urlsafe(8)}}

"""Twilio's Messages API, its media, and its status callbacks.

https://www.twilio.com/docs/messaging/api/message-resource, …/docs/usage/webhooks/messaging-webhooks
"""

import base64
import binascii
import hmac
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import urlencode

from infra.local.centre import Account
from infra.local.sandbox.calls import Call, Json, Message, Receipt, Reply
from infra.local.sandbox.pictures import CONTENT_TYPE, picture

API = "https://api.twilio.com"
MEDIA = "https://mms.twiliocdn.com"
MAX_BODY = 1600
FORM = "application/x-www-form-urlencoded"

_MESSAGES = re.compile(r"/2010-04-01/Accounts/(?P<sid>AC\w+)/Messages\.json")
_FILE = re.compile(r"/2010-04-01/Accounts/(?P<sid>AC\w+)/Messages/(?P<message>\w+)/Media/(?P<media>\w+)")
_ERRORS: Mapping[int, tuple[int, str]] = {
    400: (21211, "Invalid 'To' Phone Number"),
    401: (20003, "Authenticate"),
    403: (20403, "Forbidden"),
    404: (20404, "The requested resource was not found"),
    429: (20429, "Too Many Requests"),
    500: (20500, "An internal server error has occurred"),
    503: (20503, "Service Unavailable"),
}


class Twilio:
    """Takes messages from the configured numbers and reports each as sent, then delivered."""

    channel = "twilio_sms"

    def __init__(self, accounts: Sequence[Account], *, pace_s: float) -> None:
        self._accounts = [account for account in accounts if account.channel == self.channel]
        self._pace_s = pace_s

    def sends(self, call: Call) -> bool:
        """Return whether a message is to be created."""
        return call.method == "POST" and _MESSAGES.fullmatch(call.path) is not None

    def failure(self, status: int) -> Json:
        """Return Twilio's error object."""
        code, message = _ERRORS.get(status, (20000 + status, HTTPStatus(status).phrase))
        return _error(status, code, message)

    def answer(self, call: Call) -> Reply:
        """Check account and token, then create the message or redirect to the file."""
        messages, file = _MESSAGES.fullmatch(call.path), _FILE.fullmatch(call.path)
        found = messages or file
        if found is None:
            return _refused(HTTPStatus.NOT_FOUND, *_ERRORS[404])
        if not self._knows(found["sid"], call.headers.get("authorization", "")):
            return _refused(HTTPStatus.UNAUTHORIZED, *_ERRORS[401])
        if file is not None:
            location = f"{MEDIA}/{file['sid']}/{file['media']}"
            return Reply(status=HTTPStatus.TEMPORARY_REDIRECT, body={}, headers={"location": location})
        return self._create(found["sid"], call.fields) if call.method == "POST" else _refused(404, *_ERRORS[404])

    def _knows(self, sid: str, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        tokens = [a.secrets["auth_token"] for a in self._accounts if a.settings.get("account_sid") == sid == user]
        return scheme.lower() == "basic" and any(hmac.compare_digest(password, token) for token in tokens)

    def _create(self, sid: str, fields: Mapping[str, Json]) -> Reply:
        problem = self._problem(fields)
        if problem is not None:
            return _refused(HTTPStatus.BAD_REQUEST, *problem)
        message_sid = ("MM" if fields.get("MediaUrl") else "SM") + uuid.uuid4().hex
        files = fields.get("MediaUrl") or []
        links = [files] if isinstance(files, str) else files
        message = Message(message_id=message_sid, to=fields["To"], text=fields.get("Body"), links=links)
        return Reply(
            status=HTTPStatus.CREATED,
            body=_resource(sid, message_sid, fields),
            message=message,
            receipts=self._receipts(sid, message_sid, fields),
        )

    def _problem(self, fields: Mapping[str, Json]) -> tuple[int, str] | None:
        sender = fields.get("From") or fields.get("MessagingServiceSid")
        if not fields.get("To"):
            return 21604, "A 'To' phone number is required."
        if not sender:
            return 21603, "A 'From' phone number is required."
        if sender not in {account.address for account in self._accounts}:
            return 21606, f"The 'From' phone number {sender} is not a valid, message-capable Twilio phone number"
        if not any(fields.get(name) for name in ("Body", "MediaUrl", "ContentSid")):
            return 21602, "Message body is required."
        if len(fields.get("Body") or "") > MAX_BODY:
            return 21617, "The concatenated message body exceeds the 1600 character limit."
        return None

    def _receipts(self, sid: str, message_sid: str, fields: Mapping[str, Json]) -> list[Receipt]:
        url = fields.get("StatusCallback")
        if not url:
            return []
        return [
            Receipt(
                after_s=self._pace_s * step,
                channel=self.channel,
                url=url,
                content_type=FORM,
                body=urlencode(report(sid, message_sid, fields, status)).encode(),
            )
            for step, status in enumerate(("sent", "delivered"), start=1)
        ]


def media(call: Call) -> Reply:  # noqa: ARG001  any file is the same picture here
    """Return a file as Twilio's storage hands it out: by its unguessable address, without credentials."""
    return Reply(body=picture(), content_type=CONTENT_TYPE)


def report(sid: str, message_sid: str, fields: Mapping[str, Json], status: str) -> dict[str, str]:
    """Return the form that tells what became of a message."""
    told = {
        "AccountSid": sid,
        "ApiVersion": "2010-04-01",
        "From": fields.get("From", ""),
        "MessageSid": message_sid,
        "MessageStatus": status,
        "SmsSid": message_sid,
        "SmsStatus": status,
        "To": fields["To"],
    }
    return told | ({"RawDlrDoneDate": time.strftime("%y%m%d%H%M", time.gmtime())} if status == "delivered" else {})


def _resource(sid: str, message_sid: str, fields: Mapping[str, Json]) -> Json:
    now = formatdate(usegmt=True)
    return {
        "account_sid": sid,
        "api_version": "2010-04-01",
        "body": fields.get("Body", ""),
        "date_created": now,
        "date_sent": None,
        "date_updated": now,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": fields.get("From"),
        "messaging_service_sid": fields.get("MessagingServiceSid"),
        "num_media": "1" if fields.get("MediaUrl") else "0",
        "num_segments": "1",
        "sid": message_sid,
        "status": "queued",
        "to": fields["To"],
        "uri": f"/2010-04-01/Accounts/{sid}/Messages/{message_sid}.json",
    }


def _refused(status: int, code: int, message: str) -> Reply:
    return Reply(status=status, body=_error(status, code, message))


def _error(status: int, code: int, message: str) -> Json:
    return {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }

"""Telegram's Bot API: sending, and files.

https://core.telegram.org/bots/api
"""

import hmac
import re
import time
from collections.abc import Sequence
from http import HTTPStatus
from itertools import count
from typing import Any

from infra.local.centre import Account
from infra.local.sandbox.calls import Call, Json, Message, Reply
from infra.local.sandbox.pictures import CONTENT_TYPE, picture

MAX_TEXT = 4096
MAX_CAPTION = 1024

_PATH = re.compile(r"/(?P<file>file/)?bot(?P<token>\d+:[\w-]+)/(?P<rest>.+)")
_FILES = {f"send{kind.capitalize()}": kind for kind in ("photo", "document", "video", "audio", "voice")}
_DESCRIPTIONS = {
    HTTPStatus.BAD_REQUEST: "Bad Request: chat not found",
    HTTPStatus.UNAUTHORIZED: "Unauthorized",
    HTTPStatus.FORBIDDEN: "Forbidden: bot was blocked by the user",
    HTTPStatus.NOT_FOUND: "Not Found",
    HTTPStatus.TOO_MANY_REQUESTS: "Too Many Requests: retry after 1",
}


class Telegram:
    """Takes what any of the configured bots sends. Telegram reports no deliveries."""

    channel = "telegram"

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._tokens = [account.secrets["bot_token"] for account in accounts if account.channel == self.channel]
        self._message_ids = count(int(time.time()))

    def sends(self, call: Call) -> bool:
        """Return whether the method is one of those that send."""
        return call.path.rpartition("/")[2].startswith("send") and not call.path.endswith("sendChatAction")

    def failure(self, status: int) -> Json:
        """Return Telegram's error object."""
        known = HTTPStatus(status)
        error: dict[str, Json] = {
            "ok": False,
            "error_code": status,
            "description": _DESCRIPTIONS.get(known, known.phrase),
        }
        if known is HTTPStatus.TOO_MANY_REQUESTS:
            error["parameters"] = {"retry_after": 1}
        return error

    def answer(self, call: Call) -> Reply:
        """Check the token in the path, then do what the method says."""
        found = _PATH.fullmatch(call.path)
        if found is None:
            return self._refused(HTTPStatus.NOT_FOUND)
        if not any(hmac.compare_digest(found["token"], token) for token in self._tokens):
            return self._refused(HTTPStatus.UNAUTHORIZED)
        if found["file"]:
            return Reply(body=picture(), content_type=CONTENT_TYPE)
        return self._do(found["rest"], found["token"], call.fields)

    def _do(self, method: str, token: str, fields: dict[str, Any]) -> Reply:
        match method:
            case "getMe":
                return _ok(_bot(token))
            case "getFile":
                return self._file(str(fields.get("file_id") or ""))
            case "sendChatAction" | "answerCallbackQuery" | "setMessageReaction":
                return _ok(True)  # noqa: FBT003  the API answers true
            case "sendMessage":
                return self._take(token, fields, str(fields.get("text") or ""), MAX_TEXT, links=[])
            case _ if method in _FILES:
                links = [str(fields.get(_FILES[method]) or "")]
                return self._take(token, fields, str(fields.get("caption") or ""), MAX_CAPTION, links=links)
        return self._refused(HTTPStatus.NOT_FOUND)

    def _file(self, file_id: str) -> Reply:
        if not file_id:
            return self._refused(HTTPStatus.BAD_REQUEST, "Bad Request: file_id not specified")
        found = {"file_id": file_id, "file_unique_id": file_id[-8:], "file_size": len(picture())}
        return _ok(found | {"file_path": f"photos/{file_id[-24:]}.png"})

    def _take(self, token: str, fields: dict[str, Any], text: str, limit: int, *, links: list[str]) -> Reply:
        chat = fields.get("chat_id")
        if not chat:
            return self._refused(HTTPStatus.BAD_REQUEST, "Bad Request: chat_id is empty")
        if not text and not links:
            return self._refused(HTTPStatus.BAD_REQUEST, "Bad Request: message text is empty")
        if len(text) > limit:
            return self._refused(HTTPStatus.BAD_REQUEST, "Bad Request: message is too long")
        message_id = next(self._message_ids)
        result = {
            "message_id": message_id,
            "from": _bot(token),
            "chat": {"id": int(chat) if str(chat).lstrip("-").isdigit() else chat, "type": "private"},
            "date": int(time.time()),
            "caption" if links else "text": text,
        }
        message = Message(message_id=str(message_id), to=str(chat), text=text or None, links=links)
        return _ok(result, message=message)

    def _refused(self, status: HTTPStatus, description: str | None = None) -> Reply:
        error = self.failure(status)
        return Reply(status=status, body=error if description is None else error | {"description": description})


def _bot(token: str) -> Json:
    return {"id": int(token.partition(":")[0]), "is_bot": True, "first_name": "Throughline"}


def _ok(result: Json, message: Message | None = None) -> Reply:
    return Reply(body={"ok": True, "result": result}, message=message)

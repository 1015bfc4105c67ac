"""Telegram Bot API: one private chat a customer.

Receiving: https://core.telegram.org/bots/api#update and https://core.telegram.org/bots/api#setwebhook
Sending: https://core.telegram.org/bots/api#sendmessage and https://core.telegram.org/bots/api#sending-files
Settings: none. Secrets: ``bot_token``, ``webhook_secret``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from throughline.channels._answers import (
    Meaning,
    Refusal,
    Verdict,
    answered,
    error_for,
    patience_s,
    retry_after_s,
    succeeded,
)
from throughline.channels._fields import Json, ident, mapping, number, read_json, text, whole
from throughline.channels._media import Store, ask, fetch
from throughline.channels._parts import link_to, require_kind, send_parts
from throughline.channels._signatures import require_one_of
from throughline.channels._telegram_keyboards import keyboard_of
from throughline.channels._telegram_updates import CHANNEL, EVENT_KINDS, events_of, message_name
from throughline.channels._texts import split, utf16_length
from throughline.domain.errors import (
    ConfigurationError,
    ProviderRejectedError,
    ThroughlineError,
    UnknownOutcomeError,
    UnsupportedContentError,
)
from throughline.domain.messages import Attachment, ChannelEvent, OutboundMessage, SendReceipt
from throughline.domain.quick_replies import QuickReplyKind, written_out
from throughline.ports import Account, HttpClient, HttpResponse, MediaFile, WebhookAnswer, WebhookRequest

__all__ = ["API_BASE", "EVENT_KINDS", "Telegram"]

API_BASE = "https://api.telegram.org"
TEXT_LIMIT = 4096  # https://core.telegram.org/bots/api#sendmessage
CAPTION_LIMIT = 1024  # https://core.telegram.org/bots/api#sendphoto
FILES = Store("Telegram", ("api.telegram.org",), 20 << 20)  # https://core.telegram.org/bots/api#getfile

# our kind of attachment → the method and the field that carry it
METHODS: Mapping[str, tuple[str, str]] = {
    "image": ("sendPhoto", "photo"),
    "video": ("sendVideo", "video"),
    "audio": ("sendAudio", "audio"),
    "voice": ("sendVoice", "voice"),
    "document": ("sendDocument", "document"),
}

BAD_TOKEN = Verdict(Meaning.CONFIGURATION)
# Telegram tells its errors apart by words only: (status, words in the description) → what it means
VERDICTS: Sequence[tuple[int, str, Verdict]] = (
    (401, "", BAD_TOKEN),
    (404, "", BAD_TOKEN),  # the method exists, so it is the token that Telegram does not know
    (403, "blocked by the user", Verdict(Meaning.OPTED_OUT, "the customer blocked the bot")),
    (403, "user is deactivated", Verdict(Meaning.OPTED_OUT, "the customer deleted their Telegram account")),
    (403, "can't initiate conversation", Verdict(Meaning.REJECTED, "the customer never started a chat with the bot")),
    (400, "chat not found", Verdict(Meaning.REJECTED, "Telegram does not know this chat")),
    (400, "get http url content", Verdict(Meaning.UNSUPPORTED, "Telegram could not fetch this file by its link")),
    (
        400,
        "wrong type of the web page",
        Verdict(Meaning.UNSUPPORTED, "Telegram does not take this kind of file by link"),
    ),
    (400, "file is too big", Verdict(Meaning.UNSUPPORTED, "the file is larger than Telegram allows")),
)

Request = tuple[str, dict[str, Any]]


class Telegram:
    """Telegram as a Channel."""

    name = CHANNEL
    identifier_kinds = frozenset({"telegram"})
    text_limit = TEXT_LIMIT
    reply_window_ms = None
    attachment_kinds = frozenset(METHODS)
    counts_segments = False
    repeats_safely = False
    quick_reply_kinds = frozenset({QuickReplyKind.REPLY, QuickReplyKind.LINK, QuickReplyKind.LOCATION})
    has_templates = False
    retries_refused_webhooks = True  # each chat for itself, after the Retry-After it is told

    def handshake(self, request: WebhookRequest, account: Account) -> None:
        """See Channel.handshake; Telegram has none."""
        del request, account

    def verify(self, request: WebhookRequest, account: Account) -> None:
        """See Channel.verify; the proof is the secret we gave to setWebhook, sent back in a header."""
        require_one_of(request.headers.get("x-telegram-bot-api-secret-token"), account.secret_values("webhook_secret"))

    def parse(self, request: WebhookRequest, account: Account) -> Sequence[ChannelEvent]:
        """See Channel.parse; a webhook is one update."""
        return events_of(read_json(request.body), account)

    def accepted(self, request: WebhookRequest) -> WebhookAnswer:
        """See Channel.accepted; a body would be taken for a method call."""
        del request
        return WebhookAnswer()

    def send(self, message: OutboundMessage, account: Account, http: HttpClient) -> SendReceipt:
        """See Channel.send; plain text without parse_mode, so that nobody's characters are eaten as markup."""
        require_kind(message, self.identifier_kinds, "Telegram")
        return SendReceipt(
            provider_ids=send_parts(message, _requests(message), lambda part: _deliver(part, account, http))
        )

    def fetch_media(self, attachment: Attachment, account: Account, http: HttpClient) -> MediaFile:
        """See Channel.fetch_media; getFile, then the file. Both addresses hold the bot token."""
        token = account.secret("bot_token")
        found = ask(http, "POST", f"{API_BASE}/bot{token}/getFile", **_json_body({"file_id": attachment.source}))
        if not succeeded(found):
            raise _error(found)
        path = text(mapping(answered(found).get("result")).get("file_path"))
        if path is None:
            raise ProviderRejectedError("Telegram no longer has this file")
        named = replace(attachment, name=attachment.name or path.rpartition("/")[2])
        return fetch(named, f"{API_BASE}/file/bot{token}/{quote(path)}", http, FILES)


def _requests(message: OutboundMessage) -> list[Request]:
    """Return the methods to call: a short text is the caption of a single file, any other text goes first.

    The last one bears the keyboard, the first one quotes.
    """
    chat: dict[str, Any] = {"chat_id": message.to.value}
    keyboard = keyboard_of(message.quick_replies)
    words = message.text or ""
    if message.quick_replies and keyboard is None:
        words = written_out(words, message.quick_replies)
    captioned = len(message.attachments) == 1 and 0 < utf16_length(words) <= CAPTION_LIMIT and bool(words.strip())
    texts = [] if captioned else split(words, TEXT_LIMIT)
    requests: list[Request] = [("sendMessage", {**chat, "text": piece}) for piece in texts]
    requests += [_file_request(attachment, chat, words if captioned else None) for attachment in message.attachments]
    if requests and keyboard:
        requests[-1] = _with(requests[-1], reply_markup=keyboard)
    if requests and (quoted := _quoted(message)):
        requests[0] = _with(requests[0], reply_parameters=quoted)
    return requests


def _with(request: Request, **more: Any) -> Request:
    method, payload = request
    return method, {**payload, **more}


def _file_request(attachment: Attachment, chat: Json, caption: str | None) -> Request:
    if attachment.kind not in METHODS:
        raise UnsupportedContentError(f"Telegram cannot carry an attachment of kind {attachment.kind}")
    method, field = METHODS[attachment.kind]
    return method, {**chat, field: link_to(attachment), **({"caption": caption} if caption else {})}


def _quoted(message: OutboundMessage) -> Json | None:
    """Return what quotes the message answered, if it is one of this chat."""
    chat, _, number_in_chat = (message.reply_to or "").partition(":")
    if chat != message.to.value or not (number_in_chat.isascii() and number_in_chat.isdigit()):
        return None
    return {"message_id": int(number_in_chat), "allow_sending_without_reply": True}


def _deliver(part: Request, account: Account, http: HttpClient) -> str:
    method, payload = part
    url = f"{API_BASE}/bot{account.secret('bot_token')}/{method}"
    response = http.request("POST", url, **_json_body(payload))
    answer = answered(response)
    if not succeeded(response) or answer.get("ok") is False:
        raise _error(response, payload.get("text") or payload.get("caption"))
    result = mapping(answer.get("result"))
    number_in_chat = ident(result.get("message_id"))
    if number_in_chat in {None, "0"}:
        # Telegram may put a message off, and then its id is 0: taken, yet without a name. A repeat could send it twice.
        raise UnknownOutcomeError("Telegram took the message without giving it an id")
    chat = ident(mapping(result.get("chat")).get("id")) or payload["chat_id"]
    return message_name(chat, str(number_in_chat))


def _error(response: HttpResponse, said: str | None = None) -> ThroughlineError | ConfigurationError:
    answer = answered(response)
    words = text(answer.get("description")) or ""
    status = (whole(answer.get("error_code")) or HTTPStatus.BAD_REQUEST) if succeeded(response) else response.status
    patience = patience_s(number(mapping(answer.get("parameters")).get("retry_after")))
    refusal = Refusal(
        provider="Telegram",
        status=status,
        code=ident(answer.get("error_code")),
        words=words,
        retry_after_s=patience or retry_after_s(response),
        private=(said,) if said else (),
    )
    found = (verdict for code, part, verdict in VERDICTS if code == status and part in words.lower())
    return error_for(refusal, next(found, None))


def _json_body(payload: Json) -> dict[str, Any]:
    return {"headers": {"content-type": "application/json"}, "body": json.dumps(payload).encode()}

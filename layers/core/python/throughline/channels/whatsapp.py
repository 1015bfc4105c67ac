"""WhatsApp over Meta's Cloud API.

Receiving: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
Sending: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
Settings: none; the address is the phone number id. Secrets: ``app_secret``, ``access_token``, ``verify_token``.
"""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from throughline.channels._answers import Meaning, Refusal, Verdict, answered, error_for, retry_after_s, succeeded
from throughline.channels._fields import Json, ident, items, mapping, read_json, text
from throughline.channels._media import Store, ask, fetch
from throughline.channels._parts import require_kind, send_parts
from throughline.channels._signatures import require_hmac_sha256_hex, require_one_of
from throughline.channels._whatsapp_changes import EVENT_KINDS, events_of
from throughline.channels._whatsapp_people import CHANNEL, identifiers
from throughline.channels._whatsapp_sending import MEDIA_TYPES, TEXT_LIMIT, Request, requests_of, said_in
from throughline.domain.errors import (
    ConfigurationError,
    ProviderRejectedError,
    ThroughlineError,
    UnknownOutcomeError,
    WindowClosedError,
)
from throughline.domain.identifiers import Identifier
from throughline.domain.messages import Attachment, ChannelEvent, OutboundMessage, SendReceipt
from throughline.domain.quick_replies import QuickReplyKind
from throughline.ports import Account, HttpClient, HttpResponse, MediaFile, WebhookAnswer, WebhookRequest

__all__ = ["API_BASE", "EVENT_KINDS", "MEDIA_BASE", "WhatsApp"]

API_BASE = "https://graph.facebook.com"
MEDIA_BASE = "https://lookaside.fbsbx.com"
VERSION = "v25.0"
REPLY_WINDOW_MS = 24 * 60 * 60 * 1000  # .../whatsapp/messages/send-messages#customer-service-windows
FILES = Store("WhatsApp", ("lookaside.fbsbx.com",), 100 << 20)  # .../whatsapp/business-phone-numbers/media

_CREDENTIALS = Verdict(Meaning.CONFIGURATION)
_LATER = Verdict(Meaning.UNAVAILABLE)
_SLOWER = Verdict(Meaning.THROTTLED)
# https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
VERDICTS: Mapping[str, Verdict] = {
    **dict.fromkeys(("0", "3", "10", "190", "131005", *map(str, range(200, 300))), _CREDENTIALS),
    **dict.fromkeys(("4", "613", "80007", "130429", "131048", "131056", "133016"), _SLOWER),
    **dict.fromkeys(("1", "2", "131000", "131016", "131053", "131057", "133004"), _LATER),
    "131026": Verdict(Meaning.REJECTED, "the customer cannot be reached on WhatsApp"),
    "131047": Verdict(Meaning.WINDOW_CLOSED, "more than 24 hours have passed since the customer last wrote"),
    "131050": Verdict(Meaning.REJECTED, "the customer does not want advertising"),  # and still wants answers
    "131051": Verdict(Meaning.UNSUPPORTED, "WhatsApp does not carry this kind of message"),
}


class WhatsApp:
    """WhatsApp as a Channel."""

    name = CHANNEL
    identifier_kinds = frozenset({"tel", "bsuid"})
    text_limit = TEXT_LIMIT
    reply_window_ms = REPLY_WINDOW_MS
    attachment_kinds = frozenset(MEDIA_TYPES)
    counts_segments = False
    repeats_safely = False
    quick_reply_kinds = frozenset(QuickReplyKind)
    has_templates = True
    retries_refused_webhooks = True  # with growing pauses, for up to seven days

    def handshake(self, request: WebhookRequest, account: Account) -> WebhookAnswer | None:
        """See Channel.handshake; the challenge goes back to whoever knows the verify token."""
        if request.method != "GET" or "hub.mode" not in request.query:
            return None
        require_one_of(request.query.get("hub.verify_token"), account.secret_values("verify_token"))
        return WebhookAnswer(body=request.query.get("hub.challenge", ""))

    def verify(self, request: WebhookRequest, account: Account) -> None:
        """See Channel.verify; HMAC-SHA256 of the raw bytes. One app secret covers all numbers of the app."""
        given = request.headers.get("x-hub-signature-256")
        require_hmac_sha256_hex(given, account.secret_values("app_secret"), request.body, prefix="sha256=")

    def parse(self, request: WebhookRequest, account: Account) -> Sequence[ChannelEvent]:
        """See Channel.parse; one webhook may mix messages, statuses and numbers of several accounts."""
        return events_of(read_json(request.body), account)

    def accepted(self, request: WebhookRequest) -> WebhookAnswer:
        """See Channel.accepted."""
        del request
        return WebhookAnswer()

    def send(self, message: OutboundMessage, account: Account, http: HttpClient) -> SendReceipt:
        """See Channel.send; outside the reply window nothing leaves but templates."""
        require_kind(message, self.identifier_kinds, "WhatsApp")
        if message.template is None and _window_closed(message):
            raise WindowClosedError("more than 24 hours have passed since the customer last wrote")
        told: dict[Identifier, None] = {}

        def deliver(part: Request) -> str:
            wamid, learnt = _deliver(part, account, http)
            told.update(dict.fromkeys(learnt))
            return wamid

        provider_ids = send_parts(message, requests_of(message), deliver)
        return SendReceipt(provider_ids=provider_ids, identifiers=tuple(other for other in told if other != message.to))

    def fetch_media(self, attachment: Attachment, account: Account, http: HttpClient) -> MediaFile:
        """See Channel.fetch_media; the id leads to a link that is good for five minutes."""
        source = attachment.source or ""
        url = source if source.startswith("https://") else _media_link(source, account, http)
        return fetch(attachment, url, http, FILES, headers=_authorization(account))


def _window_closed(message: OutboundMessage) -> bool:
    return message.last_inbound_ms is None or message.now_ms - message.last_inbound_ms >= REPLY_WINDOW_MS


def _deliver(part: Request, account: Account, http: HttpClient) -> tuple[str, Sequence[Identifier]]:
    """Return the message's id, and who else the recipient is."""
    url = f"{API_BASE}/{VERSION}/{quote(account.address, safe='')}/messages"
    headers = {**_authorization(account), "content-type": "application/json"}
    response = http.request("POST", url, headers=headers, body=json.dumps(part).encode())
    answer = answered(response)
    if not succeeded(response) or "error" in answer:
        raise _error(response, said_in(part))
    taken = [text(mapping(message).get("id")) for message in items(answer.get("messages"))]
    if not taken or taken[0] is None:
        raise UnknownOutcomeError("WhatsApp took the message without giving it an id")
    contact = mapping(next(iter(items(answer.get("contacts"))), None))
    return taken[0], identifiers(contact.get("wa_id"), contact.get("user_id"))


def _media_link(media_id: str, account: Account, http: HttpClient) -> str:
    url = f"{API_BASE}/{VERSION}/{quote(media_id, safe='')}?phone_number_id={quote(account.address, safe='')}"
    response = ask(http, "GET", url, headers=_authorization(account))
    if not succeeded(response):
        raise _error(response)
    link = text(answered(response).get("url"))
    if link is None:
        raise ProviderRejectedError("WhatsApp no longer has this file")
    return link


def _authorization(account: Account) -> dict[str, str]:
    return {"authorization": f"Bearer {account.secret('access_token')}"}


def _error(response: HttpResponse, said: tuple[str, ...] = ()) -> ThroughlineError | ConfigurationError:
    """Return the error of an answer; Meta puts errors into answers of any status, 200 among them."""
    problem: Json = mapping(answered(response).get("error"))
    code = ident(problem.get("code"))
    words = text(mapping(problem.get("error_data")).get("details")) or text(problem.get("message"))
    refusal = Refusal(
        provider="WhatsApp",
        status=response.status,
        code=code,
        words=words,
        retry_after_s=retry_after_s(response),
        private=said,
    )
    transient = _LATER if problem.get("is_transient") is True else None
    return error_for(refusal, VERDICTS.get(code or "", transient))

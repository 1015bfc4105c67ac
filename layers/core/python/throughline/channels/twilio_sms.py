"""SMS and MMS over Twilio.

Receiving: https://www.twilio.com/docs/messaging/guides/webhook-request
Proof: https://www.twilio.com/docs/usage/webhooks/webhooks-security
Sending: https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
Settings: ``account_sid``; ``messaging_service_sid`` to send from its pool; ``max_segments`` an SMS of ours may have.
Secrets: ``auth_token``.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from urllib.parse import parse_qs, parse_qsl, quote, urlencode

from throughline.channels._answers import Meaning, Refusal, Verdict, answered, error_for, retry_after_s, succeeded
from throughline.channels._fields import ident, text
from throughline.channels._media import Store, fetch
from throughline.channels._parts import link_to, require_kind, send_parts
from throughline.channels._phones import dialled
from throughline.channels._signatures import require_one_of
from throughline.channels._texts import sms_segments, split
from throughline.channels._twilio_sms_forms import CHANNEL, EVENT_KINDS, events_of, is_status, not_a_form
from throughline.domain.errors import (
    ConfigurationError,
    MalformedPayloadError,
    SignatureMismatchError,
    ThroughlineError,
    UnknownOutcomeError,
    UnsupportedContentError,
)
from throughline.domain.identifiers import digest
from throughline.domain.messages import ATTACHMENT_KINDS, Attachment, ChannelEvent, OutboundMessage, SendReceipt
from throughline.domain.quick_replies import QuickReplyKind, written_out
from throughline.domain.templates import FilledTemplate
from throughline.ports import Account, HttpClient, HttpResponse, MediaFile, WebhookAnswer, WebhookRequest

__all__ = ["API_BASE", "EVENT_KINDS", "TwilioSms"]

API_BASE = "https://api.twilio.com"
TEXT_LIMIT = 1600  # https://www.twilio.com/docs/api/errors/21617
FILES_A_MESSAGE = 10  # https://www.twilio.com/docs/messaging/api/message-resource#mediaurl
MAX_FIELDS = 1000
FILES = Store("Twilio", ("*.twilio.com", "*.twiliocdn.com"), 20 << 20)
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

# https://www.twilio.com/docs/api/errors
VERDICTS: Mapping[str, Verdict] = {
    "20003": Verdict(Meaning.CONFIGURATION),
    "20429": Verdict(Meaning.THROTTLED),
    "21211": Verdict(Meaning.REJECTED, "this is not a valid phone number"),
    "21408": Verdict(Meaning.REJECTED, "the Twilio account may not send to this country"),
    "21610": Verdict(Meaning.OPTED_OUT, "the customer replied STOP to this number"),
    "21614": Verdict(Meaning.REJECTED, "this number is not a mobile number"),
    "21617": Verdict(Meaning.UNSUPPORTED, "the text is longer than Twilio allows"),
    "21620": Verdict(Meaning.UNSUPPORTED, "Twilio could not use the file's link"),
}

Form = Sequence[tuple[str, str]]


class TwilioSms:
    """SMS over Twilio as a Channel."""

    name = CHANNEL
    identifier_kinds = frozenset({"tel", "shortcode"})
    text_limit = TEXT_LIMIT
    reply_window_ms = None
    attachment_kinds = frozenset(ATTACHMENT_KINDS)
    counts_segments = True
    repeats_safely = False
    quick_reply_kinds: frozenset[QuickReplyKind] = frozenset()
    has_templates = True
    retries_refused_webhooks = False  # only if the webhook's address asks for it, and then only within 15 s

    def handshake(self, request: WebhookRequest, account: Account) -> None:
        """See Channel.handshake; Twilio has none."""
        del request, account

    def verify(self, request: WebhookRequest, account: Account) -> None:
        """See Channel.verify; HMAC-SHA1 over the public URL and the form's fields, or the digest of another body."""
        given = request.headers.get("x-twilio-signature")
        if not given:
            raise SignatureMismatchError("the request is not signed")
        promised = _body_digest(request)
        if promised is not None and not hmac.compare_digest(promised.encode(), _sha256(request.body).encode()):
            raise SignatureMismatchError("the body is not the one that was signed")
        fields = "" if promised is not None or request.method == "GET" else _signed_fields(request.body)
        tokens = account.secret_values("auth_token")
        signatures = (_signature(token, url + fields) for token in tokens if token for url in _spellings(request.url))
        require_one_of(given, signatures)

    def parse(self, request: WebhookRequest, account: Account) -> Sequence[ChannelEvent]:
        """See Channel.parse; a webhook is one message or one status."""
        fallback_id = digest(request.url, _sha256(request.body))
        if _body_digest(request) is not None:
            return [not_a_form(request.body, account, fallback_id)]
        return events_of(_form(request), request.query.get("entry"), account, fallback_id=fallback_id)

    def accepted(self, request: WebhookRequest) -> WebhookAnswer:
        """See Channel.accepted; whatever stood in a <Message> would be sent as a reply."""
        try:
            status = is_status(_form(request))
        except MalformedPayloadError:
            status = False
        if status:
            return WebhookAnswer(status=204)
        return WebhookAnswer(body=EMPTY_TWIML, content_type="text/xml")

    def send(self, message: OutboundMessage, account: Account, http: HttpClient) -> SendReceipt:
        """See Channel.send; our reference travels in the StatusCallback. SMS cannot quote: `reply_to` is not used."""
        require_kind(message, self.identifier_kinds, "SMS")
        deliver = partial(_deliver, account=account, http=http)
        return SendReceipt(provider_ids=send_parts(message, _forms(message, account), deliver))

    def fetch_media(self, attachment: Attachment, account: Account, http: HttpClient) -> MediaFile:
        """See Channel.fetch_media; the account's credentials go to Twilio alone, not to the store it redirects to."""
        url = attachment.source or ""
        if not re.match(r"https://[a-z0-9.-]+\.twilio\.com/", url):
            raise UnsupportedContentError("the file is not on Twilio's own hosts")
        return fetch(attachment, url, http, FILES, headers=_authorization(account))


def _body_digest(request: WebhookRequest) -> str | None:
    """Return the digest Twilio put in the URL, which it does for bodies that are no form."""
    _, _, query = request.url.partition("?")
    return next(iter(parse_qs(query).get("bodySHA256", [])), None)


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _signature(token: str, signed: str) -> str:
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def _signed_fields(body: bytes) -> str:
    """Return names and values as Twilio joins them: by name alone, each value of a repeated name once, in order."""
    values: dict[str, set[str]] = {}
    for name, value in _pairs(body):
        values.setdefault(name, set()).add(value)
    return "".join(name + value for name in sorted(values) for value in sorted(values[name]))


def _spellings(url: str) -> Iterator[str]:
    """Return the ways Twilio may have written our URL: with and without its port, an apostrophe escaped or not."""
    scheme, _, rest = url.partition("://")
    authority, path = re.match(r"([^/?]*)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    bare = re.sub(r":\d+$", "", authority)
    usual = f"{bare}:{443 if scheme == 'https' else 80}"
    for host in dict.fromkeys((authority, bare, usual)):
        yield f"{scheme}://{host}{path}"
        if "'" in path:
            yield f"{scheme}://{host}{path.replace(chr(39), '%27')}"


def _pairs(body: bytes) -> Form:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise MalformedPayloadError("the body is not a form") from None


def _form(request: WebhookRequest) -> Mapping[str, str]:
    """Return the fields of the form, the first value of each; a GET carries them in its query."""
    body = request.url.partition("?")[2].encode() if request.method == "GET" else request.body
    fields: dict[str, str] = {}
    for name, value in _pairs(body):
        fields.setdefault(name, value)
    return fields


def _forms(message: OutboundMessage, account: Account) -> list[Form]:
    """Return the forms to post: the pieces of the text, the files in tens along with the first pieces."""
    sender = _sender(account)
    callback = f"{account.webhook_url}{'&' if '?' in account.webhook_url else '?'}{urlencode({'entry': message.entry})}"
    if message.template:
        return [[("To", dialled(message.to.value)), sender, *_content(message.template), ("StatusCallback", callback)]]
    words = written_out(message.text or "", message.quick_replies) if message.quick_replies else message.text or ""
    links = [link_to(attachment) for attachment in message.attachments]
    batches = [links[start : start + FILES_A_MESSAGE] for start in range(0, len(links), FILES_A_MESSAGE)]
    return [
        [
            ("To", dialled(message.to.value)),
            sender,
            *([("Body", piece)] if piece else []),
            *(("MediaUrl", link) for link in batch or []),
            ("StatusCallback", callback),
        ]
        for piece, batch in zip_longest(_pieces(words, account), batches)
    ]


def _content(template: FilledTemplate) -> Form:
    """Return a template by its content SID; https://www.twilio.com/docs/content/send-templates-created-with-the-content-template-builder."""
    variables = {str(number): parameter for number, parameter in enumerate(template.parameters, start=1)}
    filled = [("ContentVariables", json.dumps(variables, ensure_ascii=False))] if variables else []
    return [("ContentSid", template.provider_name), *filled]


def _sender(account: Account) -> tuple[str, str]:
    service = account.settings.get("messaging_service_sid")
    return ("MessagingServiceSid", str(service)) if service else ("From", account.address)


def _pieces(words: str, account: Account) -> list[str]:
    limit = account.settings.get("max_segments")
    pieces = split(words, TEXT_LIMIT)
    if limit is None:
        return pieces
    if not isinstance(limit, int) or limit < 1:
        raise ConfigurationError(f"channel account {CHANNEL}/{account.name}: max_segments is a whole number above 0")
    return [shorter for piece in pieces for shorter in split(piece, limit, sms_segments)]


def _deliver(form: Form, account: Account, http: HttpClient) -> str:
    url = f"{API_BASE}/2010-04-01/Accounts/{quote(account.setting('account_sid'), safe='')}/Messages.json"
    headers = {**_authorization(account), "content-type": "application/x-www-form-urlencoded"}
    response = http.request("POST", url, headers=headers, body=urlencode(form).encode())
    if not succeeded(response):
        raise _error(response, _said(form))
    sid = text(answered(response).get("sid"))
    if sid is None:
        raise UnknownOutcomeError("Twilio took the message without giving it an id")
    return sid


def _said(form: Form) -> tuple[str, ...]:
    """Return the words of ours in a form: nobody may read them in an error."""
    fields = dict(form)
    variables = json.loads(fields.get("ContentVariables", "{}")).values()
    return (*([fields["Body"]] if "Body" in fields else []), *variables)


def _authorization(account: Account) -> dict[str, str]:
    pair = f"{account.setting('account_sid')}:{account.secret('auth_token')}"
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _error(response: HttpResponse, said: tuple[str, ...]) -> ThroughlineError | ConfigurationError:
    answer = answered(response)
    code = ident(answer.get("code"))
    refusal = Refusal(
        provider="Twilio",
        status=response.status,
        code=code,
        words=text(answer.get("message")),
        retry_after_s=retry_after_s(response),
        private=said,
    )
    return error_for(refusal, VERDICTS.get(code or ""))

"""A channel that does what the test says."""

from collections.abc import Sequence

from throughline.domain.errors import SignatureMismatchError
from throughline.domain.messages import Attachment, ChannelEvent, OutboundMessage, SendReceipt
from throughline.domain.quick_replies import QuickReplyKind
from throughline.ports import Account, HttpClient, MediaFile, WebhookAnswer, WebhookRequest


class FakeChannel:
    """Believes requests whose ``x-proof`` is the account's secret `proof`, parses them into `events`.

    `outcomes` are what sending and fetching come to, in turn: a value is returned, an exception raised. Without one, a
    send is taken under a new id. `sent` has every message that reached the provider.
    """

    def __init__(
        self,
        name: str = "telegram",
        *,
        reply_window_ms: int | None = None,
        repeats_safely: bool = False,
        retries_refused_webhooks: bool = True,
    ) -> None:
        self.name = name
        self.identifier_kinds = frozenset({"telegram", "tel"})
        self.text_limit = 100
        self.attachment_kinds = frozenset({"image", "document"})
        self.counts_segments = False
        self.reply_window_ms = reply_window_ms
        self.repeats_safely = repeats_safely
        self.quick_reply_kinds = frozenset({QuickReplyKind.REPLY})
        self.has_templates = True
        self.retries_refused_webhooks = retries_refused_webhooks
        self.events: Sequence[ChannelEvent] | Exception = ()
        self.outcomes: list[SendReceipt | MediaFile | BaseException] = []
        self.sent: list[OutboundMessage] = []
        self.accounts: list[Account] = []

    def handshake(self, request: WebhookRequest, account: Account) -> WebhookAnswer | None:
        if "challenge" not in request.query:
            return None
        if request.query.get("token") not in account.secret_values("proof"):
            raise SignatureMismatchError
        return WebhookAnswer(body=request.query["challenge"])

    def verify(self, request: WebhookRequest, account: Account) -> None:
        self.accounts.append(account)
        if request.headers.get("x-proof") not in account.secret_values("proof"):
            raise SignatureMismatchError

    def parse(self, request: WebhookRequest, account: Account) -> Sequence[ChannelEvent]:
        del request, account
        if isinstance(self.events, Exception):
            raise self.events
        return self.events

    def accepted(self, request: WebhookRequest) -> WebhookAnswer:
        del request
        return WebhookAnswer(body="taken")

    def send(self, message: OutboundMessage, account: Account, http: HttpClient) -> SendReceipt:
        del http
        self.sent.append(message)
        self.accounts.append(account)
        outcome = self._next() or SendReceipt(provider_ids=(f"p{len(self.sent)}",))
        assert isinstance(outcome, SendReceipt)
        return outcome

    def fetch_media(self, attachment: Attachment, account: Account, http: HttpClient) -> MediaFile:
        del attachment, http
        self.accounts.append(account)
        outcome = self._next()
        assert isinstance(outcome, MediaFile)
        return outcome

    def _next(self) -> SendReceipt | MediaFile | None:
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

"""What every channel promises, whoever its provider is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any
from urllib.parse import unquote_plus, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.configuration import schema
from tests.channels.fake_http import FakeHttp, said
from tests.channels.sending import file, message
from tests.http_fixtures import (
    ACCOUNTS,
    PROVIDERS,
    SIGNATURE_HEADERS,
    SIGNING_SECRETS,
    Fixture,
    every_fixture,
    load,
    names,
    proof,
)
from tests.tables import entry
from throughline.channels import CHANNELS, WEBHOOK_CHANNELS, telegram, twilio_sms, webchat, whatsapp
from throughline.domain.conversations import Direction
from throughline.domain.encodings import InboundJob, decode_inbound, encode_inbound
from throughline.domain.errors import (
    ConfigurationError,
    MalformedPayloadError,
    SignatureMismatchError,
    ThroughlineError,
    UnsupportedContentError,
)
from throughline.domain.identifiers import EntryId, Evidence, Home, Identifier
from throughline.domain.messages import (
    ATTACHMENT_KINDS,
    Attachment,
    ChannelEvent,
    DeliveryStatus,
    MessageReceived,
    NotUnderstood,
    StatusReported,
)
from throughline.domain.quick_replies import Form, QuickReply, QuickReplyKind
from throughline.domain.templates import FilledTemplate
from throughline.domain.vias import Via
from throughline.domain.visitor_views import visitor_entry
from throughline.domain.visitors import Profile, Visitor, VisitorMessage
from throughline.ports import Account, Channel, HttpResponse, VisitorChannel, WebhookChannel

DOCS = PROVIDERS.parent.parent / "docs" / "channels"
EVENT_KINDS = {
    "telegram": telegram.EVENT_KINDS,
    "twilio_sms": twilio_sms.EVENT_KINDS,
    "webchat": webchat.EVENT_KINDS,
    "whatsapp": whatsapp.EVENT_KINDS,
}
IDENTIFIER_KINDS = {
    "telegram": {"telegram", "tel"},
    "twilio_sms": {"tel", "shortcode"},
    "webchat": {"visitor", "external-id", "tel", "email"},
    "whatsapp": {"tel", "bsuid", "bsuid_parent"},
}
SOMEBODY = {
    "telegram": Identifier.parse("telegram:7301882"),
    "twilio_sms": Identifier.parse("tel:+14155550142"),
    "whatsapp": Identifier.parse("tel:+971505550142"),
}
LABELS = st.lists(
    st.text("abc de", min_size=1, max_size=30).map(str.strip).filter(bool), min_size=1, max_size=13, unique=True
)
WEBHOOKS = [fixture for fixture in every_fixture() if fixture.name != "handshake"]
SIGNED = [hook for hook in WEBHOOKS if hook.channel != "telegram"]  # Telegram signs nothing: a secret comes along
LAST_MS = 9_999_999_999_999

each_channel = pytest.mark.parametrize("channel", list(CHANNELS.values()), ids=list(CHANNELS))
each_webhook_channel = pytest.mark.parametrize("channel", list(WEBHOOK_CHANNELS.values()), ids=list(WEBHOOK_CHANNELS))
each_webhook = pytest.mark.parametrize("webhook", WEBHOOKS, ids=[f"{hook.channel}/{hook.name}" for hook in WEBHOOKS])


def parsed(fixture: Fixture, body: bytes | None = None) -> Sequence[ChannelEvent]:
    request = fixture.request if body is None else replace(fixture.request, body=body)
    return WEBHOOK_CHANNELS[fixture.channel].parse(request, fixture.account)


# ---------------------------------------------------------------- what a channel comes with


@each_channel
def test_is_listed_under_its_own_name(channel: Channel) -> None:
    assert CHANNELS[channel.name] is channel


@each_webhook_channel
def test_has_fixtures(channel: WebhookChannel) -> None:
    assert names(channel.name)


@each_channel
def test_has_a_page_that_names_every_event_and_secret(channel: Channel) -> None:
    page = (DOCS / f"{channel.name}.md").read_text()
    missing = [kind.__name__ for kind in EVENT_KINDS[channel.name] if f"`{kind.__name__}`" not in page]
    missing += [secret for secret in ACCOUNTS[channel.name].secrets if f"`{secret}`" not in page]
    missing += [kind for kind in channel.identifier_kinds if f"`{kind}`" not in page]
    assert [] == missing


@each_webhook_channel
def test_its_page_says_whether_a_webhook_over_the_limits_is_refused(channel: WebhookChannel) -> None:
    page = (DOCS / f"{channel.name}.md").read_text()
    assert ("**Over the limits: 429.**" in page) == channel.retries_refused_webhooks
    assert ("**Over the limits: taken all the same.**" in page) != channel.retries_refused_webhooks


@each_webhook
def test_every_fixture_says_where_its_shape_is_documented(webhook: Fixture) -> None:
    assert webhook.source.startswith("https://")


@each_webhook_channel
def test_every_declared_kind_of_event_has_a_fixture_and_no_other_comes(channel: WebhookChannel) -> None:
    found = {type(event) for name in names(channel.name) for event in _parsed_or_none(load(channel.name, name))}
    assert EVENT_KINDS[channel.name] == found


def _parsed_or_none(fixture: Fixture) -> Sequence[ChannelEvent]:
    return () if fixture.name == "handshake" else parsed(fixture)


# ---------------------------------------------------------------- proof


@each_webhook
def test_believes_what_the_provider_signed(webhook: Fixture) -> None:
    WEBHOOK_CHANNELS[webhook.channel].verify(webhook.request, webhook.account)


@each_webhook
def test_refuses_a_webhook_without_proof(webhook: Fixture) -> None:
    header = SIGNATURE_HEADERS[webhook.channel]
    for headers in (_without(webhook, header), _without(webhook, header) | {header: ""}):
        with pytest.raises(SignatureMismatchError):
            WEBHOOK_CHANNELS[webhook.channel].verify(replace(webhook.request, headers=headers), webhook.account)


@each_webhook
def test_refuses_a_proof_made_with_another_secret(webhook: Fixture) -> None:
    forged = proof(webhook.channel, "another secret", webhook.request)
    headers = _without(webhook, SIGNATURE_HEADERS[webhook.channel]) | {SIGNATURE_HEADERS[webhook.channel]: forged}
    with pytest.raises(SignatureMismatchError):
        WEBHOOK_CHANNELS[webhook.channel].verify(replace(webhook.request, headers=headers), webhook.account)


@pytest.mark.parametrize("webhook", SIGNED, ids=[f"{hook.channel}/{hook.name}" for hook in SIGNED])
def test_a_changed_byte_is_refused_or_changes_nothing(webhook: Fixture) -> None:
    """Twilio signs what a form says, not how it is spelt: ``%2B`` and ``%2b`` are one."""
    body, original = webhook.request.body, parsed(webhook)
    for position in range(0, len(body), max(1, len(body) // 40)):
        changed = body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :]
        request = replace(webhook.request, body=changed)
        try:
            WEBHOOK_CHANNELS[webhook.channel].verify(request, webhook.account)
        except SignatureMismatchError:
            continue
        assert original == WEBHOOK_CHANNELS[webhook.channel].parse(request, webhook.account)


@pytest.mark.parametrize("name", ["sms", "status_sent", "json_body"])
def test_a_changed_url_is_refused(name: str) -> None:
    webhook = load("twilio_sms", name)
    for url in (webhook.request.url + "x", webhook.request.url.replace("demo", "other")):
        with pytest.raises(SignatureMismatchError):
            WEBHOOK_CHANNELS["twilio_sms"].verify(replace(webhook.request, url=url), webhook.account)


@each_webhook
def test_believes_both_secrets_while_one_replaces_the_other(webhook: Fixture) -> None:
    name = SIGNING_SECRETS[webhook.channel]
    old = webhook.account.secrets[name][0]
    WEBHOOK_CHANNELS[webhook.channel].verify(webhook.request, _with_secret(webhook.account, name, ["the new one", old]))
    with pytest.raises(SignatureMismatchError):
        WEBHOOK_CHANNELS[webhook.channel].verify(webhook.request, _with_secret(webhook.account, name, ["the new one"]))


@each_webhook_channel
def test_an_account_without_the_secret_is_a_fault_of_ours_and_lets_nobody_in(channel: WebhookChannel) -> None:
    webhook = load(channel.name, names(channel.name)[0])
    for secrets in ([], [""]):
        account = _with_secret(webhook.account, SIGNING_SECRETS[channel.name], secrets)
        forged = proof(channel.name, "", webhook.request)
        headers = {**webhook.request.headers, SIGNATURE_HEADERS[channel.name]: forged}
        with pytest.raises((ConfigurationError, SignatureMismatchError)):
            channel.verify(replace(webhook.request, headers=headers), account)


@each_webhook_channel
@pytest.mark.parametrize("odd", ["ключ", "\u0000", "sha256=", "=", "x" * 5000])
def test_an_odd_proof_is_refused_like_any_other(channel: WebhookChannel, odd: str) -> None:
    webhook = load(channel.name, names(channel.name)[0])
    request = replace(webhook.request, headers={**webhook.request.headers, SIGNATURE_HEADERS[channel.name]: odd})
    with pytest.raises(SignatureMismatchError):
        channel.verify(request, webhook.account)


def test_a_handshake_answers_the_challenge() -> None:
    hook = load("whatsapp", "handshake")
    answer = WEBHOOK_CHANNELS["whatsapp"].handshake(hook.request, hook.account)
    assert answer is not None
    assert (200, "1158201444", "text/plain") == (answer.status, answer.body, answer.content_type)


@pytest.mark.parametrize("token", ["", "wrong", "wa-verify-token-1 "])
def test_a_handshake_with_a_wrong_token_is_refused(token: str) -> None:
    hook = load("whatsapp", "handshake")
    request = replace(hook.request, query={**hook.request.query, "hub.verify_token": token})
    with pytest.raises(SignatureMismatchError):
        WEBHOOK_CHANNELS["whatsapp"].handshake(request, hook.account)


@each_webhook
def test_a_webhook_is_no_handshake(webhook: Fixture) -> None:
    assert WEBHOOK_CHANNELS[webhook.channel].handshake(webhook.request, webhook.account) is None


@each_webhook
def test_a_webhook_is_answered_with_success(webhook: Fixture) -> None:
    assert WEBHOOK_CHANNELS[webhook.channel].accepted(webhook.request).status in {200, 204}


# ---------------------------------------------------------------- events


def keeps_its_promises(event: ChannelEvent, channel: str) -> None:
    assert type(event) in EVENT_KINDS[channel]
    assert event.channel == channel
    assert event.account.startswith(f"{channel}/")
    assert event.provider_id
    assert event.sent_ms is None or 0 < event.sent_ms <= LAST_MS
    assert {sender.kind for sender in event.senders} <= IDENTIFIER_KINDS[channel]
    assert event.raw is not None
    json.dumps(event.raw, ensure_ascii=False, allow_nan=False).encode()
    for field in fields(event):
        repr(getattr(event, field.name)).encode()


@each_webhook
def test_every_event_keeps_its_promises(webhook: Fixture) -> None:
    found = parsed(webhook)
    for event in found:
        keeps_its_promises(event, webhook.channel)
    assert found == parsed(webhook)


@each_webhook
def test_a_customer_can_be_named_and_answered(webhook: Fixture) -> None:
    for event in parsed(webhook):
        if isinstance(event, MessageReceived):
            assert event.senders
            assert event.senders[0].kind in WEBHOOK_CHANNELS[webhook.channel].identifier_kinds


@each_webhook
def test_events_come_oldest_first(webhook: Fixture) -> None:
    times = [event.sent_ms for event in parsed(webhook) if event.sent_ms is not None]
    assert sorted(times) == times


@each_webhook
def test_different_events_have_different_ids(webhook: Fixture) -> None:
    found = parsed(webhook)
    if webhook.name != "batch_with_a_message_twice":
        assert len({(event.account, event.provider_id) for event in found}) == len(found)


def test_a_status_brings_our_reference_back() -> None:
    found = [event for hook in WEBHOOKS if hook.name == "status_sent" for event in parsed(hook)]
    assert [event.entry for event in found if isinstance(event, StatusReported)] == [
        "h-0a1b2c3d4e5f60718293.1762941600000.9f86d081884c7d659a2fea"
    ] * 2


def test_one_person_is_one_identifier_on_every_channel_that_knows_the_number() -> None:
    sms = parsed(load("twilio_sms", "sms_from_mexico_old_spelling"))[0]
    chat = parsed(load("whatsapp", "text_mexican_number"))[0]
    assert Identifier(kind="tel", value="+525512345678") == sms.senders[0] == chat.senders[0]


# ---------------------------------------------------------------- what nobody documented

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["", "0", "-1", "9" * 40, "\ud800", "1e999", "US.ENT.", "image", "system", "2024-01-01"]),
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
JSON_HOOKS = [hook for hook in WEBHOOKS if hook.channel != "twilio_sms"]
FORM_HOOKS = [hook for hook in WEBHOOKS if hook.channel == "twilio_sms"]
bounded = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> Any:
    """Return the JSON value with one place in it replaced, taken out or doubled."""
    where = value
    while isinstance(where, dict | list) and where:
        key = draw(st.sampled_from(sorted(where) if isinstance(where, dict) else list(range(len(where)))))
        if not isinstance(where[key], dict | list) or not where[key] or draw(st.integers(0, 4)) == 0:
            _change(draw, where, key)
            break
        where = where[key]
    return value


def _change(draw: st.DrawFn, where: Any, key: Any) -> None:
    match draw(st.sampled_from(["replace", "remove", "double"])):
        case "replace":
            where[key] = draw(anything)
        case "remove":
            del where[key]
        case "double" if isinstance(where, list):
            where.append(where[key])


@bounded
@given(data=st.data())
def test_a_mutated_body_becomes_events_or_is_malformed(data: st.DataObject) -> None:
    hook = data.draw(st.sampled_from(JSON_HOOKS))
    body = json.loads(hook.request.body)
    for _ in range(data.draw(st.integers(1, 3))):
        body = data.draw(mutated(body))
    _survives(hook, json.dumps(body).encode())


@bounded
@given(data=st.data())
def test_a_mutated_form_becomes_events_or_is_malformed(data: st.DataObject) -> None:
    hook = data.draw(st.sampled_from(FORM_HOOKS))
    pairs = [tuple(pair.split("=", 1)) for pair in hook.request.body.decode().split("&") if "=" in pair]
    changed = [
        (name, data.draw(st.text(max_size=30)) if data.draw(st.integers(0, 5)) == 0 else value)
        for name, value in pairs
        if data.draw(st.integers(0, 8))
    ]
    _survives(hook, urlencode(changed, errors="replace").encode())


@bounded
@given(hook=st.sampled_from(WEBHOOKS), body=st.binary(max_size=60))
def test_any_bytes_become_events_or_are_malformed(hook: Fixture, body: bytes) -> None:
    _survives(hook, body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'"x"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"update_id":NaN}',
        b"1e999",
    ],
)
@each_webhook_channel
def test_a_body_that_is_nothing_is_malformed_and_no_crash(channel: WebhookChannel, body: bytes) -> None:
    hook = load(channel.name, names(channel.name)[0])
    _survives(hook, body)
    if channel.name != "twilio_sms":
        with pytest.raises(MalformedPayloadError):
            parsed(hook, body)


def test_a_form_that_is_no_text_is_malformed() -> None:
    with pytest.raises(MalformedPayloadError):
        parsed(load("twilio_sms", "sms"), b"Body=\xff")


@pytest.mark.parametrize("other", [None, True, 7, "x", [], ["x"], {}, {"x": 1}], ids=repr)
def test_any_field_may_be_missing_or_of_any_type(other: Any) -> None:
    for hook in JSON_HOOKS:
        for place in range(_places(json.loads(hook.request.body))):
            body = json.loads(hook.request.body)
            _replaced(body, place, other)
            _survives(hook, json.dumps(body).encode())


def _places(value: Any) -> int:
    """Return how many values there are inside `value`."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(1 + _places(item) for item in inner)


def _replaced(value: Any, place: int, other: Any) -> int:
    """Put `other` in the `place`-th value inside `value`, or take it out for None; return what is left to count."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        if place == 0:
            if other is None:
                del value[key]
            else:
                value[key] = other
            return -1
        place = _replaced(value[key], place - 1, other)
        if place < 0:
            return place
    return place


def _survives(hook: Fixture, body: bytes) -> None:
    try:
        found = parsed(hook, body)
    except MalformedPayloadError as problem:
        assert len(str(problem)) < 60  # noqa: PT017
        return
    for event in found:
        keeps_its_promises(event, hook.channel)


def test_a_lone_surrogate_does_not_reach_the_tables() -> None:
    hook = load("whatsapp", "text")
    found = parsed(hook, hook.request.body.replace(b"Where is my order?", rb"\ud83d broken"))
    assert [event.text for event in found if isinstance(event, MessageReceived)] == [
        "� broken See https://shop.example/o/88213"
    ]


@pytest.mark.parametrize("figure", [b"NaN", b"Infinity", b"1e999"])
def test_a_figure_that_is_none_does_not_reach_the_tables(figure: bytes) -> None:
    hook = load("whatsapp", "text")
    with pytest.raises(MalformedPayloadError):
        parsed(hook, hook.request.body.replace(b'"type":"text"', b'"type":"text","extra":' + figure))


def test_what_is_not_understood_is_kept_whole() -> None:
    event = parsed(load("whatsapp", "field_without_a_number"))[0]
    assert isinstance(event, NotUnderstood)
    assert event.raw["item"]["value"]["event"] == "PARTNER_REMOVED"


# ---------------------------------------------------------------- quick replies and templates


class TakingHttp(FakeHttp):
    """A provider of any channel that takes everything."""

    def __init__(self) -> None:
        super().__init__()
        self.told = ""

    def request(self, method: str, url: str, *, body: bytes | None = None, **more: Any) -> HttpResponse:
        del method, url, more
        told = (body or b"").decode()
        self.told += json.dumps(json.loads(told), ensure_ascii=False) if told.startswith("{") else unquote_plus(told)
        taken = {"ok": True, "result": {"message_id": 7}, "sid": "SM7", "messages": [{"id": "wamid.7"}]}
        return said(200, taken)


@each_webhook_channel
@given(labels=LABELS, described=st.booleans())
def test_every_answer_laid_ready_reaches_the_customer(channel: Channel, labels: list[str], *, described: bool) -> None:
    description = "what it is about" if described else None
    replies = tuple(QuickReply(kind=QuickReplyKind.REPLY, text=label, description=description) for label in labels)
    http = TakingHttp()
    channel.send(message(SOMEBODY[channel.name], "Which?", quick_replies=replies), ACCOUNTS[channel.name], http)
    assert [label for label in labels if label not in http.told] == []
    assert http.told.count("what it is about") == len(labels) * described


@each_webhook_channel
@given(labels=LABELS)
def test_every_link_laid_ready_reaches_the_customer(channel: Channel, labels: list[str]) -> None:
    links = {label: f"https://shop.example/{number}" for number, label in enumerate(labels)}
    replies = tuple(QuickReply(kind=QuickReplyKind.LINK, text=label, url=url) for label, url in links.items())
    http = TakingHttp()
    channel.send(message(SOMEBODY[channel.name], "See:", quick_replies=replies), ACCOUNTS[channel.name], http)
    assert [label for label, url in links.items() if label not in http.told or url not in http.told] == []


@each_webhook_channel
@pytest.mark.parametrize("url", [None, "https://shop.example/form"])
def test_a_form_is_shown_or_written_out_unless_the_channel_has_none(channel: Channel, url: str | None) -> None:
    booking = QuickReply(kind=QuickReplyKind.FORM, text="Book now", url=url, form=Form(form_id="f7"))
    http = TakingHttp()
    channel.send(message(SOMEBODY[channel.name], "Book:", quick_replies=(booking,)), ACCOUNTS[channel.name], http)
    shown = "Book now" in http.told and ("f7" in http.told or str(url) in http.told)
    assert shown or (url is None and QuickReplyKind.FORM not in channel.quick_reply_kinds)


@each_channel
def test_templates_can_be_configured_where_the_provider_has_them_and_need_no_open_window(channel: Channel) -> None:
    assert channel.has_templates == (schema.CHANNELS[channel.name].template_names is not None)
    if channel.has_templates:
        visit = FilledTemplate(name="visit", provider_name="HX7", language="en", parameters=("Ana", "at ten"))
        outbound = message(SOMEBODY[channel.name], "Hi Ana", template=visit, last_inbound_ms=None)
        http = TakingHttp()
        channel.send(outbound, ACCOUNTS[channel.name], http)
        assert [part for part in ("HX7", "Ana", "at ten") if part not in http.told] == []


@each_webhook_channel
@pytest.mark.parametrize("kind", ATTACHMENT_KINDS)
def test_a_file_is_carried_if_the_channel_says_so_and_refused_before_anything_leaves_if_not(
    channel: Channel, kind: str
) -> None:
    http = TakingHttp()
    outbound = message(SOMEBODY[channel.name], None, file(kind))
    if kind in channel.attachment_kinds:
        channel.send(outbound, ACCOUNTS[channel.name], http)
        assert f"https://files.example/{kind}?X-Sig=s3cr3t" in http.told
    else:
        with pytest.raises(UnsupportedContentError):
            channel.send(outbound, ACCOUNTS[channel.name], http)
        assert http.told == ""


# ---------------------------------------------------------------- secrets


@each_channel
def test_an_account_does_not_show_its_secrets(channel: Channel) -> None:
    account = ACCOUNTS[channel.name]
    assert not [secret for values in account.secrets.values() for secret in values if secret in repr(account)]


@each_webhook
def test_no_event_carries_a_secret(webhook: Fixture) -> None:
    shown = repr(parsed(webhook))
    assert not [secret for values in webhook.account.secrets.values() for secret in values if secret in shown]


class EchoingHttp(FakeHttp):
    """A provider that answers with an error and quotes everything it was told."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self._status = status

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float = 8.0,
    ) -> HttpResponse:
        del timeout_s
        words = f"{method} {url} {dict(headers or {})} {(body or b'').decode()} {unquote_plus((body or b'').decode())}"
        problem = {"message": words, "code": 99999}
        return said(self._status, {"ok": False, "description": words, "error": problem, **problem})


@each_webhook_channel
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_no_error_of_a_send_shows_a_secret_or_what_was_said(channel: WebhookChannel, status: int) -> None:
    account = ACCOUNTS[channel.name]
    outbound = message(SOMEBODY[channel.name], "their own words, at some length", file("image"))
    with pytest.raises((ThroughlineError, ConfigurationError)) as problem:
        channel.send(outbound, account, EchoingHttp(status))
    shown = f"{problem.value!r} {problem.value} {vars(problem.value)} {problem.value.__cause__!r}"
    private = [secret for values in account.secrets.values() for secret in values]
    private += ["own words", outbound.to.value.lstrip("+"), "s3cr3t"]
    assert not [secret for secret in private if secret in shown]


def _without(webhook: Fixture, header: str) -> dict[str, str]:
    return {name: value for name, value in webhook.request.headers.items() if name != header}


def _with_secret(account: Account, name: str, values: list[str]) -> Account:
    return replace(account, secrets={**account.secrets, name: values})


def test_the_channels_of_this_suite_are_all_there_are() -> None:
    assert set(CHANNELS) == set(ACCOUNTS) == set(EVENT_KINDS)


# ---------------------------------------------------------------- channels without a provider

VISITOR_CHANNELS = {name: channel for name, channel in CHANNELS.items() if isinstance(channel, VisitorChannel)}
each_visitor_channel = pytest.mark.parametrize("channel", list(VISITOR_CHANNELS.values()), ids=list(VISITOR_CHANNELS))
VISITOR = Visitor(
    account="demo",
    via=Via(account="webchat/demo", identifier=Identifier(kind="visitor", value="5d1f")),
    home=Home("h-00112233445566778899"),
    profile=Profile(
        name="Mina", email=" Mina@Shop.Example ", phone="+971 50 555 0142", language="ar", fields={"order": "88213"}
    ),
)
MESSAGES = {
    "first": VisitorMessage(message_id="m-1", text="مرحبا 👋", introduced=False),
    "later": VisitorMessage(message_id="m-2", text="Hello?"),
    "file": VisitorMessage(message_id="m-3", text=None, files=(file("image"),), reply_to=EntryId("an-entry")),
}


def test_a_channel_takes_webhooks_or_what_visitors_say() -> None:
    assert set(CHANNELS) == {*WEBHOOK_CHANNELS, *VISITOR_CHANNELS}
    assert not WEBHOOK_CHANNELS.keys() & VISITOR_CHANNELS.keys()
    assert all(isinstance(channel, WebhookChannel) for channel in WEBHOOK_CHANNELS.values())


@each_visitor_channel
@pytest.mark.parametrize("kind", MESSAGES)
def test_what_a_visitor_says_is_an_event_like_any_other(channel: VisitorChannel, kind: str) -> None:
    event = channel.said(VISITOR, MESSAGES[kind])
    keeps_its_promises(event, channel.name)
    assert event == channel.said(VISITOR, MESSAGES[kind])
    assert event.senders[0] == VISITOR.identifier
    assert event.senders[0].kind in channel.identifier_kinds
    assert decode_inbound(encode_inbound(InboundJob(inbound="i", arrival_ms=1, event=event))).event == event


@each_visitor_channel
def test_two_visitors_who_choose_one_id_say_two_things(channel: VisitorChannel) -> None:
    other = replace(VISITOR, via=replace(VISITOR.via, identifier=Identifier(kind="visitor", value="77aa")))
    one, two = (channel.said(visitor, MESSAGES["later"]) for visitor in (VISITOR, other))
    assert one.provider_id != two.provider_id


@each_visitor_channel
def test_what_nobody_has_proven_is_only_claimed(channel: VisitorChannel) -> None:
    event = channel.said(VISITOR, MESSAGES["first"])
    assert [(str(sender), sender.evidence) for sender in event.senders] == [
        ("visitor:5d1f", Evidence.ATTESTED),
        ("tel:+971505550142", Evidence.CLAIMED),
        ("email:mina@shop.example", Evidence.CLAIMED),
    ]
    assert event.details == {"fields": {"order": "88213"}}
    again = channel.said(VISITOR, MESSAGES["later"])
    assert (again.senders, again.details) == (event.senders[:1], {})


@each_visitor_channel
@pytest.mark.parametrize(
    "told", [Profile(phone="call me"), Profile(phone="123"), Profile(email="mina"), Profile(email="a b@c.d")]
)
def test_what_is_no_address_is_no_identifier(channel: VisitorChannel, told: Profile) -> None:
    visitor = replace(VISITOR, profile=told)
    assert len(channel.said(visitor, MESSAGES["first"]).senders) == 1


@each_visitor_channel
def test_a_reply_to_a_visitor_is_sent_by_being_there(channel: VisitorChannel) -> None:
    outbound = message(VISITOR.identifier, "Is its light on?", file("image"))
    receipt = channel.send(outbound, ACCOUNTS[channel.name], FakeHttp())
    assert receipt.provider_ids == (outbound.entry,)
    assert channel.repeats_safely
    assert receipt == channel.send(outbound, ACCOUNTS[channel.name], FakeHttp())


@each_visitor_channel
@pytest.mark.parametrize("kind", QuickReplyKind)
def test_what_an_agent_laid_ready_is_shown_or_written_out(channel: VisitorChannel, kind: QuickReplyKind) -> None:
    url = None if kind in {QuickReplyKind.REPLY, QuickReplyKind.LOCATION} else "https://shop.example/7"
    laid_ready = QuickReply(kind=kind, text="Tap me", url=url)
    said = entry(
        via=VISITOR.way,
        text="Where?",
        direction=Direction.OUTBOUND,
        status=DeliveryStatus.SENT,
        quick_replies=(laid_ready,),
    )
    view = visitor_entry(said, {})
    assert view["text"].startswith("Where?")
    assert ("quick_replies" in view) == (kind in channel.quick_reply_kinds)
    assert url is None or url in json.dumps(view)
    assert kind is QuickReplyKind.LOCATION or "Tap me" in json.dumps(view)


@each_visitor_channel
def test_nobody_else_is_reached_by_it_and_nothing_is_fetched_for_it(channel: VisitorChannel) -> None:
    outbound = message(Identifier(kind="tel", value="+971505550142"), "Hello")
    with pytest.raises(UnsupportedContentError):
        channel.send(outbound, ACCOUNTS[channel.name], FakeHttp())
    with pytest.raises(UnsupportedContentError):
        channel.fetch_media(Attachment(kind="image", source="https://x.test"), ACCOUNTS[channel.name], FakeHttp())

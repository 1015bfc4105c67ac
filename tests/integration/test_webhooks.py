"""Recorded webhooks through Chalice into queues and bucket: what is answered, and what is durable by then."""

import base64
import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from chalice.test import Client, HTTPResponse

from app import app
from functions import _wiring
from functions.webhooks import written_query
from tests.cloud import BUCKET, REGION, STAGE, Cloud, cloud
from tests.fakes.settings import FakeSettings
from tests.http_fixtures import ACCOUNTS, RECEIVED_MS, Fixture, configured, every_fixture, load, proof
from tests.unit.ends import Scene
from throughline.aws.blobs import S3Blobs
from throughline.aws.queues import SqsJobs
from throughline.aws.secrets import SsmSecrets
from throughline.channels import CHANNELS, WEBHOOK_CHANNELS
from throughline.domain.configuration import Configuration
from throughline.domain.encodings import decode_inbound, event_kind
from throughline.domain.errors import MalformedPayloadError
from throughline.domain.messages import ChannelEvent, MessageReceived, NotUnderstood
from throughline.settings import Environment, variable_of
from throughline.telemetry import SERVICE, PowertoolsTelemetry

ROOT = Path(__file__).parents[2]
PUBLIC_URL = "https://contact.example.com"
LIMIT = 100_000
SECOND_NUMBER = "100000000000002"


def with_a_second_number() -> Configuration:
    """Return the accounts the fixtures were signed for, and a second number behind the same WhatsApp webhook."""
    accounts = dict(configured().accounts)
    accounts["whatsapp/second"] = replace(accounts["whatsapp/demo"], name="second", address=SECOND_NUMBER)
    return Configuration(accounts=accounts)


class Door:
    """The webhook function over AWS in memory."""

    def __init__(self, aws: Cloud) -> None:
        self.aws, self.blobs = aws, S3Blobs(aws.clients, BUCKET)
        self.client = Client(app, project_dir=str(ROOT))
        for channel, account in ACCOUNTS.items():
            for name, (value, *_) in account.secrets.items():
                self._keep_secret(f"{channel}/{name}", value)
        self._keep_secret("home-key", "a key that is never rotated")
        drawn = count(1)
        self.world = replace(
            Scene().world,
            settings=FakeSettings(with_a_second_number()),
            inbound=SqsJobs(aws.clients, aws.queue_url("inbound.fifo"), self.blobs),
            blobs=self.blobs,
            secrets=SsmSecrets(aws.clients, f"/throughline/{STAGE}", clock=lambda: RECEIVED_MS),
            telemetry=PowertoolsTelemetry(),
            channels=CHANNELS,
            clock=lambda: RECEIVED_MS,
            draw=lambda: f"{next(drawn):016x}",
            public_url=PUBLIC_URL,
        )
        _wiring.use_world(self.world)

    def _keep_secret(self, name: str, value: str) -> None:
        self.aws.clients.ssm.put_parameter(
            Name=f"/throughline/{STAGE}/{name}", Value=value, Type="SecureString", Overwrite=True
        )

    def post(self, path: str, headers: Mapping[str, str], body: bytes, method: str = "POST") -> HTTPResponse:
        return self.client.http.request(method, path, headers=dict(headers), body=body)

    def play(self, fixture: Fixture, **changes: Any) -> HTTPResponse:
        """Post a recorded webhook, or one that differs from it."""
        request = fixture.request
        sent = {"path": request.url.removeprefix(PUBLIC_URL), "headers": request.headers, "body": request.body}
        return self.post(**(sent | changes), method=request.method)

    def queued(self) -> list[ChannelEvent]:
        """Return the events that were durable, oldest first, and take them away."""
        found: list[ChannelEvent] = []
        url = self.aws.queue_url("inbound.fifo")
        while messages := self.aws.clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(decode_inbound(json.loads(message["Body"])).event)
                self.aws.clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def kept(self) -> list[Any]:
        """Return what was kept in the bucket, and take it away."""
        listed = self.aws.clients.s3.list_objects_v2(Bucket=BUCKET, Prefix="kept/").get("Contents", [])
        found = [json.loads(self.blobs.get(item["Key"])) for item in listed]
        for item in listed:
            self.aws.clients.s3.delete_object(Bucket=BUCKET, Key=item["Key"])
        return found


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    with cloud() as aws:
        for item in fields(Environment):
            if item.default is MISSING:
                monkeypatch.setenv(variable_of(item), "unused")
        monkeypatch.setenv("AWS_REGION", REGION)
        monkeypatch.setenv("MAX_WEBHOOK_BYTES", str(LIMIT))
        _wiring._environment.cache_clear()
        yield Door(aws)
    _wiring.use_world(None)
    _wiring._environment.cache_clear()


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Return what tells everything that was logged, counted or printed during the test."""
    logged = io.StringIO()
    for handler in logging.getLogger(SERVICE).handlers:
        monkeypatch.setattr(handler, "stream", logged)
    return lambda: logged.getvalue() + "".join(capsys.readouterr())


def resigned(fixture: Fixture, body: bytes) -> dict[str, str]:
    """Return the headers of a fixture with the proof of another body."""
    account, request = fixture.account, replace(fixture.request, body=body)
    name, header = {
        "telegram": ("webhook_secret", "x-telegram-bot-api-secret-token"),
        "twilio_sms": ("auth_token", "x-twilio-signature"),
        "whatsapp": ("app_secret", "x-hub-signature-256"),
    }[fixture.channel]
    return {**fixture.request.headers, header: proof(fixture.channel, account.secret(name), request)}


def reasons(kept: list[Any]) -> list[str]:
    return [item["reason"] for whole in kept for item in whole["left_over"]]


# ---------------------------------------------------------------- every recorded webhook


def test_every_recorded_webhook_is_taken_and_each_of_its_events_is_queued_or_kept(door: Door) -> None:
    played = 0
    for fixture in every_fixture():
        if fixture.name == "handshake":
            continue
        answer = door.play(fixture)
        expected = WEBHOOK_CHANNELS[fixture.channel].accepted(fixture.request)
        about = f"{fixture.channel}/{fixture.name}"
        assert (answer.status_code, answer.body.decode()) == (expected.status, expected.body), about
        assert answer.headers["Content-Type"] == expected.content_type, about
        events = list(WEBHOOK_CHANNELS[fixture.channel].parse(fixture.request, fixture.account))
        queued, kept = door.queued(), door.kept()
        once = {(event.provider_id, type(event)): event for event in events}.values()
        rest = [event for event in once if event not in queued]
        assert sorted(map(repr, queued)) == sorted(repr(event) for event in once if event in queued), about
        left = {(item["provider_id"], item["kind"]) for whole in kept for item in whole["left_over"]}
        assert left == {(event.provider_id, event_kind(event)) for event in rest}, about
        assert [base64.b64decode(whole["body"]) for whole in kept] == [fixture.request.body][: len(kept)], about
        unclaimed = {f"twilio_sms/{address}" for address in ("+15005550009", "20255")}
        assert all(
            isinstance(event, NotUnderstood) or not event.senders or event.account in unclaimed for event in rest
        ), about
        played += 1
    assert played > 100


def test_the_numbers_of_one_app_come_in_by_one_webhook(door: Door) -> None:
    assert door.play(load("whatsapp", "batch_of_two_numbers")).status_code == 200
    assert {event.account for event in door.queued()} == {
        "whatsapp/100000000000001",
        f"whatsapp/{SECOND_NUMBER}",
    }
    assert door.kept() == []


def test_one_bad_item_in_a_batch_loses_nothing_else(door: Door) -> None:
    fixture = load("whatsapp", "batch_with_one_bad_item")
    parsed = WEBHOOK_CHANNELS["whatsapp"].parse(fixture.request, fixture.account)
    good = [event for event in parsed if not isinstance(event, NotUnderstood)]
    assert door.play(fixture).status_code == 200
    assert door.queued() == good
    assert len(reasons(door.kept())) == len(parsed) - len(good) > 0


def test_a_message_twice_in_a_batch_is_one(door: Door) -> None:
    assert door.play(load("whatsapp", "batch_with_a_message_twice")).status_code == 200
    names = [event.provider_id for event in door.queued()]
    assert len(names) == len(set(names))


def test_a_webhook_that_is_delivered_again_is_queued_once(door: Door) -> None:
    fixture = load("telegram", "photo_with_caption")
    assert [door.play(fixture).status_code for _ in range(3)] == [200, 200, 200]
    assert len(door.queued()) == 1


def test_a_handshake_gets_its_challenge_back_as_plain_text(door: Door) -> None:
    answer = door.play(load("whatsapp", "handshake"))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.body.decode() == load("whatsapp", "handshake").request.query["hub.challenge"]


def test_bytes_that_api_gateway_hands_over_in_base64_prove_authentic(door: Door) -> None:
    fixture = load("whatsapp", "text_arabic_emoji")
    event = {
        "resource": "/webhooks/{channel}/{account}",
        "path": "/webhooks/whatsapp/demo",
        "requestContext": {"resourcePath": "/webhooks/{channel}/{account}", "httpMethod": "POST"},
        "pathParameters": {"channel": "whatsapp", "account": "demo"},
        "headers": dict(fixture.request.headers),
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "isBase64Encoded": True,
        "body": base64.b64encode(fixture.request.body).decode(),
    }
    assert app(event, None)["statusCode"] == 200
    (message,) = door.queued()
    assert isinstance(message, MessageReceived)


# ---------------------------------------------------------------- refusals


def refused(answer: HTTPResponse) -> tuple[int, Any]:
    return answer.status_code, answer.json_body


@pytest.mark.parametrize("channel", sorted(WEBHOOK_CHANNELS))
def test_a_body_that_was_changed_or_not_signed_is_401(door: Door, channel: str) -> None:
    fixture = load(channel, {"telegram": "location", "twilio_sms": "sms", "whatsapp": "text"}[channel])
    unsigned = {"content-type": fixture.request.headers["content-type"]}
    assert refused(door.play(fixture, headers=unsigned)) == (401, {"error": "signature_mismatch"})
    if channel != "telegram":  # whose proof does not cover the body
        answer = door.play(fixture, body=fixture.request.body + b"&a=b")
        assert refused(answer) == (401, {"error": "signature_mismatch"})
    assert door.queued() == []
    assert door.kept() == []


def test_a_url_the_provider_did_not_sign_is_401(door: Door) -> None:
    fixture = load("twilio_sms", "status_delivered")
    assert "entry=" in fixture.request.url
    other = fixture.request.url.removeprefix(PUBLIC_URL).replace("entry=h-", "entry=h-0")
    assert refused(door.play(fixture, path=other)) == (401, {"error": "signature_mismatch"})


def test_a_handshake_with_a_guessed_token_is_401(door: Door) -> None:
    fixture = load("whatsapp", "handshake")
    path = "/webhooks/whatsapp/demo?hub.mode=subscribe&hub.verify_token=guessed&hub.challenge=1"
    assert refused(door.play(fixture, path=path)) == (401, {"error": "signature_mismatch"})


@pytest.mark.parametrize("path", ["/webhooks/pigeon/demo", "/webhooks/telegram/nobody", "/webhooks/whatsapp/Demo"])
def test_an_account_that_is_not_configured_is_404(door: Door, path: str) -> None:
    assert refused(door.play(load("telegram", "location"), path=path)) == (404, {"error": "unknown_account"})


def test_a_body_over_the_limit_is_413(door: Door) -> None:
    fixture, body = load("telegram", "location"), b" " * (LIMIT + 1)
    assert refused(door.play(fixture, body=body)) == (413, {"error": "payload_too_large"})


def test_a_body_that_cannot_be_read_before_it_is_proven_is_400(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: Any) -> None:
        raise MalformedPayloadError("no form")

    monkeypatch.setattr(type(WEBHOOK_CHANNELS["twilio_sms"]), "verify", unreadable)
    assert refused(door.play(load("twilio_sms", "sms"))) == (400, {"error": "malformed_payload"})


@pytest.mark.parametrize(("channel", "name"), [("telegram", "location"), ("whatsapp", "text")])
@pytest.mark.parametrize("body", [b"{not json", b"[]", b"\xff\xfe", b""])
def test_an_authentic_body_that_cannot_be_read_is_kept_and_answered_2xx(
    door: Door, channel: str, name: str, body: bytes
) -> None:
    fixture = load(channel, name)
    assert door.play(fixture, headers=resigned(fixture, body), body=body).status_code == 200
    (whole,) = door.kept()
    assert (base64.b64decode(whole["body"]), reasons([whole])) == (body, ["unreadable_body"])
    assert door.queued() == []


def test_an_event_of_a_number_that_is_not_configured_is_kept_and_answered_2xx(door: Door) -> None:
    fixture = load("whatsapp", "text")
    body = fixture.request.body.replace(b"100000000000001", b"100000000000009")
    assert door.play(fixture, headers=resigned(fixture, body), body=body).status_code == 200
    assert reasons(door.kept()) == ["unknown_account"]
    assert door.queued() == []


def test_a_queue_in_trouble_is_503_and_the_provider_may_try_again(door: Door) -> None:
    fixture, url = load("telegram", "location"), door.aws.queue_url("inbound.fifo")
    gone = replace(door.world, inbound=SqsJobs(door.aws.clients, url, door.blobs))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door.aws.clients.sqs, "send_message_batch", lambda **_: {"Failed": [{"Code": "InternalError"}]})
        _wiring.use_world(gone)
        assert refused(door.play(fixture)) == (503, {"error": "store_unavailable"})
    assert door.play(fixture).status_code == 200
    assert len(door.queued()) == 1


def limited(door: Door, channel: str, sender_limit: int) -> None:
    """Let the account of a channel take fewer events of one sender."""
    configuration = configured()
    accounts = {
        name: replace(account, sender_limit=sender_limit) if account.channel == channel else account
        for name, account in configuration.accounts.items()
    }
    _wiring.use_world(replace(door.world, settings=FakeSettings(replace(configuration, accounts=accounts))))


@pytest.mark.parametrize(("channel", "name"), [("telegram", "location"), ("whatsapp", "text")])
def test_a_webhook_over_a_limit_is_429_and_says_when_to_come_again(door: Door, channel: str, name: str) -> None:
    limited(door, channel, sender_limit=1)
    fixture = load(channel, name)
    assert door.play(fixture).status_code == 200
    answer = door.play(fixture)
    assert refused(answer) == (429, {"error": "too_many_requests"})
    assert 1 <= int(answer.headers["Retry-After"]) <= 10
    assert len(door.queued()) == 1


def test_a_text_message_over_a_limit_is_taken_all_the_same_because_twilio_would_not_send_it_again(door: Door) -> None:
    limited(door, "twilio_sms", sender_limit=1)
    fixtures = [load("twilio_sms", name) for name in ("sms", "sms_arabic_emoji", "mms_card_without_text")]
    assert [door.play(fixture).status_code for fixture in fixtures] == [200, 200, 200]
    assert len(door.queued()) == 3


def test_a_flood_of_strangers_asks_nothing_of_aws(door: Door) -> None:
    fixture, asked = load("whatsapp", "text"), list[str]()
    door.play(fixture)
    for service in (door.aws.clients.sqs, door.aws.clients.s3, door.aws.clients.ssm):
        service.meta.events.register("before-call", lambda model, **_: asked.append(model.name))
    for number in range(50):
        forged = {**fixture.request.headers, "x-hub-signature-256": f"sha256={number:064x}"}
        assert door.play(fixture, headers=forged).status_code == 401
        assert door.play(fixture, path=f"/webhooks/telegram/nobody-{number}").status_code == 404
    assert asked == []


def test_a_secret_we_lost_is_our_fault(door: Door) -> None:
    door.aws.clients.ssm.delete_parameter(Name=f"/throughline/{STAGE}/telegram/webhook_secret")
    assert refused(door.play(load("telegram", "location"))) == (500, {"error": "internal"})


# ---------------------------------------------------------------- what is logged


def test_a_refusal_is_one_line_and_a_count_without_secrets_or_texts(door: Door, printed: Callable[[], str]) -> None:
    fixture = load("whatsapp", "text")
    door.play(fixture, headers={**fixture.request.headers, "x-hub-signature-256": "sha256=" + "0" * 64})
    lines = [json.loads(line) for line in printed().splitlines()]
    assert [(line["channel"], line["code"]) for line in lines if "_aws" in line] == [("whatsapp", "signature_mismatch")]
    (refusal,) = (line for line in lines if "_aws" not in line)
    assert (refusal["code"], refusal["level"], refusal["status"]) == ("signature_mismatch", "WARNING", 401)


def test_no_secret_and_no_text_is_ever_printed(door: Door, printed: Callable[[], str]) -> None:
    texts: set[str] = set()
    for fixture in every_fixture()[::3]:
        door.play(fixture)
        door.play(fixture, headers={"content-type": "text/plain"})
        door.play(fixture, path="/webhooks/telegram/nobody?token=t0ken-in-the-url")
        door.play(fixture, headers=resigned(fixture, b"{"), body=b"{")
        if fixture.name != "handshake":
            events = WEBHOOK_CHANNELS[fixture.channel].parse(fixture.request, fixture.account)
            texts |= {text for event in events if (text := getattr(event, "text", None)) and len(text) > 10}
    secrets = {value for account in ACCOUNTS.values() for values in account.secrets.values() for value in values}
    everything = printed()
    assert len(texts) > 8
    assert "signature_mismatch" in everything
    assert [value for value in secrets | texts | {"t0ken-in-the-url"} if value in everything] == []


# ---------------------------------------------------------------- the query string


@pytest.mark.parametrize(
    ("decoded", "written"),
    [
        ({}, ""),
        ({"entry": ["h-61c39795fcf00960d216.1763800000000.a1b2"]}, "entry=h-61c39795fcf00960d216.1763800000000.a1b2"),
        ({"a": ["1", "2"], "b": [""]}, "a=1&a=2&b="),
        ({"hub.mode": ["subscribe"]}, "hub.mode=subscribe"),
        ({"a b": ["c&d=e+f#g%", "é*-._~"]}, "a+b=c%26d%3De%2Bf%23g%25&a+b=%C3%A9*-._%7E"),
    ],
)
def test_a_query_is_written_again_as_it_was_signed(decoded: Mapping[str, list[str]], written: str) -> None:
    assert written_query(decoded) == written

"""Requests to a channel: by the adapter alone, and signed, through the door, onto a thread."""

import json
from collections.abc import Iterable
from dataclasses import replace

from functions import inbound
from functions._edges import RecordMeta
from functions._wiring import use_world
from tests.chaos.fuzzing.target import Attempt, Target, declared
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.world import Centre
from tests.http_fixtures import (
    ACCOUNTS,
    PROVIDERS,
    SIGNATURE_HEADERS,
    SIGNING_SECRETS,
    Fixture,
    configured,
    names,
    proof,
    read,
)
from throughline.aws.queues import compact
from throughline.channels import WEBHOOK_CHANNELS
from throughline.domain.encodings import (
    InboundJob,
    decode_inbound,
    encode_inbound,
)
from throughline.domain.errors import (
    MalformedPayloadError,
    RejectedError,
    SignatureMismatchError,
)
from throughline.domain.messages import ChannelEvent
from throughline.domain.sizes import fits
from throughline.flows.accept_webhook import IncomingWebhook, accept_webhook
from throughline.ports import WebhookRequest, World

MAX_BODY_BYTES = 1 << 20
LAST_MS = 9_999_999_999_999


def webhook_target(channel: str) -> Target:
    def seeds() -> Iterable[bytes]:
        return [(PROVIDERS / channel / f"{name}.http").read_bytes() for name in names(channel)]

    return Target(seeds=seeds, prepare=lambda: _webhook_attempt(channel))


def _webhook_attempt(channel: str) -> Attempt:
    """Read a whole request: once by the adapter alone, once signed and through the door onto a thread."""
    adapter, account = WEBHOOK_CHANNELS[channel], ACCOUNTS[channel]
    secrets = [value for values in account.secrets.values() for value in values]

    def attempt(data: bytes) -> None:
        try:
            fixture = read(channel, "fuzzed", data)
        except (ValueError, KeyError):
            return  # the frame of the file is broken, which no provider's request has
        request = fixture.request
        declared(SignatureMismatchError, secrets, lambda: adapter.handshake(request, account))
        declared((SignatureMismatchError, MalformedPayloadError), secrets, lambda: adapter.verify(request, account))
        for event in declared(MalformedPayloadError, secrets, lambda: adapter.parse(request, account)) or ():
            _travels(event)
        assert adapter.accepted(request).status in {200, 204}
        _through_the_door(fixture)

    return attempt


def _travels(event: ChannelEvent) -> None:
    """Hold an event to what the queue and the thread need of it: it can be written, and is read as it was."""
    assert event.provider_id
    assert event.sent_ms is None or 0 < event.sent_ms <= LAST_MS
    job = InboundJob(inbound="1", arrival_ms=1, event=event)
    written = compact(encode_inbound(job)).encode()
    assert decode_inbound(json.loads(written)) == job


def _through_the_door(fixture: Fixture) -> None:
    """Post the request with a right proof: it is taken, and nothing it became is refused or fails behind the door."""
    signed = _signed(fixture)
    if signed is None:
        return
    centre, world = _door()
    url, _, query = signed.url.partition("?")
    *_, channel, account = url.split("/")
    incoming = IncomingWebhook(
        channel=channel, account=account, method=signed.method, query=query, headers=signed.headers, body=signed.body
    )
    try:
        assert accept_webhook(world, incoming, max_bytes=MAX_BODY_BYTES).status in {200, 204}
    except RejectedError:
        return  # the adapter alone was asked before, which errors it may raise
    use_world(world)
    assert all(fits(decode_inbound(job).event) for job in centre.world.inbound.jobs)  # type: ignore[attr-defined]
    for number, job in enumerate(centre.world.inbound.accepted):  # type: ignore[attr-defined]
        inbound._file(dict(job.job), RecordMeta(message_id=str(number), receipt="r", receive_count=1, sent_ms=1))
    use_world(None)


def _signed(fixture: Fixture) -> WebhookRequest | None:
    request = fixture.request
    if len(request.body) > MAX_BODY_BYTES or not request.url.startswith(fixture.account.webhook_url):
        return None
    header, secret = SIGNATURE_HEADERS[fixture.channel], fixture.account.secret(SIGNING_SECRETS[fixture.channel])
    try:
        signed = proof(fixture.channel, secret, request)
    except UnicodeDecodeError:
        return None
    return replace(request, headers={**request.headers, header: signed})


def _door() -> tuple[Centre, World]:
    centre = Centre()
    centre.settings = FakeSettings(configured())
    values = {
        f"{name}/{secret}": account.secret(secret) for name, account in ACCOUNTS.items() for secret in account.secrets
    }
    world = replace(
        centre.world,
        settings=centre.settings,
        secrets=FakeSecrets({"home-key": "a-home-key", **values}),
        public_url="https://contact.example.com",
    )
    return centre, world

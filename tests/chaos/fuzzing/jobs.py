"""Jobs out of a queue."""

import contextlib
import json
from collections.abc import Callable, Iterable
from typing import Any

from tests.chaos.fuzzing.target import Target, declared
from tests.http_fixtures import (
    ACCOUNTS,
    load,
    names,
)
from throughline.aws.queues import compact
from throughline.channels import WEBHOOK_CHANNELS
from throughline.domain.conversations import Direction, Entry, EntryKind
from throughline.domain.encodings import (
    InboundJob,
    MediaJob,
    OutboundJob,
)
from throughline.domain.errors import (
    MalformedPayloadError,
)
from throughline.domain.identifiers import ConversationId, Home
from throughline.domain.messages import Attachment


def job_target(
    decode: Callable[[Any], Any], encode: Callable[[Any], Any], seeds: Callable[[], Iterable[Any]]
) -> Target:
    def attempt(data: bytes) -> None:
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            return
        job = declared(MalformedPayloadError, (), lambda: decode(value))
        if job is not None:
            assert decode(encode(job)) == job

    return Target(seeds=lambda: [compact(encode(job)).encode() for job in seeds()], prepare=lambda: attempt)


def inbound_jobs() -> Iterable[InboundJob]:
    for channel in ACCOUNTS:
        for name in names(channel):
            fixture = load(channel, name)
            with contextlib.suppress(MalformedPayloadError):
                for event in WEBHOOK_CHANNELS[channel].parse(fixture.request, fixture.account):
                    yield InboundJob(inbound="0f", arrival_ms=1_763_800_000_000, event=event)


def outbound_jobs() -> Iterable[OutboundJob]:
    entry = Entry(
        home=Home("h-00112233445566778899"),
        reference="1763800000000#0123456789abcdef012345",
        by="0f",
        kind=EntryKind.MESSAGE,
        direction=Direction.OUTBOUND,
        channel="telegram",
        sent_ms=1_763_800_000_000,
        received_ms=1_763_800_000_000,
        via="telegram/demo|telegram:3527065",
        text="Good morning!",
        attachments=(Attachment(kind="image", content_type="image/png", blob="uploads/u-1", size_bytes=3),),
    )
    yield OutboundJob(conversation=ConversationId("h-00112233445566778899.0123456789"), entry=entry)


def media_jobs() -> Iterable[MediaJob]:
    yield MediaJob(home=Home("h-00112233445566778899"), reference="1763800000000#0123456789abcdef012345", index=0)

import json
from dataclasses import MISSING, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from throughline.domain.conversations import Direction, Entry, EntryKind
from throughline.domain.encodings import (
    EVENT_KINDS,
    InboundJob,
    MediaJob,
    OutboundJob,
    decode_inbound,
    decode_media,
    decode_outbound,
    encode_inbound,
    encode_media,
    encode_outbound,
)
from throughline.domain.errors import MalformedPayloadError
from throughline.domain.identifiers import ConversationId, EntryId, Evidence, Home, Identifier
from throughline.domain.messages import Attachment, ChannelEvent, DeliveryStatus, Location, MessageReceived
from throughline.domain.quick_replies import Form, QuickReply, QuickReplyKind
from throughline.domain.templates import FilledTemplate

WORDS = st.text(max_size=8)
NUMBERS = st.integers(0, 2**53)
PLACES = st.floats(-180, 180)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)
IDENTIFIERS = st.builds(Identifier, kind=WORDS, value=WORDS, evidence=st.sampled_from(Evidence))
ATTACHMENTS = st.builds(
    Attachment,
    kind=WORDS,
    **dict.fromkeys(("source", "content_type", "name", "blob", "url", "failed"), st.none() | WORDS),
    size_bytes=st.none() | NUMBERS,
)
LOCATIONS = st.builds(
    Location, latitude=PLACES, longitude=PLACES, **dict.fromkeys(("name", "address"), st.none() | WORDS)
)
FORMS = st.builds(
    Form,
    form_id=WORDS,
    screen=st.none() | WORDS,
    values=st.dictionaries(WORDS, WORDS, max_size=2),
    token=st.none() | WORDS,
)
QUICK_REPLIES = st.builds(
    QuickReply,
    kind=st.sampled_from(QuickReplyKind),
    text=WORDS,
    **dict.fromkeys(("description", "url"), st.none() | WORDS),
    form=st.none() | FORMS,
)
TEMPLATES = st.builds(
    FilledTemplate,
    **dict.fromkeys(("name", "provider_name", "language"), WORDS),
    parameters=st.lists(WORDS, max_size=2).map(tuple),
)
BY_ANNOTATION: dict[Any, Any] = {
    str: WORDS,
    str | None: st.none() | WORDS,
    EntryId | None: st.none() | WORDS,
    int | None: st.none() | NUMBERS,
    bool: st.booleans(),
    DeliveryStatus: st.sampled_from(DeliveryStatus),
    Identifier: IDENTIFIERS,
    tuple[Identifier, ...]: st.lists(IDENTIFIERS, max_size=2).map(tuple),
    tuple[Attachment, ...]: st.lists(ATTACHMENTS, max_size=2).map(tuple),
    Location | None: st.none() | LOCATIONS,
}
BY_NAME: dict[str, Any] = {"raw": JSON, "details": st.dictionaries(WORDS, JSON, max_size=2)}


def any_event(event_type: type[ChannelEvent]) -> st.SearchStrategy[ChannelEvent]:
    """Give every field of the type a value of its type, so that a field nobody encodes fails here."""
    strategies: dict[str, Any] = {
        field.name: BY_NAME.get(field.name, BY_ANNOTATION.get(field.type)) for field in fields(event_type)
    }
    return st.builds(event_type, **strategies)


def least(event_type: type[ChannelEvent]) -> ChannelEvent:
    """Return an event with nothing in it but what it must have."""
    anyone = Identifier(kind="a", value="b")
    needed: dict[Any, Any] = {str: "x", bool: True, DeliveryStatus: DeliveryStatus.SENT, Identifier: anyone}
    return event_type(
        **{
            field.name: needed[field.type]
            for field in fields(event_type)
            if field.default is MISSING and field.default_factory is MISSING
        }
    )


def carried(job: dict[str, Any]) -> dict[str, Any]:
    """Return the job as it comes out of a queue."""
    returned: dict[str, Any] = json.loads(json.dumps(job))
    return returned


@given(
    event=st.sampled_from(sorted(EVENT_KINDS)).flatmap(lambda kind: any_event(EVENT_KINDS[kind])),
    inbound=WORDS,
    arrival_ms=NUMBERS,
)
def test_an_event_comes_out_of_the_queue_as_it_went_in(event: ChannelEvent, inbound: str, arrival_ms: int) -> None:
    job = InboundJob(inbound=inbound, arrival_ms=arrival_ms, event=event)
    assert decode_inbound(carried(encode_inbound(job))) == job


@given(
    text=st.none() | WORDS,
    attachments=st.lists(ATTACHMENTS, max_size=2).map(tuple),
    status=st.sampled_from(DeliveryStatus),
    details=BY_NAME["details"],
    location=st.none() | LOCATIONS,
    quick_replies=st.lists(QUICK_REPLIES, max_size=2).map(tuple),
    template=st.none() | TEMPLATES,
    provider_ids=st.lists(WORDS, max_size=2).map(tuple),
)
def test_a_reply_comes_out_of_the_queue_as_it_went_in(**content: Any) -> None:
    entry = Entry(
        home=Home("h-1"),
        reference="0000000000001#a",
        by="agent/ada",
        kind=EntryKind.MESSAGE,
        direction=Direction.OUTBOUND,
        channel="telegram",
        sent_ms=1,
        received_ms=2,
        **content,
    )
    job = OutboundJob(conversation=ConversationId("h-1.c"), entry=entry)
    assert decode_outbound(carried(encode_outbound(job))) == job


def test_a_media_job_comes_out_of_the_queue_as_it_went_in() -> None:
    job = MediaJob(home=Home("h-1"), reference="1#a", index=2)
    assert decode_media(carried(encode_media(job))) == job


def test_a_message_job_reads_like_this() -> None:
    event = MessageReceived(
        channel="telegram",
        account="telegram/demo",
        provider_id="7:12",
        senders=(Identifier(kind="telegram", value="7"),),
        sent_ms=1_700_000_000_000,
        text="hello",
        raw={"update_id": 1},
    )
    assert encode_inbound(InboundJob(inbound="i1", arrival_ms=5, event=event)) == {
        "v": 1,
        "inbound": "i1",
        "arrival_ms": 5,
        "account": "telegram/demo",
        "event": {
            "kind": "message",
            "channel": "telegram",
            "provider_id": "7:12",
            "senders": [{"kind": "telegram", "value": "7"}],
            "sent_ms": 1_700_000_000_000,
            "text": "hello",
            "raw": {"update_id": 1},
        },
    }


JOB = encode_inbound(InboundJob(inbound="i1", arrival_ms=5, event=least(MessageReceived)))


@pytest.mark.parametrize(
    "broken",
    [
        {**JOB, "v": 2},
        {**JOB, "v": None},
        {**JOB, "more": 1},
        {name: value for name, value in JOB.items() if name != "arrival_ms"},
        {**JOB, "arrival_ms": "5"},
        {**JOB, "arrival_ms": True},
        {**JOB, "event": []},
        {**JOB, "event": {**JOB["event"], "kind": "seance"}},
        {**JOB, "event": {**JOB["event"], "kind": ["message"]}},
        {**JOB, "event": {**JOB["event"], "mood": "good"}},
        {**JOB, "event": {**JOB["event"], "text": 5}},
        {**JOB, "event": {**JOB["event"], "senders": [{"kind": "tel"}]}},
        {**JOB, "event": {**JOB["event"], "senders": [{"kind": "tel", "value": "1", "evidence": "hearsay"}]}},
        {**JOB, "event": {**JOB["event"], "attachments": {}}},
        {**JOB, "event": {**JOB["event"], "location": {"latitude": "north", "longitude": 1}}},
        {**JOB, "event": {name: value for name, value in JOB["event"].items() if name != "provider_id"}},
    ],
)
def test_a_job_that_another_release_wrote_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(MalformedPayloadError):
        decode_inbound(broken)


def test_a_job_that_is_no_object_is_refused() -> None:
    broken: Any = ["v", 1]
    with pytest.raises(MalformedPayloadError):
        decode_media(broken)


def test_a_refusal_does_not_repeat_what_was_written() -> None:
    with pytest.raises(MalformedPayloadError) as refusal:
        decode_inbound({**JOB, "event": {**JOB["event"], "text": ["a customer's words"]}})
    assert "words" not in str(refusal.value)


@pytest.mark.parametrize("kind", sorted(EVENT_KINDS))
def test_what_says_nothing_does_not_travel(kind: str) -> None:
    event = least(EVENT_KINDS[kind])
    job = encode_inbound(InboundJob(inbound="i1", arrival_ms=5, event=event))
    assert None not in job["event"].values()
    assert decode_inbound(carried(job)).event == event


def test_a_figure_that_no_float_holds_is_refused() -> None:
    event = MessageReceived(
        channel="telegram", account="telegram/1", provider_id="m1", location=Location(latitude=1.0, longitude=2.0)
    )
    job = encode_inbound(InboundJob(inbound="1", arrival_ms=1, event=event))
    job["event"]["location"]["latitude"] = 10**400
    with pytest.raises(MalformedPayloadError, match="latitude: is too large"):
        decode_inbound(job)
